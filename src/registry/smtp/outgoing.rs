//! `[smtp.outgoing]`: how mail is sent.

use std::path::PathBuf;
use std::time::Duration;

use cpim_adapter::Schedule;
use cpim_smtp::{MailHost, MailRoute, OutgoingSettings, Security, SigningSettings, TlsPolicy};
use serde::Deserialize;

use crate::config::{self, Anchors, Domain, DomainPattern, HostPort, maybe, one, several, units};
use crate::registry::section::Findings;
use crate::registry::tls::Wrong;
use crate::router::scope_of;

/// `[smtp.outgoing]`: how mail is sent.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Outgoing {
    /// The server that takes all mail for people, as `host:port`; without one, each domain's own are found by MX.
    #[serde(deserialize_with = "maybe")]
    pub smarthost: Option<HostPort>,
    /// Whether servers are spoken to under TLS.
    pub tls: MailTls,
    /// Who vouches for them.
    pub ca: Anchors,
    /// The port of the servers that MX records name.
    pub mx_port: u16,
    /// How long mail is tried before it is given up.
    #[serde(deserialize_with = "units::span")]
    pub retry_horizon: Duration,
    /// The longest pause between two attempts.
    #[serde(deserialize_with = "units::span")]
    pub retry_pause: Duration,
    /// Hosted domains whose mail comes to this gateway, so that addresses of theirs stay as they are, where their DMARC
    /// policies let it write in their names.
    #[serde(deserialize_with = "several")]
    pub unchanged: Vec<Domain>,
    /// How much time there is at least between two mails to one person about one presentity.
    #[serde(deserialize_with = "units::span")]
    pub notice_interval: Duration,
    /// Whether a message that says nothing of what it answers goes on with the last mail between the two.
    pub conversations: bool,
    /// `[[smtp.outgoing.dkim]]`: what mail is signed with.
    pub dkim: Vec<Signing>,
    /// `[[smtp.outgoing.route]]`: domains whose mail goes another way.
    pub route: Vec<Route>,
}

impl Default for Outgoing {
    fn default() -> Self {
        let otherwise = OutgoingSettings::default();
        Self {
            smarthost: None,
            tls: MailTls::default(),
            ca: Anchors::System,
            mx_port: otherwise.mx_port,
            retry_horizon: otherwise.schedule.horizon,
            retry_pause: otherwise.schedule.longest_pause,
            unchanged: Vec::new(),
            notice_interval: otherwise.notice_interval,
            conversations: otherwise.conversations,
            dkim: Vec::new(),
            route: Vec::new(),
        }
    }
}

/// `[[smtp.outgoing.route]]`: where the mail for some domains goes.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The domains of the mailboxes: `a.example`, or `.example` for whatever is below it.
    #[serde(deserialize_with = "one")]
    pub domain: DomainPattern,
    /// The servers, in the order to try; none: those that MX records name.
    #[serde(default, deserialize_with = "several")]
    pub to: Vec<HostPort>,
    /// Whether they are spoken to under TLS.
    #[serde(default)]
    pub tls: MailTls,
    /// Who vouches for them.
    #[serde(default)]
    pub ca: Anchors,
    /// Instead of `retry_horizon`.
    #[serde(default, deserialize_with = "units::maybe_span")]
    pub retry_horizon: Option<Duration>,
    /// Instead of `retry_pause`.
    #[serde(default, deserialize_with = "units::maybe_span")]
    pub retry_pause: Option<Duration>,
}

/// `[[smtp.outgoing.dkim]]`: a key that mail is signed with.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// The domain whose mail is signed; otherwise the relay domain.
    #[serde(default, deserialize_with = "maybe")]
    pub domain: Option<Domain>,
    /// Which of the domain's keys it is: a label of DNS.
    pub selector: String,
    /// What it is.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// The private key (PEM), relative to this file. An Ed25519 key that is not there is made at the start.
    pub key: PathBuf,
}

/// What is signed with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// RFC 8463.
    #[default]
    Ed25519,
    /// RFC 6376: what everybody can verify.
    Rsa,
}

/// Whether a mail server is spoken to under TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// Where it is offered, whoever it is.
    #[default]
    Opportunistic,
    /// Never.
    Plain,
    /// Always, with its name verified.
    Required,
}

