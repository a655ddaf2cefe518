//! The listening side: binds places, and accepts connections.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{AdapterContext, AdapterError};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::sleep;

use crate::config::ListenAt;
use crate::inbound::{Origin, serve};
use crate::shared::Shared;
use crate::wire::Stream;

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
                        let serving = serve(Arc::clone(&shared), cx.clone(), stream, origin, place);
                        shared.tasks.spawn(serving);
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

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Origin)> {
        let (stream, label, local): (Box<dyn Stream>, _, _) = match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                if let Err(error) = stream.set_nodelay(true) {
                    // It is gone already, which is soon noticed; that is no trouble of the listener.
                    tracing::debug!(%from, %error, "no TCP_NODELAY");
                }
                (Box::new(stream), from.to_string(), from.ip().to_canonical().is_loopback())
            }
            Socket::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                (Box::new(stream), self.at.to_string(), true)
            }
        };
        Ok((stream, Origin { at: self.at.clone(), label, local }))
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
