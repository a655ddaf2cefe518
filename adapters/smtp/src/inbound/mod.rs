//! Mail in: from a connection to operations, and from their outcomes to a reply or a report.
//!
//! ```text
//! listener ─► connection: session ─► recipient, at RCPT
//!                          │
//!                          └─► reception: evidence, author ─► mail: operations ─► Inlet ─► accepted? ─► 250
//!                                                              └─► owed ─► bounces ─► a report, where it failed
//! ```

mod author;
mod bounces;
mod connection;
mod evidence;
mod mail;
mod owed;
mod rates;
mod reception;
mod recipient;
pub(crate) mod replays;
mod unsubscribe;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpim_adapter::{AdapterContext, Domain, Scope};
use cpim_smtp_proto::mail::Peers;
use mail_auth::MessageAuthenticator;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::bounces::Bounces;
use self::evidence::Witness;
use self::rates::{Authors, Rates};
use crate::config::IncomingSettings;
use crate::outbound::{Keys, Outbound};

pub(crate) use self::connection::{Listening, Tls, serve};

/// In which [`crate::config::Limits::client_mails`] and [`crate::config::Limits::author_mails`] are counted.
const RATE_SPAN: Duration = Duration::from_secs(60);

/// What mail is taken at present: replaced as a whole when the configuration changes.
pub(crate) struct Terms {
    pub(crate) settings: IncomingSettings,
    /// Who is asked what proves an author, where anybody is.
    witness: Option<Witness>,
}

impl Terms {
    /// What the settings say, where this is who asks DNS.
    pub(crate) fn new(
        relay: &Domain,
        settings: IncomingSettings,
        authenticator: Option<Arc<MessageAuthenticator>>,
    ) -> Self {
        let asked = authenticator.filter(|_| settings.check_authors);
        Self { witness: asked.map(|asked| Witness::new(relay, asked)), settings }
    }
}

/// The terms that hold now, for everybody who needs them.
#[derive(Clone)]
pub(crate) struct Present(Arc<Mutex<Arc<Terms>>>);

impl Present {
    pub(crate) fn new(terms: Terms) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(terms))))
    }

    pub(crate) fn get(&self) -> Arc<Terms> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, terms: Terms) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(terms);
    }
}

/// Everything that receiving a mail needs.
pub(crate) struct Inbound {
    relay: Domain,
    terms: Present,
    cx: AdapterContext,
    peers: Arc<Peers>,
    outbound: Arc<Outbound>,
    keys: Keys,
    rates: Arc<Rates>,
    authors: Authors,
    bounces: Bounces,
    connections: Arc<Semaphore>,
    /// Mails whose text is being received.
    mails: Arc<Semaphore>,
    /// Mails that were taken and whose outcome is awaited.
    open: Arc<Semaphore>,
    /// Connections, and mails whose outcome is awaited.
    pub(crate) tasks: TaskTracker,
}

impl Inbound {
    pub(crate) fn new(
        relay: Domain,
        terms: Present,
        peers: Arc<Peers>,
        outbound: Arc<Outbound>,
        keys: Keys,
        cx: AdapterContext,
    ) -> Arc<Self> {
        let now = terms.get();
        let limits = &now.settings.limits;
        let inbound = Arc::new(Self {
            relay,
            peers,
            outbound,
            keys,
            rates: Arc::new(Rates::new(limits.client_connections, limits.client_mails, RATE_SPAN)),
            authors: Authors::default(),
            bounces: Bounces::default(),
            connections: Arc::new(Semaphore::new(limits.connections)),
            mails: Arc::new(Semaphore::new(limits.mails_at_once)),
            open: Arc::new(Semaphore::new(limits.open_mails)),
            tasks: TaskTracker::new(),
            terms,
            cx,
        });
        inbound.tasks.spawn(Arc::clone(&inbound).keep_promises());
        inbound
    }

    /// What mail is taken at present.
    fn terms(&self) -> Arc<Terms> {
        self.terms.get()
    }

    /// What a peer gateway may send for.
    fn scopes(&self, peer: &Domain) -> Vec<Scope> {
        let terms = self.terms();
        let known = terms.settings.peer_scopes.iter().find(|(domain, _)| domain == peer);
        known.map(|(_, scopes)| scopes.clone()).unwrap_or_default()
    }

    /// Resolves when draining begins.
    pub(crate) async fn draining(&self) {
        self.cx.shutdown.draining().await;
    }
}
