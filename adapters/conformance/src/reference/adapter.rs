//! The reference adapter itself.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, Capabilities, Code, CommitPoint, Content, Delivery,
    DeliveryError, Feature, ForeignAddress, Health, NextHop, Observation, Operation, Outcome, Presence,
    Response, Support,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::connection::{self, Departure};
use super::{Manner, map};
use crate::mutant::Mutant;

/// Joins whoever speaks the toy protocol.
pub struct ReferenceAdapter {
    pub(super) manner: Manner,
    /// Its one fault, where it is a mutant.
    fault: Option<Mutant>,
    listener: Mutex<Option<TcpListener>>,
    pub(super) shared: Arc<Shared>,
    cx: OnceLock<AdapterContext>,
}

/// What its connections share.
#[derive(Default)]
pub(super) struct Shared {
    table: Mutex<Table>,
    /// Told by the mutant that ends at octets that are no protocol.
    pub(super) beyond_repair: tokio::sync::Notify,
}

#[derive(Default)]
struct Table {
    /// Who is reached where: the newest connection of each user, by foreign address.
    routes: HashMap<String, Route>,
    observed: HashSet<String>,
    presence: HashMap<String, Presence>,
}

/// The way to a user.
#[derive(Clone)]
pub(super) struct Route {
    /// Which connection it is.
    pub(super) connection: u64,
    /// For how long it recognises retransmissions.
    pub(super) remembers: Option<Duration>,
    pub(super) departures: mpsc::Sender<Departure>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, user: &str, route: Route) {
        self.lock().routes.insert(user.to_owned(), route);
    }

    /// Takes out what leads to this connection.
    pub(super) fn leave(&self, connection: u64) {
        self.lock().routes.retain(|_, route| route.connection != connection);
    }

    fn route(&self, user: &str) -> Option<Route> {
        self.lock().routes.get(user).filter(|route| !route.departures.is_closed()).cloned()
    }

    /// A user's presence from now on; says whether somebody observes it.
    pub(super) fn set_presence(&self, user: &str, presence: Presence) -> bool {
        let mut table = self.lock();
        table.presence.insert(user.to_owned(), presence);
        table.observed.contains(user)
    }
}

impl ReferenceAdapter {
    pub(super) fn new(manner: Manner, fault: Option<Mutant>) -> Self {
        Self { manner, fault, listener: Mutex::default(), shared: Arc::default(), cx: OnceLock::new() }
    }

