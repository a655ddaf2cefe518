//! A gateway with an IRC network, and people on both sides.

use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::irc::Irc;
use crate::support::native::Client;

/// The network's name.
pub(crate) const NETWORK: &str = "irc.demo.example";

/// A gateway whose network is at a port of its own.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) gateway: Gateway,
    pub(crate) irc: u16,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With these lines more in `[irc]`, before the listener.
    pub(crate) fn with(more: &str) -> Self {
        Self::configured(more, "")
    }

    /// Whoever comes is believed to be who they say, so that they may watch others.
    pub(crate) fn believing() -> Self {
        Self::with_rules("")
    }

    /// As [`Self::believing`], with these sections more.
    pub(crate) fn with_rules(rules: &str) -> Self {
        Self::configured(
            "",
            &format!(
                "guests = \"verified\"\n[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n{rules}"
            ),
        )
    }

    fn configured(more: &str, behind: &str) -> Self {
        let irc = free_port();
        let site = Site::new(&format!(
            "[irc]\nname = \"{NETWORK}\"\n{more}\n[[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\n{behind}"
        ));
        let gateway = site.start();
        Self { site, gateway, irc }
    }

    /// Somebody on IRC.
    pub(crate) fn join(&self, nick: &str) -> Irc {
        Irc::join(self.irc, nick)
    }

    /// Somebody on IRC, with capabilities.
    pub(crate) fn join_with(&self, nick: &str, caps: &str) -> Irc {
        Irc::join_with(self.irc, nick, caps)
    }

    /// Somebody who speaks native CPIM.
    pub(crate) fn native(&self, uri: &str) -> Client {
        Client::serving(self.site.port, uri, false)
    }
}

/// The URI of somebody on the network.
pub(crate) fn uri(nick: &str) -> String {
    format!("im:irc={NETWORK}/{nick}@gw.example")
}
