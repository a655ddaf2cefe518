//! The IRC adapter: joins the people of an IRC network, be it this gateway's own or one that exists already.
//!
//! In *listener mode* the gateway is the IRC server of one network, which anybody joins with a stock client; in
//! *network mode* it joins a network that others run. Both are a `Network` to the adapter, which
//! finds the one that an address names.
//!
//! What it is not: it reads no configuration file, decides no policy, keeps no lease and retries nothing. It is no
//! general IRC server: there are no channels, no operators and no links to other servers.

mod adapter;
mod address;
mod config;
mod health;
mod leg;
mod line;
mod link;
mod listener;
mod net;
mod network;
mod outgoing;
mod quote;
mod shown;
mod sync;
mod time;
mod tls;
mod wire;

pub use adapter::{IrcAdapter, capabilities, network_capabilities};
pub use address::{IrcAddress, NetworkName};
pub use config::{
    AccountSettings, Anchors, Guests, Identity, Limits, LinkSettings, ListenerSettings, Password,
    PeerSettings, ServerSettings, Settings,
};
pub use listener::account_key;
pub use network::{Login, NetworkSettings, Transport};

/// A nick and a casemapping, as the settings of a network name them.
pub use cpim_irc_proto::{Casemapping, Nick};

/// The nick of the gateway itself, on its own network and on links.
pub(crate) const GATEWAY_NICK: &str = "gateway";