impl Outgoing {
    /// Finds its files, and everything that is wrong with it.
    pub(super) fn look(&mut self, findings: &mut Findings<'_>) {
        self.ca.find(findings.section);
        findings.say(&["outgoing"], self.ca.wrong("ca"));
        for (nth, route) in self.route.iter_mut().enumerate() {
            route.ca.find(findings.section);
            findings.say(&["outgoing", "route", &nth.to_string()], route.ca.wrong("ca"));
        }
        for (nth, signing) in self.dkim.iter_mut().enumerate() {
            findings.find([&mut signing.key]);
            findings.say(&["outgoing", "dkim", &nth.to_string()], signing.wrong());
        }
        if self.mx_port == 0 {
            findings.say(&["outgoing"], [("mx_port", "0 is no port; 25 is usual".to_owned())]);
        }
    }

    /// What the adapter is told.
    pub(super) fn settings(&self, relay: &Domain) -> OutgoingSettings {
        OutgoingSettings {
            smarthost: self.smarthost.as_ref().map(host),
            security: security(self.tls, &self.ca),
            routes: self.route.iter().map(|route| route.settings(self)).collect(),
            dkim: self.dkim.iter().map(|signing| signing.settings(relay)).collect(),
            mx_port: self.mx_port,
            schedule: Schedule { horizon: self.retry_horizon, longest_pause: self.retry_pause },
            unchanged: self.unchanged.clone(),
            notice_interval: self.notice_interval,
            conversations: self.conversations,
        }
    }

    /// A route of the gateway's own.
    pub(super) fn route_of(&self, route: &config::Route) -> MailRoute {
        let tls = match route.tls {
            config::Tls::Plain => MailTls::Plain,
            config::Tls::Required => MailTls::Required,
        };
        MailRoute {
            domain: scope_of(&route.domain),
            hosts: route.to.iter().map(host).collect(),
            security: security(tls, &self.ca),
            schedule: Schedule { horizon: self.retry_horizon, longest_pause: self.retry_pause },
        }
    }
}

impl Route {
    fn settings(&self, all: &Outgoing) -> MailRoute {
        MailRoute {
            domain: scope_of(&self.domain),
            hosts: self.to.iter().map(host).collect(),
            security: security(self.tls, &self.ca),
            schedule: Schedule {
                horizon: self.retry_horizon.unwrap_or(all.retry_horizon),
                longest_pause: self.retry_pause.unwrap_or(all.retry_pause),
            },
        }
    }
}

impl Signing {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if !self.is_label() {
            let message = format!("\"{}\"; a label such as \"2026a\" is accepted", self.selector);
            wrong.push(("selector", message));
        }
        // What is made at the start need not be there before.
        if self.algorithm == Algorithm::Rsa && !self.key.is_file() {
            let message =
                "cannot be read; `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048` makes one";
            wrong.push(("key", format!("{}: {message}", self.key.display())));
        }
        wrong
    }

    /// Labels of letters, digits and inner hyphens, joined by dots (RFC 6376 section 3.1).
    fn is_label(&self) -> bool {
        self.selector.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
    }

    fn settings(&self, relay: &Domain) -> SigningSettings {
        SigningSettings {
            domain: self.domain.clone().unwrap_or_else(|| relay.clone()),
            selector: self.selector.clone(),
            algorithm: match self.algorithm {
                Algorithm::Ed25519 => cpim_smtp::Algorithm::Ed25519,
                Algorithm::Rsa => cpim_smtp::Algorithm::Rsa,
            },
            key: self.key.clone(),
        }
    }
}

fn security(tls: MailTls, ca: &Anchors) -> Security {
    let tls = match tls {
        MailTls::Opportunistic => TlsPolicy::Opportunistic,
        MailTls::Plain => TlsPolicy::Plain,
        MailTls::Required => TlsPolicy::Required,
    };
    let anchors = match ca {
        Anchors::File(path) => Some(path.clone()),
        Anchors::System => None,
    };
    Security { tls, anchors }
}

fn host(at: &HostPort) -> MailHost {
    MailHost { host: at.host.to_string(), port: at.port }
}
