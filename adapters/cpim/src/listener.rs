//! The listening side: accepts connections, and judges what opens them.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{AdapterContext, AdapterError, Scope};
use cpim_native_proto::{Close, Reason};
use rustls::server::ServerConnection;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::claims::{Credentials, admit};
use crate::config::ListenAt;
use crate::shared::{Shared, Listening};
use crate::names::CertificateNames;
use crate::session::Session;
use crate::wire::{Stream, Wire, now, session_config};

/// After an `accept` that failed: what is short (descriptors, memory) comes back by itself.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A place that is listened at.
pub(crate) struct Listener {
    at: ListenAt,
    socket: Socket,
}

enum Socket {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _file: Removed },
}

/// Removes the socket's file when the listener goes.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(path = %self.0.display(), %error, "cannot remove the socket");
        }
    }
}

impl Listener {
    /// Begins to listen. Who connects is not answered until [`Self::run`].
    ///
    /// # Errors
    /// [`AdapterError::Listen`], with what the system said.
    pub(crate) async fn bind(at: ListenAt) -> Result<Self, AdapterError> {
        let bound = match &at {
            ListenAt::Tcp(address) => TcpListener::bind(address).await.map(Socket::Tcp),
            ListenAt::Unix(path) => bind_unix(path).await,
        };
        match bound {
            Ok(socket) => Ok(Self { at, socket }),
            Err(source) => Err(AdapterError::Listen { address: at.to_string(), source }),
        }
    }

    /// The address, with the port that was found free; none for a Unix socket.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix { .. } => None,
        }
    }

    /// Accepts connections until draining begins. There is a place for each before it is accepted.
    pub(crate) async fn run(self, shared: Arc<Shared>, cx: AdapterContext) {
        let shutdown = cx.shutdown.clone();
        let accepting = async {
            while let Ok(place) = Arc::clone(&shared.places).acquire_owned().await {
                match self.accept().await {
                    Ok((stream, origin)) => {
                        let serving = serve(Arc::clone(&shared), self.at.clone(), stream, origin, cx.clone(), place);
                        shared.tasks.spawn(serving);
                    }
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

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Origin)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let local = from.ip().to_canonical().is_loopback();
                Ok((Box::new(stream), Origin { label: from.to_string(), local }))
            }
            Socket::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Origin { label: self.at.to_string(), local: true }))
            }
        }
    }
}

/// Binds a Unix socket; one that nobody answers at was left behind, and is removed.
async fn bind_unix(path: &Path) -> io::Result<Socket> {
    let bound = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match tokio::net::UnixStream::connect(path).await {
                Err(gone) if gone.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path)?;
                    UnixListener::bind(path)?
                }
                _ => return Err(error),
            }
        }
        bound => bound?,
    };
    Ok(Socket::Unix { listener: bound, _file: Removed(path.to_owned()) })
}

/// Where a connection comes from.
struct Origin {
    label: String,
    /// It comes from this machine.
    local: bool,
}

/// One connection, from its first octet to its last.
async fn serve(
    shared: Arc<Shared>,
    at: ListenAt,
    stream: Box<dyn Stream>,
    origin: Origin,
    cx: AdapterContext,
    _place: OwnedSemaphorePermit,
) {
    let configured = shared.configured();
    // A listener that was taken out of the configuration stays as it was until a restart.
    let Some(listening) = configured.listeners.get(&at) else { return };
    let limits = &configured.settings.limits;
    let deadline = Instant::now() + limits.handshake;
    let secured = tokio::select! {
        secured = timeout_at(deadline, secure(stream, listening)) => secured,
        () = cx.shutdown.draining() => return,
    };
    let (stream, names) = match secured {
        Ok(Ok(secured)) => secured,
        Ok(Err(error)) => return tracing::info!(from = origin.label, %error, "no TLS session"),
        Err(_) => return tracing::info!(from = origin.label, "no TLS session in time"),
    };
    let mapper = cx.mapper();
    let open_within = deadline.saturating_duration_since(Instant::now());
    let session = cpim_native_proto::Session::listen(session_config(limits, open_within), mapper.clone(), now());
    let mut wire = Wire::new(stream, session);
    let opened = tokio::select! {
        opened = wire.opened() => opened,
        () = cx.shutdown.draining() => {
            wire.session.close(now(), Close::because(Reason::Shutdown, ""));
            return wire.dismiss().await;
        }
    };
    let open = match opened {
        Ok(open) => open,
        Err(closure) => {
            tracing::info!(from = origin.label, %closure, "not opened");
            return wire.dismiss().await;
        }
    };

    let trust: &[Scope] = if origin.local { &listening.settings.trust } else { &[] };
    let credentials = Credentials { names: names.as_ref(), trust, from: &origin.label };
    let admitted = admit(&open, credentials, &configured.settings, &mapper);
    let admission = match admitted {
        Ok(admission) => admission,
        Err(refused) => {
            tracing::warn!(from = origin.label, %refused, "unauthorised");
            wire.session.close(now(), Close::because(Reason::Unauthorised, refused.to_string()));
            return wire.dismiss().await;
        }
    };
    let (session, ends) = Session::new(&admission);
    let displaced = match shared.sessions.enter(&session, &configured.settings.hosted) {
        Ok(displaced) => displaced,
        Err(conflict) => {
            tracing::warn!(from = origin.label, %conflict, "conflict");
            wire.session.close(now(), Close::because(Reason::Conflict, conflict.to_string()));
            return wire.dismiss().await;
        }
    };
    for other in displaced {
        other.order_close(Reason::Conflict, "another session is home to a domain of yours");
    }
    tracing::info!(session = admission.authority.label, "open");
    // `open` goes out first: what the gateway has kept for this session follows it.
    if let Err(error) = wire.session.accept(now(), &configured.settings.greeting()) {
        tracing::error!(from = origin.label, %error, "cannot answer `open`");
    }
    let connection = shared.announce(wire, &admission, (&session, ends), &cx, None);
    drop((configured, session, mapper));
    connection.run(|session| shared.sessions.leave(session)).await;
}

/// Brings TLS about where the listener speaks it, and reads who is at the other end.
async fn secure(
    stream: Box<dyn Stream>,
    listening: &Listening,
) -> io::Result<(Box<dyn Stream>, Option<CertificateNames>)> {
    let Some(tls) = &listening.tls else {
        return Ok((stream, None));
    };
    let stream = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await?;
    let names = names_of(stream.get_ref().1);
    Ok((Box::new(stream), names))
}

/// The names in the certificate that was shown and verified, if one was.
fn names_of(connection: &ServerConnection) -> Option<CertificateNames> {
    CertificateNames::read(connection.peer_certificates()?.first()?)
}
