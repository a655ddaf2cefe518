//! The IRC adapter passes every case of the kit, and its README says what it claims.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;

use cpim_conformance::{Subject, Timing, check_claims, run};
use cpim_irc_conform::IrcListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_irc_adapter_passes_every_case() {
    let results = run(Arc::new(IrcListener), &Timing::default()).await;
    assert!(results.passed(), "{results}");
}

#[test]
fn the_readme_says_what_is_claimed() {
    check_claims(include_str!("../../README.md"), &IrcListener.capabilities()).unwrap();
}
