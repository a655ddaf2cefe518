//! `listen`: who it is, what it answers, what it prints, and how it goes.

use super::objects;
use super::support::peer::{Listener, Peer};
use super::support::process::Running;
use tempfile::TempDir;

/// A listener that was started against a peer of ours, with the session open.
async fn started(arguments: &[&str]) -> (TempDir, Listener, Running, Peer, String) {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let mut all = vec!["listen", "--server", &server];
    all.extend(arguments);
    let running = Running::start(folder.path(), &all);
    let (peer, open) = listener.open().await;
    (folder, listener, running, peer, open.xml)
}

async fn message(peer: &mut Peer, trans_id: &str, content: &[u8]) -> String {
    let xml = format!(
        "<message source='im:fred@a.example' destination='im:barney@b.example' transID='{trans_id}'/>"
    );
    peer.write(&xml, content).await;
    let response = peer.frame().await.unwrap();
    assert_eq!(response.attribute("transID"), trans_id);
    response.attribute("status").to_owned() + response.xml.split_once('>').map_or("", |(_, text)| text)
}

#[tokio::test]
async fn it_is_the_address_and_prints_what_arrives() {
    let (_folder, _listener, mut running, mut peer, open) = started(&["im:barney@b.example", "--once"]).await;
    assert!(
        open.contains("serves=\"im:barney@b.example\"") || open.contains("serves='im:barney@b.example'"),
        "{open}"
    );
    assert!(!open.contains("remembers"), "it promises nothing: {open}");
    let told =
        message(&mut peer, "1", b"Content-Type: text/plain; charset=utf-8\r\n\r\nYabba,\n\x1b[2Jdabba!")
            .await;
    assert_eq!(told, "success");
    assert!(running.out_line().await.ends_with(" message"));
    for line in [
        "from     im:fred@a.example",
        "to       im:barney@b.example",
        "transID  1",
        "type     text/plain; charset=utf-8, 60 octets",
        "",
        "Yabba,",
        "\\u{1b}[2Jdabba!",
    ] {
        assert_eq!(running.out_line().await, line);
    }
    peer.until_closed().await;
    assert_eq!(running.end().await.0.code(), Some(0));
}

/// Who reads wants the words, whatever was put around them on the way.
#[tokio::test]
async fn of_what_is_wrapped_it_prints_the_text_and_the_subject() {
    let wrapped =
        b"Content-Type: Message/CPIM\r\n\r\nFrom: <im:fred@a.example>\r\nTo: <im:barney@b.example>\r\n\
                    Subject: the quarry\r\n\r\nContent-Type: text/plain\r\n\r\nYabba!";
    let (_folder, _listener, mut running, mut peer, _) = started(&["im:barney@b.example", "--once"]).await;
    assert_eq!(message(&mut peer, "1", wrapped).await, "success");
    assert!(running.out_line().await.ends_with(" message"));
    for line in [
        "from     im:fred@a.example",
        "to       im:barney@b.example",
        "transID  1",
        "subject  the quarry",
        "type     text/plain, 34 octets",
        "",
        "Yabba!",
    ] {
        assert_eq!(running.out_line().await, line);
    }
    peer.until_closed().await;
    assert_eq!(running.end().await.0.code(), Some(0));

    let (_folder, _listener, running, mut peer, _) =
        started(&["im:barney@b.example", "--once", "--json"]).await;
    message(&mut peer, "1", wrapped).await;
    peer.until_closed().await;
    let told = objects(&running.end().await.1);
    assert_eq!((&told[0]["subject"], &told[0]["body"]), (&"the quarry".into(), &"Yabba!".into()));
    assert!(told[0]["content"].as_str().unwrap().starts_with("Content-Type: Message/CPIM"));
}

#[tokio::test]
async fn json_has_octets_that_are_no_text_in_base_64() {
    let (_folder, _listener, running, mut peer, _) =
        started(&["im:barney@b.example", "--count", "2", "--json"]).await;
    message(&mut peer, "1", b"Content-Type: text/plain\r\n\r\nHi").await;
    message(&mut peer, "2", b"Content-Type: x/y\r\n\r\n\xff").await;
    peer.until_closed().await;
    let (ended, out) = running.end().await;
    assert_eq!(ended.code(), Some(0));
    let told = objects(&out);
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0]["operation"], &told[0]["trans_id"]), (&"message".into(), &"1".into()));
    assert_eq!(
        (&told[0]["content"], &told[0]["body"]),
        (&"Content-Type: text/plain\r\n\r\nHi".into(), &"Hi".into())
    );
    assert_eq!(told[1]["content_base64"], "Q29udGVudC1UeXBlOiB4L3kNCg0K/w==");
    assert!(told[1].get("content").is_none());
}

