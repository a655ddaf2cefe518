//! The reference adapter passes every case, whether it claims much or little.

#![allow(clippy::panic, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;

use cpim_conformance::reference::Reference;
use cpim_conformance::{Timing, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_passes_every_case() {
    let results = run(Arc::new(Reference::whole()), &Timing::default()).await;
    assert!(results.passed(), "{results}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_modest_reference_passes_every_case() {
    let results = run(Arc::new(Reference::modest()), &Timing::default()).await;
    assert!(results.passed(), "{results}");
}
