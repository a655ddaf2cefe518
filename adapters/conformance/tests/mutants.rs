//! Each mutant of the reference adapter fails the case that is there for its fault.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use cpim_conformance::reference::Reference;
use cpim_conformance::{Mutant, Timing, run_case, suite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mutant_is_caught_by_the_case_that_should() {
    let timing = Timing { patience: Duration::from_secs(2), ..Timing::default() };
    for mutant in Mutant::ALL {
        let name = mutant.caught_by();
        let case = suite().into_iter().find(|case| case.name == name).unwrap();
        let ended = run_case(&case, Arc::new(Reference::mutated(*mutant)), &timing).await;
        let failed = ended.verdict.err();
        println!("{mutant:?} by {name}: {failed:?}");
        assert!(failed.is_some(), "{mutant:?} passed {name}");
    }
}
