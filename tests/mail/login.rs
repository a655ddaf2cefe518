//! TLS and AUTH: whoever authenticates writes as who he is, and nobody reads his password on the way.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustls::pki_types::CertificateDer;

use crate::stage::{FRED_MAILBOX, Stage, stands};
use crate::support::gateway::Site;
use crate::support::native::Client;
use crate::support::smtp::{Mailbox, Smtp};

const SUBMITTER: &str = "[[smtp.submitter]]\nname = \"alice\"\npassword_file = \"alice.secret\"\n\
                         from = [\"alice@mail.example\", \"office.example\", \"wilma@a.example\"]\n";
const CERTIFICATE: &str = "certificate = \"gateway.pem\"\nkey = \"gateway.key\"\n";
/// `\0alice\0sesame`
const PLAIN: &str = "AGFsaWNlAHNlc2FtZQ==";
/// `\0alice\0open`
const WRONG: &str = "AGFsaWNlAG9wZW4=";

struct Secured {
    site: Site,
    outgoing: Mailbox,
    port: u16,
    certificate: CertificateDer<'static>,
}

impl Secured {
    fn new(listener: &str) -> Self {
        let (site, outgoing, port) = Stage::site(listener, SUBMITTER);
        let made = rcgen::generate_simple_self_signed(vec!["gw.example".to_owned()]).unwrap();
        let write = |name: &str, text: String| {
            std::fs::write(site.path(name), text).unwrap();
            std::fs::set_permissions(site.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("gateway.pem", made.cert.pem());
        write("gateway.key", made.signing_key.serialize_pem());
        write("alice.secret", "sesame\n".to_owned());
        Self { site, outgoing, port, certificate: made.cert.der().clone() }
    }

    fn encrypted(&self) -> Smtp {
        let mut client = Smtp::hello(self.port);
        client.must("STARTTLS", 220);
        client.encrypt(&self.certificate, "gw.example");
        client
    }

    fn swaks(&self, more: &[&str]) -> (bool, String) {
        let mut command = Command::new("swaks");
        command.args([
            "--server",
            &format!("127.0.0.1:{}", self.port),
            "--to",
            FRED_MAILBOX,
            "--helo",
            "client.example",
        ]);
        let ran = command.args(more).output();
        let ran = ran.unwrap_or_else(|e| {
            panic!("NOT RUN: swaks cannot be started ({e}); on Debian: apt-get install swaks")
        });
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    }
}

fn mail(from: &str, id: usize) -> String {
    format!("From: {from}\nMessage-ID: <{id}@client.example>\n\nHello\n")
}

#[test]
fn a_submitter_writes_as_who_he_is_and_as_nobody_else() {
    let secured = Secured::new(CERTIFICATE);
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut fred = Client::serving(secured.site.port, "im:fred@a.example", false);
    let mut client = secured.encrypted();
    // What was said in the clear is forgotten (RFC 3207 section 4.2).
    client.must("MAIL FROM:<alice@mail.example>", 503);
    let offers = client.must("EHLO client.example", 250);
    assert!(offers.text().contains("AUTH PLAIN LOGIN") && !offers.text().contains("STARTTLS"), "{offers:?}");
    client.must(&format!("AUTH PLAIN {WRONG}"), 535);
    client.must(&format!("AUTH PLAIN {PLAIN}"), 235);
    client.must(&format!("AUTH PLAIN {PLAIN}"), 503);
    for (nth, (from, source)) in [
        ("alice@mail.example", Some("im:mailto=alice~40mail.example@gw.example")),
        ("anybody@office.example", Some("im:mailto=anybody~40office.example@gw.example")),
        // Somebody at home here is himself.
        ("wilma@a.example", Some("im:wilma@a.example")),
        ("bob@mail.example", None),
        ("Alice@mail.example", None),
        ("fred@a.example", None),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = client.mail("alice@mail.example", FRED_MAILBOX, &mail(from, nth));
        match source {
            Some(source) => {
                assert_eq!(reply.code, 250, "{from}: {reply:?}");
                let got = fred.expect_message();
                assert_eq!(got.attribute("source").as_deref(), Some(source));
                stands(&gateway, &got, "verified");
                fred.respond(&got, "success", "");
            }
            None => assert_eq!(reply.text(), "550 5.7.1 the author is not yours to use", "{from}"),
        }
    }
    // He is no stranger: he may write to anybody, and hears at once what went wrong.
    let reply =
        client.mail("alice@mail.example", "im=nobody~40a.example@gw.example", &mail("alice@mail.example", 9));
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(reply.text().contains("unreachable"), "{reply:?}");
    assert_eq!(secured.outgoing.taken().len(), 0);
    let reply = client.mail(
        "alice@mail.example",
        "mailto=carol~40mail.example@gw.example",
        &mail("alice@mail.example", 10),
    );
    assert_eq!(reply.code, 250, "{reply:?}");
    let relayed = secured.outgoing.one();
    assert!(
        !relayed.text.contains("127.0.0.1") && !relayed.text.contains("client.example>\nReceived"),
        "{relayed:?}"
    );
}

#[test]
fn no_password_is_taken_in_the_clear_unless_it_is_configured() {
    let secured = Secured::new(CERTIFICATE);
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut client = Smtp::connect(secured.port);
    let offers = client.must("EHLO client.example", 250);
    assert!(offers.text().contains("STARTTLS") && !offers.text().contains("AUTH"), "{offers:?}");
    client.must(&format!("AUTH PLAIN {PLAIN}"), 538);
    drop(gateway);
    secured.site.edit(CERTIFICATE, "login_in_the_clear = true\n");
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut client = Smtp::hello(secured.port);
    client.must("AUTH LOGIN", 334);
    client.must("YWxpY2U=", 334);
    client.must("c2VzYW1l", 235);
    assert!(!gateway.said().contains("sesame"), "the log holds a password");
}

#[test]
fn nothing_that_stood_before_tls_counts_behind_it() {
    let secured = Secured::new(CERTIFICATE);
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut client = Smtp::hello(secured.port);
    client.write(b"STARTTLS\r\nMAIL FROM:<eve@mail.example>\r\n");
    let reply = client.reply().unwrap();
    assert_eq!(reply.code, 554, "{reply:?}");
    assert_eq!(client.reply(), None);
    // Octets that arrive after the reply and are no TLS end it, too.
    let mut client = Smtp::hello(secured.port);
    client.must("STARTTLS", 220);
    client.write(b"NOOP\r\n");
    assert_eq!(client.reply(), None);
    let mut client = secured.encrypted();
    client.must("EHLO client.example", 250);
    client.must("STARTTLS", 502);
}

#[test]
fn a_place_for_submitters_takes_nothing_from_anybody_else() {
    let secured = Secured::new(&format!("{CERTIFICATE}submitters_only = true\nimplicit_tls = true\n"));
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut client = Smtp::open(secured.port);
    client.encrypt(&secured.certificate, "gw.example");
    assert_eq!(client.reply().unwrap().code, 220);
    client.must("EHLO client.example", 250);
    client.must("MAIL FROM:<alice@mail.example>", 530);
    client.must(&format!("AUTH PLAIN {PLAIN}"), 235);
    client.must("MAIL FROM:<alice@mail.example>", 250);
}

#[test]
fn a_renewed_certificate_is_shown_after_a_reload_and_nobody_is_cut_off() {
    let secured = Secured::new(CERTIFICATE);
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut before = secured.encrypted();
    let made = rcgen::generate_simple_self_signed(vec!["gw.example".to_owned()]).unwrap();
    std::fs::write(secured.site.path("gateway.pem"), made.cert.pem()).unwrap();
    std::fs::write(secured.site.path("gateway.key"), made.signing_key.serialize_pem()).unwrap();
    gateway.hang_up();
    gateway.wait_for("configuration reloaded");
    let mut after = Smtp::hello(secured.port);
    after.must("STARTTLS", 220);
    after.encrypt(made.cert.der(), "gw.example");
    for client in [&mut before, &mut after] {
        client.must("EHLO client.example", 250);
        client.must(&format!("AUTH PLAIN {PLAIN}"), 235);
    }
    // One that cannot be used changes nothing.
    std::fs::write(secured.site.path("gateway.pem"), "no certificate\n").unwrap();
    gateway.hang_up();
    gateway.wait_for("smtp.listener");
    let mut after = Smtp::hello(secured.port);
    after.must("STARTTLS", 220);
    after.encrypt(made.cert.der(), "gw.example");
    after.must("EHLO client.example", 250);
}

#[test]
fn an_author_has_his_share_of_mails_wherever_he_sends_from() {
    let secured = Secured::new(&format!("{CERTIFICATE}[smtp.limits]\nauthor_mails = 2\n"));
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut fred = Client::serving(secured.site.port, "im:fred@a.example", false);
    for (nth, (author, code)) in [
        ("alice@mail.example", 250),
        ("alice@mail.example", 250),
        ("alice@mail.example", 450),
        ("anybody@office.example", 250),
    ]
    .into_iter()
    .enumerate()
    {
        // On a connection of its own.
        let mut client = secured.encrypted();
        client.must("EHLO client.example", 250);
        client.must(&format!("AUTH PLAIN {PLAIN}"), 235);
        let reply = client.mail("alice@mail.example", FRED_MAILBOX, &mail(author, nth));
        assert_eq!(reply.code, code, "{nth}: {reply:?}");
        if code == 250 {
            let got = fred.expect_message();
            fred.respond(&got, "success", "");
        }
    }
    // Whoever merely says that he is alice uses up nothing of hers, nor is he stopped by it.
    for nth in 10..13 {
        let reply = Smtp::hello(secured.port).mail(
            "alice@mail.example",
            FRED_MAILBOX,
            &mail("alice@mail.example", nth),
        );
        assert_eq!(reply.code, 250, "{reply:?}");
    }
}

#[test]
fn whoever_guesses_passwords_is_not_even_heard_after_a_while() {
    let secured = Secured::new(CERTIFICATE);
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut codes = Vec::new();
    while codes.len() < 60 {
        let mut client = secured.encrypted();
        client.must("EHLO client.example", 250);
        for _ in 0..10 {
            codes.push(client.say(&format!("AUTH PLAIN {WRONG}")).code);
        }
        assert!(codes.last().is_some_and(|code| [454, 535].contains(code)), "{codes:?}");
        if codes.last() == Some(&454) {
            // Nor is the right one.
            client.must(&format!("AUTH PLAIN {PLAIN}"), 454);
            break;
        }
    }
    assert!((20..60).contains(&codes.iter().filter(|code| **code == 535).count()), "{codes:?}");
    // Whoever does not log in is let be.
    let reply =
        Smtp::hello(secured.port).mail("bob@mail.example", FRED_MAILBOX, &mail("bob@mail.example", 1));
    assert_eq!(reply.code, 250, "{reply:?}");
}

#[test]
fn swaks_speaks_tls_and_authenticates() {
    let secured = Secured::new(CERTIFICATE);
    let gateway = secured.site.start();
    gateway.wait_ready();
    let mut fred = Client::serving(secured.site.port, "im:fred@a.example", false);
    let answering = std::thread::spawn(move || {
        for _ in 0..2 {
            let got = fred.expect_message();
            fred.respond(&got, "success", "");
        }
    });
    let from = ["--from", "alice@mail.example"];
    for mechanism in ["PLAIN", "LOGIN"] {
        let auth = ["--tls", "--auth", mechanism, "--auth-user", "alice", "--auth-password", "sesame"];
        let (is_done, said) = secured.swaks(&[&from[..], &auth].concat());
        assert!(is_done, "{said}");
        assert!(
            said.contains("TLS started") && said.contains("235 2.7.0") && said.contains("250 2.0.0 accepted"),
            "{said}"
        );
    }
    answering.join().unwrap();
    let wrong = ["--tls", "--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "open"];
    let (is_done, said) = secured.swaks(&[&from[..], &wrong].concat());
    assert!(!is_done && said.contains("535 5.7.8"), "{said}");
    let clear = ["--auth", "PLAIN", "--auth-user", "alice", "--auth-password", "sesame"];
    let (is_done, said) = secured.swaks(&[&from[..], &clear].concat());
    assert!(!is_done && !said.contains("235"), "{said}");
}
