//! Each capability that the server claims.

use crate::stage::{Stage, uri};
use crate::support::irc::Irc;

/// IRCv3 capability negotiation 302: LS, LIST, REQ (ACK, NAK), END; 410.
#[test]
fn capabilities_are_negotiated() {
    let stage = Stage::new();
    let mut alice = Irc::connect(stage.irc);
    alice.send("CAP LS 302");
    let offered = alice.expect(" CAP * LS :");
    for cap in [
        "account-tag",
        "away-notify",
        "batch",
        "cap-notify",
        "echo-message",
        "extended-monitor",
        "labeled-response",
        "message-tags",
        "sasl=PLAIN",
        "server-time",
        "standard-replies",
    ] {
        assert!(offered.split([' ', ':']).any(|word| word == cap), "{cap}: {offered}");
    }
    alice.send("NICK alice\r\nUSER alice 0 * :Alice\r\nCAP REQ :batch no-such-thing");
    assert!(alice.expect(" NAK ").ends_with("NAK :batch no-such-thing"));
    alice.send("CAP REQ :batch echo-message\r\nCAP REQ -batch\r\nCAP LIST");
    assert!(alice.expect(" LIST ").ends_with("LIST :echo-message"));
    assert!(alice.ask("CAP WHAT")[0].contains(" 410 "));
    // IRCv3 cap-notify: with version 302 it cannot be had otherwise.
    assert_eq!(alice.ask("CAP REQ :cap-notify"), [":irc.demo.example CAP alice ACK :cap-notify"]);
    assert_eq!(alice.ask("CAP REQ :-cap-notify"), [":irc.demo.example CAP alice NAK :-cap-notify"]);
    alice.send("CAP END");
    alice.expect(" 001 alice ");
}

/// IRCv3 labeled-response: one line, a batch, or ACK; exactly once for each label.
#[test]
fn labels_are_given_back() {
    let stage = Stage::new();
    let mut alice = stage.join_with("alice", "message-tags labeled-response batch");
    assert_eq!(
        alice.ask("@label=one VERSION nowhere")[0],
        "@label=one :irc.demo.example 402 alice nowhere :No such server"
    );
    let lines = alice.ask("@label=two LUSERS");
    assert!(
        lines[0].starts_with("@label=two :irc.demo.example BATCH +")
            && lines[0].ends_with("labeled-response")
    );
    assert!(lines[1..lines.len() - 1].iter().all(|line| line.starts_with("@batch=")), "{lines:#?}");
    assert!(lines.last().unwrap().contains(" BATCH -"));
    assert_eq!(alice.ask("@label=three;+typing=active TAGMSG fred"), ["@label=three :irc.demo.example ACK"]);
    let told = alice.ask("VERSION");
    assert!(told.iter().any(|line| line.contains(" CLIENTTAGDENY=* ")), "message-tags: {told:?}");
    assert!(alice.ask("@label=four WHOIS nobody")[0].starts_with("@label=four "));
    let long = "x".repeat(65);
    assert!(!alice.ask(&format!("@label={long} TIME"))[0].contains("label"), "64 octets at most");
}

