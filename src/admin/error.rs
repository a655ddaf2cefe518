//! Why the admin interface cannot be served.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::SecretError;

/// Why the admin interface cannot be served. Nothing of it is served then.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The HTTP listener.
    #[error("admin.http: cannot listen on {address}: {source}")]
    Http {
        /// The address that was configured.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The metrics of this process are already collected by something else.
    #[error("metrics cannot be collected: {0}")]
    Metrics(String),
    /// Somebody answers at the socket.
    #[error("admin.socket: a gateway is running at {path} already; stop it, or name another file", path = .path.display())]
    Running {
        /// The socket.
        path: PathBuf,
    },
    /// The Unix socket.
    #[error("admin.socket: cannot listen on {path}: {source}; its folder must exist and be writable, its path be short", path = .path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else has the socket's name.
    #[error("admin.socket: {path} is there and is no socket; it was not touched: name another file", path = .path.display())]
    Taken {
        /// What is there.
        path: PathBuf,
    },
    /// The token file cannot be made.
    #[error("admin.token_file: cannot make {path}: {source}", path = .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The token file cannot be used.
    #[error("admin.token_file: {path}: {source}; without the file, a new one is made", path = .path.display())]
    TokenUnusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SecretError,
    },
}
