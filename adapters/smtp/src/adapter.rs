//! The adapter itself.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, BuildError, Capabilities, Code, CommitPoint, Delivery,
    DeliveryError, Domain, Feature, ForeignAddress, Health, Outcome, PresenceSupport, Support,
};

use crate::config::Settings;
use crate::listener::Listener;

/// The mail adapter.
pub struct MailAdapter {
    settings: Settings,
    /// Listeners that are bound and do not run yet.
    bound: Mutex<Vec<Listener>>,
}

impl MailAdapter {
    /// Builds the adapter; nothing is listened at yet.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        Ok(Self { settings, bound: Mutex::default() })
    }

    /// The addresses that are bound and not yet run, in the order of the settings, with the ports that were found
    /// free.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.lock_bound().iter().filter_map(Listener::local_addr).collect()
    }

    fn lock_bound(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What mail can carry.
const fn support(feature: Feature) -> Support {
    match feature {
        Feature::AnyContent
        | Feature::Date
        | Feature::DisplayNames
        | Feature::MultiLine
        | Feature::RichPresence
        | Feature::Subject
        | Feature::Threads
        | Feature::Unicode => Support::Full,
        Feature::Outcome => Support::Degraded("indeterminant where the other side reports nothing"),
    }
}

/// The domain of a mail address in lower case; the local-part is its own domain's to fold (RFC 5321 section 2.4).
fn canonical(value: &str) -> Result<String, String> {
    let expected = "expected such as alice@example.org";
    let (local, domain) = value.rsplit_once('@').ok_or_else(|| format!("no `@`; {expected}"))?;
    if local.is_empty() {
        return Err(format!("nothing before `@`; {expected}"));
    }
    let domain = Domain::parse(domain).map_err(|error| error.to_string())?;
    Ok(format!("{local}@{domain}"))
}

#[async_trait]
impl Adapter for MailAdapter {
    fn capabilities(&self) -> Capabilities {
        Capabilities { support, presence: PresenceSupport::None, max_content_octets: None, patience: None }
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        let canonical = canonical(foreign.value())
            .and_then(|value| foreign.with_value(&value).map_err(|error| error.to_string()));
        canonical.map_err(|what| BadAddress { address: foreign, what })
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        let mut bound = Vec::new();
        for listener in &self.settings.listeners {
            bound.push(Listener::bind(listener).await?);
        }
        *self.lock_bound() = bound;
        Ok(())
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        cx.health.set(Health::Up);
        cx.shutdown.draining().await;
        cx.health.set(Health::Stopped);
        Ok(())
    }

    async fn deliver(&self, _delivery: Delivery, _commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        Err(DeliveryError::refused(Code::NoRoute, "this gateway sends no mail"))
    }
}
