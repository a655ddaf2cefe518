//! Networks that others run, joined by the gateway: ngIRCd, which knows little, and InspIRCd, which knows IRCv3.

use crate::irc_stage::{ALICE, FRED, Stage, both, watch};
use crate::support::ircd::{Ircd, Kind, NETWORK};

/// Issue 5, items 3, 4 and 6: a foreign user appears by a nick that looks like him, with his address; both write to each
/// other; and what is not delivered is told.
#[test]
fn both_ways_by_a_puppet() {
    both(|kind| {
        let stage = Stage::new(kind, "");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        fred.message("1", FRED, ALICE, "Yabba,\ndabba!");
        let line = alice.expect(" PRIVMSG alice ");
        assert!(line.starts_with(":fred!") && line.ends_with(":Yabba,"), "{line}");
        assert!(alice.line().unwrap().ends_with(":dabba!"));
        assert!(fred.expect_answer().is("success", ""));
        let whois = alice.ask("WHOIS fred");
        assert!(whois.iter().any(|line| line.ends_with(":im:fred@a.example")), "{whois:#?}");
        alice.send("PRIVMSG fred :\u{1}ACTION waves\u{1}");
        let frame = fred.expect_message();
        assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "/me waves"));
        fred.respond(&frame, "success", "");
        alice.send("PRIVMSG fred :and more");
        let frame = fred.expect_message();
        assert_eq!(frame.body(), "and more");
        fred.respond(&frame, "failure", "refused: not now");
        alice.expect("NOTICE alice :Not delivered: refused: not now (\"and more\")");
        let nobody = "im:irc=irc.test.example/nobody@gw.example";
        fred.message("2", FRED, nobody, "Anybody?");
        assert!(fred.expect_answer().is("failure", "unreachable"));
        alice.send("AWAY :At lunch");
        alice.expect(" 306 ");
        fred.message("3", FRED, ALICE, "Are you there?");
        let answer = fred.expect_answer();
        assert!(answer.is("success", "") && answer.text == "away: At lunch", "{answer:?}");
    });
}

/// Item 3: where there are no puppets, the relay writes for all, and takes what is for an address.
#[test]
fn both_ways_by_the_relay() {
    both(|kind| {
        let stage = Stage::new(kind, "").with("puppets = 20", "puppets = 0");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        fred.message("1", FRED, ALICE, "Yabba!");
        let line = alice.expect(" PRIVMSG alice ");
        assert!(line.starts_with(":relay!") && line.ends_with(":<fred@a.example> Yabba!"), "{line}");
        assert!(fred.expect_answer().is("success", ""));
        alice.send("PRIVMSG relay :fred@a.example: hello: you");
        let frame = fred.expect_message();
        assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "hello: you"));
        fred.respond(&frame, "success", "");
        alice.send("PRIVMSG relay :nobody@nowhere.example: hello");
        alice.expect("NOTICE alice :nobody@nowhere.example: not delivered: ");
    });
}

/// Items 3 and 4: after a restart of the network everybody is back; who waited for whoever had the nick before is told that
/// nobody can know who that is now, and what is written then arrives.
#[test]
fn a_restart_of_the_network_is_survived() {
    both(|kind| {
        let mut stage = Stage::new(kind, "");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        fred.message("1", FRED, ALICE, "before");
        alice.expect(":before");
        assert!(fred.expect_answer().is("success", ""));
        stage.ircd.stop();
        stage.gateway().wait_answer("/health", |_, answer| answer.contains(NETWORK));
        fred.message("2", FRED, ALICE, "meanwhile");
        stage.ircd.resume();
        let mut alice = stage.join("alice");
        let answer = fred.expect_answer();
        assert!(answer.is("failure", "unreachable") && answer.text.contains("somebody else"), "{answer:?}");
        fred.message("3", FRED, ALICE, "after");
        alice.expect(":after");
        assert!(fred.expect_answer().is("success", ""));
        alice.send("PRIVMSG fred :welcome back");
        assert_eq!(fred.expect_message().body(), "welcome back");
    });
}

/// Item 4: a real user always wins a nick, in the network's own casemapping; a foreign user has another beside it.
#[test]
fn a_real_user_wins_a_nick() {
    both(|kind| {
        let stage = Stage::new(kind, "");
        let (mut fred, mut alice, mut real) = (stage.fred(), stage.join("alice"), stage.join("Fred"));
        fred.message("1", FRED, ALICE, "hello");
        let line = alice.expect(" PRIVMSG alice ");
        assert!(line.starts_with(":fred_!"), "{line}");
        assert!(fred.expect_answer().is("success", ""));
        alice.send("PRIVMSG fred_ :to the gateway");
        assert_eq!(fred.expect_message().body(), "to the gateway");
        alice.send("PRIVMSG fred :to the real one");
        real.expect("PRIVMSG Fred :to the real one");
    });
}

/// Item 3: at the limits of the server nothing is lost, nothing is out of order, and nobody is thrown out as a flood.
#[test]
fn a_flood_goes_out_at_the_pace_of_the_server() {
    let mut ircd = Ircd::start(Kind::Inspircd, "");
    ircd.limit(10);
    ircd.stop();
    ircd.resume();
    let stage =
        Stage::on(ircd, "").with("line_penalty = \"1ms\"", "line_penalty = \"1s\"\npenalty_limit = \"8s\"");
    let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
    let many = 14;
    for nth in 0..many {
        fred.message(&nth.to_string(), FRED, ALICE, &format!("number {nth}"));
    }
    for nth in 0..many {
        assert!(alice.expect(" PRIVMSG alice ").ends_with(&format!(":number {nth}")));
    }
    for _ in 0..many {
        assert!(fred.expect_answer().is("success", ""));
    }
}

/// Item 7: presence of people there, by MONITOR or by ISON, and what they say of being away.
#[test]
fn people_of_the_network_are_watched() {
    both(|kind| {
        let stage = Stage::new(kind, "[principals]\nsubscribe = \"allow\"");
        let mut watching = watch(&stage);
        let mut told = |what: &str| watching(what, "never");
        told("status='closed'");
        let mut alice = stage.join("alice");
        told("status='open'");
        alice.send("AWAY :At lunch");
        told("At lunch");
        alice.send("AWAY");
        told("status='open'/>");
        alice.send("QUIT");
        told("status='closed'");
    });
}
