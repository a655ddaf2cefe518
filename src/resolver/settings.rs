//! What the configuration says about resolution.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Host, HostPort, Protocol, Route, Via};
use crate::config::{self, Config};

/// What the configuration says about resolution: plain values, read and checked elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Whether DNS is asked at all; without it only pinned routes lead anywhere.
    pub enabled: bool,
    /// The DNS servers to ask, in order.
    pub servers: Vec<SocketAddr>,
    /// Whether those of this machine's own configuration are asked where `servers` names none.
    pub system: bool,
    /// How long one server may take over one query.
    pub timeout: Duration,
    /// How often all servers are asked one query before it counts as unanswered; at least 1.
    pub attempts: usize,
    /// How long one resolution may take, whatever it meets.
    pub limit: Duration,
    /// The addresses of one domain that are given at most; at least [`Settings::LEAST_CANDIDATES`].
    pub max_candidates: usize,
    /// The protocols whose SRV records are looked for, in this order.
    pub protocols: Vec<Protocol>,
    /// Pinned routes.
    pub routes: Vec<Route>,
    /// Where this gateway itself can be reached, by name or address. An unspecified address stands for the
    /// machine's loopback addresses; others that it stands for must be listed.
    pub own: Vec<HostPort>,
}

impl Settings {
    /// At least two addresses are tried where a domain has them (the draft's section 2.2.1).
    pub const LEAST_CANDIDATES: usize = 2;

    /// What a configuration says.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let dns = &config.dns;
        let own = |address: SocketAddr| HostPort { host: Host::Address(address.ip()), port: address.port() };
        Self {
            enabled: dns.enabled,
            servers: dns.servers.clone(),
            system: dns.system,
            timeout: dns.timeout,
            attempts: dns.attempts,
            max_candidates: dns.max_candidates,
            protocols: dns.protocols.iter().filter_map(|name| Protocol::parse(name).ok()).collect(),
            routes: config.routes.iter().filter_map(pinned).collect(),
            own: config.listens().into_iter().map(own).collect(),
            ..Self::default()
        }
    }

    /// Whether `name` at `port` is this gateway.
    pub(super) fn is_own_name(&self, name: &str, port: u16) -> bool {
        let same = |own: &HostPort| {
            matches!(&own.host, Host::Name(host) if host.as_str() == name) && own.port == port
        };
        self.own.iter().any(same)
    }

    /// Whether `address` is this gateway.
    pub(super) fn is_own_address(&self, address: SocketAddr) -> bool {
        let there = address.ip().to_canonical();
        let covers = |own: IpAddr| own == there || own.is_unspecified() && there.is_loopback();
        let same = |own: &HostPort| matches!(own.host, Host::Address(ip) if covers(ip.to_canonical()));
        self.own.iter().any(|own| own.port == address.port() && same(own))
    }
}

/// A route of the configuration. One without a place is left to its adapter's own means.
fn pinned(route: &config::Route) -> Option<Route> {
    let protocol = Protocol::parse(&route.protocol).ok()?;
    let via = match route.to.is_empty() {
        true => Via::Adapter(protocol),
        false => Via::Hosts { protocol, hosts: route.to.clone() },
    };
    Some(Route { domain: route.domain.clone(), via })
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            servers: Vec::new(),
            system: true,
            timeout: Duration::from_secs(5),
            attempts: 2,
            limit: Duration::from_secs(30),
            max_candidates: 16,
            protocols: vec![Protocol::native()],
            routes: Vec::new(),
            own: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_places() {
        let own = |host: &str, port| HostPort { host: Host::Address(host.parse().unwrap()), port };
        let name = cpim_adapter::Domain::parse("gw.example").unwrap();
        let settings = Settings {
            own: vec![
                own("0.0.0.0", 5870),
                own("192.0.2.1", 5870),
                HostPort { host: Host::Name(name), port: 5870 },
            ],
            ..Settings::default()
        };
        for ours in
            ["127.0.0.1:5870", "127.9.9.9:5870", "[::1]:5870", "192.0.2.1:5870", "[::ffff:192.0.2.1]:5870"]
        {
            assert!(settings.is_own_address(ours.parse().unwrap()), "{ours}");
        }
        for other in ["127.0.0.1:5871", "192.0.2.2:5870", "192.0.2.1:25", "[2001:db8::1]:5870"] {
            assert!(!settings.is_own_address(other.parse().unwrap()), "{other}");
        }
        assert!(settings.is_own_name("gw.example", 5870));
        assert!(!settings.is_own_name("gw.example", 25));
        assert!(!settings.is_own_name("a.gw.example", 5870));
    }
}
