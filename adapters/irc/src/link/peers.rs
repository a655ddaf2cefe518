//! The peer gateways that can be linked with.

use std::fmt;
use std::sync::Arc;

use cpim_adapter::envelope::Key;
use cpim_adapter::{Authority, Domain, Scope, SessionFacts, Standing};

use crate::config::{Password, PeerSettings};

/// A peer gateway.
pub(crate) struct Peer {
    /// Its relay domain.
    pub(crate) domain: Domain,
    serves: Vec<Domain>,
    sources: Vec<Scope>,
    /// What both know; [`Password`] compares in constant time.
    pub(crate) secret: Password,
    /// Proves what goes to it.
    pub(crate) to: Key,
    /// Proves what comes from it.
    pub(crate) from: Key,
}

impl Peer {
    /// A peer of the gateway with this relay domain.
    pub(crate) fn new(settings: PeerSettings, relay: &Domain) -> Self {
        let PeerSettings { domain, serves, sources, secret } = settings;
        let octets = secret.octets();
        let (to, from) = (Key::new(octets, relay, &domain), Key::new(octets, &domain, relay));
        Self { domain, serves, sources, secret, to, from }
    }

    /// The domains that it answers for.
    fn homes(&self) -> impl Iterator<Item = &Domain> {
        std::iter::once(&self.domain).chain(&self.serves)
    }

    /// Whether what is for a domain goes to it.
    pub(crate) fn is_home_of(&self, domain: &Domain) -> bool {
        self.homes().any(|home| home == domain)
    }

    /// What the gateway must know of a link with it.
    pub(crate) fn facts(&self) -> SessionFacts {
        let serves: Vec<Scope> = self.homes().cloned().map(Scope::Domain).collect();
        let scopes = serves.iter().chain(&self.sources).cloned().collect();
        SessionFacts {
            authority: Arc::new(Authority {
                peer: Some(self.domain.clone()),
                scopes,
                standing: Standing::Verified,
                label: format!("{} over IRC", self.domain),
            }),
            serves,
            home: true,
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({})", self.domain)
    }
}
