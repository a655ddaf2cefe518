//! Who wrote it: SPF, DKIM and DMARC, with dnsmasq as the DNS of the world, and signatures made here by hand.

use std::fmt::Write as _;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use sha2::{Digest, Sha256};

use crate::stage::{FRED, FRED_MAILBOX, Stage, stands};
use crate::support::dnsmasq::Dnsmasq;
use crate::support::gateway::{Gateway, Site};
use crate::support::native::{Client, Frame};
use crate::support::smtp::{Mailbox, Reply, Smtp};

/// How a mail is signed.
enum Key {
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Key {
    fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    fn rsa() -> Self {
        let arguments =
            ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"];
        let made = Command::new("openssl").args(arguments).output();
        let made = made.unwrap_or_else(|e| {
            panic!("NOT RUN: openssl cannot be started ({e}); on Debian: apt-get install openssl")
        });
        // Which of the two it is depends on its version.
        let key = RsaKeyPair::from_pkcs8(&made.stdout).or_else(|_| RsaKeyPair::from_der(&made.stdout));
        Self::Rsa(Box::new(key.unwrap()))
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519-sha256",
            Self::Rsa(_) => "rsa-sha256",
        }
    }

    /// The record that shows it, in strings of at most 255 octets.
    fn record(&self) -> String {
        let (kind, public) = match self {
            // RFC 8463 section 4.1: the bare key.
            Self::Ed25519(key) => ("ed25519", key.public_key().as_ref().to_vec()),
            // A SubjectPublicKeyInfo around the key that ring shows.
            Self::Rsa(key) => ("rsa", subject_public_key_info(key.public_key().as_ref())),
        };
        let text = format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(public));
        let strings: Vec<String> = text
            .as_bytes()
            .chunks(200)
            .map(|part| format!("\"{}\"", std::str::from_utf8(part).unwrap()))
            .collect();
        strings.join(",")
    }

    /// Signs a header and a body, both as they are with "relaxed" (RFC 6376 section 3.4), over these fields.
    fn sign(&self, domain: &str, fields: &[(&str, &str)], signed: &[&str], body: &str) -> String {
        let body_hash = STANDARD.encode(Sha256::digest(body.replace('\n', "\r\n")));
        let value = format!(
            "v=1; a={}; c=relaxed/relaxed; d={domain}; s=s1; h={}; bh={body_hash}; b=",
            self.algorithm(),
            signed.join(":"),
        );
        let mut data = String::new();
        for name in signed {
            let (_, value) = fields.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap();
            write!(data, "{name}:{value}\r\n").unwrap();
        }
        write!(data, "dkim-signature:{value}").unwrap();
        let signature = match self {
            Self::Ed25519(key) => key.sign(&Sha256::digest(data)).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("DKIM-Signature: {value}{}\n", STANDARD.encode(signature))
    }
}

/// The DER of RFC 5280 around that of RFC 8017.
fn subject_public_key_info(key: &[u8]) -> Vec<u8> {
    let der = |tag: u8, content: Vec<u8>| {
        let length = match content.len() {
            short @ 0..128 => vec![u8::try_from(short).unwrap()],
            long => [vec![0x82], u16::try_from(long).unwrap().to_be_bytes().to_vec()].concat(),
        };
        [vec![tag], length, content].concat()
    };
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00".to_vec();
    let bits = der(0x03, [vec![0], key.to_vec()].concat());
    der(0x30, [algorithm, bits].concat())
}

/// A mail, before it is signed.
struct Letter<'a> {
    sender: &'a str,
    fields: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Letter<'a> {
    fn of(sender: &'a str, from: &'a str) -> Self {
        Self { sender, fields: vec![("From", from), ("Subject", "Hi")], body: "Hello\n" }
    }

    fn text(&self, signature: &str) -> String {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{signature}{fields}\n{}", self.body)
    }

    fn signed(&self, key: &Key, domain: &str) -> String {
        self.text(&key.sign(domain, &self.fields, &["from", "subject"], self.body))
    }
}

