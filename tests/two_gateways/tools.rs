//! What an operator sees of a message that crossed two gateways, and what anybody can send with the program itself.

use std::process::{Output, Stdio};

use tokio::io::AsyncReadExt;

use super::gateway::{Gateway, command};
use super::person::{HELLO, Person};
use super::stage::{Stage, within};

const THERE: &str = "im:fred@a.example im:barney@b.example";

/// What a command said, which must have gone well.
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn assert_in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} where it belongs in\n{text}"));
        rest = &rest[at + word.len()..];
    }
}

#[tokio::test]
async fn both_gateways_tell_their_part_of_the_story_by_the_same_id() {
    let (_stage, a, b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("f1", THERE, HELLO).await;
    let message = barney.message().await;
    let id = message.parameter("id").to_owned();

    let open = said(&a.ask(&["trace", &id]).await);
    assert!(open.contains("not known yet"), "{open}");
    barney.answers(&message, "failure", "refused: Barney is bowling").await;
    assert_eq!(fred.answer_to("f1").await, "failure refused");

    let at_a = said(&a.ask(&["trace", &id]).await);
    let facts = ["operation", &id, "im:fred@a.example (verified)", "im:barney@b.example", "transID f1 with"];
    assert_in_order(&at_a, &facts);
    assert_in_order(
        &at_a,
        &["attempt", "host.b.example", "handed over", "settled", "outcome", "failure", "refused"],
    );
    let at_b = said(&b.ask(&["trace", &id]).await);
    let delivered = message.attribute("transID");
    assert_in_order(
        &at_b,
        &["operation", &id, "im:fred@a.example (verified)", "via", "gw.a.example", "departed", &delivered],
    );
    assert_in_order(&at_b, &["handed over", "settled", "outcome", "failure", "refused"]);
    // The transID of the leg between them leads to both, too.
    let between = at_b.lines().find(|line| line.starts_with("arrived")).unwrap();
    let between = between.split_whitespace().nth(2).unwrap().to_owned();
    for gateway in [&a, &b] {
        assert!(said(&gateway.ask(&["trace", &between]).await).contains(&id), "{between}");
    }

    let json = said(&b.ask(&["trace", &id, "--json"]).await);
    assert!(json.contains(&format!("\"{id}\"")), "{json}");
    let unknown = a.ask(&["trace", "nobody-knows"]).await;
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}

#[tokio::test]
async fn resolve_shows_how_the_other_gateway_is_found() {
    let (_stage, a, b) = Stage::with_both().await;
    let found = said(&a.ask(&["resolve", "im:barney@b.example"]).await);
    assert_in_order(&found, &["im:barney@b.example", "_im._cpim.b.example", "host.b.example", "127.0.0.1"]);
    assert!(found.contains(&format!("127.0.0.1:{}", b.port)), "{found}");
    let here = said(&a.ask(&["resolve", "im:fred@a.example"]).await);
    assert!(here.contains("hosted"), "{here}");
    let nowhere = a.ask(&["resolve", "im:x@nowhere.example"]).await;
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    assert_in_order(&String::from_utf8_lossy(&nowhere.stdout), &["_im._cpim.nowhere.example", "nowhere"]);
}

#[tokio::test]
async fn sessions_show_the_other_gateway_from_both_sides() {
    let (_stage, a, b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("1").await, "success");
    let [at_a, at_b] = [said(&a.ask(&["sessions"]).await), said(&b.ask(&["sessions"]).await)];
    assert!(at_a.contains("gw.b.example") && at_a.contains("im:fred@a.example"), "{at_a}");
    assert!(at_b.contains("gw.a.example") && at_b.contains("im:barney@b.example"), "{at_b}");
}

#[tokio::test]
async fn what_send_sends_at_a_listen_prints_at_b() {
    let (stage, a, b) = Stage::with_both().await;
    let anywhere = stage.folder.path().join("x");
    let mut listen = command(&anywhere);
    listen.args([
        "listen",
        "im:barney@b.example",
        "--once",
        "--json",
        "--server",
        &format!("127.0.0.1:{}", b.door),
    ]);
    let mut listening = listen.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    within("somebody who listens", serves(&b, "im:barney@b.example")).await;

    let send = |to: &'static str| {
        let mut send = command(&anywhere);
        send.args(["send", "--from", "im:fred@a.example", "--to", to, "Yabba, dabba! \u{1F995}"]);
        send.args(["--server", &format!("127.0.0.1:{}", a.door)]);
        send
    };
    let sent = within("send", send("im:barney@b.example").output()).await.unwrap();
    assert!(said(&sent).contains("success"), "{sent:?}");
    let mut printed = String::new();
    within("what listen prints", listening.stdout.take().unwrap().read_to_string(&mut printed))
        .await
        .unwrap();
    assert!(within("the end of listen", listening.wait()).await.unwrap().success());
    assert!(
        printed.contains("Yabba, dabba! \u{1F995}") && printed.contains("im:fred@a.example"),
        "{printed}"
    );

    // Now that nobody listens any more, send says so, and by its exit code as well.
    let sent = within("send", send("im:barney@b.example").output()).await.unwrap();
    assert_eq!(sent.status.code(), Some(1), "{sent:?}");
    assert!(String::from_utf8_lossy(&sent.stdout).contains("unreachable"), "{sent:?}");
}

/// Waits until somebody serves an address.
async fn serves(gateway: &Gateway, uri: &str) {
    while !said(&gateway.ask(&["sessions"]).await).contains(uri) {}
}
