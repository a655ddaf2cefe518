//! The adapter itself: the contract, with nothing in it but translation.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, Capabilities, Code, CommitPoint, Delivery,
    DeliveryError, ForeignAddress, Health, NextHop, Operation, Outcome, Retry, Selector,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::connection::{self, Departure, Leg};
use crate::map;
use crate::users::Users;

/// Connections at once; whoever comes then waits to be accepted.
const CONNECTIONS: usize = 1_000;

/// What the adapter is built from: plain values, read and checked by its file in `src/registry/`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where users connect.
    pub listen: SocketAddr,
    /// The selector of its addresses.
    pub selector: Selector,
}

/// Joins whoever speaks LINES.
pub struct LinesAdapter {
    settings: Settings,
    users: Arc<Users>,
    /// What was accepted before may have been on its way to somebody who was there then.
    began: SystemTime,
    /// Bound, and not running yet.
    listener: Mutex<Option<TcpListener>>,
    cx: OnceLock<AdapterContext>,
}

impl LinesAdapter {
    /// Builds the adapter. Nothing is listened at yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let began = SystemTime::now();
        Self { settings, users: Arc::default(), began, listener: Mutex::default(), cx: OnceLock::new() }
    }

    /// Nobody of that name is there. What was under way when he left, or when the gateway started, waits for him; of what
    /// is new its sender is told at once.
    fn is_away(&self, name: &str, accepted_at: SystemTime) -> DeliveryError {
        let waits = accepted_at <= self.users.left_at(name).unwrap_or(self.began);
        let retry = if waits { Retry::OnContact } else { Retry::Never };
        DeliveryError { retry, ..DeliveryError::out_of_contact() }
    }

    /// Where it listens, once it is bound and does not run yet.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.local_addr().ok()
    }
}

#[async_trait]
impl Adapter for LinesAdapter {
    fn capabilities(&self) -> Capabilities {
        map::capabilities()
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        map::canonical(&foreign)
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        let bound = TcpListener::bind(self.settings.listen).await;
        let listener = bound
            .map_err(|source| AdapterError::Listen { address: self.settings.listen.to_string(), source })?;
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
        Ok(())
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(listener), Ok(())) = (listener, self.cx.set(cx.clone())) else {
            return Err(AdapterError::Internal("it is not bound, or runs already".to_owned()));
        };
        cx.health.set(Health::Up);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        let (users, selector) = (Arc::clone(&self.users), self.settings.selector.clone());
                        connections.spawn(connection::serve(stream, users, selector, cx.clone()));
                    }
                    Err(error) => tracing::warn!(%error, "cannot accept a connection"),
                },
                Some(_) = connections.join_next() => {}
                () = cx.shutdown.draining() => break,
            }
        }
        // Each heeds the end himself.
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = cx.shutdown.forced() => {}
        }
        cx.health.set(Health::Stopped);
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        let Some(cx) = self.cx.get() else { return Err(DeliveryError::out_of_contact()) };
        let NextHop::Foreign(foreign) = &delivery.hop else {
            return Err(DeliveryError::refused(Code::NoRoute, "no address of that system"));
        };
        let Operation::Message(message) = &*delivery.operation else {
            return Err(DeliveryError::refused(Code::Unsupported, "only messages are taken"));
        };
        if delivery.again {
            // Users do not recognise what comes again.
            return Err(DeliveryError::transport("it may have been shown"));
        }
        // What cannot be shown is refused before the commit point.
        map::shown(message, 0)?;
        let way = self.users.way_to(foreign.value()).filter(|_| !cx.shutdown.is_draining());
        let way = way.ok_or_else(|| self.is_away(foreign.value(), delivery.accepted_at))?;
        // Room first, the commit point next, and then nothing that can wait: so what is committed is sent.
        let room = way.reserve().await.map_err(|_| DeliveryError::out_of_contact())?;
        commit.pass(None).await?;
        room.send(Departure { leg: Leg::new(delivery.leg, cx.clone()), message: message.clone() });
        Ok(Outcome::Pending)
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        let cx = self.cx.get().ok_or_else(DeliveryError::out_of_contact)?;
        let name = presentity.value().to_owned();
        self.users.observe(presentity);
        self.users.tell(&name, cx);
        Ok(())
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        self.users.unobserve(presentity);
    }
}