struct World {
    site: Site,
    gateway: Gateway,
    _dns: Dnsmasq,
    outgoing: Mailbox,
    port: u16,
    fred: Client,
    rsa: Key,
    ed25519: Key,
    sent: usize,
}

impl World {
    async fn new(more: &str) -> Self {
        let (rsa, ed25519) = (Key::rsa(), Key::ed25519());
        let mut records = String::new();
        for (name, record) in [
            ("signed.example", "\"v=spf1 -all\"".to_owned()),
            ("s1._domainkey.signed.example", rsa.record()),
            ("s1._domainkey.modern.example", ed25519.record()),
            ("s1._domainkey.mail.relaxed.example", rsa.record()),
            ("_dmarc.relaxed.example", "\"v=DMARC1; p=none\"".to_owned()),
            ("s1._domainkey.mail.strict.example", rsa.record()),
            ("_dmarc.strict.example", "\"v=DMARC1; p=none; adkim=s; aspf=s\"".to_owned()),
            ("s1._domainkey.evil.example", rsa.record()),
            ("bank.example", "\"v=spf1 ip4:192.0.2.1 ~all\"".to_owned()),
            ("_dmarc.bank.example", "\"v=DMARC1; p=reject\"".to_owned()),
            ("s1._domainkey.bank.example", ed25519.record()),
            ("sub.bank.example", "\"v=spf1 ip4:127.0.0.1 -all\"".to_owned()),
            ("here.example", "\"v=spf1 ip4:127.0.0.0/8 -all\"".to_owned()),
            ("lists.example", "\"v=spf1 ip4:127.0.0.1 -all\"".to_owned()),
            ("elsewhere.example", "\"v=spf1 ip4:192.0.2.1 -all\"".to_owned()),
            ("s1._domainkey.weak.example", "\"v=DKIM1; p=\"".to_owned()),
        ] {
            writeln!(records, "txt-record={name},{record}").unwrap();
        }
        // Whatever else is asked for is not there.
        records.push_str("local=/example/\n");
        let dns = Dnsmasq::start(&records).await;
        let (site, outgoing, port) = Stage::site("", more);
        site.edit(
            "[dns]\nenabled = false\n",
            &format!("[dns]\nsystem = false\nservers = [\"{}\"]\ntimeout = \"2s\"\n", dns.address()),
        );
        let gateway = site.start();
        gateway.wait_ready();
        let fred = Client::serving(site.port, FRED, false);
        Self { site, gateway, _dns: dns, outgoing, port, fred, rsa, ed25519, sent: 0 }
    }

    fn send(&mut self, sender: &str, text: &str) -> Reply {
        self.sent += 1;
        let text = format!("Message-ID: <{}@x.example>\n{text}", self.sent);
        Smtp::hello(self.port).mail(sender, FRED_MAILBOX, &text)
    }

