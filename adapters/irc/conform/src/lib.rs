//! The IRC adapter under the conformance kit: as the server of its own network, and on a network that others run.
//!
//! In listener mode the peer is two clients written by hand, each logged in to an account; in network mode it is a server
//! that is played, with two users. Neither shares code with the adapter.

mod client;
mod line;
mod network;
mod peer;

use std::sync::Arc;

use async_trait::async_trait;
use cpim_adapter::{Adapter, Capabilities, Feature, ImUri, Kind, PresenceSupport, Status, Support};
use cpim_conformance::{ForeignPeer, PeerError, Seen, Spelling, Subject, failed};
use cpim_irc::{
    AccountSettings, Guests, IrcAdapter, Limits, ListenerSettings, NetworkName, Password, ServerSettings,
    Settings,
};

pub use network::IrcNetwork;
use peer::Peer;

/// The IRC adapter in listener mode.
#[derive(Clone, Copy, Debug, Default)]
pub struct IrcListener;

/// The network.
const NETWORK: &str = "irc.demo.example";

/// What the users prove themselves by.
const PASSWORD: &str = "yabba dabba";

/// Octets of a text that is shown whole, whatever lines it has.
const READABLE: usize = 8 << 10;

fn settings() -> Result<Settings, PeerError> {
    let account = |name: &str| -> Result<AccountSettings, PeerError> {
        let password = Password::new(PASSWORD).ok_or_else(|| failed("a password that is none"))?;
        Ok(AccountSettings { name: name.to_owned(), password })
    };
    let server = ServerSettings {
        name: NetworkName::parse(NETWORK).map_err(failed)?,
        listeners: vec![ListenerSettings {
            address: ([127, 0, 0, 1], 0).into(),
            plain: false,
            identity: None,
            guests: Guests::Claimed,
        }],
        motd: Vec::new(),
        admin: Vec::new(),
        accounts: vec![account("user0")?, account("user1")?],
        registration: false,
        limits: Limits::default(),
    };
    Ok(Settings { server: Some(server), ..Settings::default() })
}

#[async_trait]
impl Subject for IrcListener {
    fn name(&self) -> String {
        "irc".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            support: |feature| match feature {
                Feature::Outcome | Feature::Unicode => Support::Full,
                Feature::AnyContent => Support::Degraded("shown as text; the whole is kept and offered"),
                Feature::Date | Feature::Threads => Support::Dropped,
                Feature::DisplayNames => Support::Degraded("as the real name of whoever writes"),
                Feature::MultiLine => Support::Degraded("one message for each line, in order"),
                Feature::RichPresence => Support::Degraded("away as AWAY, words as text"),
                Feature::Subject => Support::Degraded("in brackets before the text"),
            },
            presence: PresenceSupport::Observe,
            max_content_octets: None,
        }
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let adapter = IrcAdapter::new(settings()?).map_err(failed)?;
        adapter.bind().await.map_err(failed)?;
        let addresses = adapter.local_addrs();
        let address = addresses.first().ok_or_else(|| failed("nothing is listened at"))?;
        let peer = Peer::new(*address, self.mapper());
        Ok((Arc::new(adapter), Box::new(peer)))
    }

    fn user(&self, number: u8) -> ImUri {
        self.at(&format!("irc://{NETWORK}/user{number}"))
    }

    /// A message, and the presence of whom they watch.
    fn takes(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Message | Kind::Notify)
    }

    /// Success is silence; the rest is told.
    fn tells(&self, status: Status) -> bool {
        status != Status::Success
    }

    /// Codes become numerics, and words of the server go around the gateway's.
    fn tells_words(&self) -> bool {
        false
    }

    /// Whoever comes back is told that it is one that he sent before.
    fn names_kept(&self) -> bool {
        false
    }

    fn readable_octets(&self) -> usize {
        READABLE
    }

    /// `show ID`, written to the gateway.
    fn is_offered(&self, seen: &Seen) -> bool {
        seen.text.as_ref().is_some_and(|text| text.contains("show "))
    }

    fn spellings(&self) -> Vec<Spelling> {
        Spelling::all(
            &self.selectors(),
            "irc://",
            &["irc.demo.example/alice"],
            &[
                ("irc.demo.example/Alice", "irc.demo.example/alice"),
                ("IRC.Demo.Example/alice", "irc.demo.example/alice"),
            ],
            &["irc.demo.example", "irc.demo.example/9lives", "irc.demo.example/a b", "other.example/alice"],
        )
    }
}
