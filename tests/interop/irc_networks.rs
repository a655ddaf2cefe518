//! Networks that others run, joined by the gateway: ngIRCd, which knows little, and InspIRCd, which knows IRCv3.

use crate::support::gateway::{Gateway, Site};
use crate::support::irc::Irc;
use crate::support::ircd::{Ircd, Kind, NETWORK};
use crate::support::native::Client;

/// A gateway on a network, with these keys besides.
struct Stage {
    ircd: Ircd,
    site: Site,
    gateway: Option<Gateway>,
}

const ALICE: &str = "im:irc=irc.test.example/alice@gw.example";
const FRED: &str = "im:fred@a.example";

impl Stage {
    fn new(kind: Kind, keys: &str) -> Self {
        Self::on(Ircd::start(kind, ""), keys)
    }

    fn on(ircd: Ircd, keys: &str) -> Self {
        let site = Site::new(&format!(
            "[[irc.network]]\nname = \"{NETWORK}\"\nservers = [\"127.0.0.1:{}\"]\ntls = \"plain\"\n\
             nick = \"relay\"\ntaken = \"success\"\npuppets = 20\nline_penalty = \"1ms\"\npoll = \"1s\"\n\
             settle = \"1s\"\n{keys}\n",
            ircd.port
        ));
        let gateway = site.start();
        gateway.wait_for("on the network");
        Self { ircd, site, gateway: Some(gateway) }
    }

    /// The same, with one key changed.
    fn with(mut self, from: &str, to: &str) -> Self {
        self.gateway = None;
        self.site.edit(from, to);
        self.gateway = Some(self.site.start());
        self.gateway().wait_for("on the network");
        self
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    fn fred(&self) -> Client {
        Client::serving(self.site.port, FRED, false)
    }

    fn join(&self, nick: &str) -> Irc {
        let mut irc = Irc::connect(self.ircd.port);
        irc.send(&format!("NICK {nick}"));
        irc.send(&format!("USER {nick} 0 * :{nick} of the tests"));
        irc.expect(&format!(" 001 {nick} "));
        irc.until_quiet();
        irc
    }
}

fn both(case: impl Fn(Kind)) {
    for kind in [Kind::Ngircd, Kind::Inspircd] {
        case(kind);
    }
}

/// Issue 5, items 3, 4 and 6: a foreign user appears by a nick that looks like him, with his address; both write to each
/// other; and what is not delivered is told.
#[test]
fn both_ways_by_a_puppet() {
    both(|kind| {
        let stage = Stage::new(kind, "");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        fred.message("1", FRED, ALICE, "Yabba,\ndabba!");
        let line = alice.expect(" PRIVMSG alice ");
        assert!(line.starts_with(":fred!") && line.ends_with(":Yabba,"), "{line}");
        assert!(alice.line().unwrap().ends_with(":dabba!"));
        assert!(fred.expect_answer().is("success", ""));
        let whois = alice.ask("WHOIS fred");
        assert!(whois.iter().any(|line| line.ends_with(":im:fred@a.example")), "{whois:#?}");
        alice.send("PRIVMSG fred :\u{1}ACTION waves\u{1}");
        let frame = fred.expect_message();
        assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "/me waves"));
        fred.respond(&frame, "success", "");
        alice.send("PRIVMSG fred :and more");
        let frame = fred.expect_message();
        assert_eq!(frame.body(), "and more");
        fred.respond(&frame, "failure", "refused: not now");
        alice.expect("NOTICE alice :Not delivered: refused: not now");
        let nobody = "im:irc=irc.test.example/nobody@gw.example";
        fred.message("2", FRED, nobody, "Anybody?");
        assert!(fred.expect_answer().is("failure", "unreachable"));
        alice.send("AWAY :At lunch");
        alice.expect(" 306 ");
        fred.message("3", FRED, ALICE, "Are you there?");
        let answer = fred.expect_answer();
        assert!(answer.is("success", "") && answer.text == "away: At lunch", "{answer:?}");
    });
}

/// Item 3: where there are no puppets, the relay writes for all, and takes what is for an address.
#[test]
fn both_ways_by_the_relay() {
    both(|kind| {
        let stage = Stage::new(kind, "").with("puppets = 20", "puppets = 0");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        fred.message("1", FRED, ALICE, "Yabba!");
        let line = alice.expect(" PRIVMSG alice ");
        assert!(line.starts_with(":relay!") && line.ends_with(":<fred@a.example> Yabba!"), "{line}");
        assert!(fred.expect_answer().is("success", ""));
        alice.send("PRIVMSG relay :fred@a.example: hello: you");
        let frame = fred.expect_message();
        assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "hello: you"));
        fred.respond(&frame, "success", "");
        alice.send("PRIVMSG relay :nobody@nowhere.example: hello");
        alice.expect("NOTICE alice :Not delivered: ");
    });
}
