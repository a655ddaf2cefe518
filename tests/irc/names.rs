//! Nicks of foreign users, and nicks that change hands.

use crate::stage::{Stage, uri};
use crate::support::gateway::PATIENCE;

/// A real user always wins a nick; whoever knew the foreign user by it is shown another.
#[test]
fn a_real_user_wins_a_nick() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello");
    alice.expect(":fred!fred@a.example PRIVMSG alice :hello");
    alice.until_quiet();
    let mut real = stage.join("Fred");
    assert_eq!(alice.expect("NICK"), ":fred!fred@a.example NICK :fred-a");
    alice.send("PRIVMSG fred :to the real one");
    real.expect(":alice!alice@irc.demo.example PRIVMSG Fred :to the real one");
    real.until_quiet();
    alice.send("PRIVMSG fred-a :to the other");
    loop {
        let frame = fred.next(PATIENCE).unwrap();
        if frame.element() == "message" {
            assert_eq!(frame.body(), "to the other");
            fred.respond(&frame, "success", "");
            break;
        }
    }
    // Whoever comes later of that name does not get it back.
    drop(real);
    fred.message("2", "im:fred@a.example", &uri("alice"), "again");
    alice.expect(":fred-a!fred@a.example PRIVMSG alice :again");
}

/// A nick is for whoever comes: to ask who somebody is gives him none (RFC 2812 section 3.6.2, 401).
#[test]
fn who_is_only_asked_for_takes_no_nick() {
    let stage = Stage::believing();
    let mut alice = stage.join("alice");
    for line in ["WHOIS fred@nowhere.example", "WHO fred@nowhere.example", "USERHOST fred@nowhere.example"] {
        alice.ask(line);
    }
    alice.send("WHOIS fred@other.example");
    alice.expect(" 401 alice fred@other.example :");
    alice.expect(" 318 alice fred@other.example :");
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello");
    alice.expect(":fred!fred@a.example PRIVMSG alice :hello");
    alice.send("WHOIS fred");
    assert!(alice.expect(" 311 ").ends_with(" 311 alice fred fred a.example * :im:fred@a.example"));
}

/// A nick that changes hands is a new person: the new one is somebody else to everybody.
#[test]
fn a_nick_that_changes_hands_is_a_new_person() {
    let stage = Stage::new();
    let mut first = stage.join("alice");
    first.send("NICK alicia");
    first.expect("NICK :alicia");
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("alicia"), "to alicia");
    first.expect("PRIVMSG alicia :to alicia");
    first.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
    fred.message("2", "im:fred@a.example", &uri("alice"), "to alice");
    assert!(fred.expect_answer().is("failure", "unreachable"));
    let mut second = stage.join("alice");
    fred.message("3", "im:fred@a.example", &uri("alice"), "to the new one");
    second.expect("to the new one");
    assert!(first.until_quiet().is_empty());
}

/// Casemapping ascii: one user, however it is spelled, also in addresses.
#[test]
fn addresses_are_folded() {
    let stage = Stage::new();
    let mut alice = stage.join("Alice");
    let mut fred = stage.native("im:fred@a.example");
    for (nth, nick) in ["alice", "ALICE", "Alice"].iter().enumerate() {
        fred.message(&nth.to_string(), "im:fred@a.example", &uri(nick), nick);
        alice.expect(&format!("PRIVMSG Alice :{nick}"));
        alice.until_quiet();
        assert!(fred.expect_answer().is("success", ""));
    }
    fred.message("9", "im:fred@a.example", "im:ircs=irc.demo.example/alice@gw.example", "ircs");
    alice.expect("PRIVMSG Alice :ircs");
}

/// A message to the gateway's nick goes to its own inbox, whatever becomes of it there.
#[test]
fn the_gateway_has_a_nick() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    alice.send("WHOIS gateway");
    alice.expect(" 320 alice gateway :is written to as im:gateway@gw.example");
}
