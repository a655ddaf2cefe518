//! The journal that the kit plays: when a delivery passes its commit point, and whether it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{CommitLog, CommitPoint, Withdrawn};
use tokio::sync::watch;

/// One delivery's commit log.
#[derive(Clone)]
pub(crate) struct Log {
    state: Arc<State>,
}

struct State {
    gate: watch::Sender<Gate>,
    asked: AtomicUsize,
    passed: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Gate {
    Open,
    /// The journal is writing, and is not done.
    Shut,
    /// The operation was settled meanwhile.
    Withdrawn,
}

impl Log {
    fn with(gate: Gate) -> Self {
        let state =
            State { gate: watch::Sender::new(gate), asked: AtomicUsize::new(0), passed: AtomicUsize::new(0) };
        Self { state: Arc::new(state) }
    }

    pub(crate) fn open() -> Self {
        Self::with(Gate::Open)
    }

    pub(crate) fn shut() -> Self {
        Self::with(Gate::Shut)
    }

    pub(crate) fn withdrawn() -> Self {
        Self::with(Gate::Withdrawn)
    }

    pub(crate) fn release(&self) {
        self.state.gate.send_replace(Gate::Open);
    }

    pub(crate) fn withdraw(&self) {
        self.state.gate.send_replace(Gate::Withdrawn);
    }

    pub(crate) fn point(&self) -> CommitPoint {
        CommitPoint::new(self.clone())
    }

    /// Whether the adapter came to its commit point.
    pub(crate) fn asked(&self) -> bool {
        self.state.asked.load(Ordering::Acquire) > 0
    }

    /// Whether it passed it.
    pub(crate) fn passed(&self) -> bool {
        self.state.passed.load(Ordering::Acquire) > 0
    }
}

#[async_trait]
impl CommitLog for Log {
    async fn commit(&self, _recall: Option<Duration>) -> Result<(), Withdrawn> {
        self.state.asked.fetch_add(1, Ordering::AcqRel);
        let mut gate = self.state.gate.subscribe();
        let decided = gate.wait_for(|gate| *gate != Gate::Shut).await.map_err(|_| Withdrawn)?;
        if *decided == Gate::Withdrawn {
            return Err(Withdrawn);
        }
        self.state.passed.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
