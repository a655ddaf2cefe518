//! Order within a pair of source and destination.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cpim_adapter::{Address, Operation};
use tokio::sync::OwnedMutexGuard;

type Pair = (Address, Address);
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Lets the operations of a pair pass one at a time.
///
/// The gateway starts operation n+1 of a pair as soon as n has passed its commit point, which is a moment
/// before n is queued: without a turn to wait for, n+1 could overtake it in that moment. Pairs do not wait
/// for each other.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Mutex<HashMap<Pair, Turn>>);

/// The turn of one operation; its pair's next may pass when it is dropped.
#[derive(Debug)]
pub(crate) struct Passing<'a> {
    lanes: &'a Lanes,
    pair: Pair,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Lanes {
    /// Waits for the operation's turn, first come first served.
    ///
    /// # Cancel safety
    /// Cancelled, it has had no turn.
    pub(crate) async fn pass(&self, operation: &Operation) -> Passing<'_> {
        let pair = (
            operation.speaks_for().address().clone(),
            operation.goes_to().address().clone(),
        );
        let turn = Arc::clone(self.lock().entry(pair.clone()).or_default());
        let mut passing = Passing {
            lanes: self,
            pair,
            turn: None,
        };
        passing.turn = Some(turn.lock_owned().await);
        passing
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Pair, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        drop(self.turn.take());
        // Whoever waits holds a copy of its own, which can be taken only under the lock.
        if lanes
            .get(&self.pair)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            lanes.remove(&self.pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{PresUri, Unsubscribe};

    use super::*;

    fn operation(watcher: &str) -> Operation {
        let [watcher, target] = [watcher, "pres:fred@a.example"].map(|uri| PresUri::parse(uri).unwrap());
        Operation::Unsubscribe(Unsubscribe { watcher, target })
    }

    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = tokio::task::yield_now() => true,
        }
    }

    #[tokio::test]
    async fn a_pair_passes_in_turn_and_leaves_nothing_behind() {
        let (lanes, one, other) = (
            Lanes::default(),
            operation("pres:w@b.example"),
            operation("pres:v@b.example"),
        );
        let first = lanes.pass(&one).await;
        let mut second = Box::pin(lanes.pass(&one));
        let mut third = Box::pin(lanes.pass(&one));
        for waiting in [&mut second, &mut third] {
            assert!(is_pending(waiting).await);
        }
        drop(lanes.pass(&other).await);
        drop(first);
        assert!(is_pending(&mut third).await, "the second comes first");
        let passing = second.await;
        drop(third);
        drop(passing);
        assert!(lanes.lock().is_empty());
    }
}
