//! CPIM to X to CPIM is equal, for every X that can lie between two gateways: each operation, attribute by attribute and
//! octet by octet, as if both users were at one gateway.

use crate::support::gateway::{Gateway, PATIENCE, Site, free_port};
use crate::support::native::{Client, Frame, Open};
use crate::support::pair;
use crate::support::postfix::Postfix;

const FRED: &str = "fred@a.example";
const BARNEY: &str = "barney@b.example";

/// Two gateways with a native user each, and what lies between them.
struct Link {
    _gateways: [(Site, Gateway); 2],
    fred: Client,
    barney: Client,
}

impl Link {
    fn between(a: Site, b: Site) -> Self {
        let (on_a, on_b) = (a.start(), b.start());
        on_a.wait_ready();
        on_b.wait_ready();
        let person = |site: &Site, address: &str| {
            let serves = format!("im:{address} pres:{address}");
            Client::open(site.port, Open { serves: &serves, ..Open::default() })
        };
        let (fred, barney) = (person(&a, FRED), person(&b, BARNEY));
        Self { _gateways: [(a, on_a), (b, on_b)], fred, barney }
    }
}

fn next(client: &mut Client, element: &str) -> Frame {
    let frame = client.next(PATIENCE).expect(element);
    assert_eq!(frame.element(), element, "{frame:?}");
    frame
}

/// Contents of every kind.
fn contents() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 8] = [
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xb6\xc3\x9fe\r\n\r\n.\r\n..two dots",
        b"Content-Type: text/html\r\nX-Odd:   as it is  \r\n\r\n<p>a bare \r and a bare \n too</p>",
        b"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n\r\n--b\r\nContent-Type: \
          text/plain\r\n\r\n trailing space \r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--b--\r\n",
        b"Content-Type: Message/CPIM\r\n\r\nFrom: \"Fred\" <im:fred@a.example>\r\nTo: <im:barney@b.example>\r\nSubject: \
          Yabba\r\nDateTime: 2026-11-20T12:00:00Z\r\n\r\nContent-Type: text/plain\r\n\r\ndabba",
        b"",
        b"\r\n",
        b"no entity at all",
        b"Content-Type: text/plain\r\n\r\nFrom here on\r\nFrom there",
    ];
    let mut contents: Vec<Vec<u8>> = texts.map(<[u8]>::to_vec).into();
    let head = b"Content-Type: application/octet-stream\r\n\r\n";
    contents.push([&head[..], &(0..=u8::MAX).collect::<Vec<u8>>()].concat());
    contents.push([&head[..], &vec![b'x'; 200_000]].concat());
    contents
}

fn messages(link: &mut Link, round: &str) {
    for (nth, content) in contents().into_iter().enumerate() {
        let xml = format!("<message source='im:{FRED}' destination='im:{BARNEY}' transID='{round}{nth}'/>");
        link.fred.try_send(" hops=9", &xml, &content).unwrap();
        let frame = next(&mut link.barney, "message");
        assert_eq!(frame.content, content, "content {nth}");
        assert_eq!(frame.attribute("source").as_deref(), Some("im:fred@a.example"));
        assert_eq!(frame.attribute("destination").as_deref(), Some("im:barney@b.example"));
        assert_eq!(frame.parameter("hops"), Some("7"), "one less at each of two departures");
        assert!(frame.parameter("id").is_some());
        for (status, text) in [("success", ""), ("failure", "refused: no &amp; never")] {
            if (status == "success") == (nth % 2 == 0) {
                link.barney.respond(&frame, status, text);
                let answer = link.fred.expect_answer();
                assert_eq!(
                    (answer.trans_id.as_str(), answer.status.as_str()),
                    (&*format!("{round}{nth}"), status),
                    "{answer:?}"
                );
                assert_eq!(answer.text, text.replace("&amp;", "&"), "content {nth}");
            }
        }
    }
}

fn publish(link: &mut Link, note: &str, document: &str) {
    let xml = format!(
        "<publish target='pres:{BARNEY}' transID='p'><presence entityInfo='i'><tuple destination='im:{BARNEY}' \
         status='open'>{note}</tuple></presence></publish>"
    );
    link.barney.try_send("", &xml, document.as_bytes()).unwrap();
    assert!(link.barney.expect_answer().is("success", ""));
}

fn presence(link: &mut Link) {
    let document = format!(
        "Content-Type: application/pidf+xml\r\n\r\n<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:{BARNEY}'>\
         <tuple id='t'><status><basic>open</basic></status><note>at lunch</note></tuple></presence>"
    );
    publish(link, "at <b>lunch</b>", &document);
    for duration in [0, 600] {
        let xml = format!(
            "<subscribe watcher='pres:{FRED}' target='pres:{BARNEY}' duration='{duration}' transID='s{duration}'/>"
        );
        link.fred.try_send("", &xml, b"").unwrap();
        let response = next(&mut link.fred, "response");
        assert_eq!(response.attribute("status").as_deref(), Some("success"), "{response:?}");
        assert_eq!(response.attribute("duration"), Some(duration.to_string()));
        assert_eq!(response.attribute("subscriptID").is_some(), duration > 0);
        let told = next(&mut link.fred, "notify");
        assert!(told.xml.contains("at <b>lunch</b>") && told.xml.contains("status='open'"), "{}", told.xml);
        assert_eq!(String::from_utf8(told.content).unwrap(), document);
    }
    publish(link, "back", "");
    assert!(next(&mut link.fred, "notify").xml.contains("back"));
    let xml = format!("<unsubscribe watcher='pres:{FRED}' target='pres:{BARNEY}' transID='u'/>");
    link.fred.try_send("", &xml, b"").unwrap();
    assert_eq!(next(&mut link.fred, "response").attribute("status").as_deref(), Some("success"));
    // Nothing more is told: what comes next is the answer to something else.
    publish(link, "away", "");
    messages(link, "again");
}

fn every_operation(a: Site, b: Site) {
    let mut link = Link::between(a, b);
    messages(&mut link, "m");
    presence(&mut link);
}

#[test]
fn over_native_cpim_it_is_equal() {
    let pair = pair::over_cpim();
    every_operation(pair.a, pair.b);
}

#[test]
fn over_irc_it_is_equal() {
    let pair = pair::over_irc();
    every_operation(pair.a, pair.b);
}

#[test]
fn over_mail_it_is_equal() {
    let pair = pair::over_mail();
    every_operation(pair.a, pair.b);
}

/// Between them is a mail server that others wrote, which reads, keeps and passes on what it likes.
#[test]
fn over_mail_through_postfix_it_is_equal() {
    let (a_mail, b_mail) = (free_port(), free_port());
    let to = |relay: &str, port: u16| format!("{{ {relay} = smtp:[127.0.0.1]:{port} }}");
    let both = [to("gw.a.example", a_mail), to("gw.b.example", b_mail)].join(", ");
    let postfix = Postfix::start(a_mail, &format!("transport_maps = inline:{{ {both} }}\n"));
    let pair = pair::over_mail_by((a_mail, b_mail), (postfix.port, postfix.port));
    every_operation(pair.a, pair.b);
}
