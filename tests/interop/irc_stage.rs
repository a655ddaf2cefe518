//! A gateway on a network that others run, and people on both sides.

use crate::support::gateway::{Gateway, PATIENCE, Site};
use crate::support::irc::Irc;
use crate::support::ircd::{Ircd, Kind, NETWORK};
use crate::support::native::Client;

/// A gateway on a network.
pub(crate) struct Stage {
    pub(crate) ircd: Ircd,
    pub(crate) site: Site,
    gateway: Option<Gateway>,
}

pub(crate) const ALICE: &str = "im:irc=irc.test.example/alice@gw.example";
pub(crate) const FRED: &str = "im:fred@a.example";

impl Stage {
    /// A gateway on a new network, with these keys besides.
    pub(crate) fn new(kind: Kind, keys: &str) -> Self {
        Self::on(Ircd::start(kind, ""), keys)
    }

    /// The same, on a network that is there.
    pub(crate) fn on(ircd: Ircd, keys: &str) -> Self {
        let site = site(&format!("servers = [\"127.0.0.1:{}\"]\ntls = \"plain\"\n{keys}", ircd.port));
        let gateway = site.start();
        gateway.wait_for("on the network");
        Self::of(ircd, site, gateway)
    }

    pub(crate) fn of(ircd: Ircd, site: Site, gateway: Gateway) -> Self {
        Self { ircd, site, gateway: Some(gateway) }
    }

    /// The same, with one key changed.
    pub(crate) fn with(mut self, from: &str, to: &str) -> Self {
        self.gateway = None;
        self.site.edit(from, to);
        self.gateway = Some(self.site.start());
        self.gateway().wait_for("on the network");
        self
    }

    /// The same, with no gateway any more.
    pub(crate) fn ended(mut self) -> Self {
        self.gateway = None;
        self
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    pub(crate) fn fred(&self) -> Client {
        Client::serving(self.site.port, FRED, false)
    }

    /// Somebody on the network.
    pub(crate) fn join(&self, nick: &str) -> Irc {
        join(self.ircd.port, nick)
    }

    /// An operator of the network.
    pub(crate) fn operator(&self) -> Irc {
        let mut op = self.join("op");
        op.send("OPER op op");
        op.expect(" 381 ");
        op
    }
}

/// A site whose gateway joins a network, with these keys.
pub(crate) fn site(keys: &str) -> Site {
    Site::new(&format!(
        "[[irc.network]]\nname = \"{NETWORK}\"\nnick = \"relay\"\ntaken = \"success\"\npuppets = 20\n\
         line_penalty = \"1ms\"\npoll = \"1s\"\nsettle = \"1s\"\n{keys}\n"
    ))
}

/// Somebody on the server at this port.
pub(crate) fn join(port: u16, nick: &str) -> Irc {
    let mut irc = Irc::connect(port);
    irc.send(&format!("NICK {nick}"));
    irc.send(&format!("USER {nick} 0 * :{nick} of the tests"));
    irc.expect(&format!(" 001 {nick} "));
    irc.until_quiet();
    irc
}

pub(crate) fn both(case: impl Fn(Kind)) {
    for kind in [Kind::Ngircd, Kind::Inspircd] {
        case(kind);
    }
}

/// Watches alice; gives what waits until a notification holds the first text, and none before it the second.
pub(crate) fn watch(stage: &Stage) -> impl FnMut(&str, &str) {
    let mut wilma = Client::serving(stage.site.port, "pres:wilma@a.example", false);
    let target = ALICE.replacen("im:", "pres:", 1);
    let subscribe =
        format!("<subscribe transID='s' watcher='pres:wilma@a.example' target='{target}' duration='600'/>");
    wilma.try_send("", &subscribe, b"").unwrap();
    move |what, never| {
        while let Ok(frame) = wilma.next(PATIENCE) {
            if frame.element() != "notify" {
                continue;
            }
            if frame.xml.contains(what) {
                return;
            }
            assert!(!frame.xml.contains(never), "{}", frame.xml);
        }
        panic!("never told of {what}");
    }
}
