//! Who takes part: two users of each adapter, with one gateway between them or with two.

use std::process::Command;

use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::irc::Irc;
use crate::support::native::{Client, Open};
use crate::support::postfix::Postfix;

/// What both gateways prove themselves by.
const SECRET: &str = "a secret of sixteen octets at least";

/// The gateways, and whoever writes by them: the first of two says something, and the second hears it.
pub(crate) struct Stage {
    _gateways: Vec<(Site, Gateway)>,
    /// The relay domains: of the first user's gateway, and of the second one's.
    relays: [&'static str; 2],
    pub(crate) postfix: Postfix,
    pub(crate) natives: [Client; 2],
    pub(crate) ircs: [Irc; 2],
}

impl Stage {
    /// Everybody at one gateway.
    pub(crate) fn one() -> Self {
        let (irc, smtp) = (free_port(), free_port());
        let postfix = Postfix::start(smtp, "");
        let site = Site::new(&adapters("gw.example", irc, smtp, postfix.port));
        let gateway = start(&site);
        Self::of(vec![(site, gateway)], ["gw.example"; 2], [irc; 2], postfix)
    }

    /// The first users at one, the second ones at another; between them is native CPIM.
    pub(crate) fn two() -> Self {
        let (irc, smtp) = ([free_port(), free_port()], [free_port(), free_port()]);
        let to = |relay: &str, port: u16| format!("{{ {relay} = smtp:[127.0.0.1]:{port} }}");
        let both = [to("gw.example", smtp[0]), to("gw.b.example", smtp[1])].join(", ");
        let postfix = Postfix::start(smtp[0], &format!("transport_maps = inline:{{ {both} }}\n"));
        let (a, b) = (Site::new(""), Site::new(""));
        let first = gateway("gw.example", "a.example", ("gw.b.example", "b.example"), b.port);
        let second = gateway("gw.b.example", "b.example", ("gw.example", "a.example"), a.port);
        a.configure(&(first + &adapters("gw.example", irc[0], smtp[0], postfix.port)));
        b.configure(&(second + &adapters("gw.b.example", irc[1], smtp[1], postfix.port)));
        let gateways = [a, b].map(|site| (start(&site), site)).map(|(gateway, site)| (site, gateway));
        Self::of(gateways.into(), ["gw.example", "gw.b.example"], irc, postfix)
    }

    fn of(
        gateways: Vec<(Site, Gateway)>,
        relays: [&'static str; 2],
        irc: [u16; 2],
        postfix: Postfix,
    ) -> Self {
        let ports = [gateways[0].0.port, gateways[gateways.len() - 1].0.port];
        let native = |user: usize| {
            let address = address("cpim", user, relays);
            let serves = format!("im:{address} pres:{address}");
            Client::open(ports[user], Open { serves: &serves, ..Open::default() })
        };
        let natives = [native(0), native(1)];
        let ircs = [Irc::join(irc[0], "alice"), Irc::join(irc[1], "carla")];
        Self { _gateways: gateways, relays, postfix, natives, ircs }
    }

    /// The address of the first or the second user of an adapter, without the class.
    pub(crate) fn address(&self, adapter: &str, user: usize) -> String {
        address(adapter, user, self.relays)
    }

    /// The relay domain of the first users' gateway.
    pub(crate) const fn relay(&self) -> &'static str {
        self.relays[0]
    }
}

fn address(adapter: &str, user: usize, relays: [&str; 2]) -> String {
    let relay = relays[user];
    match adapter {
        "cpim" => ["fred@a.example", "barney@b.example"][user].to_owned(),
        "irc" => format!("irc=irc.{relay}/{}@{relay}", ["alice", "carla"][user]),
        "smtp" => format!("mailto={}~40mail.example@{relay}", ["bob", "carol"][user]),
        other => panic!("no users of {other} take part here: add them to tests/matrix"),
    }
}

/// The sections of the adapters.
fn adapters(relay: &str, irc: u16, smtp: u16, smarthost: u16) -> String {
    format!(
        "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n\
         [irc]\nname = \"irc.{relay}\"\n\
         [[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"verified\"\n\
         [[smtp.listener]]\naddress = \"127.0.0.1:{smtp}\"\n\
         [smtp.incoming]\nclosed_to_strangers = []\n\
         [smtp.outgoing]\nsmarthost = \"127.0.0.1:{smarthost}\"\ntls = \"plain\"\n"
    )
}

/// What a gateway of two has besides: its own domain, and the peer's relay domain with the one that is at home there.
fn gateway(relay: &str, home: &str, (peer, far): (&str, &str), port: u16) -> String {
    let route = |domain: &str| {
        format!("[[route]]\ndomain = \"{domain}\"\nto = [\"127.0.0.1:{port}\"]\ntls = \"plain\"\n")
    };
    format!(
        r#"
relay_domain = "{relay}"
[store]
path = "gateway.db"
[admin]
socket = "admin.sock"
[log]
level = "debug"
[dns]
enabled = false
[rules]
default = "allow"
[[hosted]]
domain = "{home}"
[[peer]]
domain = "{peer}"
serves = ["{far}"]
secret_env = "PEER_SECRET"
[[cpim.listener]]
address = "127.0.0.1:PORT"
trust = ["{home}"]
{}{}"#,
        route(peer),
        route(far)
    )
}

fn start(site: &Site) -> Gateway {
    let mut command: Command = site.command();
    command.env("PEER_SECRET", SECRET);
    let gateway = site.start_by(command);
    gateway.wait_ready();
    gateway
}