#[tokio::test]
async fn it_answers_as_it_is_told() {
    for (answer, told) in [
        ("failure:denied", "failuredenied</response>"),
        ("failure", "failurerefused</response>"),
        ("indeterminant", "indeterminant"),
    ] {
        let (_folder, _listener, running, mut peer, _) =
            started(&["im:barney@b.example", "--once", "--answer", answer]).await;
        assert_eq!(message(&mut peer, "1", b"").await, told, "{answer}");
        peer.until_closed().await;
        assert_eq!(running.end().await.0.code(), Some(0));
    }
}

#[tokio::test]
async fn it_recognises_retransmissions_also_on_its_next_session() {
    let arguments = ["im:barney@b.example", "--remembers", "60", "--count", "2", "--json"];
    let (_folder, listener, running, mut peer, open) = started(&arguments).await;
    assert!(open.contains("remembers"), "{open}");
    assert_eq!(message(&mut peer, "1", b"a").await, "success");
    drop(peer);
    let (mut peer, _) = listener.open().await;
    assert_eq!(message(&mut peer, "1", b"a").await, "success", "answered again");
    assert_eq!(message(&mut peer, "2", b"a").await, "success");
    peer.until_closed().await;
    let (ended, out) = running.end().await;
    assert_eq!(ended.code(), Some(0));
    let printed: Vec<String> = objects(&out).iter().map(|one| one["trans_id"].to_string()).collect();
    assert_eq!(printed, ["\"1\"", "\"2\""], "printed once");
}

#[tokio::test]
async fn a_lost_connection_can_be_the_end() {
    let (_folder, _listener, running, peer, _) = started(&["im:barney@b.example", "--no-reconnect"]).await;
    drop(peer);
    assert_eq!(running.end().await.0.code(), Some(1));
}

#[tokio::test]
async fn a_conflict_is_the_end() {
    let (_folder, _listener, mut running, mut peer, _) = started(&["im:barney@b.example"]).await;
    peer.write("<close reason='conflict'>b.example has a home</close>", b"").await;
    running.err_line_with("conflict").await;
    assert_eq!(running.end().await.0.code(), Some(1));
}

#[tokio::test]
async fn a_signal_ends_it_in_order() {
    for signal in ["TERM", "INT"] {
        let (_folder, _listener, mut running, peer, _) = started(&["im:barney@b.example"]).await;
        running.err_line_with("listening").await;
        running.signal(signal).await;
        peer.until_closed().await;
        assert_eq!(running.end().await.0.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn it_publishes_presence_and_goes_on_where_that_is_not_supported() {
    let arguments = ["im:barney@b.example", "--status", "open", "--note", "here & <now>", "--once"];
    let (_folder, _listener, mut running, mut peer, open) = started(&arguments).await;
    // What is told to him as a watcher is not for this session.
    for claim in [r#"serves="im:barney@b.example""#, r#"speaks="pres:barney@b.example""#] {
        assert!(open.replace('\'', "\"").contains(claim), "{open}");
    }
    let publish = peer.frame().await.unwrap();
    assert!(publish.xml.starts_with("<publish "), "{}", publish.xml);
    assert_eq!(publish.attribute("target"), "pres:barney@b.example");
    assert_eq!(
        (publish.attribute("destination"), publish.attribute("status")),
        ("im:barney@b.example", "open")
    );
    assert!(publish.xml.contains("here &amp; &lt;now&gt;</tuple>"), "{}", publish.xml);
    let refusal = format!(
        "<response status='failure' transID='{}'>unsupported</response>",
        publish.attribute("transID")
    );
    peer.write(&refusal, b"").await;
    running.err_line_with("unsupported").await;
    assert_eq!(message(&mut peer, "1", b"a").await, "success");
    peer.until_closed().await;
    assert_eq!(running.end().await.0.code(), Some(0));
}
