//! Two gateways that are linked over IRC: what enters one leaves the other as it was, and nothing is believed that is not
//! proven. DESIGN: "Gateway to gateway over any adapter, the operation arrives whole".

use std::os::unix::fs::PermissionsExt;

use crate::support::gateway::{Gateway, PATIENCE, Site};
use crate::support::irc::Irc;
use crate::support::native::{Client, Frame, Open};
use crate::support::pair;

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

/// Two gateways, of which A connects to B.
struct Pair {
    a: (Site, Option<Gateway>),
    b: (Site, Option<Gateway>),
    b_irc: u16,
}

impl Pair {
    fn new() -> Self {
        let pair::Pair { a, b, b_irc } = pair::over_irc();
        let (on_a, on_b) = (a.start(), b.start());
        Self { a: (a, Some(on_a)), b: (b, Some(on_b)), b_irc }
    }

    fn fred(&self) -> Client {
        person(&self.a.0, FRED)
    }

    fn barney(&self) -> Client {
        person(&self.b.0, BARNEY)
    }
}

fn person(site: &Site, im: &str) -> Client {
    let serves = format!("{im} {}", im.replace("im:", "pres:"));
    Client::open(site.port, Open { serves: &serves, ..Open::default() })
}

fn send(client: &mut Client, trans_id: &str, from: &str, to: &str, content: &[u8]) {
    let xml = format!("<message source='{from}' destination='{to}' transID='{trans_id}'/>");
    client.try_send("", &xml, content).unwrap();
}

fn hears(client: &mut Client, element: &str) -> Frame {
    let frame = client.next(PATIENCE).expect(element);
    assert_eq!(frame.element(), element, "{frame:?}");
    frame
}

/// Messages of any content and size, both ways over the one connection, and their responses.
#[test]
fn messages_and_responses_arrive_whole_both_ways() {
    let pair = Pair::new();
    let (mut fred, mut barney) = (pair.fred(), pair.barney());
    let every_octet = [&b"Content-Type: application/octet-stream\r\nX:  as it is\r\n\r\n"[..], &{
        (0..=255_u8).collect::<Vec<_>>()
    }]
    .concat();
    let large = [&b"Content-Type: text/plain\r\n\r\n"[..], &vec![b'x'; 300_000]].concat();
    let cpim =
        b"Content-Type: message/cpim\r\n\r\nFrom: Fred <im:fred@a.example>\r\nSubject:;lang=de Mahlzeit\r\n\
                 DateTime: 2026-11-25T12:00:00Z\r\n\r\nContent-Type: text/html\r\n\r\n<b>hungry?</b>";
    for (nth, content) in [&every_octet[..], &large, cpim, b"", b"\r\n", b"no entity"].into_iter().enumerate()
    {
        let id = nth.to_string();
        send(&mut fred, &id, FRED, BARNEY, content);
        let frame = barney.expect_message();
        assert_eq!(frame.content, content);
        assert_eq!(
            (&*frame.attribute("source").unwrap(), &*frame.attribute("destination").unwrap()),
            (FRED, BARNEY)
        );
        barney.respond(&frame, "failure", &format!("refused: n&#176; {nth} &amp; no more"));
        let answer = fred.expect_answer();
        assert_eq!((&*answer.trans_id, &*answer.status), (&*id, "failure"));
        assert_eq!(answer.text, format!("refused: n° {nth} & no more"));
    }
    send(&mut barney, "back", BARNEY, FRED, &every_octet);
    let frame = fred.expect_message();
    assert_eq!(frame.content, every_octet);
    fred.respond(&frame, "success", "");
    assert!(barney.expect_answer().is("success", ""));
    let log = pair.b.1.as_ref().unwrap().said();
    assert_eq!(log.matches("linked over IRC").count(), 1, "one connection serves both ways");
}

/// RFC 3859 section 3.4: subscribe, notify, fetch and unsubscribe, with what their responses say.
#[test]
fn presence_passes_through_whole() {
    let pair = Pair::new();
    let (mut fred, mut barney) = (pair.fred(), pair.barney());
    let pidf = "Content-Type: application/pidf+xml\r\n\r\n<presence xmlns='urn:ietf:params:xml:ns:pidf' \
                entity='pres:barney@b.example'><tuple id='t'><status><basic>open</basic></status>\
                <note>at lunch</note></tuple></presence>";
    let publish = "<publish target='pres:barney@b.example' transID='p'><presence entityInfo='x'><tuple \
                   destination='im:barney@b.example' status='open'>at <b>lunch</b></tuple></presence></publish>";
    barney.try_send("", publish, pidf.as_bytes()).unwrap();
    assert!(barney.expect_answer().is("success", ""));
    let asks = |fred: &mut Client, id: &str, duration: u32| {
        let xml = format!(
            "<subscribe watcher='pres:fred@a.example' target='pres:barney@b.example' duration='{duration}' transID='{id}'/>"
        );
        fred.try_send("", &xml, b"").unwrap();
    };
    // A look, then a subscription.
    for (id, duration) in [("look", 0), ("watch", 600)] {
        asks(&mut fred, id, duration);
        let response = hears(&mut fred, "response");
        assert_eq!(response.attribute("status").as_deref(), Some("success"), "{response:?}");
        assert_eq!(response.attribute("duration"), Some(duration.to_string()));
        assert_eq!(response.attribute("subscriptID").is_some(), duration > 0);
        let told = hears(&mut fred, "notify");
        assert!(told.xml.contains("at <b>lunch</b>") && told.xml.contains("status='open'"), "{}", told.xml);
        assert_eq!(String::from_utf8(told.content).unwrap(), pidf);
    }
    barney.try_send("", &publish.replace("at <b>lunch</b>", "back").replace("'p'", "'q'"), b"").unwrap();
    assert!(barney.expect_answer().is("success", ""));
    assert!(hears(&mut fred, "notify").xml.contains("back"));
    asks(&mut fred, "twice", 600);
    assert_eq!(hears(&mut fred, "response").text().split(':').next(), Some("already-subscribed"));
    let xml = "<unsubscribe watcher='pres:fred@a.example' target='pres:barney@b.example' transID='u'/>";
    fred.try_send("", xml, b"").unwrap();
    assert_eq!(hears(&mut fred, "response").attribute("status").as_deref(), Some("success"));
    barney.try_send("", &publish.replace("'p'", "'r'"), b"").unwrap();
    assert!(barney.expect_answer().is("success", ""));
    // Nothing more is told: what comes next is the answer to something else.
    asks(&mut fred, "look again", 0);
    assert_eq!(hears(&mut fred, "response").trans_id(), "look again");
}

