//! The example of the guide that is a client of a server: the server is played here, line by line.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::python::Adapter;
use crate::stage::{FRED, fred, hears, outcome};
use crate::support::gateway::{Gateway, PATIENCE, Site, free_port};
use crate::support::native::Client;

const GIVEN: &str = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n[selectors]\nbuzz = \"hierarchical\"\n\
     [[application]]\nname = \"BUZZ\"\ncovers = [\"buzz:\"]\nsecret_env = \"PEER_SECRET\"\n";
const WILMA: &str = "im:buzz=buzz.example/wilma@gw.example";

/// The server, while the adapter is connected to it.
struct Server(BufReader<TcpStream>);

impl Server {
    /// Waits for the adapter, and tells it that wilma is there.
    fn at(port: u16) -> Self {
        let (stream, _) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap().accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut server = Self(BufReader::new(stream));
        assert_eq!(server.hears(), "BRIDGE gw.example");
        server.says("WELCOME buzz.example\nWHO wilma open");
        server
    }

    fn says(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// What is to be shown to wilma, and its number.
    fn is_sent(&mut self) -> (String, String) {
        let line = self.hears();
        let mut words = line.splitn(5, ' ');
        assert_eq!(words.next(), Some("SEND"), "{line}");
        let number = words.next().unwrap().to_owned();
        assert_eq!((words.next(), words.next()), (Some(FRED), Some("wilma")), "{line}");
        (number, words.next().unwrap().to_owned())
    }
}

/// A gateway, the adapter in contact with it, and the port of its server, who is away.
fn start() -> (Site, Gateway, Adapter, u16) {
    let site = Site::new(GIVEN);
    let gateway = site.start();
    let port = free_port();
    let adapter = Adapter::run(&site, "buzz.py", &[&format!("127.0.0.1:{port}"), "buzz.example"]);
    adapter.says("in contact with gw.example");
    (site, gateway, adapter, port)
}

#[test]
fn the_word_of_the_server_is_the_evidence() {
    let (site, _gateway, adapter, port) = start();
    let mut fred = fred(&site);
    let mut server = Server::at(port);
    adapter.says("in contact with buzz.example");

    fred.message("1", FRED, "im:buzz=Buzz.Example/WILMA@gw.example", "Yabba");
    let (number, said) = server.is_sent();
    assert_eq!(said, r#"{"text": "Yabba"}"#);
    server.says(&format!("OK {number}"));
    assert_eq!(outcome(&mut fred), "success");

    fred.message("2", FRED, WILMA, "Dabba");
    let (number, _) = server.is_sent();
    server.says(&format!("NO {number} denied: not you"));
    assert_eq!(outcome(&mut fred), "failure denied");
    fred.message("3", FRED, "im:buzz=other.example/wilma@gw.example", "Doo");
    assert_eq!(outcome(&mut fred), "failure bad-address");

    // A subject, as it stands around a text (RFC 3862).
    let around = format!(
        "Content-Type: Message/CPIM\r\n\r\nFrom: <{FRED}>\r\nTo: <{WILMA}>\r\nSubject: Dinner\\n?\r\n\r\n\
         Content-Type: text/plain\r\n\r\nat eight"
    );
    let xml = format!("<message source='{FRED}' destination='{WILMA}' transID='4'/>");
    fred.try_send("", &xml, around.as_bytes()).unwrap();
    let (_, said) = server.is_sent();
    assert_eq!(said, r#"{"text": "at eight", "subject": "Dinner\n?"}"#);
    drop(server);
    assert_eq!(outcome(&mut fred), "indeterminant timeout", "it was given to the server, which went away");
}

#[test]
fn while_the_server_is_away_the_gateway_keeps_what_is_for_it() {
    let (site, gateway, _adapter, port) = start();
    let mut fred = fred(&site);
    fred.message("1", FRED, WILMA, "Yabba");
    gateway.wait_for("the server is away");
    let mut server = Server::at(port);
    let (number, said) = server.is_sent();
    assert_eq!(said, r#"{"text": "Yabba"}"#);
    server.says(&format!("OK {number}"));
    assert_eq!(outcome(&mut fred), "success");
}

#[test]
fn presence_is_what_the_server_tells_and_nobody_is_there_while_it_is_away() {
    let (site, _gateway, adapter, port) = start();
    let mut server = Server::at(port);
    adapter.says("in contact with buzz.example");
    let mut fred = fred(&site);
    let target = WILMA.replace("im:", "pres:");
    let subscribe =
        format!("<subscribe watcher='pres:fred@a.example' target='{target}' duration='600' transID='s'/>");
    fred.try_send("", &subscribe, b"").unwrap();
    assert_eq!(outcome(&mut fred), "success");
    let told = |fred: &mut Client| {
        let frame = hears(fred, "notify");
        let (_, rest) = frame.xml.split_once("status='").unwrap();
        rest.split('\'').next().unwrap().to_owned()
    };
    // The server may not have been heard yet when the gateway asked.
    while told(&mut fred) != "open" {}
    server.says("WHO wilma away");
    assert_eq!(told(&mut fred), "closed");
    server.says("WHO wilma open");
    assert_eq!(told(&mut fred), "open");
    drop(server);
    assert_eq!(told(&mut fred), "closed");
    let _server = Server::at(port);
    assert_eq!(told(&mut fred), "open");
}

#[test]
fn what_one_user_says_ends_nobodys_session() {
    let (site, gateway, _adapter, port) = start();
    let mut fred = fred(&site);
    let mut server = Server::at(port);
    for (number, to, said, code) in [
        ("1", "im:fr\u{1}ed@a.example", r#"{"text": "x"}"#, "bad-address:"),
        ("2", FRED, "no JSON", "unsupported:"),
        ("3", FRED, r#"{"text": 7}"#, "unsupported:"),
        ("4", FRED, "[]", "unsupported:"),
    ] {
        server.says(&format!("SEND {number} wilma {to} {said}"));
        let line = server.hears();
        assert!(line.starts_with(&format!("NO {number} {code}")), "{said}: {line}");
    }
    // Control characters, and half a character: the one is kept, the other was none.
    server.says(&format!(r#"SEND 5 wilma {FRED} {{"text": "a\u0001b\ud800c", "subject": "\u0001"}}"#));
    let came = fred.expect_message();
    let content = String::from_utf8(came.content.clone()).unwrap();
    assert!(
        content.contains("\r\nSubject: \\u0001\r\n") && content.ends_with("\r\n\r\na\u{1}b?c"),
        "{content}"
    );
    fred.respond(&came, "success", "");
    assert_eq!(server.hears(), "OK 5");
    server.says(&format!(r#"SEND 6 betty {FRED} {{"text": "Still here?"}}"#));
    let came = fred.expect_message();
    assert_eq!(came.attribute("source").unwrap(), "im:buzz=buzz.example/betty@gw.example");
    assert_eq!(came.body(), "Still here?");
    assert_eq!(
        gateway.said().matches("open session=\"application BUZZ").count(),
        1,
        "one session for all of it"
    );
}