    /// Sends it, and sees whose it is when it arrives, and how well he is known.
    fn is(&mut self, what: &str, sender: &str, text: &str, source: &str, standing: &str) -> Frame {
        let reply = self.send(sender, text);
        assert_eq!(reply.code, 250, "{what}: {reply:?}\n{text}");
        let got = self.fred.expect_message();
        self.fred.respond(&got, "success", "");
        let expected = format!("im:mailto={}@gw.example", source.replace('@', "~40"));
        assert_eq!(got.attribute("source"), Some(expected), "{what}\n{text}");
        stands(&self.gateway, &got, standing);
        got
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_proven_by_an_aligned_signature_is_verified() {
    let mut world = World::new("[smtp.incoming]\nrefuse_forged = false\n").await;
    let from = "alice@signed.example";
    let letter = Letter::of("bounce@bulk.example", from);
    let text = letter.signed(&world.rsa, "signed.example");
    let frame = world.is("RSA, whoever carried it", letter.sender, &text, from, "verified");
    let id = frame.parameter("id").unwrap().to_owned();
    world.gateway.wait_answer(&format!("/v1/operations/{id}"), |status, answer| {
        status == 200
            && answer.contains(
                "its author is proven; spf=none (bulk.example), dkim=pass (signed.example), aligned by dkim",
            )
    });
    let letter = Letter::of("alice@modern.example", "alice@modern.example");
    let text = letter.signed(&world.ed25519, "modern.example");
    world.is("Ed25519", letter.sender, &text, "alice@modern.example", "verified");

    let letter = Letter::of("eve@bulk.example", from);
    let text = letter.signed(&world.rsa, "signed.example").replace("\n\nHello", "\n\nHello, I am Eve");
    world.is("another text", letter.sender, &text, "eve@bulk.example", "claimed");
    let text = letter.signed(&world.rsa, "signed.example").replace("Subject: Hi", "Subject: Money");
    world.is("another subject", letter.sender, &text, "eve@bulk.example", "claimed");
    let text = letter.signed(&world.rsa, "evil.example");
    world.is("a true signature of somebody else", letter.sender, &text, "eve@bulk.example", "claimed");
    let text = letter.signed(&world.ed25519, "signed.example");
    world.is("somebody else's key", letter.sender, &text, "eve@bulk.example", "claimed");
    let text = letter.signed(&world.rsa, "weak.example").replace("signed.example", "weak.example");
    world.is("a revoked key", letter.sender, &text, "eve@bulk.example", "claimed");
    let text = letter.text(&world.rsa.sign("signed.example", &letter.fields, &["subject"], letter.body));
    world.is("From is not signed", letter.sender, &text, "eve@bulk.example", "claimed");
    let text = format!("From: eve@bulk.example\n{}", letter.signed(&world.rsa, "signed.example"));
    world.is("a second From", letter.sender, &text, "eve@bulk.example", "claimed");
    let once = letter.signed(&world.rsa, "evil.example");
    let signature = once.lines().next().unwrap();
    let text =
        format!("{}{}", format!("{signature}\n").repeat(30), letter.signed(&world.rsa, "signed.example"));
    world.is("more signatures than anybody needs", letter.sender, &text, "eve@bulk.example", "claimed");
    let letter = Letter::of("", from);
    let text = letter.signed(&world.rsa, "signed.example");
    world.is("nobody sent it", "", &text, from, "anonymous");
}

#[tokio::test(flavor = "multi_thread")]
async fn alignment_is_as_strict_as_the_domain_says() {
    let mut world = World::new("").await;
    let letter = Letter::of("x@bulk.example", "alice@relaxed.example");
    let text = letter.signed(&world.rsa, "mail.relaxed.example");
    world.is("a subdomain signs for its domain", letter.sender, &text, "alice@relaxed.example", "verified");
    let letter = Letter::of("x@bulk.example", "alice@strict.example");
    let text = letter.signed(&world.rsa, "mail.strict.example");
    world.is("not where the domain is strict", letter.sender, &text, "x@bulk.example", "claimed");
    // SPF alone proves the envelope's domain, and an author of the same.
    let text = Letter::of("", "alice@here.example").text("");
    world.is("SPF", "alice@here.example", &text, "alice@here.example", "verified");
    world.is("SPF, another of the domain", "bounces@here.example", &text, "alice@here.example", "verified");
    world.is("SPF of somebody else", "eve@lists.example", &text, "eve@lists.example", "claimed");
    let text = Letter::of("", "alice@nothing.example").text("");
    world.is(
        "a domain that says nothing",
        "alice@nothing.example",
        &text,
        "alice@nothing.example",
        "claimed",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mailing_list_changed_is_the_lists() {
    let mut world = World::new("").await;
    let letter = Letter::of("x@bulk.example", "alice@relaxed.example");
    let text = letter
        .signed(&world.rsa, "mail.relaxed.example")
        .replace("Subject: Hi", "List-Id: <talk.lists.example>\nSubject: [talk] Hi")
        .replace("Hello\n", "Hello\n-- \nlists.example\n");
    let frame =
        world.is("changed", "talk-bounces@lists.example", &text, "talk-bounces@lists.example", "claimed");
    assert!(String::from_utf8_lossy(&frame.content).contains("[talk] Hi"));
    let text = letter.signed(&world.rsa, "mail.relaxed.example");
    world.is("passed on as it was", "talk-bounces@lists.example", &text, "alice@relaxed.example", "verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_own_domain_wants_refused_is_refused() {
    let mut world = World::new("").await;
    let forged = Letter::of("", "boss@bank.example").text("");
    let reply = world.send("eve@lists.example", &forged);
    assert_eq!((reply.code, reply.text().contains("DMARC")), (550, true), "{reply:?}");
    let reply = world.send("boss@bank.example", &forged);
    assert_eq!(reply.code, 550, "{reply:?}");
    let reply = world.send("eve@elsewhere.example", &Letter::of("", "eve@elsewhere.example").text(""));
    assert_eq!((reply.code, reply.text().contains("5.7.23")), (550, true), "{reply:?}");
    let letter = Letter::of("eve@elsewhere.example", "boss@bank.example");
    let text = letter.signed(&world.ed25519, "bank.example");
    world.is("proven, however it came", letter.sender, &text, "boss@bank.example", "verified");
    let text = Letter::of("", "boss@bank.example").text("");
    world.is("a subdomain's SPF", "x@sub.bank.example", &text, "boss@bank.example", "verified");

    world.site.edit("[dns]\n", "[smtp.incoming]\ncheck_authors = false\n[dns]\n");
    world.gateway.hang_up();
    world.gateway.wait_for("configuration reloaded");
    world.is("nothing is checked", "boss@bank.example", &forged, "boss@bank.example", "claimed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dns_that_says_nothing_proves_nothing_and_refuses_nobody() {
    let (site, _outgoing, port) = Stage::site("", "");
    // Taken, and never answered.
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    site.edit(
        "[dns]\nenabled = false\n",
        &format!(
            "[dns]\nsystem = false\nservers = [\"{}\"]\ntimeout = \"100ms\"\nattempts = 1\n",
            silent.local_addr().unwrap()
        ),
    );
    let gateway = site.start();
    gateway.wait_ready();
    let mut fred = Client::serving(site.port, FRED, false);
    let reply =
        Smtp::hello(port).mail("boss@bank.example", FRED_MAILBOX, "From: boss@bank.example\n\nHello\n");
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    stands(&gateway, &got, "claimed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_proven_subscribes_without_being_asked_and_nobody_else_does() {
    let world = World::new("[principals]\nsubscribe = \"verified\"\n").await;
    let watchers = "/v1/watchers?of=pres:fred@a.example";
    let command = |sender: &str, from: &str, id: usize| {
        let text = format!("From: {from}\nMessage-ID: <{id}@x.example>\n\nsubscribe pres:fred@a.example\n");
        let reply = Smtp::hello(world.port).mail(sender, "gateway@gw.example", &text);
        assert_eq!(reply.code, 250, "{reply:?}");
    };
    // Nothing proves this one: he is asked, at the address that he says he has.
    command("bob@nothing.example", "bob@nothing.example", 1);
    let asked = world.outgoing.one();
    assert!(asked.text.contains("confirm ") && asked.to[0].contains("bob@nothing.example"), "{asked:?}");
    assert!(!world.gateway.ask(watchers).1.contains("bob~40nothing.example"));
    // SPF lets this host send for here.example.
    command("alice@here.example", "alice@here.example", 2);
    world.gateway.wait_answer(watchers, |_, answer| answer.contains("alice~40here.example"));
    for mail in world.outgoing.wait(2).iter().filter(|mail| mail.to[0].contains("alice")) {
        assert!(!mail.text.contains("confirm "), "{mail:?}");
    }
    assert!(!world.gateway.ask(watchers).1.contains("bob~40nothing.example"));
}
