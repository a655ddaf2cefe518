//! The adapter itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, BuildError, Capabilities, Class, Code, CommitPoint,
    Delivery, DeliveryError, ForeignAddress, Health, NextHop, Outcome, PresenceSupport, Schedule, Selector,
};

use cpim_native_proto::Description;

use crate::config::{ListenAt, Settings};
use crate::external;
use crate::listener::Listener;
use crate::map;
use crate::session::Session;
use crate::shared::{Configured, Shared};

/// The native CPIM adapter: listens, connects, and hands operations over.
pub struct NativeAdapter {
    shared: Arc<Shared>,
    /// Listeners that are bound and do not run yet.
    bound: Mutex<Vec<Listener>>,
}

impl NativeAdapter {
    /// Builds the adapter. Certificates, keys and trust anchors are loaded; nothing is listened at yet.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        Ok(Self { shared: Shared::new(Configured::load(settings)?), bound: Mutex::default() })
    }

    /// The TCP addresses that are bound and not yet run, in the order of the settings, with the ports that
    /// were found free.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.lock_bound().iter().filter_map(Listener::local_addr).collect()
    }

    /// Goes by other settings from now on: peers, applications, trust, certificates and limits hold for
    /// every connection that comes about afterwards; those that are open stay as they are.
    ///
    /// Gives back what takes a restart, in words for the administrator: listeners that came or went, and
    /// the number of sessions. A listener that went stays open as it was.
    ///
    /// # Errors
    /// [`BuildError`]; then everything stays as it was.
    pub fn reconfigure(&self, settings: Settings) -> Result<Vec<String>, BuildError> {
        let mut new = Configured::load(settings)?;
        let old = self.shared.configured();
        let mut restart = Vec::new();
        let names = |at: &&ListenAt| format!("cpim.listener[{at}]");
        restart
            .extend(new.listeners.keys().filter(|at| !old.listeners.contains_key(*at)).map(|at| names(&at)));
        for (at, listening) in &old.listeners {
            if !new.listeners.contains_key(at) {
                restart.push(names(&at));
                new.listeners.insert(at.clone(), listening.clone());
            }
        }
        if new.settings.limits.sessions != old.settings.limits.sessions {
            restart.push("limits.sessions".to_owned());
        }
        restart.sort();
        self.shared.configured.send_replace(Arc::new(new));
        Ok(restart)
    }

    /// What the external adapter of a selector claims, while it has a session.
    #[must_use]
    pub fn external(&self, selector: &Selector) -> Option<Arc<Description>> {
        self.shared.sessions.adapter_of(selector)?;
        Some(self.shared.externals.of(selector))
    }

    /// Why the last session was refused that was, as it was told: for whoever waits for one.
    #[must_use]
    pub fn last_refusal(&self) -> Option<String> {
        self.shared.last_refusal()
    }

    fn lock_bound(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that an operation goes to, where there is one.
    fn session(&self, hop: &NextHop) -> Option<Arc<Session>> {
        let Shared { sessions, pool, .. } = &*self.shared;
        match hop {
            NextHop::Foreign(foreign) => sessions.adapter_of(foreign.selector()),
            NextHop::Peer(peer) => {
                sessions.home_of(&peer.domain).or_else(|| pool.live(peer.class, &peer.domain))
            }
            // Whom we connected to counts as serving its domain, until it is out of use.
            NextHop::Served(address) => {
                let reached = |class| pool.live(class, address.domain());
                let own_class = || reached(address.class());
                sessions
                    .serving(address)
                    .or_else(own_class)
                    .or_else(|| reached(Class::Im))
                    .or_else(|| reached(Class::Pres))
            }
        }
    }

    /// The same, or a new one where the hop says how to get there.
    async fn reach(&self, cx: &AdapterContext, hop: &NextHop) -> Result<Arc<Session>, DeliveryError> {
        match (self.session(hop), hop) {
            (Some(session), _) => Ok(session),
            (None, NextHop::Peer(peer)) => self.shared.pool.session(&self.shared, cx, peer).await,
            (None, NextHop::Foreign(_) | NextHop::Served(_)) => Err(DeliveryError::out_of_contact()),
        }
    }
}

#[async_trait]
impl Adapter for NativeAdapter {
    fn capabilities(&self) -> Capabilities {
        map::capabilities(self.shared.configured().settings.limits.frame.content_octets)
    }