/// An envelope is believed only from a configured peer: anybody else's counts as what a user typed.
#[test]
fn what_is_not_proven_is_what_a_user_typed() {
    let pair = Pair::new();
    let mut barney = pair.barney();
    let mut mallory = Irc::join_with(pair.b_irc, "mallory", "message-tags");
    let forged =
        "v=1&k=message&s=im:fred@a.example&d=im:barney@b.example&id=x&h=9&a=verified&t=1&cd=x&ch=&m=AAAAAAAA";
    let piece = format!("AAAAAAAA.1.1.{forged}");
    mallory.send(&format!("@+cpim-gateway/envelope={piece} TAGMSG gateway"));
    mallory.send(&format!("@+cpim-gateway/envelope={piece} PRIVMSG barney@b.example :as typed"));
    let frame = barney.expect_message();
    assert_eq!(frame.attribute("source").as_deref(), Some("im:irc=irc.b.example/mallory@gw.b.example"));
    assert_eq!(frame.body(), "as typed");
    barney.respond(&frame, "success", "");
    assert!(mallory.until_quiet().is_empty());
    // Who knows no secret is no peer, and who guesses is sent away.
    let mut guessing = Irc::connect(pair.b_irc);
    guessing.send("CAP REQ :sasl message-tags\r\nNICK gw-a\r\nUSER g 0 * :g");
    for _ in 0..3 {
        // base64 of NUL gw.a.example NUL guess.
        guessing.send("AUTHENTICATE PLAIN\r\nAUTHENTICATE AGd3LmEuZXhhbXBsZQBndWVzcw==");
    }
    assert!(guessing.end().last().unwrap().contains("Too many wrong passwords"));
}

/// What a link had sent when it broke is `indeterminant`; what is new goes by a new one.
#[test]
fn a_link_that_breaks_says_so_and_comes_back() {
    let mut pair = Pair::new();
    let (mut fred, mut barney) = (pair.fred(), pair.barney());
    send(&mut fred, "1", FRED, BARNEY, b"\r\nlost?");
    barney.expect_message();
    pair.b.1.take().unwrap().kill();
    assert!(fred.expect_answer().is("indeterminant", ""));
    send(&mut fred, "2", FRED, BARNEY, b"\r\nafter that");
    pair.b.1 = Some(pair.b.0.start());
    let mut barney = pair.barney();
    loop {
        // What was accepted before the kill is delivered again: it was not answered.
        let frame = barney.expect_message();
        barney.respond(&frame, "success", "");
        if frame.content == b"\r\nafter that" {
            break;
        }
    }
    assert!(fred.expect_answer().is("success", ""));
}

/// RFC 7194; RFC 3861: a link is encrypted, and the server proves the name of the domain that was wanted.
#[test]
fn a_link_is_encrypted_and_the_server_proves_its_name() {
    for (named, trusted) in [("b.example", true), ("c.example", false)] {
        let pair::Pair { a, b, .. } = pair::over_irc();
        let made = rcgen::generate_simple_self_signed(vec![named.to_owned()]).unwrap();
        std::fs::write(b.path("irc.pem"), made.cert.pem()).unwrap();
        std::fs::write(b.path("irc.key"), made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(b.path("irc.key"), PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(a.path("b.pem"), made.cert.pem()).unwrap();
        b.edit("[[irc.listener]]\n", "[[irc.listener]]\ncertificate = \"irc.pem\"\nkey = \"irc.key\"\n");
        a.edit("[irc]\n", "[irc]\nca = \"b.pem\"\n");
        a.edit("tls = \"plain\"\n", "");
        let (on_a, _on_b) = (a.start(), b.start());
        let (mut fred, mut barney) = (person(&a, FRED), person(&b, BARNEY));
        let xml = format!("<message source='{FRED}' destination='{BARNEY}' transID='1'/>");
        fred.try_send(" hops=9 wait=2", &xml, b"\r\nhello").unwrap();
        if trusted {
            let frame = barney.expect_message();
            assert_eq!((&frame.content[..], frame.parameter("hops")), (&b"\r\nhello"[..], Some("7")));
            barney.respond(&frame, "success", "");
            assert!(fred.expect_answer().is("success", ""));
        } else {
            assert!(fred.expect_answer().is("failure", "unreachable"));
            on_a.wait_for("certificate");
        }
    }
}
