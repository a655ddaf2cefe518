//! `[smtp]`: the mail adapter's own section.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cpim_adapter::Selectors;
use cpim_smtp::IncomingSettings;
use serde::Deserialize;

pub use super::outgoing::{MailTls, Outgoing};
use crate::config::{AdapterSection, ConfigErrors, Domain, Endpoint, Known, Secret, Section, units};
use crate::registry::section::{self, Findings, Table, check, listens};
use crate::registry::tls::{Wrong, wrong_pair};

/// The row of the section.
pub const SECTION: AdapterSection =
    AdapterSection { name: "smtp", check: check::<Mail>, listens: listens::<Mail>, finds: true };

/// `[smtp]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// `[[smtp.listener]]`: where mail is received.
    pub listener: Vec<Listener>,
    /// `[smtp.incoming]`: what mail is taken.
    pub incoming: Incoming,
    /// `[[smtp.submitter]]`: who may authenticate.
    pub submitter: Vec<Submitter>,
    /// `[smtp.limits]`: how much is taken, and for how long is waited.
    pub limits: Limits,
    /// `[smtp.outgoing]`: how mail is sent.
    pub outgoing: Outgoing,
}

/// One place where mail is received.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// The TCP address and port.
    #[serde(deserialize_with = "units::maybe_socket")]
    pub address: Option<SocketAddr>,
    /// The certificate chain (PEM), relative to this file; with it STARTTLS is offered.
    pub certificate: Option<PathBuf>,
    /// The private key of `certificate` (PEM), relative to this file.
    pub key: Option<PathBuf>,
    /// TLS from the first octet, as on port 465, instead of STARTTLS.
    pub implicit_tls: bool,
    /// Passwords are taken without TLS, too: everybody on the way can read them.
    pub login_in_the_clear: bool,
    /// Only submitters can send anything here, as on ports 465 and 587.
    pub submitters_only: bool,
}

/// `[smtp.incoming]`: what mail is taken.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Incoming {
    /// Whether SPF, DKIM and DMARC are asked who wrote a mail, where `[dns]` is enabled.
    pub check_authors: bool,
    /// Whether mail is refused that its own domain wants refused (SPF `-all`, DMARC `p=reject`).
    pub refuse_forged: bool,
    /// Selectors whose people only submitters may write to.
    pub closed_to_strangers: Vec<String>,
}

impl Default for Incoming {
    fn default() -> Self {
        let defaults = IncomingSettings::default();
        Self {
            check_authors: defaults.check_authors,
            refuse_forged: defaults.refuse_forged,
            closed_to_strangers: defaults.closed_to_strangers,
        }
    }
}

/// Somebody who may authenticate.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Submitter {
    /// The name.
    pub name: String,
    /// A file with the password, relative to this file.
    pub password_file: PathBuf,
    /// Mailboxes, and domains, that it may write as.
    pub from: Vec<String>,
    /// The password, once read.
    #[serde(skip)]
    pub password: Option<Secret>,
}

/// `[smtp.limits]`: how much is taken, and for how long is waited.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// One mail, in octets.
    #[serde(deserialize_with = "units::octets")]
    pub mail_octets: usize,
    /// One line of a mail, in octets.
    #[serde(deserialize_with = "units::octets")]
    pub line_octets: usize,
    /// Recipients of one mail.
    pub recipients: usize,
    /// Servers that a mail may have crossed.
    pub received: usize,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one client: an address of IPv4, or a /64 of IPv6.
    pub client_connections: usize,
    /// Mails of one client in a minute.
    pub client_mails: u32,
    /// Mails of one author in a minute, where he is proven or has authenticated.
    pub author_mails: u32,
    /// Mails of one connection.
    pub connection_mails: usize,
    /// Mails whose text is received at once.
    pub mails_at_once: usize,
    /// Mails that were taken and whose outcome is awaited.
    pub open_mails: usize,
    /// Wrong or refused commands before a connection is closed.
    pub errors: usize,
    /// How long one command may take.
    #[serde(deserialize_with = "units::span")]
    pub command_time: Duration,
    /// How long one mail may take.
    #[serde(deserialize_with = "units::span")]
    pub mail_time: Duration,
    /// How long may be between two pieces of a mail.
    #[serde(deserialize_with = "units::span")]
    pub piece_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let limits = cpim_smtp::Limits::default();
        Self {
            mail_octets: limits.session.mail_octets,
            line_octets: limits.session.line_octets,
            recipients: limits.session.recipients,
            received: limits.received,
            connections: limits.connections,
            client_connections: limits.client_connections,
            client_mails: limits.client_mails,
            author_mails: limits.author_mails,
            connection_mails: limits.session.mails,
            mails_at_once: limits.mails_at_once,
            open_mails: limits.open_mails,
            errors: limits.session.errors,
            command_time: limits.session.command_time,
            mail_time: limits.session.mail_time,
            piece_time: limits.session.piece_time,
        }
    }
}