    /// Foreign addresses reach this adapter only for an external one, which has said what their grammar is.
    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        self.shared.externals.canonicalise(foreign)
    }

    fn carries(&self, selector: &Selector) -> bool {
        external::selectors(&self.shared.configured().settings).contains(selector)
    }

    fn presence_of(&self, selector: &Selector) -> PresenceSupport {
        self.shared.externals.presence(selector)
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        let cx = self.shared.cx.get().ok_or_else(DeliveryError::out_of_contact)?;
        external::observe(&self.shared.sessions, &self.shared.externals, &cx.mapper(), &presentity).await
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        if let Some(cx) = self.shared.cx.get() {
            external::unobserve(&self.shared.sessions, &self.shared.externals, &cx.mapper(), presentity)
                .await;
        }
    }

    fn recalls(&self, hop: &NextHop) -> Option<Duration> {
        self.session(hop)?.remembers()
    }

    fn schedule(&self, hop: &NextHop) -> Option<Schedule> {
        let NextHop::Foreign(foreign) = hop else { return None };
        let horizon = self.shared.externals.of(foreign.selector()).horizon?;
        Some(Schedule { horizon, longest_pause: Schedule::LONGEST_PAUSE })
    }

    fn patience(&self, hop: &NextHop) -> Option<Duration> {
        let NextHop::Foreign(foreign) = hop else { return None };
        self.shared.externals.of(foreign.selector()).patience
    }

    /// Begins to listen, so that a port that cannot be had is known before anything runs. Who connects is
    /// answered once [`Adapter::run`] is called.
    ///
    /// # Errors
    /// [`AdapterError::Listen`] for the first listener that cannot be opened; then none is.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is listened at.
    async fn bind(&self) -> Result<(), AdapterError> {
        let configured = self.shared.configured();
        let mut bound = Vec::new();
        for listener in &configured.settings.listeners {
            bound.push(Listener::bind(listener.at.clone()).await?);
        }
        *self.lock_bound() = bound;
        Ok(())
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        if self.shared.cx.set(Arc::new(cx.clone())).is_err() {
            return Err(AdapterError::Internal("the native adapter runs already".into()));
        }
        let selectors = external::selectors(&self.shared.configured().settings);
        self.shared.externals.recover(&selectors, &*cx.memory).await;
        let listeners = std::mem::take(&mut *self.lock_bound());
        for listener in listeners {
            self.shared.tasks.spawn(listener.run(Arc::clone(&self.shared), cx.clone()));
        }
        cx.health.set(Health::Up);
        cx.shutdown.draining().await;
        self.shared.tasks.close();
        tokio::select! {
            () = self.shared.tasks.wait() => {}
            // Every connection heeds it itself; this is for whoever waits.
            () = cx.shutdown.forced() => {}
        }
        cx.health.set(Health::Stopped);
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        let Some(cx) = self.shared.cx.get() else {
            return Err(DeliveryError::transport("the native adapter does not run yet"));
        };
        let delivery = match &delivery.hop {
            NextHop::Foreign(foreign) => {
                let claims = self.shared.externals.of(foreign.selector());
                external::fitted(delivery, &claims, &cx.mapper())?
            }
            NextHop::Peer(_) | NextHop::Served(_) => delivery,
        };
        let delivery = map::with_metadata_around(delivery);
        let limit = self.shared.configured().settings.limits.frame.content_octets;
        let octets = delivery.operation.content().map_or(0, cpim_adapter::Content::len);
        if octets > limit {
            return Err(DeliveryError::refused(
                Code::TooLarge,
                format!("{octets} octets; {limit} are taken"),
            ));
        }
        loop {
            let newest = self.reach(cx, &delivery.hop).await?;
            let Some(on_the_way) = self.shared.ways.take(&delivery.operation, newest) else {
                return Err(DeliveryError::transport(
                    "a session ends with what was sent before, and comes first",
                ));
            };
            let session = Arc::clone(on_the_way.session());
            match session.deliver(&delivery, on_the_way, commit, cx).await {
                // It ended while the operation waited for room: there may be another.
                Err(_) if !session.is_reachable() && !commit.passed() => {}
                outcome => return outcome,
            }
        }
    }
}
