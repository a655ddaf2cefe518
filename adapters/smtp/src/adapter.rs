//! The adapter itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, BuildError, Capabilities, CommitPoint, Delivery,
    DeliveryError, Feature, ForeignAddress, Health, NextHop, Outcome, PresenceSupport, Schedule, Support,
};

use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::Peers;
use mail_auth::MessageAuthenticator;

use crate::config::Settings;
use crate::dns;
use crate::inbound::{Inbound, Listening, Present, Terms, replays};
use crate::listener::{Listener, listening};
use crate::outbound::Outbound;
use crate::outbound::keys::Keys;

/// The mail adapter.
pub struct MailAdapter {
    settings: Settings,
    outbound: Arc<Outbound>,
    peers: Arc<Peers>,
    listening: Vec<Listening>,
    terms: Present,
    /// Whoever asks DNS.
    asked: Option<Arc<MessageAuthenticator>>,
    /// Listeners that are bound and do not run yet.
    bound: Mutex<Vec<Listener>>,
}

impl MailAdapter {
    /// Builds the adapter; nothing is listened at yet.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        let secrets = settings.peers.iter().map(|peer| (&peer.domain, peer.secret.as_slice()));
        let peers = Arc::new(Peers::new(&settings.relay, secrets));
        let asked = dns::authenticator(&settings.dns)?.map(Arc::new);
        let outbound = Outbound::new(
            settings.relay.clone(),
            settings.outgoing.clone(),
            settings.peers.clone(),
            Arc::clone(&peers),
            asked.clone(),
        )?;
        let listening = settings
            .listeners
            .iter()
            .enumerate()
            .map(|(nth, at)| listening(nth, at))
            .collect::<Result<_, _>>()?;
        let terms = Terms::new(&settings.relay, settings.incoming.clone(), asked.clone());
        Ok(Self {
            settings,
            outbound: Arc::new(outbound),
            peers,
            listening,
            terms: Present::new(terms),
            asked,
            bound: Mutex::default(),
        })
    }

    /// Takes new settings: at once what mail is taken and from whom, and the certificates of listeners. Returns what
    /// else has changed, by its key: that holds after a restart.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used; then everything stays as it was.
    pub fn reconfigure(&self, new: Settings) -> Result<Vec<String>, BuildError> {
        let terms = Terms::new(&self.settings.relay, new.incoming.clone(), self.asked.clone());
        let mut certificates = Vec::new();
        for (nth, listener) in new.listeners.iter().enumerate() {
            let same = self.settings.listeners.iter().position(|old| old.is_but_for_certificate(listener));
            if let Some(running) = same.and_then(|at| self.listening.get(at)) {
                certificates.push((running, listening(nth, listener)?));
            }
        }
        let restart = self.settings.differences(&new);
        for (running, new) in certificates {
            if let (Some(running), Some(new)) = (&running.tls, &new.tls) {
                running.replace(new.get());
            }
        }
        self.terms.replace(terms);
        Ok(restart)
    }

    /// The addresses that are bound and not yet run, in the order of the settings, with the ports that were found
    /// free.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.lock_bound().iter().filter_map(Listener::local_addr).collect()
    }

    /// Sends a report that [`cpim_smtp_proto::dsn::Bounce`] wrote to whoever sent a mail.
    ///
    /// # Errors
    /// [`DeliveryError`]: no server has accepted it.
    pub async fn send_report(&self, to: &Mailbox, octets: &[u8]) -> Result<(), DeliveryError> {
        self.outbound.report(to, octets).await
    }

    fn lock_bound(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the adapter claims, whoever its peers are.
#[must_use]
pub const fn capabilities() -> Capabilities {
    Capabilities { support, presence: PresenceSupport::None, max_content_octets: None }
}

/// What mail can carry.
const fn support(feature: Feature) -> Support {
    match feature {
        Feature::Date | Feature::DisplayNames | Feature::MultiLine | Feature::Threads | Feature::Unicode => {
            Support::Full
        }
        Feature::AnyContent => {
            Support::Degraded("by its type, encoded for the way; whole between two gateways")
        }
        Feature::RichPresence => {
            Support::Degraded("as text with the document beside it; whole between two gateways")
        }
        Feature::Subject => Support::Degraded("the first, without its language; whole between two gateways"),
        Feature::Outcome => Support::Degraded("indeterminant where the other side reports nothing"),
    }
}

/// A mail address in its one form: the domain in lower case, the local-part quoted only where it must be. Its case is its
/// own domain's to fold (RFC 5321 section 2.4).
fn canonical(value: &str) -> Result<String, String> {
    Mailbox::parse(value).map(|mailbox| mailbox.to_string()).map_err(|error| error.to_string())
}

#[async_trait]
impl Adapter for MailAdapter {
    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        let canonical = canonical(foreign.value())
            .and_then(|value| foreign.with_value(&value).map_err(|error| error.to_string()));
        canonical.map_err(|what| BadAddress { address: foreign, what })
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        let mut bound = Vec::new();
        for (listener, at) in self.settings.listeners.iter().zip(&self.listening) {
            bound.push(Listener::bind(listener, at.clone()).await?);
        }
        *self.lock_bound() = bound;
        Ok(())
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        let keys =
            Keys::load(&*cx.memory).await.map_err(|error| AdapterError::Internal(error.to_string()))?;
        let recalled = replays::recall(&self.peers, &*cx.memory).await;
        recalled.map_err(|error| AdapterError::Internal(error.to_string()))?;
        self.outbound.start(cx.clone(), keys.clone());
        let (relay, terms) = (self.settings.relay.clone(), self.terms.clone());
        let (peers, outbound) = (Arc::clone(&self.peers), Arc::clone(&self.outbound));
        let inbound = Inbound::new(relay, terms, peers, outbound, keys, cx.clone());
        let listeners = std::mem::take(&mut *self.lock_bound());
        for listener in listeners {
            inbound.tasks.spawn(listener.run(Arc::clone(&inbound)));
        }
        cx.health.set(Health::Up);
        cx.shutdown.draining().await;
        inbound.tasks.close();
        tokio::select! {
            () = inbound.tasks.wait() => {}
            () = cx.shutdown.forced() => {}
        }
        cx.health.set(Health::Stopped);
        Ok(())
    }

    fn schedule(&self, hop: &NextHop) -> Option<Schedule> {
        Some(self.outbound.schedule(hop))
    }

    fn hears_later(&self) -> bool {
        true
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        self.outbound.deliver(delivery, commit).await
    }
}
