//! Addresses that stay as they are: only where the domain's own DMARC policy lets this gateway write in its name, with
//! dnsmasq as the DNS of the world.

use std::fmt::Write as _;

use crate::stage::{Stage, stands};
use crate::support::dnsmasq::Dnsmasq;
use crate::support::gateway::{Gateway, Site};
use crate::support::native::{Client, Open};
use crate::support::process::run;
use crate::support::smtp::{Mailbox, Smtp, Taken};

const BOB: &str = "im:mailto=bob~40mail.example@gw.example";

/// The domains, all of them hosted and `unchanged`, and signed for by a key each.
const DOMAINS: [&str; 7] = [
    "silent.example",
    "none.example",
    "published.example",
    "missing.example",
    "another.example",
    "quarantine.example",
    "sub.strict.example",
];

struct World {
    site: Site,
    gateway: Gateway,
    outgoing: Mailbox,
    port: u16,
    _dns: Dnsmasq,
    sent: usize,
}

impl World {
    async fn new() -> Self {
        let mut more = format!(
            "unchanged = {DOMAINS:?}\n[[smtp.outgoing.dkim]]\nselector = \"s\"\nkey = \"gw.example.pem\"\n"
        );
        for domain in DOMAINS {
            // A key of the domain above signs for the one below.
            let signed = domain.trim_start_matches("sub.");
            write!(
                more,
                "[[smtp.outgoing.dkim]]\ndomain = \"{signed}\"\nselector = \"s\"\nkey = \"{domain}.pem\"\n"
            )
            .unwrap();
        }
        for domain in DOMAINS {
            write!(more, "[[hosted]]\ndomain = \"{domain}\"\n").unwrap();
        }
        let (site, outgoing, port) = Stage::site("", &more);
        let mut first = site.start();
        first.terminate();
        first.wait();
        let printed = run(&site.path(""), &["dns", "--config", "gateway.toml"]).await;
        assert_eq!(printed.code, 0, "{}", printed.err);
        let key = |domain: &str| {
            let owner = format!("s._domainkey.{domain}. TXT ");
            let line = printed.out.lines().find_map(|line| line.strip_prefix(&owner)).expect(domain);
            line.split(" ;  ").next().unwrap().split(" ; ").next().unwrap().trim().to_owned()
        };
        let mut records = String::new();
        for (owner, text) in [
            ("_dmarc.none.example", "\"v=DMARC1; p=none\"".to_owned()),
            ("_dmarc.published.example", "\"v=DMARC1; p=reject\"".to_owned()),
            ("s._domainkey.published.example", key("published.example")),
            ("_dmarc.missing.example", "\"v=DMARC1; p=reject\"".to_owned()),
            ("_dmarc.another.example", "\"v=DMARC1; p=reject\"".to_owned()),
            ("s._domainkey.another.example", key("published.example")),
            ("_dmarc.quarantine.example", "\"v=DMARC1; p=quarantine\"".to_owned()),
            ("_dmarc.strict.example", "\"v=DMARC1; p=none; sp=reject; adkim=s\"".to_owned()),
            ("s._domainkey.strict.example", key("strict.example")),
            ("s._domainkey.gw.example", key("gw.example")),
        ] {
            writeln!(records, "txt-record={owner},{text}").unwrap();
        }
        records.push_str("local=/example/\n");
        let dns = Dnsmasq::start(&records).await;
        site.edit(
            "[dns]\nenabled = false\n",
            &format!("[dns]\nsystem = false\nservers = [\"{}\"]\ntimeout = \"2s\"\n", dns.address()),
        );
        let gateway = site.start();
        gateway.wait_ready();
        Self { site, gateway, outgoing, port, _dns: dns, sent: 0 }
    }

