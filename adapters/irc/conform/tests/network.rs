//! The IRC adapter passes every case of the kit on a network that others run too.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;

use cpim_conformance::{Subject, Timing, check_claims, run};
use cpim_irc_conform::IrcNetwork;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_mode_passes_every_case() {
    let results = run(Arc::new(IrcNetwork::Cautious), &Timing::default()).await;
    assert!(results.passed(), "{results}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_mode_passes_every_case_where_the_servers_word_counts() {
    let results = run(Arc::new(IrcNetwork::Trusting), &Timing::default()).await;
    assert!(results.passed(), "{results}");
}

#[test]
fn the_readme_says_what_is_claimed() {
    for subject in [IrcNetwork::Cautious, IrcNetwork::Trusting] {
        check_claims(include_str!("../../README.md"), &subject.capabilities()).unwrap();
    }
}
