//! Mail in: from a connection to operations, and from their outcomes to a reply.
//!
//! ```text
//! listener ─► connection: session ─► recipient, at RCPT
//!                          │
//!                          └─► mail: author, operations ─► Inlet ─► accepted? ─► 250
//! ```

mod author;
mod connection;
mod mail;
mod rates;
mod recipient;

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{AdapterContext, Domain, Scope};
use cpim_smtp_proto::mail::Peers;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::rates::Rates;
use crate::config::Settings;
use crate::outbound::{Keys, Outbound};

pub(crate) use self::connection::{Listening, serve};

/// In which [`crate::config::Limits::client_mails`] are counted.
const RATE_SPAN: Duration = Duration::from_secs(60);

/// Everything that receiving a mail needs.
pub(crate) struct Inbound {
    settings: Settings,
    cx: AdapterContext,
    peers: Arc<Peers>,
    outbound: Arc<Outbound>,
    keys: Keys,
    rates: Arc<Rates>,
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
        settings: Settings,
        peers: Arc<Peers>,
        outbound: Arc<Outbound>,
        keys: Keys,
        cx: AdapterContext,
    ) -> Arc<Self> {
        let limits = &settings.incoming.limits;
        Arc::new(Self {
            peers,
            outbound,
            keys,
            rates: Arc::new(Rates::new(limits.client_connections, limits.client_mails, RATE_SPAN)),
            connections: Arc::new(Semaphore::new(limits.connections)),
            mails: Arc::new(Semaphore::new(limits.mails_at_once)),
            open: Arc::new(Semaphore::new(limits.open_mails)),
            tasks: TaskTracker::new(),
            cx,
            settings,
        })
    }

    /// What a peer gateway may send for.
    fn scopes(&self, peer: &Domain) -> Vec<Scope> {
        let known = self.settings.incoming.peer_scopes.iter().find(|(domain, _)| domain == peer);
        known.map(|(_, scopes)| scopes.clone()).unwrap_or_default()
    }

    /// Resolves when draining begins.
    pub(crate) async fn draining(&self) {
        self.cx.shutdown.draining().await;
    }
}
