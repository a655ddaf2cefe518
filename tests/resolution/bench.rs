//! What the tests of resolution share: a server, a resolver that asks it, and short questions about the outcome.

use std::net::SocketAddr;
use std::time::Duration;

use cpim_adapter::{Class, Domain};
use cpim_gateway::resolver::{
    NoRoute, Protocol, Resolution, ResolveError, Resolver, Settings, Step, Unresolved, Why,
};

use crate::support::dns::{DnsServer, Zone};

/// A server, and a resolver that asks it.
pub struct Bench {
    pub server: DnsServer,
    pub resolver: Resolver,
}

impl Bench {
    pub async fn new(zone: Zone) -> Self {
        Self::with(zone, |_| {}).await
    }

    pub async fn with(zone: Zone, change: impl FnOnce(&mut Settings)) -> Self {
        let server = DnsServer::start(zone).await;
        let mut settings = settings(&[server.address()]);
        change(&mut settings);
        Self { server, resolver: Resolver::new(settings).unwrap() }
    }

    pub async fn resolve(&self, domain: &str) -> Result<Resolution, Unresolved> {
        // Each draw gives 0, so that the order is known: the lightest record first.
        self.resolver.resolve_with(Class::Im, &Domain::parse(domain).unwrap(), &mut |_| 0).await
    }

    pub async fn places(&self, domain: &str) -> Vec<String> {
        places(&self.resolve(domain).await.unwrap())
    }

    pub async fn error(&self, domain: &str) -> ResolveError {
        self.resolve(domain).await.unwrap_err().error
    }

    /// Whether the server was ever asked for this, by whatever transport.
    pub fn was_asked(&self, question: &str) -> bool {
        self.server.asked().iter().any(|line| line.starts_with(&format!("{question} ")))
    }
}

pub fn settings(servers: &[SocketAddr]) -> Settings {
    Settings {
        servers: servers.to_vec(),
        timeout: Duration::from_secs(1),
        attempts: 1,
        protocols: ["cpim", "smtp"].map(|name| Protocol::parse(name).unwrap()).into(),
        ..Settings::default()
    }
}

pub fn places(found: &Resolution) -> Vec<String> {
    found.candidates.iter().map(|candidate| candidate.address.to_string()).collect()
}

pub fn dropped(steps: &[Step], wanted: Why) -> Vec<&str> {
    let drop = |step| match step {
        &Step::Dropped { ref what, why } if why == wanted => Some(what.as_str()),
        _ => None,
    };
    steps.iter().filter_map(drop).collect()
}

pub fn no_target(domain: &str) -> ResolveError {
    ResolveError::NoRoute(NoRoute::NoTarget { domain: domain.to_owned(), protocol: Protocol::native() })
}

pub fn nothing(domain: &str) -> ResolveError {
    ResolveError::NoRoute(NoRoute::Nothing { domain: domain.to_owned() })
}

pub fn is_temporary(error: &ResolveError) -> bool {
    matches!(error, ResolveError::Temporary(_))
}
