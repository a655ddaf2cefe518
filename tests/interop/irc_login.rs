//! How the gateway proves itself to networks that others run: TLS, and accounts at their services.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::irc_stage::{ALICE, FRED, Stage, both, site};
use crate::services::Services;
use crate::support::gateway::Site;
use crate::support::ircd::{Ircd, Kind, NETWORK};

/// Writes a file that is nobody else's to read.
fn secret(site: &Site, name: &str, text: &str) {
    fs::write(site.path(name), text).unwrap();
    fs::set_permissions(site.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// RFC 7194: TLS from the first octet, to the relay and to puppets, with the server's name verified; and whoever cannot
/// prove its name is told nothing.
#[test]
fn a_network_is_spoken_to_by_tls() {
    both(|kind| {
        let mut ircd = Ircd::start(kind, "");
        let (port, certificate) = ircd.speak_tls();
        ircd.stop();
        ircd.resume();
        let site = site(&format!("servers = [\"localhost:{port}\"]\nca = \"ca.pem\""));
        fs::write(site.path("ca.pem"), &certificate).unwrap();
        let gateway = site.start();
        gateway.wait_for("on the network");
        let stage = Stage::of(ircd, site, gateway);
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        fred.message("1", FRED, ALICE, "in confidence");
        assert!(alice.expect(" PRIVMSG alice ").starts_with(":fred!"));
        assert!(fred.expect_answer().is("success", ""));
        alice.send("PRIVMSG fred :and back");
        assert_eq!(fred.expect_message().body(), "and back");
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(stage.site.path("other.pem"), other.cert.pem()).unwrap();
        let Stage { site, ircd: _ircd, .. } = stage.ended();
        site.edit("ca.pem", "other.pem");
        let gateway = site.start();
        gateway.wait_answer("/health", |_, answer| answer.contains("certificate"));
        assert!(!gateway.said().contains("on the network"));
    });
}

/// IRCv3 SASL, RFC 4616 and RFC 4422 appendix A: the relay logs in to its account at the services, by password or by
/// certificate; while they are away it tries again; and no puppet is taken for the relay.
#[test]
fn the_relay_logs_in_at_the_services() {
    let mut ircd = Ircd::start(Kind::Inspircd, "");
    let (port, certificate) = ircd.speak_tls();
    let mut services = Services::of(&ircd);
    ircd.stop();
    ircd.resume();
    services.start();
    let keys = format!(
        "servers = [\"localhost:{port}\"]\nca = \"ca.pem\"\ncertificate = \"gw.pem\"\nkey = \"gw.key\""
    );
    let site = site(&keys);
    fs::write(site.path("ca.pem"), &certificate).unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["gw.example".to_owned()]).unwrap();
    fs::write(site.path("gw.pem"), own.cert.pem()).unwrap();
    secret(&site, "gw.key", &own.signing_key.serialize_pem());
    secret(&site, "password", "s3cret-word");
    // Its owner makes the account, and says that the certificate is his.
    let mut owner = crate::irc_stage::join(ircd.port, "relay");
    owner.ask_until("ISON NickServ", |lines| lines.iter().any(|line| line.ends_with(":NickServ")));
    owner.send("PRIVMSG NickServ :REGISTER s3cret-word gw@a.example");
    owner.expect("is now registered");
    owner.send(&format!("PRIVMSG NickServ :CERT ADD {}", fingerprint(own.cert.der())));
    owner.expect("Added fingerprint");
    owner.send("QUIT");
    owner.expect_end();

    site.edit(&keys, &format!("{keys}\naccount = \"relay\"\naccount_password_file = \"password\""));
    let gateway = site.start();
    gateway.wait_for("on the network");
    let stage = Stage::of(ircd, site, gateway);
    let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
    let logged_in = " relay relay :is logged in as";
    assert!(alice.ask("WHOIS relay").iter().any(|line| line.ends_with(logged_in)));
    fred.message("1", FRED, ALICE, "hello");
    alice.expect(":fred!");
    assert!(!alice.ask("WHOIS fred").iter().any(|line| line.contains(" 330 ") || line.contains(" 276 ")));

    // By the certificate alone; and the services come back later than the network.
    let Stage { site, mut ircd, .. } = stage.ended();
    site.edit("\naccount_password_file = \"password\"", "");
    services.stop();
    ircd.stop();
    ircd.resume();
    let gateway = site.start();
    gateway.wait_answer("/health", |_, answer| answer.contains("the network offers no SASL"));
    services.start();
    gateway.wait_for("on the network");
    let stage = Stage::of(ircd, site, gateway);
    let mut alice = stage.join("alice");
    assert!(alice.ask("WHOIS relay").iter().any(|line| line.ends_with(logged_in)));

    // A password that is not taken is final, and said.
    let Stage { site, ircd: _ircd, .. } = stage.ended();
    site.edit("account = \"relay\"", "account = \"relay\"\naccount_password_file = \"password\"");
    secret(&site, "password", "another-word");
    let gateway = site.start();
    gateway.wait_for("nothing more is tried");
    gateway.wait_answer("/health", |_, answer| answer.contains(&format!("{NETWORK}: not let in: 904 ")));
}

/// SHA-256 of a certificate in hexadecimal, as networks have it.
fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}
