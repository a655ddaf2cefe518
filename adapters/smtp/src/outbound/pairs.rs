//! The order of what one writes to another: mail goes out over several connections, and one must not overtake another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cpim_adapter::{Address, Operation};
use tokio::sync::OwnedMutexGuard;

type Turn = tokio::sync::Mutex<()>;

/// Pairs of source and destination of which something is on its way.
#[derive(Default)]
pub(crate) struct Pairs(Mutex<HashMap<(Address, Address), Weak<Turn>>>);

impl Pairs {
    /// Pairs that are kept at least, before those of which nothing is on its way are looked for.
    const FEW: usize = 64;

    /// The operation's turn among those of its pair, until it is handed over.
    ///
    /// # Cancel safety
    /// Cancelled, the next one has its turn.
    pub(crate) async fn turn(&self, operation: &Operation) -> OwnedMutexGuard<()> {
        let pair = (operation.speaks_for().address().clone(), operation.goes_to().address().clone());
        let turn = {
            let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if pairs.len() >= Self::FEW && pairs.len() == pairs.capacity() {
                pairs.retain(|_, turn| turn.strong_count() > 0);
            }
            let known = pairs.get(&pair).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::new(Turn::default());
                pairs.insert(pair, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}