/// IRCv3 echo-message, server-time, message-tags (msgid), account-tag.
#[test]
fn messages_have_the_tags_that_were_asked_for() {
    let stage = Stage::with("registration = true");
    let mut alice = Irc::connect(stage.irc);
    alice.send("CAP REQ :draft/account-registration\r\nNICK alice\r\nUSER a 0 * :a\r\nREGISTER * * sesame-open\r\nCAP END");
    alice.expect(" 001 ");
    let mut bob = stage.join_with("bob", "server-time message-tags account-tag echo-message");
    let mut carl = stage.join("carl");
    alice.send("PRIVMSG bob :hello");
    let line = bob.expect("PRIVMSG");
    assert!(line.starts_with('@') && line.contains(";account=alice ") && line.contains("msgid="), "{line}");
    let time = line.split("time=").nth(1).unwrap().split(';').next().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && time.contains('T'), "{time}");
    bob.send("PRIVMSG carl :\u{2}bold\u{2} words");
    let echo = bob.expect("PRIVMSG");
    assert!(echo.ends_with(":bob!bob@irc.demo.example PRIVMSG carl :\u{2}bold\u{2} words"), "{echo}");
    assert_eq!(carl.expect("PRIVMSG"), ":bob!bob@irc.demo.example PRIVMSG carl :\u{2}bold\u{f} words");
    // IRCv3 message-ids: one message has one name, also in the echo; and that is the operation's.
    let mut dora = stage.join_with("dora", "message-tags");
    bob.send("PRIVMSG dora :by name");
    let name = |line: &str| line.split("msgid=").nth(1).unwrap().split([';', ' ']).next().unwrap().to_owned();
    let told = name(&dora.expect("PRIVMSG dora :by name"));
    dora.until_quiet();
    assert_eq!(name(&bob.expect("PRIVMSG dora :by name")), told);
    stage.gateway.wait_for(&format!("success id={told}"));
}

/// IRCv3 standard-replies; UTF8ONLY.
#[test]
fn what_has_no_numeric_is_a_standard_reply() {
    let stage = Stage::new();
    let mut alice = stage.join_with("alice", "standard-replies");
    alice.send_octets(b"PRIVMSG fred :\xff\r\n");
    assert!(alice.expect("FAIL").starts_with(":irc.demo.example FAIL * INVALID_UTF8 :"));
    assert!(alice.ask("REGISTER * * x")[0].contains("FAIL REGISTER DISALLOWED alice :"));
}

/// An echo waits for the outcome: a failure is said instead of it.
#[test]
fn an_echo_says_what_became_of_it() {
    let stage = Stage::new();
    let mut alice = stage.join_with("alice", "echo-message labeled-response batch");
    alice.send("@label=1 PRIVMSG nobody@b.example :hello");
    let line = alice.expect("label=1");
    assert!(line.contains(" 401 alice nobody@b.example :"), "{line}");
    let mut fred = stage.native("im:fred@a.example");
    alice.send("@label=2 PRIVMSG fred@a.example :hello");
    let frame = fred.next(crate::support::gateway::PATIENCE).unwrap();
    assert_eq!((frame.attribute("source").unwrap(), frame.body()), (uri("alice"), "hello"));
    fred.respond(&frame, "success", "");
    assert_eq!(
        alice.expect("label=2"),
        "@label=2 :alice!alice@irc.demo.example PRIVMSG fred@a.example :hello"
    );
    // Nobody answers for a while: the echo comes, and what became of it when that is known.
    alice.send("@label=3 PRIVMSG fred@a.example :slow");
    let frame = fred.next(crate::support::gateway::PATIENCE).unwrap();
    alice.expect("@label=3 :alice!alice@irc.demo.example PRIVMSG");
    fred.respond(&frame, "failure", "refused: not today");
    let line = alice.expect(" 531 ");
    assert!(
        !line.contains("label") && line.contains("fred@a.example") && line.contains("not today"),
        "{line}"
    );
}

/// IRCv3 cap-notify: what a reload adds or takes away is told (`CAP NEW`, `CAP DEL`).
#[test]
fn what_can_be_asked_for_is_told_when_it_changes() {
    let stage = Stage::new();
    let mut alice = stage.join_with("alice", "cap-notify");
    let mut bob = stage.join("bob");
    let reload = |from: &str, to: &str, times: usize| {
        stage.site.edit(from, to);
        stage.gateway.hang_up();
        stage.gateway.wait_for_times("configuration reloaded", times);
    };
    reload("[irc]\n", "[irc]\nregistration = true\n", 1);
    assert_eq!(alice.until_quiet(), [":irc.demo.example CAP alice NEW :draft/account-registration"]);
    reload("registration = true\n", "", 2);
    assert_eq!(alice.until_quiet(), [":irc.demo.example CAP alice DEL :draft/account-registration"]);
    assert!(bob.until_quiet().is_empty(), "it did not ask to be told");
}