/// The section, read and checked, with the paths of files as seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(section: &Section, known: &Known) -> Result<Mail, ConfigErrors> {
    section::read(section, known)
}

impl Table for Mail {
    fn look(&mut self, findings: &mut Findings<'_>) {
        for (nth, listener) in self.listener.iter_mut().enumerate() {
            findings.find([&mut listener.certificate, &mut listener.key].into_iter().flatten());
            findings.say(&["listener", &nth.to_string()], listener.wrong());
        }
        let takes_passwords = self.listener.iter().any(Listener::takes_passwords);
        let mut names = HashSet::new();
        for (nth, submitter) in self.submitter.iter_mut().enumerate() {
            findings.find([&mut submitter.password_file]);
            let table = ["submitter", &nth.to_string()];
            findings.say(&table, submitter.wrong());
            if !names.insert(submitter.name.clone()) {
                findings.say(&table, [("name", format!("\"{}\" is there already", submitter.name))]);
            }
            if !takes_passwords {
                let what = "nobody can authenticate: no listener has a certificate, or login_in_the_clear";
                findings.say(&table, [("name", what.to_owned())]);
            }
        }
        let incoming = self.incoming.look(&findings.known.selectors);
        findings.say(&["incoming"], incoming);
        findings.say(&["limits"], self.limits.wrong());
        self.outgoing.look(findings);
    }

    fn places(self) -> Vec<(usize, &'static str, Endpoint)> {
        let listeners = self.listener.into_iter().enumerate();
        listeners
            .filter_map(|(nth, listener)| Some((nth, "address", Endpoint::Address(listener.address?))))
            .collect()
    }
}

impl Incoming {
    /// Spells the selectors as they are spelled. One that nobody knows is a mistake that would leave a door open.
    fn look(&mut self, known: &Selectors) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for name in &mut self.closed_to_strangers {
            match known.find(name) {
                Ok(selector) => *name = selector.as_str().to_owned(),
                Err(error) => wrong.push(("closed_to_strangers", error.to_string())),
            }
        }
        wrong
    }
}

impl Listener {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.address.is_none() {
            wrong.push(("address", "is missing; a TCP address such as \"[::]:25\" must be given".to_owned()));
        }
        if self.implicit_tls && self.certificate.is_none() {
            wrong.push(("implicit_tls", "needs TLS; certificate and key must be given too".to_owned()));
        }
        if self.submitters_only && !self.takes_passwords() {
            wrong.push((
                "submitters_only",
                "nobody can authenticate here; certificate and key must be given too".to_owned(),
            ));
        }
        wrong.extend(wrong_pair(self.certificate.as_deref(), self.key.as_deref()));
        wrong
    }

    const fn takes_passwords(&self) -> bool {
        self.certificate.is_some() || self.login_in_the_clear
    }
}

impl Submitter {
    fn wrong(&mut self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            wrong.push(("name", "a name of one line is accepted".to_owned()));
        }
        if self.from.is_empty() {
            wrong.push(("from", "is empty; the mailboxes or domains that it may write as".to_owned()));
        }
        for from in &self.from {
            let domain = from.rsplit_once('@').map_or(from.as_str(), |(_, domain)| domain);
            if let Err(error) = Domain::parse(domain) {
                wrong.push(("from", format!("\"{from}\": {error}; a mailbox or a domain is accepted")));
            }
        }
        match Secret::from_file(&self.password_file) {
            Ok(password) => self.password = Some(password),
            Err(error) => {
                wrong.push(("password_file", format!("{}: {error}", self.password_file.display())));
            }
        }
        wrong
    }
}

impl Limits {
    fn wrong(&self) -> Vec<Wrong> {
        let counts = [
            ("mail_octets", self.mail_octets, 1_024),
            // RFC 5321 section 4.5.3.1.6.
            ("line_octets", self.line_octets, 998),
            ("recipients", self.recipients, 1),
            ("received", self.received, 1),
            ("connections", self.connections, 1),
            ("client_connections", self.client_connections, 1),
            ("client_mails", usize::try_from(self.client_mails).unwrap_or(usize::MAX), 1),
            ("author_mails", usize::try_from(self.author_mails).unwrap_or(usize::MAX), 1),
            ("connection_mails", self.connection_mails, 1),
            ("mails_at_once", self.mails_at_once, 1),
            ("open_mails", self.open_mails, 1),
        ];
        let few = counts.into_iter().filter(|(_, is, least)| is < least);
        let few = few.map(|(key, is, least)| (key, format!("{is}; at least {least} is accepted")));
        let times = [
            ("command_time", self.command_time),
            ("mail_time", self.mail_time),
            ("piece_time", self.piece_time),
        ];
        let short = times.into_iter().filter(|(_, is)| *is < Duration::from_secs(1));
        let short =
            short.map(|(key, _)| (key, "out of bounds; a time of at least \"1s\" is accepted".to_owned()));
        few.chain(short).collect()
    }
}
