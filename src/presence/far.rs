//! What a subscription that another server keeps looks like from the watcher's side.

use std::collections::HashMap;
use std::sync::Arc;

use cpim_adapter::{Domain, Passage, SubscriptId};

use super::state::State;

/// The other server's lease behind a subscription of ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Far {
    /// Its name there.
    pub(crate) id: Option<SubscriptId>,
    /// What that server told last, and how it came.
    pub(crate) last: Option<(Arc<State>, Option<Passage>)>,
    /// When to renew it, in Unix milliseconds; absent while that is under way.
    pub(crate) renew_at: Option<i64>,
    /// When the lease there ends.
    pub(crate) until: i64,
    /// Renewals that came to nothing in a row.
    pub(crate) tries: u32,
}

/// How long a link may be down before watchers are told, in milliseconds (DESIGN.md section 7).
const DOWN_MS: i64 = 5 * 60 * 1_000;

/// A link that is down, by the domain that it leads to.
#[derive(Clone, Copy, Debug)]
struct Down {
    since: i64,
    /// Its watchers know.
    told: bool,
}

/// The links that are down.
#[derive(Debug, Default)]
pub(crate) struct Links(HashMap<Domain, Down>);

impl Links {
    /// A link is down, or may be.
    pub(crate) fn lost(&mut self, domain: &Domain, now: i64) {
        let down = Down { since: now, told: false };
        self.0.entry(domain.clone()).or_insert(down);
    }

    /// It is there. `true`: it was not.
    pub(crate) fn back(&mut self, domain: &Domain) -> bool {
        self.0.remove(domain).is_some()
    }

    /// The links that have been down for too long since the last look.
    pub(crate) fn too_long(&mut self, now: i64) -> Vec<Domain> {
        let long = self.0.iter_mut().filter(|(_, down)| !down.told && now - down.since >= DOWN_MS);
        long.map(|(domain, down)| {
            down.told = true;
            domain.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_are_told_once_that_a_link_is_down_for_long() {
        let domain = Domain::parse("b.example").unwrap();
        let mut links = Links::default();
        links.lost(&domain, 0);
        links.lost(&domain, 1_000);
        assert!(links.too_long(DOWN_MS - 1).is_empty());
        assert_eq!(links.too_long(DOWN_MS).len(), 1);
        assert!(links.too_long(DOWN_MS + 1).is_empty());
        assert!(links.back(&domain) && !links.back(&domain));
    }
}
