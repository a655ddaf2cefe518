//! What no single value tells: that the parts agree with each other and with this machine.

use std::ffi::OsString;
use std::path::PathBuf;

use cpim_adapter::Selectors;

use super::Config;
use super::draft::{Draft, Listed};
use super::read::Reader;
use super::section::AdapterSection;

pub(crate) fn everything(
    _reader: &mut Reader<'_>,
    draft: Draft,
    _environment: &[(OsString, OsString)],
    _adapters: &[AdapterSection],
) -> Option<Config> {
    fn plain<T>(listed: Listed<T>) -> Vec<T> {
        listed.into_iter().map(|(_, element)| element).collect()
    }
    Some(Config {
        file: PathBuf::new(),
        sections: Default::default(),
        relay_domain: draft.relay_domain?,
        relay_domains_extra: draft.relay_domains_extra,
        store: draft.store,
        admin: draft.admin,
        log: draft.log,
        limits: draft.limits,
        dns: draft.dns,
        selectors: Selectors::default(),
        hosted: plain(draft.hosted),
        routes: plain(draft.routes),
        peers: plain(draft.peers),
        applications: plain(draft.applications),
        rules: plain(draft.rules),
        rules_default: draft.rules_default,
        mappings: Vec::new(),
    })
}
