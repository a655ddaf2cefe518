//! The IRC adapter on a network that others run.
//!
//! The peer is that network: a server played line by line, with two users. A server takes a message and says so, or
//! why not; its users say nothing of it. So where its word counts (`taken = "success"`), that word is the answer, and
//! where it does not, there is never one.

mod connection;
mod peer;
mod server;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{Adapter, Basic, Capabilities, Feature, ImUri, Kind, PresenceSupport, Status, Support};
use cpim_conformance::{ForeignPeer, PeerError, Seen, Spelling, Subject};
use cpim_irc::{IrcAdapter, NetworkName, NetworkSettings, Nick, Settings, Transport};
use tokio::net::TcpListener;

use crate::failed;
use peer::Peer;
use server::Server;

/// The network's name in addresses.
const NETWORK: &str = "irc.others.example";

/// The adapter's own nick.
const RELAY: &str = "relay";

/// Octets of a text that is shown whole, whatever lines it has.
const READABLE: usize = 8 << 10;

/// Messages of one person that may wait for their answer.
const WAITING: usize = 16;

/// The IRC adapter in network mode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IrcNetwork {
    /// With few puppets, so that the relay writes for most; what the server took is `indeterminant`. As it is where
    /// nothing else is configured.
    Cautious,
    /// With a puppet for everybody; what the server took has arrived.
    Trusting,
}

/// What a notice says became of a message: `Not delivered: WHY`, or of the relay `ADDRESS: not delivered: WHY`.
fn told(words: &str) -> Option<Status> {
    let about = words.split_once(": ").filter(|(address, _)| address.contains('@') && !address.contains(' '));
    let said = about.map_or(words, |(_, said)| said).to_lowercase();
    let says = |beginning| said.starts_with(beginning);
    says("not delivered: ")
        .then_some(Status::Failure)
        .or_else(|| says("sent, but ").then_some(Status::Indeterminant))
}

/// Whether a notice is of the moment, and no message: word of what became of one, or of somebody's presence.
fn is_courtesy(words: &str) -> bool {
    told(words).is_some() || presence_told(words).is_some()
}

/// `fred@a.example is open: at my desk`.
fn presence_told(words: &str) -> Option<(&str, Basic)> {
    let (who, rest) = words.split_once(" is ")?;
    let basic = match rest.split(':').next() {
        Some("open") => Basic::Open,
        Some("closed") => Basic::Closed,
        _ => return None,
    };
    (who.contains('@') && !who.contains(' ')).then_some((who, basic))
}

impl IrcNetwork {
    fn settings(self, port: u16) -> Result<Settings, PeerError> {
        let network = NetworkSettings {
            name: NetworkName::parse(NETWORK).map_err(failed)?,
            servers: vec![("127.0.0.1".to_owned(), port)],
            transport: Transport::Plain,
            nick: Nick::parse(RELAY).map_err(failed)?,
            casemapping: None,
            password: None,
            login: None,
            webirc: None,
            trusted: self == Self::Trusting,
            trusts_accounts: true,
            puppets: if self == Self::Trusting { 32 } else { NetworkSettings::PUPPETS },
            shows_presence: false,
            // The server has no limit to its patience, and a case has one.
            pace: (Duration::ZERO, NetworkSettings::PACE.1),
            connecting: NetworkSettings::CONNECTING,
            linger: NetworkSettings::LINGER,
            settle: Duration::from_millis(1),
            poll: NetworkSettings::POLL,
            pause: (Duration::from_millis(1), Duration::from_millis(16)),
            drain: Duration::from_secs(2),
        };
        Ok(Settings { networks: vec![network], ..Settings::default() })
    }
}

#[async_trait]
impl Subject for IrcNetwork {
    fn name(&self) -> String {
        match self {
            Self::Cautious => "irc-network".to_owned(),
            Self::Trusting => "irc-network-trusting".to_owned(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            support: |feature| match feature {
                Feature::Unicode => Support::Full,
                Feature::AnyContent => Support::Degraded("shown as text; the whole is kept and offered"),
                Feature::Date | Feature::DisplayNames | Feature::Threads => Support::Dropped,
                Feature::MultiLine => Support::Degraded("one message for each line, in order"),
                Feature::Outcome => {
                    Support::Degraded("indeterminant where the network's server says only that it took it")
                }
                Feature::RichPresence => Support::Degraded("away as AWAY, words as text"),
                Feature::Subject => Support::Degraded("in brackets before the text"),
            },
            presence: PresenceSupport::Observe,
            max_content_octets: None,
        }
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let adapter = IrcAdapter::new(self.settings(listener.local_addr()?.port())?).map_err(failed)?;
        adapter.bind().await.map_err(failed)?;
        let peer = Peer::new(listener, Server::new(RELAY, *self == Self::Trusting), self.mapper())?;
        Ok((Arc::new(adapter), Box::new(peer)))
    }

    fn user(&self, number: u8) -> ImUri {
        self.at(&format!("irc://{NETWORK}/user{number}"))
    }

    /// A message, and presence as a notice that people read.
    fn takes(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Message | Kind::Notify)
    }

    /// Success is silence; the rest is told.
    fn tells(&self, status: Status) -> bool {
        status != Status::Success
    }

    /// Words of the adapter go around the gateway's.
    fn tells_words(&self) -> bool {
        false
    }

    /// A server's word for a message is as good as its reader's, or it is none.
    fn knows_outcomes(&self) -> bool {
        *self == Self::Trusting
    }

    /// No server need say what is wrong with a notice (RFC 2812 section 3.3.2).
    fn knows_automatic_outcomes(&self) -> bool {
        false
    }

    /// A server says of one message at a time what became of it.
    fn one_at_a_time(&self) -> bool {
        *self == Self::Trusting
    }

    fn readable_octets(&self) -> usize {
        READABLE
    }

    fn most_waiting(&self) -> usize {
        WAITING
    }

    /// `show ID`, written to the relay.
    fn is_offered(&self, seen: &Seen) -> bool {
        seen.text.as_ref().is_some_and(|text| text.contains("show "))
    }

    fn spellings(&self) -> Vec<Spelling> {
        Spelling::all(
            &self.selectors(),
            "irc://",
            &["irc.others.example/alice"],
            &[
                ("irc.others.example/Alice", "irc.others.example/alice"),
                ("IRC.Others.Example/alice", "irc.others.example/alice"),
            ],
            &[
                "irc.others.example",
                "irc.others.example/#ops",
                "irc.others.example/a b",
                "other.example/alice",
            ],
        )
    }
}
