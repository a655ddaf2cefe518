//! `[cpim]`: the native adapter's own section.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::config::check::socket_path;
use crate::config::{
    AdapterSection, Anchors, ConfigErrors, Domain, DomainPattern, Endpoint, Known, Section, several, units,
};
use crate::registry::section::{self, Findings, Table, check, listens};
use crate::registry::tls::{Wrong, wrong_pair};

/// The row of the section.
pub const SECTION: AdapterSection =
    AdapterSection { name: "cpim", check: check::<Native>, listens: listens::<Native>, finds: false };

/// The shortest silence that is pinged: anything less would ping a session that is merely thinking.
const LEAST_IDLE: Duration = Duration::from_secs(1);

/// `[cpim]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Native {
    /// `[[cpim.listener]]`: where sessions are accepted.
    pub listener: Vec<Listener>,
    /// `[cpim.tls]`: for connections that this gateway opens.
    pub tls: OutgoingTls,
    /// How long a session may be silent before it is pinged; 30 s more without an octet, and it is closed.
    #[serde(deserialize_with = "units::span")]
    pub idle_timeout: Duration,
}

impl Default for Native {
    fn default() -> Self {
        Self { listener: Vec::new(), tls: OutgoingTls::default(), idle_timeout: Duration::from_secs(60) }
    }
}

/// One place where sessions are accepted: an address or a Unix socket.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// The TCP address and port.
    #[serde(deserialize_with = "units::maybe_socket")]
    pub address: Option<SocketAddr>,
    /// The Unix socket, relative to the working directory.
    pub path: Option<PathBuf>,
    /// Says that plain TCP beyond loopback is meant.
    pub plain: Option<Plain>,
    /// The certificate chain (PEM), relative to this file; with it the listener speaks TLS only.
    pub certificate: Option<PathBuf>,
    /// The private key of `certificate` (PEM), relative to this file.
    pub key: Option<PathBuf>,
    /// Who vouches for the certificates of those who connect; none: no certificate is asked for.
    pub client_ca: Option<Anchors>,
    /// Whoever comes over loopback or the Unix socket may speak for these, but never for the relay domain.
    #[serde(deserialize_with = "several")]
    pub trust: Vec<DomainPattern>,
}

/// Plain TCP beyond loopback, said in as many words.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Plain {
    /// Everybody on the way can read and change what is said, secrets included.
    UnencryptedOverTheNetwork,
}

/// `[cpim.tls]`: what is believed and shown when this gateway connects to another.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct OutgoingTls {
    /// Who vouches for the other side.
    pub ca: Anchors,
    /// The certificate chain (PEM) shown to the other side, relative to this file.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM), relative to this file.
    pub key: Option<PathBuf>,
}

/// The section, read and checked, with the paths of files as seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(section: &Section, known: &Known) -> Result<Native, ConfigErrors> {
    section::read(section, known)
}

impl Table for Native {
    fn look(&mut self, findings: &mut Findings<'_>) {
        for (nth, listener) in self.listener.iter_mut().enumerate() {
            listener.find(findings);
            let wrong = listener.wrong(&findings.known.relay_domains);
            findings.say(&["listener", &nth.to_string()], wrong);
        }
        self.tls.find(findings);
        findings.say(&["tls"], self.tls.wrong());
        if self.idle_timeout < LEAST_IDLE {
            let message = "out of bounds; a time of at least \"1s\" is accepted".to_owned();
            findings.say(&[], [("idle_timeout", message)]);
        }
    }

    fn places(self) -> Vec<(usize, &'static str, Endpoint)> {
        let mut places = Vec::new();
        for (nth, listener) in self.listener.into_iter().enumerate() {
            places.extend(listener.address.map(|address| (nth, "address", Endpoint::Address(address))));
            places.extend(listener.path.map(|path| (nth, "path", Endpoint::Path(path))));
        }
        places
    }
}

impl Listener {
    fn find(&mut self, findings: &Findings<'_>) {
        findings.find([&mut self.certificate, &mut self.key].into_iter().flatten());
        if let Some(ca) = &mut self.client_ca {
            ca.find(findings.section);
        }
    }

    fn wrong(&self, relay_domains: &[Domain]) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut say = |key, message: &str| wrong.push((key, message.to_owned()));
        match (self.address, &self.path) {
            (None, None) => say("address", "is missing; address (TCP) or path (Unix socket) must be given"),
            (Some(_), Some(_)) => {
                say("path", "a second place; address (TCP) or path (Unix socket) is accepted")
            }
            (Some(address), None) => self.wrong_address(address, &mut say),
            (None, Some(path)) => {
                if let Err(message) = socket_path(path) {
                    say("path", &message);
                }
                if self.certificate.is_some() {
                    say("certificate", "a Unix socket has no TLS; its permissions say who may come");
                }
            }
        }
        if self.client_ca.is_some() && self.certificate.is_none() {
            say(
                "client_ca",
                "clients show certificates over TLS only; certificate and key must be given too",
            );
        }
        for pattern in &self.trust {
            if matches!(pattern, DomainPattern::Exactly(domain) if relay_domains.contains(domain)) {
                say("trust", &format!("\"{pattern}\" is the relay domain, which nobody may claim"));
            }
        }
        wrong.extend(wrong_pair(self.certificate.as_deref(), self.key.as_deref()));
        wrong.extend(self.client_ca.as_ref().and_then(|ca| ca.wrong("client_ca")));
        wrong
    }

    fn wrong_address(&self, address: SocketAddr, say: &mut impl FnMut(&'static str, &str)) {
        let loopback = address.ip().is_loopback();
        match (&self.certificate, self.plain) {
            (Some(_), Some(_)) => {
                say("plain", "contradicts certificate, with which the listener speaks TLS only")
            }
            (None, None) if !loopback => say(
                "address",
                &format!(
                    "{address} is not loopback; certificate and key must be given, \
                     or plain = \"unencrypted-over-the-network\" where that is meant"
                ),
            ),
            _ => {}
        }
        if !loopback && !self.trust.is_empty() {
            say(
                "trust",
                "beyond loopback nobody is trusted unseen; a loopback address or a Unix socket is accepted",
            );
        }
    }
}

impl OutgoingTls {
    fn find(&mut self, findings: &Findings<'_>) {
        findings.find([&mut self.certificate, &mut self.key].into_iter().flatten());
        self.ca.find(findings.section);
    }

    fn wrong(&self) -> Vec<Wrong> {
        let pair = wrong_pair(self.certificate.as_deref(), self.key.as_deref());
        pair.into_iter().chain(self.ca.wrong("ca")).collect()
    }
}
