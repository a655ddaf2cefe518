//! Running the suite.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bench::Bench;
use crate::case::{Case, Failed, suite};
use crate::report::{Ended, Results};
use crate::subject::Subject;

/// How long the kit waits for what should come, and for what should not.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Until something that should happen counts as missing.
    pub patience: Duration,
    /// Without anything happening until nothing counts as having happened.
    pub quiet: Duration,
    /// Cases at once.
    pub at_once: usize,
}

impl Default for Timing {
    /// For adapters on this machine: a local peer answers within milliseconds, a busy machine within seconds.
    fn default() -> Self {
        Self { patience: Duration::from_secs(10), quiet: Duration::from_millis(100), at_once: 8 }
    }
}

/// Runs every case of the suite, each against a fresh adapter.
pub async fn run(subject: Arc<dyn Subject>, timing: &Timing) -> Results {
    run_cases(subject, suite(), timing).await
}

/// Runs these cases, each against a fresh adapter.
pub async fn run_cases(subject: Arc<dyn Subject>, cases: Vec<Case>, timing: &Timing) -> Results {
    let places = Arc::new(Semaphore::new(timing.at_once.clamp(1, Semaphore::MAX_PERMITS)));
    let mut running = JoinSet::new();
    for (at, case) in cases.into_iter().enumerate() {
        let (subject, timing, places) = (Arc::clone(&subject), *timing, Arc::clone(&places));
        running.spawn(async move {
            // Never closed, so that there always is a place.
            let _place = places.acquire_owned().await.ok();
            (at, run_case(&case, subject, &timing).await)
        });
    }
    let mut ended: Vec<(usize, Ended)> = Vec::new();
    while let Some(one) = running.join_next().await {
        // A case cannot panic: `run_case` turns that into a failure.
        ended.extend(one.ok());
    }
    ended.sort_unstable_by_key(|(at, _)| *at);
    Results { subject: subject.name(), ended: ended.into_iter().map(|(_, ended)| ended).collect() }
}

/// Runs one case against a fresh adapter.
pub async fn run_case(case: &Case, subject: Arc<dyn Subject>, timing: &Timing) -> Ended {
    let begun = tokio::time::Instant::now();
    let (run, timing) = (case.run, *timing);
    let longest = timing.patience.saturating_mul(4);
    // A task of its own, so that a panic within it, or within the peer, is a failure of this case only.
    let task = tokio::spawn(async move {
        let mut bench = match Bench::start(subject, timing).await {
            Ok(bench) => bench,
            Err(failed) => return (Err(failed), Vec::new()),
        };
        let trying = async {
            bench.arrive().await?;
            run(&mut bench).await
        };
        let verdict = timeout(longest, trying).await.unwrap_or_else(|_| Err(endless()));
        let said = match &verdict {
            Ok(()) => Vec::new(),
            Err(_) => bench.peer.story().await,
        };
        bench.stop().await;
        (verdict, said)
    });
    let abort = task.abort_handle();
    // What holds up even the end of a case is left behind.
    let (verdict, said) = match timeout(longest.saturating_add(timing.patience), task).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => (Err(Failed(format!("a panic: {panic}"))), Vec::new()),
        Err(_) => {
            abort.abort();
            (Err(endless()), Vec::new())
        }
    };
    Ended { case: *case, verdict, said, took: begun.elapsed() }
}

fn endless() -> Failed {
    Failed("it came to no end".to_owned())
}
