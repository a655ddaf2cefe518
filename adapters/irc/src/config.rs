//! What the adapter is built from: plain values, read and checked by whoever owns the configuration file.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Domain, Scope};
use subtle::ConstantTimeEq;

use crate::address::NetworkName;
use crate::network::NetworkSettings;

/// Everything that the IRC adapter has to know.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The network whose server this gateway is; none: it is no server.
    pub server: Option<ServerSettings>,
    /// Networks of others that it joins.
    pub networks: Vec<NetworkSettings>,
    /// Links with other gateways; none: there are none.
    pub link: Option<LinkSettings>,
}

/// Links with other gateways.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// This gateway's relay domain.
    pub relay: Domain,
    /// Who vouches for the servers that are connected to.
    pub anchors: Anchors,
    /// The peers that are known by a secret.
    pub peers: Vec<PeerSettings>,
    /// Octets of one content at most.
    pub content_octets: usize,
    /// For what is under way when the gateway stops.
    pub drain: Duration,
}

/// A peer gateway.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// Its relay domain.
    pub domain: Domain,
    /// The domains whose home it is.
    pub serves: Vec<Domain>,
    /// What it may send for besides.
    pub sources: Vec<Scope>,
    /// What both gateways know.
    pub secret: Password,
}

/// Who vouches for certificates.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Anchors {
    /// The certificates of this PEM file.
    File(PathBuf),
    /// Whoever the machine trusts.
    #[default]
    System,
}

/// The network whose server this gateway is.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Its name, which is the server's name and every user's host as well: no address of anybody is shown.
    pub name: NetworkName,
    /// Where clients are accepted.
    pub listeners: Vec<ListenerSettings>,
    /// The message of the day, line by line.
    pub motd: Vec<String>,
    /// Who runs it, for `ADMIN`.
    pub admin: Vec<String>,
    /// Accounts that the configuration names.
    pub accounts: Vec<AccountSettings>,
    /// Whether people can make accounts themselves, by `REGISTER`.
    pub registration: bool,
    /// How much, and for how long.
    pub limits: Limits,
}

/// One place where clients are accepted.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// The TCP address; port 0 takes any that is free.
    pub address: SocketAddr,
    /// Plain TCP beyond loopback is meant: everybody on the way can read and change what is said.
    pub plain: bool,
    /// What it shows of itself; with it the listener speaks TLS, without it only plain.
    pub identity: Option<Identity>,
    /// What becomes of whoever has no account.
    pub guests: Guests,
}

/// What becomes of whoever has no account.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Guests {
    /// They may come; who they are is what they say.
    #[default]
    Claimed,
    /// They are sent away.
    Refused,
    /// They may come, and are believed: for networks where everybody is known otherwise.
    Verified,
}

/// A certificate and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The certificate chain, in PEM, its own certificate first.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// An account that the configuration names.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// Its name, which is a nick that only its owner can have.
    pub name: String,
    /// What proves its owner.
    pub password: Password,
}

/// A password. It compares in constant time, and shows itself to nobody.
#[derive(Clone)]
pub struct Password(Arc<str>);

impl Password {
    /// Octets at most: SASL PLAIN carries it in one or two pieces of 400 (IRCv3 SASL).
    pub const MAX_OCTETS: usize = 300;

    /// Takes a password. `None` where it is empty or over [`Self::MAX_OCTETS`].
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (1..=Self::MAX_OCTETS).contains(&text.len()).then(|| Self(text.into()))
    }

    /// Whether it can stand in a line before others.
    #[must_use]
    pub fn is_one_word(&self) -> bool {
        cpim_irc_proto::Param::new(&self.0).is_ok()
    }

    /// Its octets, for what is derived from it.
    pub(crate) fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// It as a text, to be sent to whoever has to know it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether this is what was offered. How long that takes tells nothing but the lengths.
    pub(crate) fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// How much, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Clients at once; whoever comes then waits to be accepted.
    pub clients: usize,
    /// Clients at once that have not said who they are; whoever waits longest makes room.
    pub strangers: usize,
    /// For TLS and for saying who one is.
    pub registration: Duration,
    /// Until a silent client is pinged.
    pub idle: Duration,
    /// For a client to answer a ping, or to take what it is sent.
    pub silence: Duration,
    /// Octets that wait for a client to take them: its lines are read no further beyond that.
    pub send_queue: usize,
    /// Operations of one client that wait for their answer; what it asks for beyond that waits its turn.
    pub operations: usize,
    /// Messages for one client that wait for the pong behind them.
    pub unconfirmed: usize,
    /// Whom one client can monitor.
    pub monitor: usize,
    /// For what is under way when the gateway stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 10_000,
            strangers: 1_024,
            registration: Duration::from_secs(30),
            idle: Duration::from_secs(120),
            silence: Duration::from_secs(60),
            send_queue: 64 * 1_024,
            operations: 64,
            unconfirmed: 128,
            monitor: 128,
            drain: Duration::from_secs(10),
        }
    }
}
