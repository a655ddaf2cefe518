//! The listening side: binds places.

use std::net::SocketAddr;

use cpim_adapter::AdapterError;
use tokio::net::TcpListener;

use crate::config::ListenerSettings;

/// A place that is listened at.
pub(crate) struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// [`AdapterError::Listen`], with what the system said.
    pub(crate) async fn bind(settings: &ListenerSettings) -> Result<Self, AdapterError> {
        match TcpListener::bind(settings.address).await {
            Ok(socket) => Ok(Self { socket }),
            Err(source) => Err(AdapterError::Listen { address: settings.address.to_string(), source }),
        }
    }

    /// The address, with the port that was found free.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }
}
