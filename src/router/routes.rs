//! Routes found a moment ago, so that a stream of operations does not ask DNS for each.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use cpim_adapter::{Class, Domain, PeerHop};
use tokio::time::Instant;

use crate::sync::lock;

/// For how long a route is believed. Short, so that a change of records is seen soon; the resolver's own
/// cache keeps to their TTL, and draws the order anew at every resolution.
const FRESH: Duration = Duration::from_secs(10);

/// Most routes kept; beyond, the stale ones go first, then all.
const MOST: usize = 4_096;

/// Routes found a moment ago.
#[derive(Default)]
pub(super) struct Routes(Mutex<HashMap<(Class, Domain), Found>>);

struct Found {
    at: Instant,
    port: usize,
    hop: PeerHop,
}

impl Routes {
    pub(super) fn recent(&self, class: Class, domain: &Domain) -> Option<(usize, PeerHop)> {
        let routes = lock(&self.0);
        let found = routes.get(&(class, domain.clone()))?;
        (found.at.elapsed() < FRESH).then(|| (found.port, found.hop.clone()))
    }

    pub(super) fn keep(&self, port: usize, hop: &PeerHop) {
        let mut routes = lock(&self.0);
        if routes.len() >= MOST {
            routes.retain(|_, found| found.at.elapsed() < FRESH);
            if routes.len() >= MOST {
                routes.clear();
            }
        }
        routes.insert((hop.class, hop.domain.clone()), Found { at: Instant::now(), port, hop: hop.clone() });
    }

    /// The route did not lead there: the next operation asks anew.
    pub(super) fn forget(&self, class: Class, domain: &Domain) {
        lock(&self.0).remove(&(class, domain.clone()));
    }

    pub(super) fn forget_all(&self) {
        lock(&self.0).clear();
    }
}
