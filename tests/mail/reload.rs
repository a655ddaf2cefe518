//! SIGHUP: what can change at once does, and what cannot is said.

use crate::stage::{BOB, FRED_MAILBOX, HELLO, Stage};

#[test]
fn what_mail_is_taken_changes_at_once() {
    let stage = Stage::with(
        "",
        "[smtp.incoming]\nclosed_to_strangers = [\"mailto\", \"im\"]\n[smtp.limits]\nrecipients = 1\n",
    );
    let mut open = stage.client();
    open.must(&format!("MAIL FROM:<{BOB}>"), 250);
    open.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 550);
    stage.site.edit("[\"mailto\", \"im\"]", "[\"mailto\"]");
    stage.site.edit("recipients = 1", "recipients = 2");
    stage.gateway.hang_up();
    stage.gateway.wait_for("configuration reloaded");
    open.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    for code in [250, 250, 452] {
        client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), code);
    }
}

#[test]
fn what_needs_a_restart_is_named() {
    let stage = Stage::new();
    stage.site.edit("tls = \"plain\"\n", "tls = \"opportunistic\"\n[smtp.limits]\nconnections = 7\n");
    stage.gateway.hang_up();
    stage.gateway.wait_for("configuration reloaded");
    let said = stage.gateway.said();
    for key in ["smtp.outgoing", "smtp.limits"] {
        assert!(said.contains(key), "{key} is not named:\n{said}");
    }
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
}

#[test]
fn a_wrong_file_changes_nothing() {
    let stage = Stage::new();
    stage.site.edit("tls = \"plain\"\n", "tls = \"plain\"\n[smtp.limits]\nrecipients = 0\n");
    stage.gateway.hang_up();
    stage.gateway.wait_for("smtp.limits.recipients: 0; at least 1 is accepted");
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
}

#[test]
fn whoever_is_struck_from_the_submitters_sends_nothing_more() {
    let (site, _outgoing, port) = Stage::site(
        "login_in_the_clear = true",
        "[[smtp.submitter]]\nname = \"alice\"\npassword_file = \"alice.secret\"\nfrom = [\"mail.example\"]\n",
    );
    std::fs::write(site.path("alice.secret"), "sesame\n").unwrap();
    std::fs::set_permissions(site.path("alice.secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let gateway = site.start();
    gateway.wait_ready();
    let mut client = crate::support::smtp::Smtp::hello(port);
    client.must("AUTH PLAIN AGFsaWNlAHNlc2FtZQ==", 235);
    site.edit("name = \"alice\"", "name = \"bob\"");
    gateway.hang_up();
    gateway.wait_for("configuration reloaded");
    let reply = client.mail(BOB, FRED_MAILBOX, HELLO);
    assert_eq!(reply.text(), "530 5.7.0 authenticate again");
    let mut client = crate::support::smtp::Smtp::hello(port);
    client.must("AUTH PLAIN AGFsaWNlAHNlc2FtZQ==", 535);
}
