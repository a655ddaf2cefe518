//! Presence both ways: IRC users seen from elsewhere, and others seen from IRC.

use crate::stage::{Stage, uri};
use crate::support::gateway::PATIENCE;
use crate::support::native::{Client, Frame};

const FRED: &str = "im:fred@a.example pres:fred@a.example";

fn pres(nick: &str) -> String {
    uri(nick).replacen("im:", "pres:", 1)
}

fn subscribe(client: &mut Client, nick: &str, id: &str) {
    let xml = format!(
        "<subscribe watcher='pres:fred@a.example' target='{}' duration='600' transID='{id}'/>",
        pres(nick)
    );
    client.try_send("", &xml, b"").unwrap();
    assert!(client.expect_answer().is("success", ""));
}

/// The next notify: whether it is open, and its text.
fn notify(client: &mut Client) -> (bool, Frame) {
    loop {
        let frame = client.next(PATIENCE).expect("a notify");
        if frame.element() == "notify" {
            return (frame.xml.contains("open"), frame);
        }
    }
}

fn publish(client: &mut Client, id: &str, status: &str, text: &str) {
    let xml = format!(
        "<publish target='pres:fred@a.example' transID='{id}'><presence>\
         <tuple destination='im:fred@a.example' status='{status}'>{text}</tuple></presence></publish>"
    );
    client.try_send("", &xml, b"").unwrap();
    assert!(client.expect_answer().is("success", ""));
}

/// RFC 3859 section 3.4: whoever is on the network is open, AWAY (RFC 2812 section 4.1) stands in the text, QUIT and
/// NICK close.
#[test]
fn a_native_watcher_follows_an_irc_user() {
    let stage = Stage::believing();
    let mut fred = stage.native(FRED);
    subscribe(&mut fred, "alice", "1");
    assert!(!notify(&mut fred).0);
    // The administrator finds both by any of their names.
    for alice in ["pres:irc=irc.demo.example/alice@gw.example", "irc://irc.demo.example/ALICE"] {
        let (_, watchers) = stage.gateway.ask(&format!("/v1/watchers?of={alice}"));
        assert!(watchers.contains("pres:fred@a.example"), "{alice}: {watchers}");
    }
    for fred in ["fred@a.example", "pres:im=fred~40a.example@gw.example"] {
        let (_, subscriptions) = stage.gateway.ask(&format!("/v1/subscriptions?of={fred}"));
        assert!(subscriptions.contains("irc.demo.example/alice"), "{fred}: {subscriptions}");
    }
    let mut alice = stage.join("alice");
    assert!(notify(&mut fred).0);
    alice.ask("AWAY :gone & <fishing>");
    let (open, frame) = notify(&mut fred);
    assert!(open && frame.xml.contains("gone &amp; &lt;fishing"), "{}", frame.xml);
    // RFC 4480 section 3.2: for programs, too.
    assert!(
        frame.xml.contains("<activities xmlns='urn:ietf:params:xml:ns:pidf:rpid'><away/>"),
        "{}",
        frame.xml
    );
    alice.ask("AWAY");
    let (open, frame) = notify(&mut fred);
    assert!(open && !frame.xml.contains("fishing"));
    alice.ask("NICK alicia");
    assert!(!notify(&mut fred).0, "she is somebody else now");
    alice.ask("NICK alice");
    assert!(notify(&mut fred).0);
    alice.send("QUIT :bye");
    assert!(!notify(&mut fred).0);
}

/// IRCv3 monitor: 730 and 731 for a foreign user by address and by nick; away-notify with extended-monitor; `S`.
#[test]
fn an_irc_watcher_follows_a_native_user() {
    let stage = Stage::believing();
    let mut alice = stage.join_with("alice", "away-notify extended-monitor");
    let mut fred = stage.native(FRED);
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello");
    alice.expect("PRIVMSG alice :hello");
    alice.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
    alice.send("MONITOR + fred,fred@a.example,nobody");
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let line = alice.line().unwrap();
        if line.contains(" 730 ") || line.contains(" 731 ") {
            seen.push(line);
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            ":irc.demo.example 730 alice :fred!fred@a.example",
            ":irc.demo.example 730 alice :fred@a.example",
            ":irc.demo.example 731 alice :nobody",
        ]
    );
    // Words that go with being there are no absence; RPID says what is one (RFC 4480 section 3.2).
    publish(&mut fred, "2", "open", "at my desk");
    let desk = " 320 alice fred :is here: at my desk";
    let lines = alice.ask_until("WHOIS fred", |lines| lines.iter().any(|line| line.ends_with(desk)));
    assert!(lines.iter().any(|line| line.ends_with(" 320 alice fred :is written to as im:fred@a.example")));
    assert!(lines.iter().all(|line| !line.contains(" 301 ") && !line.contains(" AWAY")), "{lines:#?}");
    publish(
        &mut fred,
        "2a",
        "open",
        "at lunch<r:activities xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><r:meal/></r:activities>",
    );
    assert_eq!(
        alice.line().unwrap(),
        ":fred!fred@a.example AWAY :at lunch",
        "and nothing of the words before"
    );
    publish(&mut fred, "2b", "open", "at my desk again");
    assert_eq!(alice.line().unwrap(), ":fred!fred@a.example AWAY");
    publish(&mut fred, "3", "closed", "");
    alice.expect(" 731 ");
    alice.expect(" 731 ");
    alice.send("MONITOR S");
    alice.expect(" 731 alice :");
    publish(&mut fred, "4", "open", "");
    alice.expect(" 730 ");
    drop(fred);
    alice.expect(" 731 ");
}

