//! The pages say what is so: every case stands in the list, and every clause of the contract that is cited is there.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use cpim_conformance::{cases_table, suite};

const CONTRACT: &str = include_str!("../../../docs/adapters/contract.md");
const PAGE: &str = include_str!("../../../docs/adapters/conformance.md");

/// The numbers of the clauses that the page has: `8.1`.
fn clauses() -> Vec<String> {
    let (mut section, mut numbers) = (String::new(), Vec::new());
    for line in CONTRACT.lines() {
        let numbered = |text: &str| text.split_once(". ").map(|(number, _)| number.to_owned());
        if let Some(heading) = line.strip_prefix("## ") {
            section = numbered(heading).unwrap_or_default();
        } else if let Some(clause) = numbered(line).filter(|clause| clause.parse::<u8>().is_ok()) {
            numbers.push(format!("{section}.{clause}"));
        }
    }
    numbers
}

#[test]
fn the_page_lists_every_case() {
    let table = cases_table();
    assert!(PAGE.replace("\r\n", "\n").contains(&table), "the page should hold this:\n\n{table}\n");
}

#[test]
fn every_clause_that_is_cited_is_there_and_every_clause_has_a_case() {
    let known = clauses();
    let mut cited = Vec::new();
    for case in suite() {
        let of_contract = case.clause.split(';').next().unwrap_or_default();
        let numbers = of_contract.strip_prefix("contract ").unwrap_or_default();
        for number in numbers.split(", ") {
            assert!(known.iter().any(|clause| clause == number), "{}: no clause {number}", case.name);
            cited.push(number.to_owned());
        }
    }
    let without: Vec<_> = known.iter().filter(|clause| !cited.contains(clause)).collect();
    assert!(without.is_empty(), "clauses without a case: {without:?}");
}
