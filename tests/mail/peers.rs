//! Two gateways over mail: what a person of one says comes out at the other as it went in, and what is answered there
//! comes back as it was answered.

use crate::support::gateway::{Gateway, PATIENCE};
use crate::support::native::{Client, Frame, Open};
use crate::support::pair::{MailPair, over_mail};

const FRED: &str = "im:fred@a.example";
const BOB: &str = "im:bob@b.example";

struct Stage {
    pair: MailPair,
    a: Option<Gateway>,
    _b: Gateway,
    fred: Client,
    bob: Client,
}

impl Stage {
    fn new() -> Self {
        let pair = over_mail();
        let (a, b) = (pair.a.start(), pair.b.start());
        a.wait_ready();
        b.wait_ready();
        let fred = person(pair.a.port, "fred@a.example");
        let bob = person(pair.b.port, "bob@b.example");
        Self { pair, a: Some(a), _b: b, fred, bob }
    }
}

fn person(port: u16, name: &str) -> Client {
    let serves = format!("im:{name} pres:{name}");
    Client::open(port, Open { serves: &serves, remembers: true, ..Open::default() })
}

fn next(client: &mut Client) -> Frame {
    client.next(PATIENCE).expect("a frame")
}

/// The next frame with this element; what else comes is answered where it wants to be.
fn expect(client: &mut Client, element: &str) -> Frame {
    loop {
        let frame = next(client);
        if frame.element() == element {
            return frame;
        }
        assert_eq!(frame.element(), "notify", "{frame:?}");
    }
}

#[test]
fn a_message_and_its_response_cross_octet_for_octet() {
    let mut stage = Stage::new();
    let long = "x".repeat(1_200);
    let contents: [Vec<u8>; 5] = [
        b"Content-Type: text/plain\r\n\r\nYabba, dabba!".to_vec(),
        format!("Content-Type: text/plain; charset=utf-8\r\nX-Own: 1\r\n\r\nGr\u{fc}\u{df}e\r\n.\r\n{long}\r\n")
            .into_bytes(),
        b"Content-Type: application/octet-stream\r\nContent-ID: <1@a>\r\n\r\n\0\r\n.\r\nFrom x\n\r\xff".to_vec(),
        b"Content-Type: multipart/signed; boundary=x; protocol=\"application/pgp-signature\"\r\n\r\n--x\r\n\r\nhi \r\n--x--\r\n"
            .to_vec(),
        b"Content-Type: Message/CPIM\r\n\r\nFrom: Fred <im:fred@a.example>\r\nTo: Bob <im:bob@b.example>\r\nSubject: hi\r\n\r\nContent-Type: text/plain\r\n\r\nYabba".to_vec(),
    ];
    for (nth, content) in contents.iter().enumerate() {
        let xml = format!("<message source='{FRED}' destination='{BOB}' transID='{nth}'/>");
        stage.fred.try_send("", &xml, content).unwrap();
        let message = expect(&mut stage.bob, "message");
        assert_eq!(message.content, *content, "{nth}");
        assert_eq!(message.attribute("source").as_deref(), Some(FRED));
        assert_eq!(message.attribute("destination").as_deref(), Some(BOB));
        let said = match nth {
            0 => ("success", ""),
            1 => ("failure", "refused: not now & never"),
            2 => ("indeterminant", "timeout: who knows"),
            _ => ("success", "read by a person"),
        };
        stage.bob.respond(&message, said.0, &said.1.replace('&', "&amp;"));
        let answer = stage.fred.expect_answer();
        assert_eq!((answer.status.as_str(), answer.text.as_str()), said, "{nth}");
        assert_eq!(answer.trans_id, nth.to_string());
    }
}

#[test]
fn a_subscription_its_notifications_and_its_end_cross_whole() {
    let mut stage = Stage::new();
    let publish = |status: &str, words: &str, nth: u32| {
        format!(
            "<publish target='pres:bob@b.example' transID='p{nth}'><presence><tuple destination='{BOB}' status='{status}'>{words}</tuple></presence></publish>"
        )
    };
    let document: &[u8] = b"Content-Type: application/pidf+xml\r\n\r\n<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:bob@b.example'><tuple id='t1'><status><basic>open</basic></status><contact>im:bob@b.example</contact></tuple></presence>";
    stage.bob.try_send("", &publish("open", "at the quarry", 1), document).unwrap();
    assert_eq!(expect(&mut stage.bob, "response").attribute("status").as_deref(), Some("success"));

    let subscribe = "<subscribe watcher='pres:fred@a.example' target='pres:bob@b.example' duration='600' subscriptID='s-1' transID='7'/>";
    stage.fred.try_send("", subscribe, b"").unwrap();
    let granted = expect(&mut stage.fred, "response");
    assert_eq!(granted.attribute("status").as_deref(), Some("success"), "{granted:?}");
    assert_eq!(granted.attribute("duration").as_deref(), Some("600"), "{granted:?}");
    let told = expect(&mut stage.fred, "notify");
    assert!(told.xml.contains("at the quarry"), "{told:?}");
    assert_eq!(told.content, document, "the document comes untouched");
    assert_eq!(told.attribute("target").as_deref(), Some("pres:bob@b.example"));

    stage.bob.try_send("", &publish("closed", "gone &amp; away", 2), b"").unwrap();
    let told = expect(&mut stage.fred, "notify");
    assert!(told.xml.contains("gone &amp; away"), "{told:?}");

    stage
        .fred
        .try_send(
            "",
            "<unsubscribe watcher='pres:fred@a.example' target='pres:bob@b.example' transID='8'/>",
            b"",
        )
        .unwrap();
    let ended = expect(&mut stage.fred, "response");
    assert_eq!(ended.attribute("status").as_deref(), Some("success"), "{ended:?}");

    // A single look.
    let fetch =
        "<subscribe watcher='pres:fred@a.example' target='pres:bob@b.example' duration='0' transID='9'/>";
    stage.fred.try_send("", fetch, b"").unwrap();
    assert_eq!(expect(&mut stage.fred, "response").attribute("status").as_deref(), Some("success"));
    assert!(expect(&mut stage.fred, "notify").xml.contains("gone &amp; away"));
}

#[test]
fn a_response_settles_what_was_sent_before_a_kill() {
    let mut stage = Stage::new();
    stage.fred.message("1", FRED, BOB, "Yabba, dabba!");
    let message = stage.bob.expect_message();
    stage.a.take().unwrap().kill();
    let again = stage.pair.a.start();
    again.wait_ready();
    stage.bob.respond(&message, "failure", "refused: not now");
    let mut fred = person(stage.pair.a.port, "fred@a.example");
    let answer = fred.expect_answer();
    assert_eq!((answer.status.as_str(), answer.text.as_str()), ("failure", "refused: not now"));
}
