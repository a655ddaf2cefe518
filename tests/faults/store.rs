//! A store that cannot be used: said, by name, with nothing started and nothing changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::gateway::Site;
use crate::support::native::Client;

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

/// A start fails, says these, and leaves the file as it was.
fn refuses(site: &Site, says: &[&str]) {
    let before = fs::read(site.path("gateway.db")).ok();
    let (code, said) = site.fail();
    assert_eq!(code, 2, "{said}");
    for what in says {
        assert!(said.contains(what), "no {what:?} in: {said}");
    }
    assert_eq!(fs::read(site.path("gateway.db")).ok(), before, "the file was changed");
    assert!(!site.path("admin.sock").exists(), "something was started");
}

/// A store in which there is something, and which nobody uses.
fn used() -> Site {
    let site = Site::new("");
    let mut gateway = site.start();
    let mut barney = Client::serving(site.port, BARNEY, true);
    let mut fred = Client::serving(site.port, FRED, false);
    for n in 0..20 {
        fred.message(&n.to_string(), FRED, BARNEY, &"Yabba, dabba! ".repeat(100));
        let frame = barney.expect_message();
        barney.respond(&frame, "success", "");
        fred.expect_answer();
    }
    gateway.terminate();
    assert!(gateway.wait().success());
    site
}

#[test]
fn a_damaged_one() {
    let site = used();
    let mut octets = fs::read(site.path("gateway.db")).unwrap();
    let middle = octets.len() / 2;
    octets[4_096..middle].fill(0x5A);
    fs::write(site.path("gateway.db"), &octets).unwrap();
    refuses(&site, &["gateway.db", "damaged", "restore a copy"]);
}

#[test]
fn one_that_is_cut_short() {
    let site = used();
    let octets = fs::read(site.path("gateway.db")).unwrap();
    fs::write(site.path("gateway.db"), &octets[..octets.len() / 2]).unwrap();
    refuses(&site, &["gateway.db", "damaged"]);
}

#[test]
fn something_else() {
    let site = Site::new("");
    fs::write(site.path("gateway.db"), "Dear diary, today I met a girl.\n".repeat(300)).unwrap();
    refuses(&site, &["gateway.db", "is not a store of this gateway"]);
}

#[test]
fn one_that_another_process_uses() {
    let site = Site::new("");
    let gateway = site.start();
    let other = Site::new("");
    other.edit("gateway.db", site.path("gateway.db").to_str().unwrap());
    let (code, said) = other.fail();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("gateway.db is in use by another process (process "), "{said}");
    gateway.wait_ready();
}

#[test]
fn one_without_a_folder() {
    let site = Site::new("");
    site.edit("gateway.db", "nowhere/gateway.db");
    refuses(
        &site,
        &["gateway.toml:4: store.path: nowhere: ", "a path in a folder that the gateway can write to"],
    );
}

#[test]
fn one_in_a_folder_that_cannot_be_written() {
    let site = Site::new("");
    // Modes do not bind a superuser; this folder takes files from nobody.
    site.edit("gateway.db", "/proc/gateway.db");
    refuses(&site, &["gateway.toml:4: store.path: /proc: "]);
}

#[test]
fn one_that_may_only_be_read() {
    let site = used();
    let file = site.path("gateway.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&file).is_ok() {
        println!("whoever runs this may write what may only be read: then the gateway may, too");
        return;
    }
    refuses(&site, &["gateway.db", "cannot be written"]);
}
