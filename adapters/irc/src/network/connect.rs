//! Connecting to a server of a network.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// For connecting and TLS together.
const CONNECT: Duration = Duration::from_secs(20);

/// A stream of octets, whatever is below it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to a server.
///
/// # Errors
/// What went wrong.
pub(super) async fn connect(
    host: &str,
    port: u16,
    tls: Option<&Arc<ClientConfig>>,
) -> io::Result<Box<dyn Stream>> {
    let until = Instant::now() + CONNECT;
    let connecting = timeout_at(until, TcpStream::connect((host, port)));
    let tcp = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    tcp.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Box::new(tcp)) };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    match timeout_at(until, TlsConnector::from(Arc::clone(tls)).connect(name, tcp)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) if speaks_tls(&error) => Err(error),
        Ok(Err(error)) => Err(no_tls(&error.to_string())),
        Err(_) => Err(no_tls("timed out")),
    }
}

/// The commonest reason is a port without TLS.
fn no_tls(what: &str) -> io::Error {
    let hint = "is that its port for TLS? one without needs `tls = \"plain\"`";
    io::Error::other(format!("no answer to TLS ({what}); {hint}"))
}

/// Whether whatever failed was TLS, and not that the other side speaks something else.
fn speaks_tls(error: &io::Error) -> bool {
    use rustls::Error::{InappropriateMessage, InvalidMessage};
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    error.is_some_and(|error| !matches!(error, InvalidMessage(_) | InappropriateMessage { .. }))
}