/// RFC 2812 sections 3.6.2, 4.8 and 4.9, of others: each is a fetch, so that the rules say who is seen.
#[test]
fn queries_are_fetches() {
    let stage = Stage::believing();
    let mut alice = stage.join("alice");
    let mut bob = stage.join("bob");
    let mut fred = stage.native(FRED);
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello");
    alice.expect("PRIVMSG alice :hello");
    alice.until_quiet();
    bob.ask("AWAY :out");
    alice.send("ISON bob fred carl alice");
    assert_eq!(alice.expect(" 303 "), ":irc.demo.example 303 alice :bob fred alice");
    alice.send("USERHOST bob fred carl");
    assert_eq!(
        alice.expect(" 302 "),
        ":irc.demo.example 302 alice :bob=-bob@irc.demo.example fred=+fred@a.example"
    );
    alice.send("WHOIS bob");
    assert_eq!(
        alice.expect(" 311 "),
        ":irc.demo.example 311 alice bob bob irc.demo.example * :bob of the tests"
    );
    assert_eq!(alice.expect(" 301 "), ":irc.demo.example 301 alice bob :out");
    alice.expect(" 318 ");
    alice.send("WHOIS fred@a.example");
    assert_eq!(
        alice.expect(" 311 "),
        ":irc.demo.example 311 alice fred@a.example fred a.example * :im:fred@a.example"
    );
    alice.expect(" 318 ");
    alice.send("WHO bob");
    assert!(alice.expect(" 352 ").contains(" bob G :0 bob of the tests"));
}

/// Nobody on IRC is shown beyond what the rules say: to a watcher who is refused, nobody is there.
#[test]
fn the_rules_hold_for_queries() {
    let stage = Stage::with_rules(
        "[[rule]]\naction = \"deny\"\nfrom = \"pres:irc=irc.demo.example/eve@gw.example\"\n\
         to = \"pres:irc=irc.demo.example/bob@gw.example\"\n",
    );
    let mut eve = stage.join("eve");
    let _bob = stage.join("bob");
    eve.send("ISON bob eve");
    assert_eq!(eve.expect(" 303 "), ":irc.demo.example 303 eve :eve");
    eve.send("WHOIS bob");
    eve.expect(" 401 eve bob :No such nick");
    eve.send("USERHOST bob");
    assert_eq!(eve.expect(" 302 "), ":irc.demo.example 302 eve :");
    eve.send("WHO bob");
    assert!(eve.line().unwrap().contains(" 315 eve bob "), "no 352 before the end");
    eve.send("MONITOR + bob");
    eve.expect(" 731 eve :bob");
}

/// By default only who is proven to be who he says may see who is there: a guest sees himself alone.
#[test]
fn guests_see_nobody_by_default() {
    let stage = Stage::new();
    let mut eve = stage.join("eve");
    let _bob = stage.join("bob");
    eve.send("ISON bob eve");
    assert_eq!(eve.expect(" 303 "), ":irc.demo.example 303 eve :eve");
    for (line, numeric) in
        [("WHOIS bob", " 401 eve bob "), ("WHO bob", " 315 eve bob "), ("MONITOR + bob", " 731 eve :bob")]
    {
        eve.send(line);
        assert!(eve.line().unwrap().contains(numeric), "{line}");
        eve.ask_until("PING x", |lines| {
            lines.iter().all(|line| !line.contains(" 352 ") && !line.contains(" 730 "))
        });
    }
}

/// A watch lasts as long as its connection, and goes with a new nick.
#[test]
fn a_watch_goes_where_its_client_goes() {
    let stage = Stage::believing();
    let mut alice = stage.join("alice");
    alice.send("MONITOR + bob");
    alice.expect(" 731 alice :bob");
    alice.send("NICK alicia");
    alice.expect("NICK :alicia");
    let mut bob = stage.join("bob");
    alice.expect(" 730 alicia :bob!bob@irc.demo.example");
    bob.send("QUIT");
    bob.end();
    alice.expect(" 731 alicia :bob");
    alice.ask("MONITOR - bob");
    let _bob = stage.join("bob");
    assert!(alice.until_quiet().is_empty());
}
