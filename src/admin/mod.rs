//! The admin interface: how an administrator looks into the running gateway, and sets the rules of its principals.
//!
//! JSON over HTTP/1.1: on a Unix socket that only its owner can open, and where it is configured, on
//! TCP for whoever has the token. Without the token only `/live` and `/ready` answer, and tell no details.
//!
//! | path | answer |
//! |---|---|
//! | `/live` | 200 for as long as the process lives |
//! | `/ready` | 200 while operations are accepted, else 503 |
//! | `/health` | [`HealthView`]: the store, each adapter, and the sum |
//! | `/metrics` | text for Prometheus |
//! | `/v1/operations/ID` | [`Operations`] with this id, or this transID on either leg |
//! | `/v1/queue?limit=N` | [`Operations`] accepted and not settled |
//! | `/v1/sessions` | [`Sessions`] that are open |
//! | `/v1/aliases?after=SPACE%20NAME&limit=N` | [`Aliases`] by space and name |
//! | `/v1/watchers?of=URI` | [`Watchers`] of somebody |
//! | `/v1/subscriptions?of=URI` | [`Subscriptions`] of somebody |
//! | `/v1/rules?of=URI` | [`Rules`] of somebody, or of everybody |
//! | `/v1/adapters/NAME`, `POST` of [`Manage`] | [`Managed`]: what the adapter says to it |
//! | `/v1/rules`, `POST` of [`SetRule`] | [`Said`]: what holds from now on |
//!
//! What is refused says so as `{"error": "...", "detail": "..."}`.

mod client;
mod error;
mod health;
mod look;
mod metrics;
mod routes;
mod server;
mod socket;
#[cfg(test)]
mod tests;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Health, Shutdown};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::info;

pub use self::client::{Client, ClientError};
pub use self::error::AdminError;
pub use self::health::{HealthView, PartView};
pub use self::look::Look;
pub use self::routes::{
    Aliases, Manage, Managed, Operations, Rules, Said, Sessions, SetRule, Subscriptions, Watchers,
};

use self::routes::Context;
use self::socket::Socket;
use crate::config::Admin;
use crate::store::StoreHealth;

/// How often what was measured is put in order, asked for or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// What the admin interface looks at.
pub struct AdminState {
    look: Arc<dyn Look>,
    store: watch::Receiver<StoreHealth>,
    adapters: Vec<(&'static str, watch::Receiver<Health>)>,
    shutdown: Shutdown,
}

impl AdminState {
    /// A look into a gateway, the health of its store and of its adapters by name, and whether it is being stopped.
    #[must_use]
    pub fn new(
        look: Arc<dyn Look>,
        store: watch::Receiver<StoreHealth>,
        adapters: Vec<(&'static str, watch::Receiver<Health>)>,
        shutdown: Shutdown,
    ) -> Self {
        Self { look, store, adapters, shutdown }
    }
}

/// The admin interface while it is served. It stops when this is dropped; wait for it by [`AdminHandle::stop`].
#[derive(Debug)]
pub struct AdminHandle {
    http: Option<SocketAddr>,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl AdminHandle {
    /// Where it listens for HTTP, where it does.
    #[must_use]
    pub const fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Stops it: answers under way have a second, and the socket's file is gone then.
    ///
    /// # Cancel safety
    /// It stops all the same.
    pub async fn stop(self) {
        drop(self.stop);
        self.tasks.wait().await;
    }
}

/// Serves the admin interface. Everything is bound, and the token is there, when this returns.
///
/// # Errors
/// [`AdminError`], where a socket, a port or the token cannot be had; nothing is served then.
///
/// # Cancel safety
/// Dropped before it returns, nothing is served.
pub async fn serve(settings: &Admin, state: AdminState) -> Result<AdminHandle, AdminError> {
    let context = Context { state: Arc::new(state), metrics: metrics::install()? };
    let http = match settings.http {
        Some(address) => {
            let token = token::obtain(&settings.token_file)?;
            let failed = |source| AdminError::Http { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            Some((address, listener, token))
        }
        None => None,
    };
    let Socket { listener, file } = Socket::bind(&settings.socket)?;

    let over_http = http.as_ref().map_or_else(|| "off".to_owned(), |(address, ..)| address.to_string());
    info!(socket = %settings.socket.display(), http = over_http, "admin interface");
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let owner = server::serve(listener, routes::for_owner(context.clone()), stop.clone());
    tasks.spawn(async move {
        owner.await;
        drop(file);
    });
    tasks.spawn(upkeep(context.metrics.clone(), stop.clone()));
    let http = http.map(|(address, listener, token)| {
        tasks.spawn(server::serve(listener, routes::for_token(context, token), stop.clone()));
        address
    });
    tasks.close();
    Ok(AdminHandle { http, tasks, stop: stop.drop_guard() })
}

/// Keeps what is measured from growing while nobody asks for it.
async fn upkeep(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}
