//! `watch`: the subscription, its notifications, and its end.

use super::objects;
use super::support::peer::{Frame, Listener, Peer};
use super::support::process::Running;
use tempfile::TempDir;

async fn started(arguments: &[&str]) -> (TempDir, Running, Peer, Frame) {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let mut all =
        vec!["watch", "--server", &server, "--from", "pres:fred@a.example", "pres:barney@b.example"];
    all.extend(arguments);
    let running = Running::start(folder.path(), &all);
    let (mut peer, open) = listener.open().await;
    assert_eq!(open.attribute("serves"), "pres:fred@a.example", "it wants notifications");
    let subscribe = peer.frame().await.unwrap();
    assert!(subscribe.xml.starts_with("<subscribe "), "{}", subscribe.xml);
    let (watcher, target) = (subscribe.attribute("watcher"), subscribe.attribute("target"));
    assert_eq!((watcher, target), ("pres:fred@a.example", "pres:barney@b.example"));
    (folder, running, peer, subscribe)
}

async fn notify(peer: &mut Peer, status: &str) {
    notify_of(peer, "barney", status).await;
}

async fn notify_of(peer: &mut Peer, who: &str, status: &str) {
    let xml = format!(
        "<notify watcher='pres:fred@a.example' target='pres:{who}@b.example' transID='9'><presence>\
         <tuple destination='im:{who}@b.example' status='{status}'>at my desk</tuple></presence></notify>"
    );
    peer.write(&xml, b"").await;
}

#[tokio::test]
async fn a_fetch_prints_the_response_and_one_notification() {
    let (_folder, running, mut peer, subscribe) = started(&["--duration", "0", "--json"]).await;
    assert_eq!(subscribe.attribute("duration"), "0");
    let trans_id = subscribe.attribute("transID");
    peer.write(&format!("<response status='success' transID='{trans_id}' duration='0'/>"), b"").await;
    // Of somebody whom fred watches by another session.
    notify_of(&mut peer, "betty", "closed").await;
    notify(&mut peer, "open").await;
    peer.until_closed().await;
    let (ended, out) = running.end().await;
    assert_eq!(ended.code(), Some(0));
    let told = objects(&out);
    assert_eq!((told.len(), &told[0]["status"]), (2, &"success".into()));
    let tuple =
        serde_json::json!({ "destination": "im:barney@b.example", "status": "open", "markup": "at my desk" });
    assert_eq!(told[1]["presence"], serde_json::json!([tuple]));
}

#[tokio::test]
async fn a_refusal_is_printed_and_the_end() {
    for (answer, code) in [("failure", 1), ("indeterminant", 3)] {
        let (_folder, mut running, mut peer, subscribe) = started(&[]).await;
        let trans_id = subscribe.attribute("transID");
        peer.write(&format!("<response status='{answer}' transID='{trans_id}'>denied</response>"), b"").await;
        assert_eq!(running.out_line().await, format!("status    {answer}"));
        assert_eq!(running.out_line().await, "code      denied");
        peer.until_closed().await;
        assert_eq!(running.end().await.0.code(), Some(code));
    }
}

#[tokio::test]
async fn it_watches_until_it_is_stopped_and_then_unsubscribes() {
    let (_folder, mut running, mut peer, subscribe) = started(&[]).await;
    let trans_id = subscribe.attribute("transID");
    peer.write(
        &format!("<response status='success' transID='{trans_id}' duration='60' subscriptID='s1'/>"),
        b"",
    )
    .await;
    for line in ["status    success", "duration  60 s", "subscript s1", &format!("transID   {trans_id}")] {
        assert_eq!(running.out_line().await, line);
    }
    for status in ["open", "closed"] {
        notify(&mut peer, status).await;
        assert!(running.out_line().await.ends_with(" notify"));
        for line in ["from     pres:barney@b.example", "to       pres:fred@a.example", "transID  9"] {
            assert_eq!(running.out_line().await, line);
        }
        assert_eq!(running.out_line().await, format!("{status:<9}im:barney@b.example  at my desk"));
        assert_eq!(running.out_line().await, "");
    }
    running.signal("TERM").await;
    let unsubscribe = peer.frame().await.unwrap();
    assert!(unsubscribe.xml.starts_with("<unsubscribe "), "{}", unsubscribe.xml);
    peer.write(&format!("<response status='success' transID='{}'/>", unsubscribe.attribute("transID")), b"")
        .await;
    peer.until_closed().await;
    assert_eq!(running.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn a_lease_is_renewed_under_its_name_while_it_is_watched() {
    let (_folder, running, mut peer, subscribe) = started(&["--no-reconnect"]).await;
    let trans_id = subscribe.attribute("transID");
    peer.write(
        &format!("<response status='success' transID='{trans_id}' duration='1' subscriptID='s1'/>"),
        b"",
    )
    .await;
    let renewal = peer.frame().await.unwrap();
    assert!(renewal.xml.starts_with("<subscribe "), "{}", renewal.xml);
    assert_eq!(renewal.attribute("subscriptID"), "s1");
    drop(peer);
    assert_eq!(running.end().await.0.code(), Some(1), "the connection was lost");
}
