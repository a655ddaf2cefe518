//! `[smtp.outgoing]`: how mail is sent.

use std::time::Duration;

use cpim_adapter::Schedule;
use cpim_smtp::{MailHost, MailRoute, OutgoingSettings, Security, TlsPolicy};
use serde::Deserialize;

use crate::config::{
    Anchors, ConfigError, Domain, DomainPattern, HostPort, Section, maybe, one, several, units,
};
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
    /// Hosted domains whose mail comes to this gateway, so that addresses of theirs stay as they are.
    #[serde(deserialize_with = "several")]
    pub unchanged: Vec<Domain>,
    /// How much time there is at least between two mails to one person about one presentity.
    #[serde(deserialize_with = "units::span")]
    pub notice_interval: Duration,
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
    pub(super) fn check(&mut self, section: &Section) -> Vec<ConfigError> {
        let mut errors = Vec::new();
        let mut look = |ca: &mut Anchors, keys: &[&str]| {
            ca.find(section);
            if let Some((key, message)) = ca.wrong("ca") {
                let keys: Vec<&str> = ["outgoing"].iter().chain(keys).copied().chain([key]).collect();
                errors.push(section.error(&keys, message));
            }
        };
        look(&mut self.ca, &[]);
        for (nth, route) in self.route.iter_mut().enumerate() {
            look(&mut route.ca, &["route", &nth.to_string()]);
        }
        if self.mx_port == 0 {
            errors.push(section.error(&["outgoing", "mx_port"], "0 is no port; 25 is usual"));
        }
        errors
    }

    /// What the adapter is told.
    pub(super) fn settings(&self) -> OutgoingSettings {
        OutgoingSettings {
            smarthost: self.smarthost.as_ref().map(host),
            security: security(self.tls, &self.ca),
            routes: self.route.iter().map(|route| route.settings(self)).collect(),
            mx_port: self.mx_port,
            schedule: Schedule { horizon: self.retry_horizon, longest_pause: self.retry_pause },
            unchanged: self.unchanged.clone(),
            notice_interval: self.notice_interval,
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
