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
pub(crate) const DOWN_MS: i64 = 5 * 60 * 1_000;

/// First and longest pause between two attempts to bring a link back, in milliseconds.
const PAUSE_MS: (i64, i64) = (1_000, 60_000);

/// A link that is down, by the domain that it leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Down {
    pub(crate) since: i64,
    /// When it is tried next.
    pub(crate) try_at: i64,
    tries: u32,
    /// Its watchers know.
    pub(crate) told: bool,
}

/// The links that are down.
#[derive(Debug, Default)]
pub(crate) struct Links(HashMap<Domain, Down>);

impl Links {
    /// A link is down, or may be: it is tried at once.
    pub(crate) fn lost(&mut self, domain: &Domain, now: i64) {
        let down = Down { since: now, try_at: now, tries: 0, told: false };
        self.0.entry(domain.clone()).or_insert(down);
    }

    /// An attempt failed.
    pub(crate) fn failed(&mut self, domain: &Domain, now: i64) {
        self.lost(domain, now);
        if let Some(down) = self.0.get_mut(domain) {
            down.tries = down.tries.saturating_add(1);
            down.try_at = now + PAUSE_MS.0.saturating_mul(1 << down.tries.min(10)).min(PAUSE_MS.1);
        }
    }

    /// It is there. `true`: it was not.
    pub(crate) fn back(&mut self, domain: &Domain) -> bool {
        self.0.remove(domain).is_some()
    }

    pub(crate) fn is_down(&self, domain: &Domain) -> bool {
        self.0.contains_key(domain)
    }

    /// The links to try now. Each is tried once until something is heard of it.
    pub(crate) fn due(&mut self, now: i64) -> Vec<Domain> {
        let due = self.0.iter_mut().filter(|(_, down)| down.try_at <= now);
        due.map(|(domain, down)| {
            down.try_at = now + PAUSE_MS.1;
            domain.clone()
        })
        .collect()
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
    fn a_link_is_tried_less_and_less_often_and_its_watchers_told_once() {
        let domain = Domain::parse("b.example").unwrap();
        let mut links = Links::default();
        links.lost(&domain, 0);
        assert_eq!(links.due(0).len(), 1);
        assert_eq!(links.due(1).len(), 0, "it is being tried");
        for (now, next) in [(0, 2_000), (2_000, 6_000), (6_000, 14_000)] {
            links.failed(&domain, now);
            assert!(links.due(next - 1).is_empty() && links.due(next).len() == 1, "{next}");
        }
        assert!(links.too_long(DOWN_MS - 1).is_empty());
        assert_eq!(links.too_long(DOWN_MS).len(), 1);
        assert!(links.too_long(DOWN_MS + 1).is_empty());
        assert!(links.back(&domain) && !links.back(&domain) && !links.is_down(&domain));
    }
}
