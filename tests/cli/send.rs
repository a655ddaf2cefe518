//! `send`: what goes over the wire octet for octet, and what each answer comes to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::peer::Listener;
use super::support::process::{Ran, Running, run, run_with_input};
use super::{cli, objects};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

/// Sends "Hi" with these further arguments to a peer that answers so.
async fn send_and_answer(arguments: &[&str], status: &str, text: &str) -> Ran {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let mut all = vec!["send", "--server", &server, "--from", FRED, "--to", BARNEY, "Hi"];
    all.extend(arguments);
    let answering = async {
        let (mut peer, _) = listener.open().await;
        let message = peer.frame().await.unwrap();
        let trans_id = message.attribute("transID");
        peer.write(&format!("<response status='{status}' transID='{trans_id}'>{text}</response>"), b"").await;
        peer.until_closed().await;
    };
    tokio::join!(cli(&all), answering).0
}

#[tokio::test]
async fn the_exit_code_is_the_status() {
    for (status, text, code) in [
        ("success", "", 0),
        ("failure", "unreachable: not in contact", 1),
        ("failure", "gone for good", 1),
        ("failure", "busy: no room", 75),
        ("indeterminant", "timeout: no word", 3),
    ] {
        let ran = send_and_answer(&[], status, text).await;
        assert_eq!(ran.code, code, "{status} {text}: {}", ran.err);
        assert!(ran.out.starts_with(&format!("status    {status}\n")), "{}", ran.out);
    }
}

#[tokio::test]
async fn the_response_is_printed_whole() {
    let ran = send_and_answer(&["--trans-id", "77"], "failure", "denied: not by \u{202e}fred").await;
    let expected = "status    failure\ncode      denied\nwords     not by \\u{202e}fred\ntransID   77\nstory     cpim-gateway trace 77\n";
    assert_eq!(ran.out, expected);
    let json = send_and_answer(&["--trans-id", "77", "--json"], "failure", "denied: not by fred").await;
    let expected = serde_json::json!({ "status": "failure", "code": "denied", "words": "not by fred", "trans_id": "77" });
    assert_eq!(objects(&json.out), [expected]);
}

#[tokio::test]
async fn frames_are_as_the_binding_wants_them() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "open <sesame>\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let arguments = [
        "send",
        "--server",
        &server,
        "--from",
        FRED,
        "--to",
        BARNEY,
        "--hops",
        "7",
        "--wait",
        "30",
        "--trans-id",
        "a/1",
        "--type",
        "application/octet-stream",
        "--secret-file",
        "secret",
        "-",
    ];
    let body = b"\x00\r\n\xff octets";
    let answering = async {
        let (mut peer, open) = listener.open().await;
        assert_eq!((open.attribute("version"), open.attribute("speaks")), ("1", FRED));
        assert_eq!(open.attribute("secret"), "open &lt;sesame&gt;");
        assert!(!open.xml.contains("serves="), "it receives nothing: {}", open.xml);
        let message = peer.frame().await.unwrap();
        assert_eq!((message.attribute("source"), message.attribute("destination")), (FRED, BARNEY));
        assert_eq!(message.attribute("transID"), "a/1");
        assert_eq!(message.parameters, "hops=7 wait=30");
        assert_eq!(message.content, [b"Content-Type: application/octet-stream\r\n\r\n", &body[..]].concat());
        peer.write("<response status='success' transID='a/1'/>", b"").await;
        peer.until_closed().await;
    };
    let (ran, ()) = tokio::join!(run_with_input(folder.path(), &arguments, body), answering);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[tokio::test]
async fn text_has_its_default_type_and_no_line_end() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let receiving = async {
        let (mut peer, _) = listener.open().await;
        let message = peer.frame().await.unwrap();
        assert_eq!(message.content, "Content-Type: text/plain; charset=utf-8\r\n\r\nGrüezi".as_bytes());
        let drawn: u32 = message.attribute("transID").parse().unwrap();
        assert!((1..=2_147_483_647).contains(&drawn), "the draft's form");
        // The connection is lost before the response.
    };
    let arguments = ["send", "--server", &server, "--from", FRED, "--to", BARNEY, "Grüezi"];
    let (ran, ()) = tokio::join!(cli(&arguments), receiving);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{}", ran.err);
    assert!(ran.err.contains("lost") && ran.err.contains("after the message was sent"), "{}", ran.err);
}