    /// Where it listens, once it is bound and does not run yet.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.lock_listener().as_ref()?.local_addr().ok()
    }

    fn lock_listener(&self) -> MutexGuard<'_, Option<TcpListener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what the protocol cannot carry, by its claims.
    fn check(&self, operation: &Operation) -> Result<(), DeliveryError> {
        let claims = self.manner.capabilities();
        let most = claims.max_content_octets.unwrap_or(usize::MAX);
        let octets = operation.content().map_or(0, Content::len);
        if octets > most {
            let words = format!("{octets} octets; {most} are taken");
            return Err(DeliveryError::refused(Code::TooLarge, words));
        }
        let whole = (claims.support)(Feature::AnyContent) == Support::Full;
        match operation {
            Operation::Message(message) if !whole && !map::is_text(&message.content) => {
                Err(DeliveryError::refused(Code::Unsupported, "only plain text is taken"))
            }
            Operation::Publish(_) | Operation::Subscribe(_) | Operation::Unsubscribe(_) if !whole => {
                Err(DeliveryError::refused(Code::Unsupported, "presence is observed, and not subscribed to"))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Adapter for ReferenceAdapter {
    fn capabilities(&self) -> Capabilities {
        self.manner.capabilities()
    }

    /// `host/user`: the host in lower case, the user as it is.
    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        let bad = |what: &str| BadAddress { address: foreign.clone(), what: what.to_owned() };
        let Some((host, user)) = foreign.value().split_once('/') else {
            return Err(bad("no user; expected one such as `example.com/fred`"));
        };
        if host.is_empty() || user.is_empty() || foreign.value().contains(' ') {
            return Err(bad("expected a host, `/` and a user, without blanks"));
        }
        let canonical = format!("{}/{user}", host.to_ascii_lowercase());
        foreign.with_value(&canonical).map_err(|error| bad(&error.to_string()))
    }

    fn recalls(&self, hop: &NextHop) -> Option<Duration> {
        match hop {
            NextHop::Foreign(foreign) => self.shared.route(foreign.value())?.remembers,
            NextHop::Peer(_) | NextHop::Served(_) => None,
        }
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        let address = "127.0.0.1:0";
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| AdapterError::Listen { address: address.to_owned(), source })?;
        *self.lock_listener() = Some(listener);
        Ok(())
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        let Some(listener) = self.lock_listener().take() else {
            return Err(AdapterError::Internal("it was not bound".to_owned()));
        };
        if self.cx.set(cx.clone()).is_err() {
            return Err(AdapterError::Internal("it was run twice".to_owned()));
        }
        cx.health.set(Health::Up);
        let mut connections = JoinSet::new();
        let mut number = 0;
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    // An accept that fails concerns that one connection.
                    let Ok((stream, _)) = accepted else { continue };
                    number += 1;
                    let (shared, cx) = (Arc::clone(&self.shared), cx.clone());
                    let kind = (self.manner, self.fault);
                    connections.spawn(connection::serve(stream, number, shared, kind, cx));
                }
                Some(_) = connections.join_next() => {}
                () = self.shared.beyond_repair.notified() => {
                    return Err(AdapterError::Internal("octets that are no line".to_owned()));
                }
                () = cx.shutdown.draining() => break,
            }
        }
        drop(listener);
        // Each heeds the end itself: it drains, and is cut off when forced.
        while connections.join_next().await.is_some() {}
        cx.health.set(Health::Stopped);
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        let Some(cx) = self.cx.get() else { return Err(DeliveryError::transport("it does not run yet")) };
        self.check(&delivery.operation)?;
        let NextHop::Foreign(foreign) = &delivery.hop else {
            return Err(DeliveryError::refused(Code::NoRoute, "no address of that system"));
        };
        let route = self.shared.route(foreign.value()).filter(|_| !cx.shutdown.is_draining());
        let Some(route) = route else { return Err(DeliveryError::out_of_contact()) };
        if delivery.again && route.remembers.is_none() {
            return Err(DeliveryError::transport("the peer does not recognise retransmissions"));
        }
        // Room first, the commit point next, and then nothing that can wait: so what is committed is sent.
        let gone = |_| DeliveryError::transport("the connection ended");
        let room = route.departures.reserve().await.map_err(gone)?;
        commit.pass(route.remembers).await?;
        let is_notify = matches!(&*delivery.operation, Operation::Notify(_));
        let answered = !is_notify && self.manner == Manner::Whole;
        room.send(Departure::new(&delivery, answered, cx.clone()));
        Ok(match (is_notify, answered) {
            (true, _) => Outcome::Delivered(Response::success()),
            (false, true) => Outcome::Pending,
            (false, false) => {
                Outcome::Delegated(Response::indeterminant(Code::Timeout, "no word ever comes"))
            }
        })
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        let Some(cx) = self.cx.get().filter(|_| self.manner == Manner::Modest) else {
            return Err(DeliveryError::refused(Code::Unsupported, "subscriptions pass through"));
        };
        let presence = {
            let mut table = self.shared.lock();
            if !table.observed.insert(presentity.value().to_owned()) {
                return Ok(());
            }
            let is_there = table.routes.contains_key(presentity.value());
            let known = table.presence.get(presentity.value()).cloned();
            known.unwrap_or_else(|| connection::bare_presence(&presentity, is_there))
        };
        cx.observed(Observation { presentity, presence, document: None });
        Ok(())
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        self.shared.lock().observed.remove(presentity.value());
    }
}
