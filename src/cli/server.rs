//! Which native CPIM listener `send`, `listen` and `watch` connect to, and how they prove who they are.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use cpim_native_proto::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::exit::Failed;
use crate::config;

/// For connecting, TLS included: as long as TCP tries twice.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// The application protocol's name (RFC 7301).
const ALPN: &[u8] = b"cpim/1";

/// The listener.
#[derive(Args, Debug)]
pub(super) struct Server {
    /// Where a native CPIM listener is: host and port, or the path of a Unix socket
    #[arg(long, value_name = "HOST:PORT|PATH", default_value = "127.0.0.1:5870")]
    server: Place,
    /// A file with the secret that proves who this is
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Speak TLS
    #[arg(long)]
    tls: bool,
    /// Believe certificates that this file vouches for, instead of this machine's trust anchors
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// The name that the listener's certificate must bear [default: the host]
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_name: Option<String>,
    /// A certificate chain (PEM) that proves who this is
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"])]
    cert: Option<PathBuf>,
    /// The private key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// Where it listens.
#[derive(Clone, Debug)]
enum Place {
    Tcp {
        /// Without the brackets of an IPv6 address.
        host: String,
        port: u16,
        /// As it was written.
        spelled: String,
    },
    Unix(PathBuf),
}

impl FromStr for Place {
    type Err = Infallible;

    /// What ends with a port is a host, anything else a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let place = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        Ok(match place {
            Some((host, port)) if !host.contains('/') => {
                Self::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port, spelled: text.to_owned() }
            }
            _ => Self::Unix(PathBuf::from(text)),
        })
    }
}

/// What octets go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    /// The secret, where there is one.
    pub(super) fn secret(&self) -> Result<Option<Secret>, Failed> {
        let read = |file: &PathBuf| {
            let secret = config::Secret::from_file(file);
            secret.map_err(|error| Failed::usage(format_args!("{}: {error}", file.display())))
        };
        Ok(self.secret_file.as_ref().map(read).transpose()?.map(|secret| Secret::new(secret.expose())))
    }

    /// A connection to it.
    ///
    /// Cancel safe.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, Failed> {
        let tls = self.tls.then(|| self.tls()).transpose()?;
        let connected = timeout(CONNECT_TIME, self.connect_by(tls)).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            let words = format!("cannot connect to {}: {error}", self.place());
            match error.kind() {
                // A certificate that is wrong now will be wrong again.
                io::ErrorKind::InvalidData => Failed::failure(words),
                _ => Failed::try_again(words),
            }
        })
    }

    async fn connect_by(
        &self,
        tls: Option<(TlsConnector, ServerName<'static>)>,
    ) -> io::Result<Box<dyn Stream>> {
        let (host, port) = match &self.server {
            Place::Unix(path) => return Ok(Box::new(UnixStream::connect(path).await?)),
            Place::Tcp { host, port, .. } => (host.as_str(), *port),
        };
        let stream = TcpStream::connect((host, port)).await?;
        // What is written is whole frames: to wait for more gains nothing.
        stream.set_nodelay(true)?;
        Ok(match tls {
            Some((connector, name)) => Box::new(connector.connect(name, stream).await?),
            None => Box::new(stream),
        })
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        match &self.server {
            Place::Tcp { spelled, .. } => spelled.clone(),
            Place::Unix(path) => path.display().to_string(),
        }
    }

    fn tls(&self) -> Result<(TlsConnector, ServerName<'static>), Failed> {
        let Place::Tcp { host, .. } = &self.server else {
            return Err(Failed::usage("TLS is spoken over TCP, not over a Unix socket"));
        };
        let name = self.tls_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Failed::usage(format_args!("`{name}` is no name that a certificate can bear")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Failed::failure)?
            .with_root_certificates(self.anchors()?);
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
                config.with_client_auth_cert(chain, key).map_err(|error| unusable(cert, error))?
            }
            _ => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok((TlsConnector::from(Arc::new(config)), name))
    }

    fn anchors(&self) -> Result<RootCertStore, Failed> {
        let mut anchors = RootCertStore::empty();
        match &self.ca {
            Some(file) => {
                for certificate in certificates(file)? {
                    anchors.add(certificate).map_err(|error| unusable(file, error))?;
                }
            }
            None => {
                anchors.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        Ok(anchors)
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failed> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(unusable(file, "no certificate; PEM is accepted")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(file, error)),
    }
}

fn unusable(file: &Path, error: impl std::fmt::Display) -> Failed {
    Failed::usage(format_args!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_with_a_port_is_a_host() {
        let place = |text: &str| match text.parse() {
            Ok(Place::Tcp { host, port, .. }) => format!("{host} at {port}"),
            Ok(Place::Unix(path)) => path.display().to_string(),
        };
        assert_eq!(place("gw.example:5870"), "gw.example at 5870");
        assert_eq!(place("[::1]:5870"), "::1 at 5870");
        assert_eq!(place("demo.sock"), "demo.sock");
        assert_eq!(place("/run/a:1"), "/run/a:1");
    }
}
