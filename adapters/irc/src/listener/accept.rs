//! Accepting connections, and keeping those in bounds that have not said who they are.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpim_adapter::AdapterError;
use cpim_irc_proto::ReadLimits;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::client::{Client, End};
use super::registration::{self, Registered};
use super::server::{Live, Server};
use super::session::Session;
use crate::link::Side;
use crate::sync::lock;
use crate::wire::{Stream, Wire};

/// After an `accept` that failed: what is short (descriptors, memory) comes back by itself.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A place that is listened at.
pub(crate) struct Bound {
    /// As it is configured.
    at: SocketAddr,
    listener: TcpListener,
}

impl Bound {
    /// Begins to listen. Who connects is not answered until [`Self::run`].
    ///
    /// # Errors
    /// [`AdapterError::Listen`], with what the system said.
    pub(crate) async fn bind(at: SocketAddr) -> Result<Self, AdapterError> {
        match TcpListener::bind(at).await {
            Ok(listener) => Ok(Self { at, listener }),
            Err(source) => Err(AdapterError::Listen { address: at.to_string(), source }),
        }
    }

    /// The address, with the port that was found free.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Accepts connections until draining begins. There is a place for each before it is accepted.
    pub(crate) async fn run(self, server: Arc<Server>, live: Arc<Live>) {
        let shutdown = live.cx.shutdown.clone();
        let accepting = async {
            while let Ok(place) = Arc::clone(&server.places).acquire_owned().await {
                match self.listener.accept().await {
                    Ok((stream, from)) => {
                        if let Err(error) = stream.set_nodelay(true) {
                            // It is gone already, which is soon noticed; that is no trouble of the listener.
                            tracing::debug!(%from, %error, "no TCP_NODELAY");
                        }
                        let (server, live) = (Arc::clone(&server), Arc::clone(&live));
                        let tasks = server.tasks.clone();
                        tasks.spawn(serve(server, live, Box::new(stream), self.at, from, place));
                    }
                    // That one is gone; the next may be there.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        tracing::warn!(at = %self.at, %error, "cannot accept a connection");
                        sleep(BACK_OFF).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = shutdown.draining() => {}
        }
    }
}

/// Serves a connection to its end. `_place` is its place among the clients.
pub(super) async fn serve(
    server: Arc<Server>,
    live: Arc<Live>,
    stream: Box<dyn Stream>,
    at: SocketAddr,
    from: SocketAddr,
    _place: OwnedSemaphorePermit,
) {
    let loaded = server.loaded();
    let Some(listener) = loaded.settings.listeners.iter().find(|listener| listener.address == at) else {
        return;
    };
    let deadline = Instant::now() + loaded.settings.limits.registration;
    let evicted = server.strangers.enter();
    let stream: Box<dyn Stream> = match loaded.tls(&at) {
        None => stream,
        Some(tls) => match timeout_at(deadline, TlsAcceptor::from(Arc::clone(tls)).accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return tracing::info!(%from, %error, "no TLS session"),
            Err(_) => return tracing::info!(%from, "no TLS session in time"),
        },
    };
    let private = loaded.tls(&at).is_some() || from.ip().to_canonical().is_loopback() || listener.plain;
    let guests = listener.guests;
    let mut client = Client::new(
        Arc::clone(&server),
        Arc::clone(&live),
        Wire::new(stream, ReadLimits::SERVER),
        guests,
        private,
    );
    drop(loaded);
    // Boxed: what registration needs is given back before the long time that a session lasts.
    let registered = Box::pin(registration::register(&mut client, deadline, evicted)).await;
    let (client, end) = match registered {
        Ok(Registered::User(entered)) => {
            tracing::info!(%from, nick = client.nick, account = client.account.as_deref(), "on the network");
            Box::pin(Session::run(client, entered)).await
        }
        Ok(Registered::Peer(peer)) => {
            let Client { wire, nick, .. } = client;
            let side = Side::Server { origin: server.origin().clone(), nick };
            if let Some(link) = server.links().begin(peer, side, wire, live.cx.clone()) {
                Box::pin(link.run()).await;
            }
            return;
        }
        Err(end) => (client, end),
    };
    part(client, end, from).await;
}

/// The last words, in IRC's (RFC 2812 section 3.7.4).
async fn part(mut client: Client, end: End, from: SocketAddr) {
    let why = match &end {
        End::Lost(why) | End::Said(why) => why.as_str(),
    };
    tracing::info!(%from, nick = client.nick, why, "left");
    if let End::Said(why) = &end {
        let words = format!("Closing Link: {} ({why})", client.server.origin());
        client.finish();
        client.wire.push(crate::line::Line::bare(cpim_irc_proto::Verb::ERROR).words(words));
        client.wire.hang_up().await;
    }
}

/// Connections that have not said who they are. Where there are too many, whoever has waited longest makes room: those
/// who have something to say are quick to say it.
pub(crate) struct Strangers {
    most: usize,
    waiting: Mutex<VecDeque<oneshot::Sender<()>>>,
}

impl Strangers {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, waiting: Mutex::default() }
    }

    /// A stranger more; it is told when it has to make room, and is one until it drops what it is told by.
    pub(crate) fn enter(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= self.most {
            // Those that are none any more leave their places here now.
            waiting.retain(|stranger| !stranger.is_closed());
        }
        while waiting.len() >= self.most.max(1) {
            if let Some(oldest) = waiting.pop_front() {
                // It may just have gone.
                let _told = oldest.send(());
            }
        }
        waiting.push_back(sender);
        receiver
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_longest_makes_room() {
        let strangers = Strangers::new(2);
        let (mut first, second) = (strangers.enter(), strangers.enter());
        drop(second);
        let mut third = strangers.enter();
        assert!(first.try_recv().is_err(), "one had gone");
        let _fourth = strangers.enter();
        assert!(first.try_recv().is_ok());
        assert!(third.try_recv().is_err());
    }
}
