//! Nicks that change hands on a network that others run: what their owner has told the gateway is not the next one's.

use std::process::Command;
use std::time::Instant;

use crate::networks::{ALICE, FRED, Played, QUICK, Seat, site};
use crate::support::gateway::{Gateway, PATIENCE, Site, breathe};
use crate::support::native::Client;

const BARNEY: &str = "im:barney@a.example pres:barney@a.example";

/// Whoever has the nick `alice`.
#[derive(Clone, Copy)]
struct Holder {
    account: Option<&'static str>,
    signed_on: u32,
}

/// The owner of the account `alice`, and another who has the nick.
const OWNER: Holder = Holder { account: Some("alice"), signed_on: 1_700_000_000 };
const AGAIN: Holder = Holder { account: Some("alice"), signed_on: 1_700_005_000 };
const MALLORY: Holder = Holder { account: None, signed_on: 1_700_009_000 };

struct Stage {
    network: Played,
    site: Site,
    _gateway: Gateway,
    relay: Seat,
    barney: Client,
    /// Every line of the relay's.
    said: Vec<String>,
}

impl Stage {
    /// Alice has her messages forwarded and watches barney.
    fn new(isupport: &'static str) -> Self {
        let network = Played::new("account-tag message-tags", isupport);
        let site = site(&network, &format!("{QUICK}\naccounts = \"verified\""));
        site.edit("puppets = 20", "puppets = 0");
        let gateway = site.start();
        let relay = network.admit();
        let barney = Client::serving(site.port, BARNEY, false);
        let mut stage = Self { network, site, _gateway: gateway, relay, barney, said: Vec::new() };
        stage.command("forward im:eve@a.example", OWNER, "Your messages go to im:eve@a.example");
        stage.command("subscribe im:barney@a.example 1h", OWNER, "barney@a.example is ");
        stage
    }

    /// What the owner says to the gateway, and this in answer.
    fn command(&mut self, command: &str, holder: Holder, answer: &str) {
        self.relay.send(&format!("@account=alice :alice!a@h PRIVMSG relay :{command}"));
        self.until(holder, answer);
    }

    /// The next line of the relay that holds this text. What it asks is answered: everybody is there, and alice is this one.
    fn until(&mut self, alice: Holder, text: &str) -> String {
        let latest = Instant::now() + PATIENCE;
        loop {
            let line = self.relay.line().unwrap_or_else(|| panic!("the relay left without {text:?}"));
            assert!(Instant::now() < latest, "no {text:?}, but {:#?}", self.said);
            self.answer(alice, &line);
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    fn answer(&mut self, alice: Holder, line: &str) {
        if let Some(token) = line.strip_prefix("PING ") {
            self.relay.send(&format!(":s PONG s {token}"));
        } else if let Some(nicks) = line.strip_prefix("MONITOR + ") {
            let there: Vec<String> = nicks.split(',').map(|nick| format!("{nick}!u@h")).collect();
            self.relay.send(&format!(":s 730 relay :{}", there.join(",")));
        } else if let Some(nicks) = line.strip_prefix("ISON ") {
            self.relay.send(&format!(":s 303 relay :{nicks}"));
        } else if let Some(asked) = line.strip_prefix("WHOIS ") {
            let nick = asked.split(' ').next().unwrap();
            self.relay.send(&format!(":s 311 relay {nick} a h * :{nick}"));
            if let Some(account) = alice.account.filter(|_| nick == "alice") {
                self.relay.send(&format!(":s 330 relay {nick} {account} :is logged in as"));
            }
            self.relay.send(&format!(":s 317 relay {nick} 5 {} :idle, signon", alice.signed_on));
            self.relay.send(&format!(":s 318 relay {nick} :End of WHOIS"));
        }
    }

    /// The nick is released and taken, and the network says so.
    fn changes_hands(&mut self, to: Holder) {
        self.relay.send(":s 731 relay :alice");
        self.relay.send(":s 730 relay :alice!a@h");
        self.until(to, "WHOIS alice alice");
    }

    fn look(&self, what: &str) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_cpim-gateway"))
            .args([what, ALICE, "--socket", "admin.sock"])
            .current_dir(self.site.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until nothing of what the owner said holds.
    fn ends(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = self.look("rules") + &self.look("subscriptions");
            if !left.contains("eve@a.example") && !left.contains("barney@a.example") {
                return;
            }
            assert!(Instant::now() < until, "{left}");
            breathe();
        }
    }

    /// A message for alice is shown to this one.
    fn message(&mut self, to: Holder) {
        let mut fred = Client::serving(self.site.port, FRED, false);
        fred.message("1", FRED, ALICE, "for whoever is alice");
        let line = self.until(to, "PRIVMSG alice :");
        assert!(line.ends_with("for whoever is alice"), "{line}");
    }

    fn publishes(&mut self, note: &str) {
        let xml = format!(
            "<publish target='pres:barney@a.example' transID='p'><presence entityInfo=''>\
             <tuple destination='im:barney@a.example' status='open'>{note}</tuple></presence></publish>"
        );
        self.barney.try_send("", &xml, b"").unwrap();
        assert!(self.barney.expect_answer().is("success", ""));
    }
}

/// Issue 5, item 4: whoever takes up the nick has neither the rules nor the subscriptions of its owner; the owner who comes back
/// has them still.
#[test]
fn the_next_one_has_nothing_of_the_owners() {
    let mut stage = Stage::new("MONITOR=10");
    stage.changes_hands(AGAIN);
    stage.command("rules", AGAIN, "forward im:eve@a.example");
    stage.publishes("at lunch");
    stage.until(AGAIN, "NOTICE alice :barney@a.example is open: at lunch");
    stage.changes_hands(MALLORY);
    stage.ends();
    stage.message(MALLORY);
}

/// Also where that happens while the gateway is away.
#[test]
fn the_next_one_has_nothing_after_a_kill() {
    let stage = Stage::new("MONITOR=10");
    let Stage { network, site, _gateway: gateway, barney, said, .. } = stage;
    gateway.kill();
    drop(barney);
    let gateway = site.start();
    let relay = network.admit();
    let barney = Client::serving(site.port, BARNEY, false);
    let mut stage = Stage { network, site, _gateway: gateway, relay, barney, said };
    stage.until(MALLORY, "WHOIS alice alice");
    stage.ends();
    stage.message(MALLORY);
}

/// Where the network tells nobody of comings and goings, it is asked before somebody is told what the owner asked for.
#[test]
fn nobody_else_is_told_what_the_owner_asked_for() {
    let mut stage = Stage::new("");
    stage.publishes("at lunch");
    stage.until(MALLORY, "WHOIS alice alice");
    stage.ends();
    stage.message(MALLORY);
    assert!(!stage.said.iter().any(|line| line.contains("at lunch")), "{:#?}", stage.said);
}
