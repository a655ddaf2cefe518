//! What a reload changes, and what of it waits for a restart.

use serde::Serialize;

use super::Config;

/// The difference between two configurations, by key.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// Keys whose new values hold from now on.
    pub at_once: Vec<String>,
    /// Keys whose new values hold only after a restart: what is bound, opened or told to others at the start.
    /// What of an adapter's section does, the adapter says when it is told of the new one.
    pub restart: Vec<String>,
}

impl Difference {
    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at_once.is_empty() && self.restart.is_empty()
    }

    fn note(&mut self, key: &str, restart: bool, same: bool) {
        let keys = if restart { &mut self.restart } else { &mut self.at_once };
        if !same {
            keys.push(key.to_owned());
        }
    }
}

impl Config {
    /// What is different in `other`, from this one to that.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Difference {
        const RESTART: bool = true;
        const AT_ONCE: bool = false;
        // Named one by one, so that a new key does not compile until it has been thought of.
        let Self {
            file: _,
            relay_domain,
            relay_domains_extra,
            store,
            admin,
            log,
            limits,
            presence,
            kept,
            dns,
            selectors,
            hosted,
            routes,
            peers,
            applications,
            principals,
            rules,
            rules_default,
            mappings,
            sections,
        } = self;
        let mut difference = Difference::default();
        let mut note = |key: &str, restart: bool, same: bool| difference.note(key, restart, same);
        note("relay_domain", RESTART, *relay_domain == other.relay_domain);
        note("relay_domains_extra", RESTART, *relay_domains_extra == other.relay_domains_extra);
        note("store", RESTART, *store == other.store);
        note("admin", RESTART, *admin == other.admin);
        note("log.format", RESTART, log.format == other.log.format);
        note("log.level", AT_ONCE, log.level == other.log.level);
        note("limits", AT_ONCE, *limits == other.limits);
        note("presence", AT_ONCE, *presence == other.presence);
        note("kept", AT_ONCE, *kept == other.kept);
        note("dns", AT_ONCE, *dns == other.dns);
        note("selectors", AT_ONCE, selectors.iter().eq(other.selectors.iter()));
        note("hosted", AT_ONCE, *hosted == other.hosted);
        note("route", AT_ONCE, *routes == other.routes);
        note("peer", AT_ONCE, *peers == other.peers);
        note("application", AT_ONCE, *applications == other.applications);
        note("principals", AT_ONCE, *principals == other.principals);
        note("rule", AT_ONCE, *rules == other.rules);
        note("rules.default", AT_ONCE, *rules_default == other.rules_default);
        note("mapping", AT_ONCE, *mappings == other.mappings);
        for (adapter, section) in sections {
            let theirs = other.section(adapter.name);
            let mut keys: Vec<&str> = section.keys().chain(theirs.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                note(&format!("{}.{key}", adapter.name), AT_ONCE, section.key(key) == theirs.key(key));
            }
        }
        difference
    }
}
