//! What goes wrong on networks that others run, and what puppets do there for as long as they are used.

use crate::irc_stage::{ALICE, FRED, Stage, both, join, watch};
use crate::support::gateway::Gateway;
use crate::support::irc::Irc;
use crate::support::ircd::{Ircd, Kind};
use crate::support::native::Client;

const WILMA: &str = "im:wilma@a.example";

/// Waits until these nicks are there, in this order, of these that are asked for.
fn there(irc: &mut Irc, asked: &str, there: &str) {
    irc.ask_until(&format!("ISON {asked}"), |lines| {
        lines.iter().any(|line| line.rsplit(':').next().is_some_and(|nicks| nicks.trim_end() == there))
    });
}

fn waits(gateway: &Gateway) {
    gateway.wait_answer("/v1/queue", |_, answer| answer.contains("\"id\""));
}

/// Issue 5, item 3: a puppet that an operator kills stays away for a while, and what its user writes meanwhile waits;
/// others go on.
#[test]
fn who_is_killed_stays_away() {
    both(|kind| {
        let stage = Stage::new(kind, "");
        let (mut fred, mut alice, mut op) = (stage.fred(), stage.join("alice"), stage.operator());
        fred.message("1", FRED, ALICE, "hello");
        alice.expect(":fred!");
        assert!(fred.expect_answer().is("success", ""));
        op.send("KILL fred :no bridges here");
        stage.gateway().wait_for("no bridges here");
        fred.message("2", FRED, ALICE, "still here?");
        waits(stage.gateway());
        let mut wilma = Client::serving(stage.site.port, WILMA, false);
        wilma.message("1", WILMA, ALICE, "and me?");
        alice.expect(":wilma!");
        assert!(wilma.expect_answer().is("success", ""));
        there(&mut alice, "fred wilma", "wilma");
        waits(stage.gateway());
        // The relay is missed by all: that it is away is said, and why.
        op.send("KILL relay :nor a relay");
        let state = "out of reach: ";
        stage.gateway().wait_answer("/v1/sessions", |_, answer| answer.contains(state));
        stage.gateway().wait_answer("/health", |_, answer| answer.contains("nor a relay"));
    });
}

/// Item 3: a K-line against one puppet ends its messages with a clear reason, is shown, and leaves the others alone; one
/// against the gateway ends all of it. Nothing is tried until the administrator says so.
#[test]
fn who_is_banned_does_not_come_back() {
    both(|kind| {
        let stage = Stage::new(kind, "");
        let (mut fred, mut alice, mut op) = (stage.fred(), stage.join("alice"), stage.operator());
        let mut wilma = Client::serving(stage.site.port, WILMA, false);
        for (client, from) in [(&mut fred, FRED), (&mut wilma, WILMA)] {
            client.message("1", from, ALICE, "hello");
            alice.expect(" PRIVMSG alice :hello");
            assert!(client.expect_answer().is("success", ""));
        }
        let line = |user: &str| match kind {
            Kind::Ngircd => format!("KLINE *!*{user}@* 3600 :no bridges here"),
            Kind::Inspircd => format!("KLINE *{user}@* 1h :no bridges here"),
        };
        op.send(&line("fred"));
        stage.gateway().wait_for("nothing more is tried");
        fred.message("2", FRED, ALICE, "still here?");
        let answer = fred.expect_answer();
        assert!(answer.is("failure", "refused") && answer.text.contains("does not let"), "{answer:?}");
        let state = "irc.test.example: not let in: ";
        stage.gateway().wait_answer("/v1/sessions", |_, answer| answer.contains(state));
        wilma.message("2", WILMA, ALICE, "and me?");
        alice.expect(" PRIVMSG alice :and me?");
        assert!(wilma.expect_answer().is("success", ""));
        op.send(&line("relay"));
        stage.gateway().wait_answer("/health", |_, answer| answer.contains("not let in: "));
        wilma.message("3", WILMA, ALICE, "and now?");
        assert!(wilma.expect_answer().is("failure", "refused"));
        there(&mut alice, "relay fred alice", "alice");
        for user in ["fred", "relay"] {
            op.send(&match kind {
                Kind::Ngircd => format!("KLINE *!*{user}@*"),
                Kind::Inspircd => format!("KLINE *{user}@*"),
            });
        }
        op.until_quiet();
        stage.gateway().hang_up();
        there(&mut alice, "relay", "relay");
        fred.message("3", FRED, ALICE, "back again");
        alice.expect(" PRIVMSG alice :back again");
    });
}

/// Item 4: a nick that changes hands is a new person. What waits for the old one fails; the new one gets what is
/// written to him.
#[test]
fn a_nick_that_changes_hands_is_a_new_person() {
    both(|kind| {
        // Three lines fit into the burst, with a question behind the first or without; more wait for half a minute.
        let stage = Stage::new(kind, "").with("line_penalty = \"1ms\"", PACE);
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        for (nth, text) in ["one", "two", "three", "for the old one"].iter().enumerate() {
            fred.message(&nth.to_string(), FRED, ALICE, text);
        }
        alice.expect(":three");
        // By then it is longer ago than what a network that tells of nobody by itself is asked about.
        while fred.expect_answer().trans_id != "2" {}
        alice.send("QUIT");
        alice.expect_end();
        let mut mallory = stage.join("alice");
        loop {
            let answer = fred.expect_answer();
            if answer.trans_id == "3" {
                // Somebody else has the nick by then, or for a moment nobody.
                break assert!(answer.is("failure", "unreachable"), "{answer:?}");
            }
        }
        fred.message("4", FRED, ALICE, "for the new one");
        let first = mallory.expect(" PRIVMSG alice :");
        assert!(first.ends_with(":for the new one"), "{first}");
    });
}

