//! Domains: each is one thing only. Hosted here, a peer's, routed, or a mapping's; the relay domain is nobody's.

use cpim_adapter::{DomainMapping, Selectors};

use super::super::draft::{Draft, Listed};
use super::super::lists::{Hosted, Peer};
use super::super::names::{Domain, Host, HostPort};
use super::super::section::{AdapterSection, Endpoint};
use super::super::source::KeyPath;
use super::super::words;
use super::{Check, names_any};

impl Check<'_, '_> {
    pub(super) fn hosted(&mut self, hosted: &Listed<Hosted>, relay_domains: &[Domain]) {
        let mut seen: Vec<&Domain> = Vec::new();
        for (path, hosted) in hosted {
            if hosted.domain.is_none() && hosted.uris.is_empty() {
                self.wrong(path, "nothing is hosted; domain or uris must be given");
            }
            if let Some(domain) = &hosted.domain {
                let path = path.key("domain");
                self.not_ours(&path, domain, relay_domains);
                self.once(&path, domain, &mut seen);
            }
            for (nth, address) in hosted.uris.iter().enumerate() {
                self.not_ours(&path.key("uris").nth(nth), address.domain(), relay_domains);
            }
        }
    }

    pub(super) fn peers(
        &mut self,
        peers: &mut Listed<Peer>,
        hosted: &Listed<Hosted>,
        relay_domains: &[Domain],
    ) {
        let hosted: Vec<Domain> = hosted.iter().filter_map(|(_, hosted)| hosted.domain.clone()).collect();
        for (path, peer) in peers.iter_mut() {
            peer.secret = self.secret(path, peer.secret_file.as_deref(), peer.secret_env.as_deref());
        }
        let (mut seen, mut served): (Vec<&Domain>, Vec<&Domain>) = (Vec::new(), Vec::new());
        for (path, peer) in peers.iter() {
            self.not_ours(&path.key("domain"), &peer.domain, relay_domains);
            self.once(&path.key("domain"), &peer.domain, &mut seen);
            for (nth, domain) in peer.serves.iter().enumerate() {
                let path = path.key("serves").nth(nth);
                self.not_ours(&path, domain, relay_domains);
                self.once(&path, domain, &mut served);
                if hosted.contains(domain) {
                    self.wrong(&path, format!("\"{domain}\" is hosted here; a domain has one home"));
                }
            }
            for (nth, pattern) in peer.sources.iter().enumerate() {
                if names_any(pattern, relay_domains) || names_any(pattern, &hosted) {
                    let message = format!("\"{pattern}\" is this gateway's own; nobody else may send for it");
                    self.wrong(&path.key("sources").nth(nth), message);
                }
            }
        }
    }

    pub(super) fn routes(&mut self, draft: &Draft, relay_domains: &[Domain]) {
        let known = self.protocols();
        let adapters = self.adapters;
        let ours: Vec<(KeyPath, Endpoint)> =
            adapters.iter().flat_map(|(adapter, section)| adapter.listeners(section)).collect();
        let hosted: Vec<Domain> =
            draft.hosted.iter().filter_map(|(_, hosted)| hosted.domain.clone()).collect();
        let mut seen = Vec::new();
        for (path, route) in &draft.routes {
            if names_any(&route.domain, relay_domains) || names_any(&route.domain, &hosted) {
                let message =
                    format!("\"{}\" is this gateway's own; a route leads to somebody else's", route.domain);
                self.wrong(&path.key("domain"), message);
            }
            if !known.contains(&route.protocol.as_str()) {
                self.wrong(&path.key("protocol"), words::unknown("protocol", &route.protocol, &known));
            }
            if seen.contains(&&route.domain) {
                let message = format!(
                    "\"{}\" has a route already, and one alone is taken; name all its addresses in one",
                    route.domain
                );
                self.wrong(&path.key("domain"), message);
            }
            seen.push(&route.domain);
            let finds = |(adapter, _): &(AdapterSection, _)| adapter.finds && adapter.name == route.protocol;
            if route.to.is_empty() && !adapters.iter().any(finds) {
                self.wrong(&path.key("to"), r#"leads nowhere; at least one "host:port" must be given"#);
            }
            for (nth, to) in route.to.iter().enumerate() {
                if let Some((listener, _)) = ours.iter().find(|(_, ours)| reaches(to, ours)) {
                    let message = format!(
                        "{to} is this gateway itself ({listener}); the address of another is accepted"
                    );
                    self.wrong(&path.key("to").nth(nth), message);
                }
            }
        }
    }

    pub(super) fn mappings(
        &mut self,
        draft: &Draft,
        relay_domains: &[Domain],
        selectors: &Selectors,
    ) -> Vec<DomainMapping> {
        let mut seen: Vec<&Domain> =
            draft.hosted.iter().filter_map(|(_, hosted)| hosted.domain.as_ref()).collect();
        let mut mappings = Vec::new();
        for (path, mapping) in &draft.mappings {
            self.not_ours(&path.key("domain"), &mapping.domain, relay_domains);
            self.once(&path.key("domain"), &mapping.domain, &mut seen);
            let selector = match selectors.find(&mapping.selector) {
                Ok(selector) => selector,
                Err(e) => {
                    self.wrong(&path.key("selector"), e.to_string());
                    continue;
                }
            };
            match DomainMapping::new(mapping.domain.clone(), selector, &mapping.prefix, &mapping.suffix) {
                Ok(made) => mappings.push(made),
                Err(e) => self.wrong(path, e.to_string()),
            }
        }
        mappings
    }

    /// Notes a relay domain where another domain belongs.
    fn not_ours(&mut self, path: &KeyPath, domain: &Domain, relay_domains: &[Domain]) {
        if relay_domains.contains(domain) {
            self.wrong(
                path,
                format!(
                    "\"{domain}\" is the relay domain, which is the gateway's alone; another is accepted"
                ),
            );
        }
    }

    /// Notes a domain that was there before.
    fn once<'d>(&mut self, path: &KeyPath, domain: &'d Domain, seen: &mut Vec<&'d Domain>) {
        if seen.contains(&domain) {
            self.wrong(path, format!("\"{domain}\" is named already; each domain is named once"));
        }
        seen.push(domain);
    }
}

/// Whether a connection to `to` would end at the listener `ours`.
fn reaches(to: &HostPort, ours: &Endpoint) -> bool {
    let (Host::Address(to_address), Endpoint::Address(ours)) = (&to.host, ours) else {
        return false;
    };
    let everywhere =
        ours.ip().is_unspecified() && to_address.is_loopback() && (ours.is_ipv6() || to_address.is_ipv4());
    to.port == ours.port() && (*to_address == ours.ip() || everywhere)
}
