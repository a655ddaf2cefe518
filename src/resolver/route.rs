//! Pinned routes: where a domain is, whatever DNS says.

use std::fmt;

use cpim_adapter::Domain;

use super::Protocol;
use crate::config::{DomainPattern, HostPort};

/// A pinned route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The domains that it is for.
    pub domain: DomainPattern,
    /// Where it leads.
    pub via: Via,
}

/// Where a pinned route leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Via {
    /// To wherever the adapter of the protocol finds by its own means, such as MX records or a smarthost.
    Adapter(Protocol),
    /// To wherever another domain is, by its own pinned route or by DNS.
    Domain(Domain),
    /// To these, tried in this order.
    Hosts {
        /// What is spoken there.
        protocol: Protocol,
        /// The places.
        hosts: Vec<HostPort>,
    },
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adapter(protocol) => write!(f, "as the {protocol} adapter finds it"),
            Self::Domain(domain) => write!(f, "as {domain}"),
            Self::Hosts { protocol, hosts } => {
                write!(f, "by {protocol} to")?;
                hosts.iter().try_for_each(|host| write!(f, " {host}"))
            }
        }
    }
}

/// The route that describes `domain` most closely.
pub(super) fn find<'a>(routes: &'a [Route], domain: &Domain) -> Option<&'a Route> {
    DomainPattern::closest(routes.iter().map(|route| (&route.domain, route)), domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[test]
    fn the_closest_route_wins() {
        let below = |text| DomainPattern::Below(domain(text));
        let route = |pattern, to| Route { domain: pattern, via: Via::Domain(domain(to)) };
        let routes = [
            route(below("example"), "one"),
            route(below("b.example"), "two"),
            route(DomainPattern::Exactly(domain("a.b.example")), "three"),
            route(below("b.example"), "four"),
        ];
        let leads = |text| find(&routes, &domain(text)).map(|route| route.via.to_string());
        assert_eq!(leads("a.b.example").as_deref(), Some("as three"));
        assert_eq!(leads("c.b.example").as_deref(), Some("as two"), "of two alike the first");
        assert_eq!(leads("b.example").as_deref(), Some("as one"), "a suffix is not below itself");
        assert_eq!(leads("x.a.b.example").as_deref(), Some("as two"));
        assert_eq!(leads("example"), None);
        assert_eq!(leads("notexample"), None);
        assert_eq!(leads("xb.example").as_deref(), Some("as one"), "whole labels only");
    }
}