#[tokio::test]
async fn nothing_accepted_is_to_be_tried_again() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let arguments = ["send", "--server", &server, "--from", FRED, "--to", BARNEY, "Hi"];
    let hanging_up = async { drop(listener.accept().await) };
    let (ran, ()) = tokio::join!(cli(&arguments), hanging_up);
    assert_eq!(ran.code, 75, "hung up before the session was open: {}", ran.err);

    let shutting_down = async {
        let mut peer = listener.accept().await;
        peer.frame().await.unwrap();
        peer.write("<close reason='shutdown'/>", b"").await;
    };
    let (ran, ()) = tokio::join!(cli(&arguments), shutting_down);
    assert_eq!(ran.code, 75, "{}", ran.err);

    drop(listener);
    let ran = cli(&arguments).await;
    assert_eq!(ran.code, 75, "nobody listens: {}", ran.err);
    assert!(ran.err.contains(&server), "{}", ran.err);
    let ran = cli(&["send", "--server", "no/such.sock", "--from", FRED, "--to", BARNEY, "Hi"]).await;
    assert_eq!(ran.code, 75, "{}", ran.err);
}

#[tokio::test]
async fn a_claim_that_is_refused_is_a_failure() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let refusing = async {
        let mut peer = listener.accept().await;
        peer.frame().await.unwrap();
        peer.write("<close reason='unauthorised'>im:fred@a.example</close>", b"").await;
    };
    let arguments = ["send", "--server", &server, "--from", FRED, "--to", BARNEY, "Hi"];
    let (ran, ()) = tokio::join!(cli(&arguments), refusing);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("unauthorised"), "{}", ran.err);
}

#[tokio::test]
async fn what_the_gateway_will_not_read_has_not_arrived() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let refusing = async {
        let (mut peer, _) = listener.open().await;
        peer.frame().await.unwrap();
        peer.write("<close reason='bad-frame'>longer than 2 octets</close>", b"").await;
    };
    let arguments = ["send", "--server", &server, "--from", FRED, "--to", BARNEY, "Hi!"];
    let (ran, ()) = tokio::join!(cli(&arguments), refusing);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("longer than 2 octets"), "{}", ran.err);
}

#[tokio::test]
async fn what_is_over_the_limit_is_not_sent() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["send", "--server", &server, "--from", FRED, "--to", BARNEY];
    let serving = async {
        let (mut peer, _) = listener.open().await;
        assert_eq!(peer.frame().await.map(|frame| frame.xml), None, "nothing of it");
    };
    let body = vec![b'x'; 1_048_577];
    let (ran, ()) = tokio::join!(run_with_input(folder.path(), &arguments, &body), serving);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("1048576"), "{}", ran.err);
}

#[tokio::test]
async fn a_ping_is_answered_while_the_response_is_awaited() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let folder = tempfile::tempdir().unwrap();
    let sender =
        Running::start(folder.path(), &["send", "--server", &server, "--from", FRED, "--to", BARNEY, "Hi"]);
    let (mut peer, _) = listener.open().await;
    let message = peer.frame().await.unwrap();
    peer.write("<ping transID='p1'/>", b"").await;
    let pong = peer.frame().await.unwrap();
    assert_eq!((pong.attribute("status"), pong.attribute("transID")), ("success", "p1"));
    peer.write(&format!("<response status='success' transID='{}'/>", message.attribute("transID")), b"")
        .await;
    peer.until_closed().await;
    assert_eq!(sender.end().await.0.code(), Some(0));
}

#[tokio::test]
async fn a_wait_that_is_over_leaves_nobody_knowing() {
    let listener = Listener::bind().await;
    let server = listener.address().to_string();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["send", "--server", &server, "--from", FRED, "--to", BARNEY, "--wait", "0", "Hi"];
    let silent = async {
        let (mut peer, _) = listener.open().await;
        assert_eq!(peer.frame().await.unwrap().parameters, "wait=0");
        peer.until_closed().await;
    };
    let (ran, ()) = tokio::join!(run(folder.path(), &arguments), silent);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.starts_with("no response yet: `cpim-gateway trace "), "{}", ran.err);
}