const PACE: &str = "line_penalty = \"4s\"\npenalty_limit = \"12s\"";

/// Item 3: a puppet that nobody uses leaves, and comes back by the same nick when its user writes again.
#[test]
fn a_puppet_that_nobody_uses_leaves() {
    both(|kind| {
        let stage = Stage::new(kind, "linger = \"1s\"");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        for nth in ["1", "2"] {
            fred.message(nth, FRED, ALICE, nth);
            assert!(alice.expect(" PRIVMSG alice ").starts_with(":fred!"));
            assert!(fred.expect_answer().is("success", ""));
            there(&mut alice, "fred alice", "alice");
        }
    });
}

/// Item 3: at the limit of puppets the relay writes, with the address before the text, and is answered; nothing is lost.
#[test]
fn at_the_limit_of_puppets_the_relay_writes() {
    both(|kind| {
        let stage = Stage::new(kind, "").with("puppets = 20", "puppets = 1");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        let mut wilma = Client::serving(stage.site.port, WILMA, false);
        fred.message("1", FRED, ALICE, "by myself");
        assert!(alice.expect(":by myself").starts_with(":fred!"));
        wilma.message("1", WILMA, ALICE, "by the relay");
        let line = alice.expect("by the relay");
        assert!(line.starts_with(":relay!") && line.ends_with(":<wilma@a.example> by the relay"), "{line}");
        assert!(wilma.expect_answer().is("success", ""));
        alice.send("PRIVMSG relay :wilma@a.example: to you");
        assert_eq!(wilma.expect_message().body(), "to you");
    });
}

/// Item 3: after a restart of the network every puppet is back by its nick, however few may connect at once.
#[test]
fn all_are_back_after_a_restart() {
    both(|kind| {
        let mut stage = Stage::new(kind, "connecting = 2");
        let mut alice = stage.join("alice");
        let nicks: Vec<String> = (0..12).map(|nth| format!("user{nth}")).collect();
        let uris: Vec<String> = nicks.iter().map(|nick| format!("im:{nick}@a.example")).collect();
        let mut all = Client::serving(stage.site.port, &uris.join(" "), false);
        for (nth, uri) in uris.iter().enumerate() {
            all.message(&nth.to_string(), uri, ALICE, "hello");
        }
        for _ in &uris {
            alice.expect(" PRIVMSG alice :hello");
            assert!(all.expect_answer().is("success", ""));
        }
        stage.ircd.stop();
        stage.ircd.resume();
        let mut alice = stage.join("alice");
        let nicks = nicks.join(" ");
        there(&mut alice, &nicks, &nicks);
    });
}

/// Item 7: a split that heals in time is nobody's leaving; one that does not is.
#[test]
fn a_split_of_the_network_is_damped() {
    let mut ircds = [Ircd::start(Kind::Ngircd, ""), Ircd::start(Kind::Ngircd, "")];
    let link = |name: &str, more: &str| {
        format!("[Server]\nName = {name}\nMyPassword = linked\nPeerPassword = linked\n{more}\n")
    };
    ircds[0].append(&link("far.test.example", "Passive = yes"));
    ircds[1].rename("far.test.example");
    ircds[1].append(&link("irc.test.example", &format!("Host = 127.0.0.1\nPort = {}", ircds[0].port)));
    for ircd in &mut ircds {
        ircd.stop();
        ircd.resume();
    }
    let [near, mut far] = ircds;
    let stage =
        Stage::on(near, "[principals]\nsubscribe = \"allow\"").with("settle = \"1s\"", "settle = \"12s\"");
    let mut look = stage.join("look");
    let mut alice = join(far.port, "alice");
    there(&mut look, "alice", "alice");
    let mut told = watch(&stage);
    told("status='open'", "never");
    far.stop();
    there(&mut look, "alice", "");
    far.resume();
    alice.expect_end();
    let mut alice = join(far.port, "alice");
    there(&mut look, "alice", "alice");
    alice.send("AWAY :back again");
    told("back again", "closed");
    far.stop();
    told("closed", "never");
}

/// Item 7: with `show_presence` a puppet is away while its user is not open, or is away by RPID (RFC 4480 section 3.2), and
/// says what he says.
#[test]
fn puppets_look_as_their_users_are() {
    both(|kind| {
        let stage = Stage::new(kind, "show_presence = true\n[principals]\nsubscribe = \"allow\"");
        let mut alice = stage.join("alice");
        let mut fred = Client::serving(stage.site.port, &format!("{FRED} pres:fred@a.example"), false);
        fred.message("1", FRED, ALICE, "hello");
        alice.expect(":fred!");
        assert!(fred.expect_answer().is("success", ""));
        let mut last = 0;
        let mut looks = |status: &str, markup: &str, away: Option<&str>| {
            last += 1;
            let xml = format!(
                "<publish target='pres:fred@a.example' transID='p-{last}'><presence>\
                 <tuple destination='im:fred@a.example' status='{status}'>{markup}</tuple></presence></publish>"
            );
            fred.try_send("", &xml, b"").unwrap();
            assert!(fred.expect_answer().is("success", ""));
            alice.ask_until("WHOIS fred", |lines| {
                let said = lines.iter().find(|line| line.contains(" 301 alice fred :"));
                said.map(|line| line.rsplit(':').next().unwrap()) == away
            });
        };
        let away = "<activities xmlns='urn:ietf:params:xml:ns:pidf:rpid'><away/></activities>";
        looks("open", &format!("at-lunch{away}"), Some("at-lunch"));
        looks("open", "at-my-desk", None);
        looks("open", away, Some("away"));
        looks("closed", "", Some("closed"));
    });
}
