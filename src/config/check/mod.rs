//! What no single value tells: that the parts agree with each other and with this machine.
//!
//! What could not be read is no longer there, and has been said; what is checked here is right in itself.

mod limits;
mod machine;
mod names;
mod principals;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use cpim_adapter::Selectors;

use super::Config;
use super::draft::{Draft, Listed};
use super::names::{Claim, Domain, DomainPattern};
use super::read::Reader;
use super::section::{AdapterSection, Known, Section};
use super::sections::SelectorForm;
use super::source::KeyPath;

pub(crate) use machine::socket_path;

/// What the checks need to know beside the draft.
pub(crate) struct Check<'a, 'o> {
    /// Takes what is wrong.
    pub(crate) reader: &'a mut Reader<'o>,
    /// Where secrets may be.
    pub(crate) environment: &'a [(OsString, OsString)],
    /// Which protocols there are, and where they listen.
    pub(crate) adapters: &'a [(AdapterSection, Section)],
}

impl Check<'_, '_> {
    /// Checks the draft, reads its secrets and makes the configuration of it; none where it has no relay domain.
    /// The adapters' sections are not in it yet; they are held against what is returned beside it.
    pub(crate) fn everything(&mut self, mut draft: Draft) -> (Known, Option<Config>) {
        self.limits(&draft);
        self.machine(&draft);
        let relay_domains = self.relay_domains(&draft);
        let selectors = self.selectors(&draft);
        self.hosted(&draft.hosted, &relay_domains);
        self.peers(&mut draft.peers, &draft.hosted, &relay_domains);
        self.routes(&draft, &relay_domains);
        self.applications(&mut draft.applications, &relay_domains, &selectors);
        let mapped = draft.mappings.iter().map(|(_, mapping)| &mapping.domain);
        let short: Vec<&Domain> = draft.relay_domains_extra.iter().chain(mapped).collect();
        self.rules(&draft.rules, &selectors, &short);
        let mappings = self.mappings(&draft, &relay_domains, &selectors);
        let known = Known { relay_domains, selectors: selectors.clone() };
        let config = draft.relay_domain.map(|relay_domain| Config {
            file: PathBuf::new(),
            relay_domain,
            relay_domains_extra: draft.relay_domains_extra,
            store: draft.store,
            admin: draft.admin,
            log: draft.log,
            limits: draft.limits,
            presence: draft.presence,
            kept: draft.kept,
            dns: draft.dns,
            selectors,
            hosted: elements(draft.hosted),
            routes: elements(draft.routes),
            peers: elements(draft.peers),
            applications: elements(draft.applications),
            principals: draft.principals,
            rules: elements(draft.rules),
            rules_default: draft.rules_default,
            mappings,
            sections: Vec::new(),
        });
        (known, config)
    }

    fn wrong(&mut self, path: &KeyPath, message: impl Into<String>) {
        self.reader.wrong(path, message);
    }

    /// All domains that mean this gateway.
    fn relay_domains(&mut self, draft: &Draft) -> Vec<Domain> {
        let mut domains: Vec<Domain> = draft.relay_domain.iter().cloned().collect();
        for (nth, extra) in draft.relay_domains_extra.iter().enumerate() {
            if domains.contains(extra) {
                let path = KeyPath::new(&["relay_domains_extra"]).nth(nth);
                self.wrong(&path, format!("\"{extra}\" is named already; each relay domain is named once"));
            }
            domains.push(extra.clone());
        }
        domains
    }

    fn selectors(&mut self, draft: &Draft) -> Selectors {
        let mut selectors = Selectors::default();
        for (name, form) in &draft.selectors {
            if let Err(e) = selectors.add(name, SelectorForm::shape(*form)) {
                self.wrong(&KeyPath::new(&["selectors", name]), e.to_string());
            }
        }
        selectors
    }

    /// The value of a variable of the environment.
    fn variable(&self, name: &str) -> Option<&OsStr> {
        let found = self.environment.iter().find(|(variable, _)| variable == name);
        found.map(|(_, value)| value.as_os_str())
    }

    fn protocols(&self) -> Vec<&'static str> {
        self.adapters.iter().map(|(adapter, _)| adapter.name).collect()
    }
}

fn elements<T>(listed: Listed<T>) -> Vec<T> {
    listed.into_iter().map(|(_, element)| element).collect()
}

/// Whether the claim takes in one of these domains or an address there.
fn claims_any(claim: &Claim, domains: &[Domain]) -> bool {
    match claim {
        Claim::Address(address) => domains.contains(address.domain()),
        Claim::Domain(domain) => domains.contains(domain),
        Claim::Selector(_) => false,
    }
}

/// Whether the pattern names one of these domains outright. One that only takes it in (`.example`) is right: the
/// relay domain is left out where it is applied.
fn names_any(pattern: &DomainPattern, domains: &[Domain]) -> bool {
    matches!(pattern, DomainPattern::Exactly(domain) if domains.contains(domain))
}
