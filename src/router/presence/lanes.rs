//! Order: what concerns one pair of addresses is done one after the other.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use super::super::Router;
use super::super::flight::Pair;
use crate::sync::lock;

/// Something to be done in its turn.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The pairs at which something is being done, each with what waits behind it.
#[derive(Default)]
pub(super) struct Lanes(Mutex<HashMap<Pair, VecDeque<Work>>>);

impl Lanes {
    /// How much waits at a pair.
    pub(super) fn waiting(&self, pair: &Pair) -> usize {
        lock(&self.0).get(pair).map_or(0, VecDeque::len)
    }

    fn next(&self, pair: &Pair) -> Option<Work> {
        let mut lanes = lock(&self.0);
        let work = lanes.get_mut(pair).and_then(VecDeque::pop_front);
        if work.is_none() {
            lanes.remove(pair);
        }
        work
    }
}

impl Router {
    /// Does something once all that came before at the same pair is done.
    pub(super) fn in_lane(self: &Arc<Self>, pair: Pair, work: impl Future<Output = ()> + Send + 'static) {
        let work: Work = Box::pin(work);
        match lock(&self.presence.lanes.0).entry(pair.clone()) {
            Entry::Occupied(mut lane) => return lane.get_mut().push_back(work),
            Entry::Vacant(free) => free.insert(VecDeque::new()),
        };
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            work.await;
            while let Some(work) = router.presence.lanes.next(&pair) {
                work.await;
            }
        });
    }
}
