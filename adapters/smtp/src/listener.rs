//! The listening side: binds places, and accepts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{AdapterError, BuildError};
use tokio::net::TcpListener;

use crate::config::ListenerSettings;
use crate::inbound::{Inbound, Listening, Tls, serve};
use crate::tls;

/// After an `accept` that failed: what is short (descriptors, memory) comes back by itself.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A place that is listened at.
pub(crate) struct Listener {
    socket: TcpListener,
    at: Listening,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`AdapterError::Listen`], with what the system said.
    pub(crate) async fn bind(settings: &ListenerSettings, at: Listening) -> Result<Self, AdapterError> {
        match TcpListener::bind(settings.address).await {
            Ok(socket) => Ok(Self { socket, at }),
            Err(source) => Err(AdapterError::Listen { address: settings.address.to_string(), source }),
        }
    }

    /// The address, with the port that was found free.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Accepts connections until draining begins.
    pub(crate) async fn run(self, inbound: Arc<Inbound>) {
        let accepting = async {
            loop {
                match self.socket.accept().await {
                    Ok((stream, from)) => {
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%from, %error, "no TCP_NODELAY");
                        }
                        inbound.tasks.spawn(serve(Arc::clone(&inbound), stream, from, self.at.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(BACK_OFF).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = inbound.draining() => {}
        }
    }
}

/// What a listener's connections must know. `nth` is its place in the settings.
pub(crate) fn listening(nth: usize, settings: &ListenerSettings) -> Result<Listening, BuildError> {
    let key = format!("smtp.listener[{nth}]");
    let tls = settings.identity.as_ref().map(|identity| tls::server(identity, &key)).transpose()?;
    Ok(Listening {
        tls: tls.map(Tls::new),
        implicit: settings.implicit_tls,
        login_in_the_clear: settings.login_in_the_clear,
        submitters_only: settings.submitters_only,
    })
}
