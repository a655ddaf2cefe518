//! What has been read but not yet checked across its parts: each list with the places of its elements.

use figment::value::Dict;
use serde::de::DeserializeOwned;

use super::lists::{Application, Hosted, Mapping, Peer, Route, Rule};
use super::names::{Domain, Name};
use super::read::Reader;
use super::section::AdapterSection;
use super::sections::{Action, AddedSelectors, Admin, Dns, Kept, Limits, Log, Presence, Rules, Store};
use super::source::KeyPath;
use super::words;
use crate::rules::Defaults;

/// A list of tables, each with where it was written. What could not be read is not in it.
pub(crate) type Listed<T> = Vec<(KeyPath, T)>;

pub(crate) struct Draft {
    /// None where it is missing or wrong, which has been said.
    pub(crate) relay_domain: Option<Domain>,
    pub(crate) relay_domains_extra: Vec<Domain>,
    pub(crate) store: Store,
    pub(crate) admin: Admin,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
    pub(crate) presence: Presence,
    pub(crate) kept: Kept,
    pub(crate) dns: Dns,
    pub(crate) selectors: AddedSelectors,
    pub(crate) hosted: Listed<Hosted>,
    pub(crate) routes: Listed<Route>,
    pub(crate) peers: Listed<Peer>,
    pub(crate) applications: Listed<Application>,
    pub(crate) principals: Defaults,
    pub(crate) rules: Listed<Rule>,
    pub(crate) rules_default: Action,
    pub(crate) mappings: Listed<Mapping>,
}

impl Draft {
    /// Takes every section of the gateway's own out of `values`; what remains is unknown.
    pub(crate) fn read(reader: &mut Reader<'_>, mut values: Dict, adapters: &[AdapterSection]) -> Self {
        let mut accepted = Accepted { reader, values: &mut values, keys: Vec::new() };
        let draft = Self {
            relay_domain: accepted.relay_domain(),
            relay_domains_extra: accepted.relay_domains_extra(),
            store: accepted.table("store"),
            admin: accepted.table("admin"),
            log: accepted.table("log"),
            limits: accepted.table("limits"),
            presence: accepted.table("presence"),
            kept: accepted.table("kept"),
            dns: accepted.table("dns"),
            selectors: accepted.table("selectors"),
            hosted: accepted.tables("hosted"),
            routes: accepted.tables("route"),
            peers: accepted.tables("peer"),
            applications: accepted.tables("application"),
            principals: accepted.table("principals"),
            rules: accepted.tables("rule"),
            rules_default: accepted.table::<Rules>("rules").default,
            mappings: accepted.tables("mapping"),
        };
        let keys: Vec<&str> =
            accepted.keys.into_iter().chain(adapters.iter().map(|adapter| adapter.name)).collect();
        for name in values.keys() {
            reader.wrong(&KeyPath::new(&[name]), words::unknown("key", name, &keys));
        }
        draft
    }
}

/// Reads keys of the top level, and remembers which there are.
struct Accepted<'a, 'o> {
    reader: &'a mut Reader<'o>,
    values: &'a mut Dict,
    keys: Vec<&'static str>,
}

impl Accepted<'_, '_> {
    /// The one key that has no default.
    fn relay_domain(&mut self) -> Option<Domain> {
        self.keys.push("relay_domain");
        let path = KeyPath::new(&["relay_domain"]);
        match self.values.remove("relay_domain") {
            Some(value) => self.reader.value(value, &path).map(|Name(domain)| domain),
            None => {
                self.reader.wrong(
                    &path,
                    r#"is missing; this gateway's own domain, such as "gw.example", must be given"#,
                );
                None
            }
        }
    }

    fn relay_domains_extra(&mut self) -> Vec<Domain> {
        self.keys.push("relay_domains_extra");
        let path = KeyPath::new(&["relay_domains_extra"]);
        let value = self.values.remove("relay_domains_extra");
        let extra: Option<Vec<_>> = value.and_then(|value| self.reader.value(value, &path));
        extra.into_iter().flatten().map(|Name(domain)| domain).collect()
    }

    fn table<T: Default + DeserializeOwned>(&mut self, name: &'static str) -> T {
        self.keys.push(name);
        self.reader.table(self.values, name)
    }

    fn tables<T: DeserializeOwned>(&mut self, name: &'static str) -> Listed<T> {
        self.keys.push(name);
        self.reader.tables(self.values, name)
    }
}
