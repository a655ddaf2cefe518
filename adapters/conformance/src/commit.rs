//! The journal that the kit plays: when a delivery passes its commit point, and whether it may.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{Adapter, CommitLog, CommitPoint, Delivery, DeliveryError, Outcome, Withdrawn};
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
    /// What follows the commit point has begun.
    behind: AtomicBool,
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
        let state = State {
            gate: watch::Sender::new(gate),
            asked: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            behind: AtomicBool::new(false),
        };
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

    /// Whether it passed it and went on: the next of the pair may go. As in the gateway, that is so once the delivery waits
    /// for something else, and not already when another thread sees that the journal is done.
    pub(crate) fn is_behind(&self) -> bool {
        self.state.behind.load(Ordering::Acquire)
    }

    /// Has the adapter deliver, with this log.
    pub(crate) async fn deliver(
        self,
        adapter: Arc<dyn Adapter>,
        delivery: Delivery,
    ) -> Result<Outcome, DeliveryError> {
        let point = self.point();
        let mut delivering = pin!(adapter.deliver(delivery, &point));
        poll_fn(|cx| {
            let polled = delivering.as_mut().poll(cx);
            if self.passed() {
                self.state.behind.store(true, Ordering::Release);
            }
            polled
        })
        .await
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
