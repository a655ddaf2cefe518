//! The connections of the admin interface: few, short, and each bounded in size and time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// Connections of one listener at once; one more waits until another ends.
const CONNECTIONS: usize = 64;

/// For a connection to say what it wants.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// For one connection from beginning to end: one question, and the longest answer over a slow line.
const CONNECTION_TIME: Duration = Duration::from_secs(30);

/// For the answers under way when the gateway stops.
const STOP_TIME: Duration = Duration::from_secs(1);

/// Octets of a request line with its header fields; every question fits into a tenth of it.
const HEADER_OCTETS: usize = 16 * 1_024;

/// Takes connections until `stop`, and then waits for the answers under way.
///
/// Each connection has one question, so that one that idles is one that is over.
pub(super) async fn serve<L: Listener>(mut listener: L, routes: Router, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await.ok()?;
            let (connection, _) = listener.accept().await;
            Some((permit, connection))
        };
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        let Some((permit, connection)) = next else {
            break;
        };
        let (routes, stop) = (routes.clone(), stop.clone());
        tasks.spawn(async move {
            let stopped = async {
                stop.cancelled().await;
                sleep(STOP_TIME).await;
            };
            tokio::select! {
                () = answer::<L>(connection, routes) => {}
                () = stopped => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn answer<L: Listener>(connection: L::Io, routes: Router) {
    let answered = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .keep_alive(false)
        .max_buf_size(HEADER_OCTETS)
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(routes));
    match timeout(CONNECTION_TIME, answered).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection of the admin interface failed"),
        Err(_) => debug!("a connection of the admin interface took too long"),
    }
}
