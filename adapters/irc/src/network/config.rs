//! What a network is joined by.

use std::time::Duration;

use cpim_irc_proto::{Casemapping, Nick};

use crate::address::NetworkName;
use crate::config::{Anchors, Identity, Password};

/// A network that others run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NetworkSettings {
    /// Its name in addresses.
    pub name: NetworkName,
    /// Servers of it, as host and port, in the order to try.
    pub servers: Vec<(String, u16)>,
    /// How they are spoken to.
    pub transport: Transport,
    /// The gateway's own nick there: the *relay*.
    pub nick: Nick,
    /// How it folds names; absent: as it says itself.
    pub casemapping: Option<Casemapping>,
    /// The server's password.
    pub password: Option<Password>,
    /// How the relay logs in to its account.
    pub login: Option<Login>,
    /// What the server knows this gateway by, so that it may name its users' hosts (WEBIRC).
    pub webirc: Option<Password>,
    /// Whether a message that the server took without a word of error counts as arrived.
    pub trusted: bool,
    /// Whether a nick that is logged in to the account of the same name is believed to be its owner.
    pub trusts_accounts: bool,
    /// Foreign users that can have a connection of their own, a *puppet*, at once; 0: the relay writes for all.
    pub puppets: usize,
    /// Whether puppets are away while their users are not open.
    pub shows_presence: bool,
    /// What a line costs, and how far ahead of the clock the server's timer may be.
    pub pace: (Duration, Duration),
    /// Connections that are made at once.
    pub connecting: usize,
    /// A puppet that is not used for so long leaves.
    pub linger: Duration,
    /// How long somebody must be gone before that is told.
    pub settle: Duration,
    /// How often is asked for people whom the network does not tell of by itself.
    pub poll: Duration,
    /// The first and the longest pause before a connection that ended is tried again.
    pub pause: (Duration, Duration),
    /// For what is under way when the gateway stops.
    pub drain: Duration,
}

/// How a network's servers are spoken to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP without TLS.
    Plain,
    /// TLS from the first octet.
    Tls {
        /// Who vouches for the server.
        anchors: Anchors,
        /// What the gateway shows of itself.
        identity: Option<Identity>,
    },
}

/// How the relay logs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Login {
    /// By name and password (SASL PLAIN).
    Password {
        /// The account's name.
        account: String,
        /// Its password.
        password: Password,
    },
    /// By the certificate that TLS shows (SASL EXTERNAL).
    Certificate,
}

impl NetworkSettings {
    /// The server's port over TLS (RFC 7194).
    pub const PORT_TLS: u16 = 6697;
    /// The server's port without.
    pub const PORT_PLAIN: u16 = 6667;
    /// What a line costs, and how far ahead one may be, where nothing is said (RFC 1459 section 8.10).
    pub const PACE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
    /// Puppets where nothing is said: networks commonly let a few connections come from one address, and the relay is
    /// one of them.
    pub const PUPPETS: usize = 2;
    /// Connections that are made at once where nothing is said: more look like an attack to who does not expect it.
    pub const CONNECTING: usize = 4;
    /// How long a puppet stays where nothing is said.
    pub const LINGER: Duration = Duration::from_hours(1);
    /// How long somebody must be gone where nothing is said: longer than most splits that heal by themselves take, and
    /// than a client takes to come back.
    pub const SETTLE: Duration = Duration::from_secs(30);
    /// How often is polled where nothing is said.
    pub const POLL: Duration = Duration::from_secs(30);
    /// The pauses of every network. The longest is short enough that everybody is back soon after a network is, and only
    /// the relay tries while it is not.
    pub const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(20));
    /// How far ahead a pace may be at most: no server waits longer for its penalties.
    pub const MAX_AHEAD: Duration = Duration::from_mins(5);
}
