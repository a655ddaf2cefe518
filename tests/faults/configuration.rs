//! A configuration with which it cannot start: said by file, line and key, before anything has started.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::support::gateway::Site;

/// A start fails, says these, and leaves nothing behind.
fn refuses(site: &Site, says: &[&str]) {
    let (code, said) = site.fail();
    assert_eq!(code, 2, "{said}");
    for what in says {
        assert!(said.contains(what), "no {what:?} in: {said}");
    }
    assert!(!site.path("gateway.db").exists(), "a store was made");
    assert!(!site.path("admin.sock").exists(), "something was started");
}

/// The line of a configuration that begins so.
fn line(site: &Site, begins: &str) -> usize {
    let text = fs::read_to_string(site.path("gateway.toml")).unwrap();
    1 + text.lines().position(|line| line.starts_with(begins)).unwrap()
}

#[test]
fn a_port_that_is_taken() {
    let site = Site::new("");
    let _other = TcpListener::bind(("127.0.0.1", site.port)).unwrap();
    refuses(&site, &[&format!("127.0.0.1:{}", site.port), "cannot listen", "in use"]);
}

#[test]
fn a_key_that_nobody_knows() {
    let site = Site::new("");
    site.edit("[store]", "[store]\npaht = \"x\"");
    let line = line(&site, "paht");
    refuses(&site, &[&format!("gateway.toml:{line}"), "store.paht", "path"]);
}

#[test]
fn a_value_that_is_none() {
    let site = Site::new("");
    site.edit("[store]", "[limits]\nmax_wait = \"soon\"\n[store]");
    let line = line(&site, "max_wait");
    refuses(&site, &[&format!("gateway.toml:{line}: limits.max_wait: "), "soon"]);
}

#[test]
fn a_file_that_is_no_toml() {
    let site = Site::new("[[[");
    refuses(&site, &["gateway.toml:"]);
}

#[test]
fn a_file_that_is_not_there() {
    let site = Site::new("");
    fs::remove_file(site.path("gateway.toml")).unwrap();
    refuses(&site, &["gateway.toml"]);
}

/// A listener with a certificate and a key that are files with this in them, if anything.
fn with_certificate(certificate: Option<&str>, key: Option<&str>) -> Site {
    let site = Site::new("certificate = \"gateway.pem\"\nkey = \"gateway.key\"\n");
    for (name, text) in [("gateway.pem", certificate), ("gateway.key", key)] {
        if let Some(text) = text {
            fs::write(site.path(name), text).unwrap();
            fs::set_permissions(site.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    site
}

fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["gw.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn a_certificate_and_a_key_that_are_no_pair() {
    let ((certificate, key), (_, other)) = (pair(), pair());
    let refuses = |site: &Site, key: &str, what: &str| {
        let line = line(site, key);
        refuses(site, &[&format!("gateway.toml:{line}: cpim.listener[0].{key}: "), what]);
    };
    refuses(&with_certificate(None, Some(&key)), "certificate", "gateway.pem: cannot be read");
    refuses(&with_certificate(Some(&certificate), None), "key", "gateway.key: cannot be read");
    refuses(
        &with_certificate(Some("ferret"), Some(&key)),
        "certificate",
        "gateway.pem: no certificate in it",
    );
    refuses(&with_certificate(Some(&certificate), Some("ferret")), "key", "gateway.key: ");
    refuses(
        &with_certificate(Some(&certificate), Some(&other)),
        "key",
        "is not the key of the first certificate",
    );

    let open = with_certificate(Some(&certificate), Some(&key));
    fs::set_permissions(open.path("gateway.key"), fs::Permissions::from_mode(0o644)).unwrap();
    refuses(&open, "key", "everybody on this machine");

    let right = with_certificate(Some(&certificate), Some(&key));
    right.start().wait_ready();
}
