//! Who takes part: two users of each adapter, with one gateway between them or with two.

use crate::lines;
use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::irc::Irc;
use crate::support::ircd::{Ircd, Kind};
use crate::support::native::{Client, Open};
use crate::support::pair;
use crate::support::postfix::Postfix;
use crate::talker::Talker;

/// The relay domains of two gateways.
const RELAYS: [&str; 2] = ["gw.a.example", "gw.b.example"];

/// The gateways' nicks on the network that others run.
const NICKS: [&str; 2] = ["gw-a", "gw-b"];

/// The gateways, and whoever writes by them: the first of two says something, and the second hears it.
pub(crate) struct Stage {
    _gateways: Vec<(Site, Gateway)>,
    /// The relay domains: of the first user's gateway, and of the second one's.
    relays: [&'static str; 2],
    pub(crate) postfix: Postfix,
    pub(crate) natives: [Client; 2],
    pub(crate) ircs: [Irc; 2],
    /// On a network that others run.
    pub(crate) joined: [Irc; 2],
    _ircd: Ircd,
    pub(crate) talkers: [Talker; 2],
    /// One for each gateway.
    _lines: Vec<lines::Adapter>,
}

impl Stage {
    /// Everybody at one gateway.
    pub(crate) fn one() -> Self {
        let (irc, smtp) = (free_port(), free_port());
        let postfix = Postfix::start(smtp, "");
        let ircd = Ircd::start(Kind::Inspircd, "");
        let everybody = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n";
        let adapters = adapters("gw.example", irc, smtp, postfix.port) + &network("gw.example", 0, &ircd);
        let site = Site::new(&(everybody.to_owned() + &adapters));
        Self::of(vec![started(site)], ["gw.example"; 2], [irc; 2], postfix, ircd)
    }

    /// The first users at one, the second ones at another; between them is native CPIM.
    pub(crate) fn two() -> Self {
        let (irc, smtp) = ([free_port(), free_port()], [free_port(), free_port()]);
        let to = |relay: &str, port: u16| format!("{{ {relay} = smtp:[127.0.0.1]:{port} }}");
        let both = [to(RELAYS[0], smtp[0]), to(RELAYS[1], smtp[1])].join(", ");
        let postfix = Postfix::start(smtp[0], &format!("transport_maps = inline:{{ {both} }}\n"));
        let ircd = Ircd::start(Kind::Inspircd, "");
        let more = [0, 1].map(|user| {
            let relay = RELAYS[user];
            adapters(relay, irc[user], smtp[user], postfix.port) + &network(relay, user, &ircd)
        });
        let pair = pair::over_cpim_with([&more[0], &more[1]]);
        Self::of(vec![started(pair.a), started(pair.b)], RELAYS, irc, postfix, ircd)
    }

    fn of(
        gateways: Vec<(Site, Gateway)>,
        relays: [&'static str; 2],
        irc: [u16; 2],
        postfix: Postfix,
        ircd: Ircd,
    ) -> Self {
        gateways.iter().for_each(|(_, gateway)| gateway.wait_for("on the network"));
        let ports = [gateways[0].0.port, gateways[gateways.len() - 1].0.port];
        let native = |user: usize| {
            let address = address("cpim", user, relays);
            let serves = format!("im:{address} pres:{address}");
            Client::open(ports[user], Open { serves: &serves, ..Open::default() })
        };
        let natives = [native(0), native(1)];
        let ircs = [Irc::join(irc[0], "alice"), Irc::join(irc[1], "carla")];
        let joined = ["nina", "nora"].map(|nick| Irc::join(ircd.port, nick));
        let lines: Vec<_> = gateways.iter().map(|(site, _)| lines::Adapter::start(site)).collect();
        let talkers =
            [Talker::called("wilma", lines[0].port), Talker::called("betty", lines[lines.len() - 1].port)];
        Self {
            _gateways: gateways,
            relays,
            postfix,
            natives,
            ircs,
            joined,
            talkers,
            _ircd: ircd,
            _lines: lines,
        }
    }

    /// The address of the first or the second user of an adapter, without the class.
    pub(crate) fn address(&self, adapter: &str, user: usize) -> String {
        address(adapter, user, self.relays)
    }

    /// How the first users' gateway is called on the network that others run.
    pub(crate) const fn nick(&self) -> &'static str {
        NICKS[0]
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
        "irc-network" => format!("irc=net.{relay}/{}@{relay}", ["nina", "nora"][user]),
        "smtp" => format!("mailto={}~40mail.example@{relay}", ["bob", "carol"][user]),
        "lines" => format!("lines={}@{relay}", ["wilma", "betty"][user]),
        other => panic!("no users of {other} take part here: add them to tests/matrix"),
    }
}

/// The sections of the adapters.
fn adapters(relay: &str, irc: u16, smtp: u16, smarthost: u16) -> String {
    format!(
        "[irc]\nname = \"irc.{relay}\"\n\
         [[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"verified\"\n\
         [[smtp.listener]]\naddress = \"127.0.0.1:{smtp}\"\n\
         [smtp.incoming]\nclosed_to_strangers = []\n\
         [smtp.outgoing]\nsmarthost = \"127.0.0.1:{smarthost}\"\ntls = \"plain\"\n"
    ) + lines::GIVEN
}

/// A network that others run, as one of the gateways joins it.
fn network(relay: &str, gateway: usize, ircd: &Ircd) -> String {
    format!(
        "[[irc.network]]\nname = \"net.{relay}\"\nservers = [\"127.0.0.1:{}\"]\ntls = \"plain\"\nnick = \"{}\"\n\
         puppets = 20\nline_penalty = \"1ms\"\npoll = \"1s\"\n",
        ircd.port, NICKS[gateway]
    )
}

fn started(site: Site) -> (Site, Gateway) {
    lines::prepare(&site);
    let gateway = site.start();
    gateway.wait_ready();
    (site, gateway)
}