    /// What fred of this domain writes, as it leaves.
    fn writes(&mut self, domain: &str) -> Taken {
        let uri = format!("im:fred@{domain}");
        let mut fred = Client::open(self.site.port, Open { serves: &uri, ..Open::default() });
        fred.message("1", &uri, BOB, "Yabba, dabba!");
        self.sent += 1;
        self.outgoing.wait(self.sent).remove(self.sent - 1)
    }
}

fn from(mail: &Taken) -> String {
    mail.field("From").unwrap().trim_matches(['<', '>']).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_stays_as_it_is_where_the_domains_policy_lets_it() {
    let mut world = World::new().await;
    for (domain, stays) in [
        // It says nothing, or wants nothing refused.
        ("silent.example", true),
        ("none.example", true),
        // Its own key is ours.
        ("published.example", true),
        // No key, and one that is not ours.
        ("missing.example", false),
        ("another.example", false),
        ("quarantine.example", false),
        // The signature of the domain above does not count where alignment is strict.
        ("sub.strict.example", false),
    ] {
        let mail = world.writes(domain);
        let expected = match stays {
            true => format!("fred@{domain}"),
            false => format!("im=fred~40{domain}@gw.example"),
        };
        assert_eq!(from(&mail), expected, "{mail:?}");
        assert_eq!(world.gateway.said().contains(&format!("domain={domain}")), !stays, "said of {domain}");
    }
}

/// RFC 3860 section 3.4.2: a list is no loop.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_brings_back_what_somebody_here_has_written_is_its_sender() {
    let mut world = World::new().await;
    let mail = world.writes("missing.example");
    let mut wilma = Client::serving(world.site.port, "im:wilma@a.example", false);
    // As it was signed: nothing was changed on the way.
    let mut client = Smtp::hello(world.port);
    let reply = client.mail("talk-bounces@lists.example", "im=wilma~40a.example@gw.example", &mail.text);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = wilma.expect_message();
    let list = "im:mailto=talk-bounces~40lists.example@gw.example";
    assert_eq!(got.attribute("source").as_deref(), Some(list));
    stands(&world.gateway, &got, "claimed");
    assert!(String::from_utf8_lossy(&got.content).contains("Yabba, dabba!"));
    // What comes back by nobody but us goes round.
    let reply = client.mail("b=1-00@gw.example", "im=wilma~40a.example@gw.example", &mail.text);
    assert_eq!(reply.code, 550, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_say_lets_nothing() {
    // Taken, and never answered.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (site, outgoing, _) = Stage::site("", "unchanged = [\"a.example\"]\n");
    site.edit(
        "[dns]\nenabled = false\n",
        &format!(
            "[dns]\nsystem = false\nservers = [\"{}\"]\ntimeout = \"100ms\"\nattempts = 1\n",
            silent.local_addr().unwrap()
        ),
    );
    let gateway = site.start();
    gateway.wait_ready();
    let mut fred = Client::open(site.port, Open { serves: "im:fred@a.example", ..Open::default() });
    fred.message("1", "im:fred@a.example", BOB, "Yabba, dabba!");
    assert_eq!(from(&outgoing.one()), "im=fred~40a.example@gw.example");
    assert!(gateway.said().contains("its DMARC policy cannot be had now"));
}

#[test]
fn without_dns_the_configuration_has_the_word() {
    let stage = Stage::with("", "unchanged = [\"a.example\"]\n");
    let mut fred = stage.fred();
    fred.message("1", "im:fred@a.example", BOB, "Yabba, dabba!");
    let mail = stage.outgoing.one();
    assert_eq!(from(&mail), "fred@a.example");
    // What is answered there comes back.
    let reply = stage.client().mail("bob@mail.example", "fred@a.example", crate::stage::HELLO);
    assert_eq!(reply.code, 250, "{reply:?}");
    let mut got = fred.next(crate::support::gateway::PATIENCE).unwrap();
    while got.element() != "message" {
        got = fred.next(crate::support::gateway::PATIENCE).unwrap();
    }
    assert_eq!(got.attribute("source").as_deref(), Some(BOB));
}
