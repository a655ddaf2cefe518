//! What the adapter's page claims of the listener is what the listener's code offers, and each claim has its test, which names
//! the clause.

use std::collections::BTreeSet;

use crate::stage::Stage;
use crate::support::irc::Irc;

const PAGE: &str = include_str!("../../adapters/irc/README.md");

/// Where commands are told apart, before and after registration.
const COMMANDS: [&str; 2] = [
    include_str!("../../adapters/irc/src/listener/registration.rs"),
    include_str!("../../adapters/irc/src/listener/commands.rs"),
];

/// Every test of this target that claims are proven by.
const TESTS: &[(&str, &str)] = &[
    ("bad_input", include_str!("bad_input.rs")),
    ("capabilities", include_str!("capabilities.rs")),
    ("messages", include_str!("messages.rs")),
    ("presence", include_str!("presence.rs")),
    ("queries", include_str!("queries.rs")),
    ("registration", include_str!("registration.rs")),
];

/// One row of the page's table.
struct Row {
    claims: Vec<&'static str>,
    clause: &'static str,
    module: &'static str,
    test: &'static str,
}

fn rows() -> Vec<Row> {
    let (_, rest) =
        PAGE.split_once("\n| claim | clause | test |\n|---|---|---|\n").expect("the page has the table");
    let rows = rest.lines().take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (module, test) = cells[2].trim_matches('`').split_once("::").unwrap();
        Row { claims: cells[0].split('`').skip(1).step_by(2).collect(), clause: cells[1], module, test }
    })
    .collect()
}

/// All that is claimed, by what it begins with: commands and tokens are in capitals, capabilities are not.
fn claimed(is_capability: bool) -> BTreeSet<&'static str> {
    let all = rows().into_iter().flat_map(|row| row.claims);
    all.filter(|claim| claim.starts_with(|c: char| c.is_ascii_lowercase()) == is_capability).collect()
}

/// What a test says of itself, and what it does.
fn test(row: &Row) -> (String, &'static str) {
    let (_, text) = TESTS.iter().find(|(module, _)| *module == row.module).expect(row.module);
    let (before, rest) = text
        .split_once(&format!("\nfn {}()", row.test))
        .unwrap_or_else(|| panic!("there is no test {}::{}", row.module, row.test));
    let lines: Vec<&str> = before.lines().rev().take_while(|line| line.starts_with(['/', '#'])).collect();
    let doc: Vec<&str> = lines.iter().rev().filter_map(|line| line.strip_prefix("/// ")).collect();
    assert!(lines.contains(&"#[test]"), "{} is no test", row.test);
    (doc.join(" "), rest.split("\n}\n").next().unwrap())
}

/// The commands that the code tells apart: what stands in quotes before `=>`.
fn known() -> BTreeSet<&'static str> {
    let mut known = BTreeSet::new();
    for text in COMMANDS {
        let (_, rest) = text.split_once("match request.command.as_str() {").unwrap();
        let indent = rest.lines().nth(1).unwrap().len() - rest.lines().nth(1).unwrap().trim_start().len();
        for line in rest.lines().skip(1).take_while(|line| {
            !line.starts_with(&" ".repeat(indent - 4)) || !line[indent - 4..].starts_with('}')
        }) {
            if line.starts_with(&" ".repeat(indent)) && line[indent..].starts_with('"') {
                let arm = line.split("=>").next().unwrap();
                known.extend(arm.split('"').skip(1).step_by(2));
            }
        }
    }
    assert!(known.len() > 30, "{known:?}");
    known
}

/// The table is what the code offers: its commands, what `CAP LS` lists (IRCv3 capability negotiation) and the tokens of 005
/// (modern IRC, "RPL_ISUPPORT").
#[test]
fn what_is_claimed_is_what_is_offered() {
    let stage = Stage::with("registration = true");
    let mut alice = Irc::connect(stage.irc);
    alice.send("CAP LS 302");
    let offered = alice.expect(" LS :");
    let offered: BTreeSet<&str> = offered
        .split(" :")
        .nth(1)
        .unwrap()
        .split(' ')
        .map(|word| word.trim_end_matches("=before-connect"))
        .collect();
    assert_eq!(offered, claimed(true));
    alice.send("NICK alice\r\nUSER alice 0 * :Alice\r\nCAP END");
    let tokens = alice.expect(" 005 alice ");
    let tokens = tokens.split(" 005 alice ").nth(1).unwrap().split(" :").next().unwrap();
    let tokens: BTreeSet<&str> = tokens.split(' ').map(|token| token.split('=').next().unwrap()).collect();
    let all: BTreeSet<&str> = known().union(&tokens).copied().collect();
    assert_eq!(all, claimed(false));
    alice.until_quiet();
    for command in known() {
        // RFC 2812 section 5.2: 421 is for commands that are unknown.
        let is_browsers = ["GET", "HEAD", "OPTIONS", "POST", "WEBIRC"].contains(&command);
        let lines = if command == "QUIT" { Vec::new() } else { alice.ask(command) };
        assert_eq!(lines.iter().any(|line| line.contains(" 421 ")), is_browsers, "{command}: {lines:?}");
    }
}

/// Each claim is tested: its test names the clause, and the claim.
#[test]
fn every_claim_has_its_test() {
    for row in rows() {
        let (doc, body) = test(&row);
        assert!(doc.contains(row.clause), "{}::{} does not name {}", row.module, row.test, row.clause);
        for claim in &row.claims {
            let word = claim.trim_end_matches("=PLAIN");
            assert!(body.contains(word) || doc.contains(word), "{}::{} has no {claim}", row.module, row.test);
        }
    }
}
