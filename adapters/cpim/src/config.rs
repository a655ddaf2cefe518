//! What the adapter is built from: plain values, read and checked by whoever owns the configuration file.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Domain, Scope};
use subtle::ConstantTimeEq;

/// Everything that the native adapter has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The relay domain: how this gateway names itself, and what nobody else may speak for.
    pub relay: Domain,
    /// What this gateway says that it serves when it connects to another: its relay and hosted domains.
    pub serves_out: Vec<Domain>,
    /// Where sessions are accepted.
    pub listeners: Vec<ListenerSettings>,
    /// What is believed and shown when this gateway connects to another.
    pub outgoing: OutgoingTls,
    /// Gateways and home servers that are known by name.
    pub peers: Vec<PeerSettings>,
    /// Clients, servers and external adapters that are known by a secret or a name in a certificate.
    pub applications: Vec<ApplicationSettings>,
    /// Domains and addresses that the configuration hosts here, whoever else is their domain's home.
    pub hosted: Vec<Scope>,
    /// How much, and for how long.
    pub limits: Limits,
}

/// One place where sessions are accepted.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Where.
    pub at: ListenAt,
    /// Plain TCP beyond loopback is meant: everybody on the way can read and change what is said.
    pub plain: bool,
    /// What it shows of itself; with it the listener speaks TLS, without it only plain.
    pub identity: Option<Identity>,
    /// Who vouches for the certificates of those who connect; without it none is asked for.
    pub client_ca: Option<Anchors>,
    /// What whoever comes over loopback or a Unix socket may claim, but for the domains of this gateway.
    pub trust: Vec<Scope>,
}

/// A place to listen at.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ListenAt {
    /// A TCP address; port 0 takes any that is free.
    Tcp(SocketAddr),
    /// A Unix socket. What a former run left behind there is removed first.
    Unix(PathBuf),
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A certificate and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The certificate chain, in PEM, its own certificate first.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// Trust anchors.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Anchors {
    /// Those of a PEM file.
    File(PathBuf),
    /// Those of this machine.
    #[default]
    System,
}

/// What is believed and shown when this gateway connects to another.
#[derive(Clone, Debug, Default)]
pub struct OutgoingTls {
    /// Who vouches for the other side.
    pub anchors: Anchors,
    /// What is shown to the other side.
    pub identity: Option<Identity>,
}

/// A gateway or home server that is known by name.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// Its relay domain, as it stands in `open domain='...'`.
    pub domain: Domain,
    /// The domains whose home it is.
    pub serves: Vec<Domain>,
    /// What it may besides send for.
    pub sources: Vec<Scope>,
    /// What proves it, either way, where no certificate does.
    pub secret: Option<Secret>,
}

/// A client, a server or an external adapter.
#[derive(Clone, Debug)]
pub struct ApplicationSettings {
    /// Its name, for the log.
    pub name: String,
    /// What it may claim; only here can a selector be given away.
    pub covers: Vec<Scope>,
    /// What proves it.
    pub secret: Option<Secret>,
    /// What proves it instead: a dNSName or a URI name in its certificate, letter for letter but for case.
    pub certificate: Option<String>,
}

/// A shared secret. It compares in constant time, and shows itself to nobody.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Octets in a secret at most: it travels in an attribute.
    pub const MAX_OCTETS: usize = 1_024;

    /// Takes a secret. `None` where it is empty or over [`Self::MAX_OCTETS`].
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (1..=Self::MAX_OCTETS).contains(&text.len()).then(|| Self(text.into()))
    }

    /// Whether this is what was offered. How long that takes tells nothing but the lengths.
    pub(crate) fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }

    /// The secret itself, to be written into an `open`.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How much, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What a frame may hold.
    pub frame: cpim_native_proto::Limits,
    /// Sessions at once, both directions together; whoever comes then waits to be accepted.
    pub sessions: usize,
    /// Operations of one session that wait for their answer; more are answered `busy`.
    pub operations: usize,
    /// Octets of operations that wait to be written to one session; more hold up only their own senders.
    pub outgoing_octets: usize,
    /// Until a silent side is pinged.
    pub idle: Duration,
    /// From the ping, or from the last octet that the other side took, until the session counts as lost.
    pub silence: Duration,
    /// For TLS and `open` together.
    pub handshake: Duration,
    /// For one TCP connection to come about.
    pub connect: Duration,
    /// For a session to end in order.
    pub drain: Duration,
    /// Until a connection of ours that carries nothing is closed.
    pub pool_idle: Duration,
    /// For how long this gateway recognises retransmissions: what it says in `remembers`.
    pub remembers: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: cpim_native_proto::Limits::default(),
            sessions: 10_000,
            operations: 4_096,
            outgoing_octets: 4 * 1_048_576,
            idle: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            drain: Duration::from_secs(10),
            pool_idle: Duration::from_secs(300),
            remembers: Duration::from_secs(3_600),
        }
    }
}
