//! What a subscription that another server keeps looks like from the watcher's side.

use std::collections::HashMap;
use std::sync::Arc;

use cpim_adapter::{Address, Domain, ForeignAddress, Passage, Selector, SubscriptId};

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

/// Whom a link leads to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Link {
    /// The server of a domain.
    Domain(Domain),
    /// The adapter of a selector, whose addresses are source routes at our relay domain.
    Selector(Domain, Selector),
}

impl Link {
    /// Whether an address is found over it.
    pub(crate) fn leads_to(&self, address: &Address) -> bool {
        match self {
            Self::Domain(domain) => address.domain() == domain,
            Self::Selector(relay, selector) => {
                let rest = address.local().strip_prefix(selector.as_str());
                address.domain() == relay && rest.is_some_and(|rest| rest.starts_with('='))
            }
        }
    }

    /// Whether a foreign address that is observed is reached over it.
    pub(crate) fn leads_abroad(&self, foreign: &ForeignAddress) -> bool {
        matches!(self, Self::Selector(_, selector) if selector == foreign.selector())
    }

    /// The domain that its addresses have.
    pub(crate) const fn domain(&self) -> &Domain {
        match self {
            Self::Domain(domain) | Self::Selector(domain, _) => domain,
        }
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Selector(_, selector) => write!(f, "{selector}:"),
        }
    }
}

/// A link that is down.
#[derive(Clone, Copy, Debug)]
struct Down {
    since: i64,
    /// Its watchers know.
    told: bool,
}

/// The links that are down.
#[derive(Debug, Default)]
pub(crate) struct Links(HashMap<Link, Down>);

impl Links {
    /// A link is down, or may be.
    pub(crate) fn lost(&mut self, link: &Link, now: i64) {
        let down = Down { since: now, told: false };
        self.0.entry(link.clone()).or_insert(down);
    }

    /// It is there. `true`: it was not.
    pub(crate) fn back(&mut self, link: &Link) -> bool {
        self.0.remove(link).is_some()
    }

    /// The links that have been down for too long since the last look.
    pub(crate) fn too_long(&mut self, now: i64) -> Vec<Link> {
        let long = self.0.iter_mut().filter(|(_, down)| !down.told && now - down.since >= DOWN_MS);
        long.map(|(link, down)| {
            down.told = true;
            link.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_are_told_once_that_a_link_is_down_for_long() {
        let domain = Link::Domain(Domain::parse("b.example").unwrap());
        let mut links = Links::default();
        links.lost(&domain, 0);
        links.lost(&domain, 1_000);
        assert!(links.too_long(DOWN_MS - 1).is_empty());
        assert_eq!(links.too_long(DOWN_MS).len(), 1);
        assert!(links.too_long(DOWN_MS + 1).is_empty());
        assert!(links.back(&domain) && !links.back(&domain));
    }
    #[test]
    fn a_selector_leads_to_its_own_routes_at_the_relay_domain() {
        let pepp = cpim_adapter::Selectors::default().find("pepp").unwrap();
        let link = Link::Selector(Domain::parse("gw.example").unwrap(), pepp);
        let leads = |uri| link.leads_to(&Address::parse(uri).unwrap());
        assert!(leads("pres:pepp=x.example/fred@gw.example"));
        for other in ["pres:pepper=x@gw.example", "pres:pepp=x/y@b.example", "pres:pepp@gw.example"] {
            assert!(!leads(other), "{other}");
        }
    }
}
