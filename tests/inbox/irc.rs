//! The inbox from an IRC client: `/msg gateway ...`.

use crate::someone::Someone;
use crate::support::gateway::{Site, free_port};
use crate::support::irc::Irc;

const ALICE: &str = "im:irc=irc.demo.example/alice@gw.example";

/// A gateway with a network whose guests are known as well as this.
fn site(guests: &str) -> (Site, u16) {
    let irc = free_port();
    let site = Site::new(&format!(
        "[irc]\nname = \"irc.demo.example\"\n[[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"{guests}\"\n\
         [principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n"
    ));
    (site, irc)
}

/// What fred writes to alice arrives: it has when her client has answered a ping behind it.
fn hears(alice: &mut Irc, fred: &mut Someone) {
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| fred.writes(ALICE, "hello"));
        alice.expect("PRIVMSG alice :hello");
        while !writing.is_finished() {
            alice.until_quiet();
        }
        assert_eq!(writing.join().unwrap(), "success");
    });
}

#[test]
fn commands_are_private_messages_and_answers_are_notices() {
    let (site, port) = site("verified");
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut alice = Irc::join(port, "alice");
    alice.send("PRIVMSG gateway :help");
    let line = alice.expect("NOTICE alice :One command a line");
    assert!(line.starts_with(":gateway!"), "{line}");
    alice.expect(":forward URI [for 2d]");
    alice.send("PRIVMSG gateway :whoami");
    alice.expect(&format!("NOTICE alice :You are {ALICE} (irc://irc.demo.example/alice). You are proven"));
    alice.send("PRIVMSG gateway :polite im:fred@a.example");
    alice.expect("finds you out of contact, and sees you closed.");
    assert_eq!(fred.writes(ALICE, "hello"), "failure unreachable");
    alice.send("PRIVMSG gateway :unblock im:fred@a.example");
    alice.expect("is taken back.");
    hears(&mut alice, &mut fred);
}

#[test]
fn a_guest_who_is_not_proven_confirms_what_he_changes() {
    let (site, port) = site("claimed");
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut alice = Irc::join(port, "alice");
    alice.send("PRIVMSG gateway :block im:fred@a.example");
    alice.expect("Somebody who says he is you asks for:");
    let line = alice.expect("NOTICE alice :confirm ");
    let word = line.rsplit(' ').next().unwrap().to_owned();
    hears(&mut alice, &mut fred);
    alice.send(&format!("PRIVMSG gateway :confirm {word}"));
    alice.expect("im:fred@a.example is blocked: messages and presence.");
    assert_eq!(fred.writes(ALICE, "hello"), "failure denied");
}
