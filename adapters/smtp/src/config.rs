//! What the adapter is built from: plain values, read and checked by whoever owns the configuration file.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cpim_adapter::Domain;

use crate::outbound::TlsPolicy;

/// Everything that the mail adapter has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The relay domain: how this gateway names itself, in addresses and in its greeting.
    pub relay: Domain,
    /// Where mail is received.
    pub listeners: Vec<ListenerSettings>,
    /// How mail is sent.
    pub outgoing: OutgoingSettings,
    /// The peer gateways that are known by a secret.
    pub peers: Vec<PeerSettings>,
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct OutgoingSettings {
    /// The server that takes all mail for people; without one, none is sent.
    pub smarthost: Option<Smarthost>,
    /// Domains whose mail comes to this gateway, so that addresses of theirs stay as they are.
    pub unchanged: Vec<Domain>,
    /// How much time there is at least between two mails to one person about one presentity.
    pub notice_interval: Duration,
}

/// A server that takes all mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Smarthost {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is spoken to under TLS.
    pub tls: TlsPolicy,
}

/// A peer gateway.
#[derive(Clone)]
pub struct PeerSettings {
    /// Its relay domain.
    pub domain: Domain,
    /// The domains whose home it is.
    pub serves: Vec<Domain>,
    /// What both gateways know.
    pub secret: Vec<u8>,
}

impl fmt::Debug for PeerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerSettings").field("domain", &self.domain).finish_non_exhaustive()
    }
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
