//! Which servers take the mail for a next hop.

use std::net::SocketAddr;
use std::sync::Arc;

use cpim_adapter::{BuildError, Code, DeliveryError, Domain, NextHop, PeerHop, Schedule, Scope};
use mail_auth::MessageAuthenticator;
use tokio::net::lookup_host;

use super::tls::Tls;
use super::{TlsPolicy, mx};
use crate::config::{MailHost, OutgoingSettings};

/// One server that may be gone to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Where it is.
    pub(crate) server: SocketAddr,
    /// The name that its certificate must have.
    pub(crate) name: String,
    /// Whether it is spoken to under TLS.
    pub(crate) tls: Arc<Tls>,
}

/// Finds servers.
pub(crate) struct Servers {
    routes: Vec<Route>,
    /// Of whatever no route is for.
    otherwise: Route,
    /// This gateway's name.
    relay: Domain,
    /// Who is asked for MX records, where DNS is asked at all, and the port of the servers that they name.
    asked: Option<Arc<MessageAuthenticator>>,
    mx_port: u16,
    /// To peer gateways, whose routes say whether they are spoken to in the clear.
    peers: (Arc<Tls>, Arc<Tls>),
}

/// Where mail goes.
struct Route {
    /// For mailboxes of these domains.
    domain: Scope,
    /// To these; to none: to those that MX records name.
    hosts: Vec<MailHost>,
    tls: Arc<Tls>,
    schedule: Schedule,
}

impl Servers {
    /// Servers by these settings.
    ///
    /// # Errors
    /// Where trust anchors cannot be read.
    pub(crate) fn new(
        settings: &OutgoingSettings,
        relay: &Domain,
        asked: Option<Arc<MessageAuthenticator>>,
    ) -> Result<Self, BuildError> {
        let tls = Tls::new(&settings.security, 0, "smtp.outgoing")?;
        let peers = [(TlsPolicy::Required, 1), (TlsPolicy::Plain, 2)]
            .map(|(policy, number)| Arc::new(tls.with_policy(policy, number)));
        let [encrypted, plain] = peers;
        let otherwise = Route {
            domain: Scope::Any,
            hosts: settings.smarthost.iter().cloned().collect(),
            tls: Arc::new(tls),
            schedule: settings.schedule,
        };
        let routes = settings.routes.iter().enumerate().map(|(nth, route)| {
            let key = format!("smtp.outgoing.route[{nth}]");
            Ok(Route {
                domain: route.domain.clone(),
                hosts: route.hosts.clone(),
                tls: Arc::new(Tls::new(&route.security, nth + 3, &key)?),
                schedule: route.schedule,
            })
        });
        let (routes, mx_port) = (routes.collect::<Result<_, BuildError>>()?, settings.mx_port);
        Ok(Self { routes, otherwise, relay: relay.clone(), asked, mx_port, peers: (encrypted, plain) })
    }

    /// The servers of a next hop, in the order to try. `domain`: the mailbox's.
    ///
    /// # Errors
    /// There is none, or it cannot be said now.
    pub(crate) async fn of(&self, hop: &NextHop, domain: &Domain) -> Result<Vec<Place>, DeliveryError> {
        match hop {
            NextHop::Peer(peer) if !peer.endpoints.is_empty() => Ok(self.of_peer(peer)),
            NextHop::Foreign(_) | NextHop::Peer(_) => self.for_domain(domain).await,
            NextHop::Served(_) => Err(DeliveryError::out_of_contact()),
        }
    }

    /// The servers that take the mail for people of a domain.
    ///
    /// # Errors
    /// There is none, or it cannot be said now.
    pub(crate) async fn for_domain(&self, domain: &Domain) -> Result<Vec<Place>, DeliveryError> {
        let route = self.route(domain);
        if route.hosts.is_empty() {
            return self.by_mx(domain, &route.tls).await;
        }
        let mut places = Vec::new();
        let mut trouble = DeliveryError::refused(Code::NoRoute, "this gateway sends no mail there");
        for host in &route.hosts {
            match at_host(host, &route.tls).await {
                Ok(found) => places.extend(found),
                Err(error) => trouble = error,
            }
        }
        if places.is_empty() { Err(trouble) } else { Ok(places) }
    }

    async fn by_mx(&self, domain: &Domain, tls: &Arc<Tls>) -> Result<Vec<Place>, DeliveryError> {
        let Some(asked) = &self.asked else {
            return Err(DeliveryError::refused(Code::NoRoute, "this gateway sends no mail there"));
        };
        let found = mx::exchanges(asked.resolver(), domain, &self.relay).await?;
        let place = |(name, address)| Place {
            server: SocketAddr::new(address, self.mx_port),
            name,
            tls: Arc::clone(tls),
        };
        Ok(found.into_iter().map(place).collect())
    }

    /// Whether mail can be sent anywhere.
    pub(crate) fn are_any(&self) -> bool {
        self.asked.is_some() || !self.otherwise.hosts.is_empty() || !self.routes.is_empty()
    }

    /// How mail for a domain is tried.
    pub(crate) fn schedule(&self, domain: &Domain) -> Schedule {
        self.route(domain).schedule
    }

    /// The closest route: a domain's own before one of what is above it, and of two alike the first.
    fn route(&self, domain: &Domain) -> &Route {
        let closeness = |route: &Route| match &route.domain {
            Scope::Domain(own) if own == domain => Some(usize::MAX),
            Scope::Under(above) if route.domain.covers_domain(domain) => Some(above.as_str().len()),
            _ => None,
        };
        let close = self.routes.iter().filter_map(|route| Some((closeness(route)?, route)));
        let closest = close.reduce(|best, next| if next.0 > best.0 { next } else { best });
        closest.map_or(&self.otherwise, |(_, route)| route)
    }

    fn of_peer(&self, peer: &PeerHop) -> Vec<Place> {
        let (encrypted, plain) = &self.peers;
        let tls = if peer.plain { plain } else { encrypted };
        let place = |server| Place { server, name: peer.domain.to_string(), tls: Arc::clone(tls) };
        peer.endpoints.iter().map(|endpoint| place(endpoint.address)).collect()
    }
}

async fn at_host(host: &MailHost, tls: &Arc<Tls>) -> Result<Vec<Place>, DeliveryError> {
    let found = lookup_host((host.host.as_str(), host.port)).await;
    let found = found.map_err(|error| DeliveryError::transport(format!("{}: {error}", host.host)))?;
    let name = Domain::parse(&host.host).map_or_else(|_| host.host.clone(), |name| name.to_string());
    Ok(found.map(|server| Place { server, name: name.clone(), tls: Arc::clone(tls) }).collect())
}
