//! The judge is judged: each mutant of the reference adapter fails the case that is there for its fault, and each case
//! is failed by a mutant.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cpim_conformance::reference::Reference;
use cpim_conformance::{Mutant, Timing, run_case, suite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Mutants at once: they wait more than they work.
const AT_ONCE: usize = 8;

/// How often a mutant may pass before it counts as not caught.
const TRIES: usize = 5;

fn timing() -> Timing {
    Timing { patience: Duration::from_secs(2), ..Timing::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mutant_is_caught_by_the_case_that_should() {
    let (places, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for mutant in Mutant::ALL {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let name = mutant.caught_by();
            let case = suite().into_iter().find(|case| case.name == name).unwrap();
            // A fault that is a race does not show each time.
            let mut failed = None;
            for _ in 0..TRIES {
                failed =
                    run_case(&case, Arc::new(Reference::mutated(*mutant)), &timing()).await.verdict.err();
                if failed.is_some() {
                    break;
                }
            }
            (mutant, name, failed)
        });
    }
    let mut passed = Vec::new();
    while let Some(one) = running.join_next().await {
        let (mutant, name, failed) = one.unwrap();
        println!("{mutant:?} by {name}: {failed:?}");
        match failed {
            None => passed.push(format!("{mutant:?} passed {name}")),
            // That is no reason: so ends whatever the machine has no time for.
            Some(failed) if failed.0.contains("no end") => passed.push(format!("{mutant:?}: {failed}")),
            Some(_) => {}
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn each_case_is_there_for_a_mutant() {
    let caught: BTreeSet<_> = Mutant::ALL.iter().map(|mutant| mutant.caught_by()).collect();
    let without: Vec<_> =
        suite().into_iter().map(|case| case.name).filter(|name| !caught.contains(name)).collect();
    assert!(without.is_empty(), "{without:?}");
}
