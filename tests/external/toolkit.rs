//! What `cpim.py` can beside what the examples need of it: `toolkit.py` here says what it sees.

use crate::python::{Adapter, GIVEN};
use crate::stage::{FRED, outcome};
use crate::support::gateway::Site;

const TOOLKIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/external/toolkit.py");

#[test]
fn a_message_said_again_is_delivered_once_and_subscriptions_are_named() {
    let site = Site::new(GIVEN);
    let gateway = site.start();
    let mut fred = crate::stage::fred(&site);
    let adapter = Adapter::run(&site, TOOLKIT, &["speak"]);
    let came = fred.expect_message();
    assert_eq!(came.body(), "once");
    fred.respond(&came, "success", "");
    for said in [
        "answers success success",
        "later success",
        "granted success 600",
        "again failure already-subscribed: ",
        "renewed 900 True",
        "ended success",
        "anew success",
    ] {
        adapter.says(said);
    }
    assert!(fred.next(std::time::Duration::from_millis(200)).is_err(), "it came once");

    // The lease outlives the session, and the gateway: each new session is told anew.
    drop(adapter);
    let adapter = Adapter::run(&site, TOOLKIT, &["wait"]);
    adapter.says("told open");
    drop((adapter, fred));
    gateway.kill();
    let gateway = site.start();
    let mut fred = crate::stage::fred(&site);
    let adapter = Adapter::run(&site, TOOLKIT, &["wait"]);
    adapter.says("told open");

    // Who handles what comes knows its name and how well its sender is known.
    fred.message("1", FRED, "im:lines=wilma@gw.example", "Yabba");
    let came = adapter.says("came ");
    assert_eq!(outcome(&mut fred), "success");
    let words: Vec<&str> = came.split(' ').collect();
    assert!(matches!(words[..], ["came", name, "verified", "Yabba"] if !name.is_empty()), "{came}");

    // When the gateway goes, it says so, and waits for it.
    gateway.kill();
    adapter.says("no session: the gateway has hung up");
}

#[test]
fn a_session_that_is_refused_ends_it_with_the_reason() {
    let other = GIVEN.replace("covers = [\"lines:\"]", "covers = [\"other:\"]");
    let site = Site::new(&other.replace("[selectors]", "[selectors]\nother = \"opaque\""));
    let _gateway = site.start();
    for (program, arguments) in [(TOOLKIT, "wait"), ("buzz.py", "127.0.0.1:9"), ("lines.py", "127.0.0.1:0")] {
        let mut adapter = Adapter::run(&site, program, &[arguments]);
        let rest = adapter.ends();
        assert!(rest.contains("the gateway refuses the session: unauthorised: "), "{program}: {rest}");
        assert!(!rest.contains("Traceback"), "{program}: {rest}");
    }
}
