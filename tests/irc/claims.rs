//! What the adapter's page claims of the listener is what the listener does, and each claim has its test here.

use crate::stage::Stage;
use crate::support::irc::Irc;

const PAGE: &str = include_str!("../../adapters/irc/README.md");

/// Every test of this target.
const TESTS: &[&str] = &[
    include_str!("accounts.rs"),
    include_str!("bad_input.rs"),
    include_str!("capabilities.rs"),
    include_str!("linked.rs"),
    include_str!("messages.rs"),
    include_str!("names.rs"),
    include_str!("presence.rs"),
    include_str!("queries.rs"),
    include_str!("registration.rs"),
];

/// The words in backticks of the paragraph that begins so.
fn claimed(begins: &str) -> Vec<&'static str> {
    let (_, rest) = PAGE.split_once(begins).unwrap_or_else(|| panic!("the page has no {begins:?}"));
    let paragraph = rest.split(['.']).next().unwrap();
    paragraph.split('`').skip(1).step_by(2).collect()
}

/// RFC 2812 section 5.2: 421 is for commands that are unknown, and none that is claimed is.
#[test]
fn every_claimed_command_is_known_and_tested() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let commands = claimed("\nCommands: ");
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands {
        assert!(TESTS.iter().any(|test| test.contains(command)), "{command} has no test");
        if command != "QUIT" {
            let lines = alice.ask(command);
            assert!(lines.iter().all(|line| !line.contains(" 421 ")), "{command}: {lines:?}");
        }
    }
}

/// IRCv3 capability negotiation: `CAP LS` offers what the page says, and nothing else.
#[test]
fn every_capability_is_claimed_and_tested() {
    let stage = Stage::with("registration = true");
    let mut alice = Irc::connect(stage.irc);
    alice.send("CAP LS 302");
    let offered = alice.expect(" LS :");
    let mut offered: Vec<&str> = offered.split(" :").nth(1).unwrap().split(' ').collect();
    let mut claimed = claimed("\nCapabilities: ");
    for capability in &mut offered {
        if let Some(name) = capability.strip_suffix("=before-connect") {
            *capability = name;
        }
    }
    offered.sort_unstable();
    claimed.sort_unstable();
    assert_eq!(offered, claimed);
    for capability in claimed {
        assert!(TESTS.iter().any(|test| test.contains(capability)), "{capability} has no test");
    }
}
