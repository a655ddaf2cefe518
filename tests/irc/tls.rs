//! TLS from the first octet, and that passwords are not taken without it.

use std::os::unix::fs::PermissionsExt;

use crate::stage::Stage;
use crate::support::irc::Irc;

/// RFC 7194: TLS from the first octet. Plain text there is no IRC.
#[test]
fn a_listener_with_a_certificate_speaks_tls() {
    let stage = Stage::new();
    let made = rcgen::generate_simple_self_signed(vec!["irc.demo.example".to_owned()]).unwrap();
    let key = stage.site.path("irc.key");
    std::fs::write(stage.site.path("irc.pem"), made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let Stage { site, gateway, irc } = stage;
    drop(gateway);
    site.edit("[[irc.listener]]\n", "[[irc.listener]]\ncertificate = \"irc.pem\"\nkey = \"irc.key\"\n");
    let _gateway = site.start();
    let mut alice = Irc::connect_tls(irc, made.cert.der(), "irc.demo.example");
    alice.send("NICK alice\r\nUSER a 0 * :Alice");
    alice.expect(" 001 alice ");
    let mut plain = Irc::connect(irc);
    plain.send("NICK bob\r\nUSER b 0 * :Bob");
    plain.expect_end();
    alice.until_quiet();
}
