//! SIGHUP: a new configuration is taken whole, by sessions that are open, or not at all.

use crate::support::gateway::Site;
use crate::support::native::{Answer, Client};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";
const DENY: &str = "\n[[rule]]\naction = \"deny\"\nfrom = \"im:fred@a.example\"\n";

/// Two sessions that stay open.
struct Pair {
    fred: Client,
    barney: Client,
}

impl Pair {
    fn new(port: u16) -> Self {
        Self { fred: Client::serving(port, FRED, false), barney: Client::serving(port, BARNEY, false) }
    }

    fn passes(&mut self, trans_id: &str) {
        self.fred.message(trans_id, FRED, BARNEY, "hello");
        let frame = self.barney.expect_message();
        self.barney.respond(&frame, "success", "");
        assert!(self.fred.expect_answer().is("success", ""));
    }

    fn denied(&mut self, trans_id: &str) {
        self.fred.message(trans_id, FRED, BARNEY, "hello");
        let answer: Answer = self.fred.expect_answer();
        assert!(answer.is("failure", "denied"), "{answer:?}");
    }
}

#[test]
fn a_rule_holds_at_once() {
    let site = Site::new("");
    let gateway = site.start();
    let mut pair = Pair::new(site.port);
    pair.passes("1");
    site.edit("[[cpim.listener]]", &format!("{DENY}[[cpim.listener]]"));
    gateway.hang_up();
    gateway.wait_for("configuration reloaded");
    pair.denied("2");
    site.edit(DENY, "");
    gateway.hang_up();
    gateway.wait_for_times("configuration reloaded", 2);
    pair.passes("3");
    // A retransmission gets its answer, whatever the rules say by now.
    site.edit("default = \"allow\"", "default = \"deny\"");
    gateway.hang_up();
    gateway.wait_for_times("configuration reloaded", 3);
    pair.denied("4");
    pair.fred.message("3", FRED, BARNEY, "hello");
    assert!(pair.fred.expect_answer().is("success", ""));
}

#[test]
fn a_session_that_may_no_longer_be_is_closed() {
    let site = Site::new("");
    let gateway = site.start();
    let pair = Pair::new(site.port);
    site.edit("trust = [\".example\"]", "trust = [\"b.example\"]");
    gateway.hang_up();
    let last = pair.fred.rest().pop().expect("a close");
    assert_eq!(
        (last.element(), last.attribute("reason").as_deref()),
        ("close", Some("unauthorised")),
        "{last:?}"
    );
    let mut barney = pair.barney;
    barney.message("1", BARNEY, FRED, "hello");
    assert_eq!(barney.expect_answer().trans_id, "1", "the other goes on");
}

#[test]
fn a_broken_file_changes_nothing() {
    let site = Site::new("");
    let gateway = site.start();
    let mut pair = Pair::new(site.port);
    for (times, broken) in
        ["default = \"perhaps\"", "default = \"deny\"\nnonsense = 1", "[[["].iter().enumerate()
    {
        let right = "default = \"allow\"";
        site.edit(right, broken);
        gateway.hang_up();
        gateway.wait_for_times("the configuration stays as it was", times + 1);
        pair.passes(&times.to_string());
        site.edit(broken, right);
    }
    let said = gateway.said();
    assert!(
        said.contains("gateway.toml:") && said.contains("rules.default") && said.contains("nonsense"),
        "{said}"
    );
    gateway.hang_up();
    gateway.wait_for("configuration reloaded");
    pair.passes("right again");
}

#[test]
fn what_takes_a_restart_is_said() {
    let site = Site::new("");
    let gateway = site.start();
    let mut pair = Pair::new(site.port);
    site.edit("gateway.db", "other.db");
    gateway.hang_up();
    gateway.wait_for("holds only after a restart");
    pair.passes("1");
    assert!(!site.path("other.db").exists());
}
