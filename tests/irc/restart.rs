//! What is still known after a restart, and what a crash does to a message.

use crate::stage::{Stage, uri};
use crate::support::irc::Irc;
use crate::support::native::Client;

/// Aliases stay: a foreign user has the same nick after a restart, also after a crash.
#[test]
fn foreign_users_keep_their_nicks() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    for (uri_of, nick) in [("im:fred@a.example", "fred"), ("im:fred@b.example", "fred-b")] {
        let mut fred = stage.native(uri_of);
        fred.message("1", uri_of, &uri("alice"), "hello");
        alice.expect(&format!(":{nick}!fred@"));
        alice.until_quiet();
        assert!(fred.expect_answer().is("success", ""));
    }
    let Stage { site, gateway, irc } = stage;
    gateway.kill();
    let _gateway = site.start();
    let mut alice = Irc::join(irc, "alice");
    let uri_of = "im:fred@b.example";
    let mut fred = Client::serving(site.port, uri_of, false);
    fred.message("2", uri_of, &uri("alice"), "hello again");
    alice.expect(":fred-b!fred@b.example PRIVMSG alice :hello again");
}

/// Behind the commit point at a crash: nobody knows. It is never sent again.
#[test]
fn a_crash_behind_the_commit_point_leaves_it_unknown() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    alice.answers_pings = false;
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello");
    alice.expect("PING");
    let Stage { site, gateway, irc } = stage;
    gateway.kill();
    let _gateway = site.start();
    let mut alice = Irc::join(irc, "alice");
    let mut fred = Client::serving(site.port, "im:fred@a.example", false);
    let answer = fred.expect_answer();
    assert!(answer.is("indeterminant", ""), "{answer:?}");
    assert!(alice.until_quiet().is_empty());
}

/// Before it: what was meant for whoever had the nick then is not for who has it now.
#[test]
fn what_waited_for_a_guest_is_not_for_the_next() {
    let stage = Stage::new();
    let Stage { site, gateway, irc } = stage;
    drop(gateway);
    let gateway = site.start_held("attempting");
    let _first = Irc::join(irc, "alice");
    let mut fred = Client::serving(site.port, "im:fred@a.example", false);
    fred.message("1", "im:fred@a.example", &uri("alice"), "for the first");
    gateway.wait_held("attempting");
    gateway.kill();
    let _gateway = site.start();
    let mut second = Irc::join(irc, "alice");
    let mut fred = Client::serving(site.port, "im:fred@a.example", false);
    let answer = fred.expect_answer();
    assert!(answer.is("failure", "unreachable"), "{answer:?}");
    assert!(second.until_quiet().is_empty());
}
