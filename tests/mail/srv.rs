//! Mail to whom an SRV record names: `_im._smtp` (RFC 3861), with the servers tried in their order, under TLS, by the
//! name of the domain that was asked for.

use std::os::unix::fs::PermissionsExt;

use crate::support::dns::{DnsServer, Zone};
use crate::support::gateway::{Gateway, PATIENCE, Site, free_port};
use crate::support::native::{Client, Open};

const FRED: &str = "im:fred@a.example";
const BOB: &str = "im:bob@b.example";

/// A gateway at which bob is, behind a mail listener with a certificate for this name.
fn house_of_bob(name: &str) -> (Site, Gateway, u16, String) {
    let port = free_port();
    let site = Site::new(&format!(
        "[[hosted]]\ndomain = \"b.example\"\n\
         [[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\ncertificate = \"b.pem\"\nkey = \"b.key\"\n"
    ));
    site.edit("relay_domain = \"gw.example\"", "relay_domain = \"gw.b.example\"");
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    for (file, text) in [("b.pem", made.cert.pem()), ("b.key", made.signing_key.serialize_pem())] {
        std::fs::write(site.path(file), text).unwrap();
        std::fs::set_permissions(site.path(file), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let gateway = site.start();
    gateway.wait_ready();
    (site, gateway, port, made.cert.pem())
}

/// A gateway that looks for servers of mail in this zone, and trusts this certificate.
async fn house_of_fred(zone: Zone, trusted: &str) -> (Site, Gateway, DnsServer) {
    let dns = DnsServer::start(zone).await;
    let site = Site::new("[smtp.outgoing]\nca = \"b.pem\"\n");
    site.edit(
        "enabled = false\n",
        &format!("system = false\nservers = [\"{}\"]\nprotocols = [\"smtp\"]\n", dns.address()),
    );
    site.edit("[rules]\n", "[limits]\nretry_horizon = \"1s\"\n[rules]\n");
    site.edit("ca = \"b.pem\"\n", "ca = \"b.pem\"\nretry_horizon = \"1s\"\n");
    std::fs::write(site.path("b.pem"), trusted).unwrap();
    let gateway = site.start();
    gateway.wait_ready();
    (site, gateway, dns)
}

fn zone(port: u16) -> Zone {
    Zone::default()
        .srv("_im._smtp.b.example", 10, 0, free_port(), "down.b.example")
        .srv("_im._smtp.b.example", 20, 0, port, "mail.b.example")
        .host("down.b.example", "127.0.0.1")
        .host("mail.b.example", "127.0.0.1")
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_to_whom_srv_records_name_the_next_where_the_first_is_down() {
    let (at_bob, _b, port, certificate) = house_of_bob("b.example");
    let (at_fred, _a, _dns) = house_of_fred(zone(port), &certificate).await;
    let mut bob = Client::serving(at_bob.port, BOB, false);
    let mut fred = Client::open(at_fred.port, Open { serves: FRED, ..Open::default() });
    fred.message("1", FRED, BOB, "Yabba, dabba!");
    let got = bob.expect_message();
    assert_eq!(
        got.attribute("source").as_deref(),
        Some("im:mailto=im~3dfred~7e40a.example~40gw.example@gw.b.example")
    );
    assert!(String::from_utf8_lossy(&got.content).contains("Yabba, dabba!"));
    bob.respond(&got, "success", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_the_domain_gets_nothing() {
    let (at_bob, _b, port, certificate) = house_of_bob("mail.b.example");
    let (at_fred, _a, _dns) = house_of_fred(zone(port), &certificate).await;
    let _bob = Client::serving(at_bob.port, BOB, false);
    let mut fred = Client::open(at_fred.port, Open { serves: FRED, ..Open::default() });
    fred.message("1", FRED, BOB, "Yabba, dabba!");
    let answer = fred.next_answer(PATIENCE).unwrap();
    assert!(answer.is("failure", "unreachable"), "{answer:?}");
}
