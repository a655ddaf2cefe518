//! Address resolution: which servers speak for a domain, and by which protocol (RFC 3861; the draft's
//! section 2.2.1).
//!
//! ```text
//!   pinned route ─► SRV of _im._PROTO.domain, for each protocol in order ─► the same where the domain is an
//!   alias ─► the domain's own addresses, by native CPIM, only where there is no SRV record at all
//! ```
//!
//! A server that is silent or fails is never taken for one that says there is nothing. What comes out is a list
//! of places in the order to try; connecting to them, and proving who answers there, is the adapter's work. MX
//! records are not looked at: a route can leave a domain to an adapter's own rules ([`Via::Adapter`]).

mod dns;
mod error;
mod protocol;
mod published;
mod resolution;
mod route;
mod settings;
mod shortlist;
mod special;
mod srv;
mod step;
mod walk;

use cpim_adapter::{Class, Domain};

use dns::Dns;
use walk::Walk;

pub use crate::config::{DomainPattern, Host, HostPort};
pub use error::{NoRoute, Refused, ResolveError, SetupError, Temporary, Unresolved};
pub use protocol::{Protocol, ProtocolError};
pub use published::{Kind, Published, Record};
pub use resolution::{Attempts, Candidate, Resolution};
pub use route::{Route, Via};
pub use settings::Settings;
pub use srv::{Draw, Srv, order};
pub use step::{Found, Origin, Step, Why};

/// The port of native CPIM where no SRV record names one.
pub const NATIVE_PORT: u16 = 5870;

/// Finds the servers of domains. Share it: its cache is worth having.
pub struct Resolver {
    settings: Settings,
    /// None: DNS is switched off.
    dns: Option<Dns>,
}

impl Resolver {
    /// Sets up resolution. Nothing is asked yet; for this machine's own servers `/etc/resolv.conf` is read.
    ///
    /// # Errors
    /// [`SetupError`] where there is no server to ask, or a cap is too low.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        if settings.attempts == 0 {
            return Err(SetupError::TooFewAttempts);
        }
        if settings.max_candidates < Settings::LEAST_CANDIDATES {
            return Err(SetupError::TooFewCandidates { found: settings.max_candidates });
        }
        let dns = settings.enabled.then(|| Dns::new(&settings)).transpose()?;
        Ok(Self { settings, dns })
    }

    /// Whether a route is pinned for a domain.
    #[must_use]
    pub fn is_pinned(&self, domain: &Domain) -> bool {
        route::find(&self.settings.routes, domain).is_some()
    }

    /// Whether asking can lead anywhere: a route is pinned, or DNS is asked.
    #[must_use]
    pub fn may_find(&self, domain: &Domain) -> bool {
        self.dns.is_some() || self.is_pinned(domain)
    }

    /// Finds where addresses of `class` at `domain` are served. The order among equals is drawn anew at every
    /// call, also where the records come from the cache.
    ///
    /// # Errors
    /// [`Unresolved`], which says why and what was tried.
    ///
    /// # Cancel safety
    /// May be dropped at any time; what was learnt until then stays in the cache.
    pub async fn resolve(&self, class: Class, domain: &Domain) -> Result<Resolution, Unresolved> {
        self.resolve_with(class, domain, &mut srv::random).await
    }

    /// As [`Resolver::resolve`], with a given source of chance.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn resolve_with(
        &self,
        class: Class,
        domain: &Domain,
        draw: Draw<'_>,
    ) -> Result<Resolution, Unresolved> {
        let limit = self.settings.limit;
        let mut walk = Walk::new(&self.settings, self.dns.as_ref(), class, draw);
        let found = match tokio::time::timeout(limit, walk.run(domain)).await {
            Ok(found) => found,
            Err(_) => Err(ResolveError::Temporary(Temporary::Overtime { limit })),
        };
        let steps = walk.into_steps();
        match found {
            Ok((protocol, candidates)) => Ok(Resolution { protocol, candidates, steps }),
            Err(error) => Err(Unresolved { error, steps }),
        }
    }
}
