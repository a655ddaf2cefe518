//! What the adapter is built from: plain values, read and checked by whoever owns the configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;

use cpim_adapter::Domain;

/// Everything that the mail adapter has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The relay domain: how this gateway names itself, in addresses and in its greeting.
    pub relay: Domain,
    /// Where mail is received.
    pub listeners: Vec<ListenerSettings>,
}

/// One place where mail is received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerSettings {
    /// The TCP address; port 0 takes any that is free.
    pub address: SocketAddr,
    /// What it shows of itself; with it TLS is offered, without it there is none.
    pub identity: Option<Identity>,
    /// TLS from the first octet (RFC 8314 section 3.3) instead of STARTTLS.
    pub implicit_tls: bool,
}

/// A certificate and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The certificate chain, in PEM, its own certificate first.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}
