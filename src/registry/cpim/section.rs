//! `[cpim]`: the native adapter's own section.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::config::check::socket_path;
use crate::config::{
    AdapterSection, Anchors, ConfigErrors, Domain, DomainPattern, Endpoint, Listeners, Section, several,
    units,
};
use crate::registry::tls::{Wrong, wrong_pair};

/// The row of the section.
pub const SECTION: AdapterSection = AdapterSection { name: "cpim", check, listens };

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

/// The section, read and checked, with the paths of certificates as seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it. `relay_domains` may be trusted to nobody.
pub fn read(section: &Section, relay_domains: &[Domain]) -> Result<Native, ConfigErrors> {
    let mut native: Native = section.read()?;
    let mut errors = Vec::new();
    for (nth, listener) in native.listener.iter_mut().enumerate() {
        listener.find(section);
        let nth = nth.to_string();
        let wrong = listener.wrong(relay_domains).into_iter();
        errors.extend(wrong.map(|(key, message)| section.error(&["listener", &nth, key], message)));
    }
    native.tls.find(section);
    let wrong = native.tls.wrong().into_iter();
    errors.extend(wrong.map(|(key, message)| section.error(&["tls", key], message)));
    if native.idle_timeout < LEAST_IDLE {
        errors.push(section.error(&["idle_timeout"], "out of bounds; a time of at least \"1s\" is accepted"));
    }
    if errors.is_empty() { Ok(native) } else { Err(ConfigErrors::new(errors)) }
}

/// As [`read`], for `check`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(section: &Section, relay_domains: &[Domain]) -> Result<(), ConfigErrors> {
    read(section, relay_domains).map(drop)
}

/// Where the section listens, as far as it can be read.
#[must_use]
pub fn listens(section: &Section) -> Listeners {
    let native: Native = section.read().unwrap_or_default();
    let mut listens = Vec::new();
    for (nth, listener) in native.listener.into_iter().enumerate() {
        let mut note = |key: &str, endpoint| {
            listens.push((["listener", &nth.to_string(), key].map(str::to_owned).to_vec(), endpoint));
        };
        if let Some(address) = listener.address {
            note("address", Endpoint::Address(address));
        }
        if let Some(path) = listener.path {
            note("path", Endpoint::Path(path));
        }
    }
    listens
}

impl Listener {
    fn find(&mut self, section: &Section) {
        for path in [&mut self.certificate, &mut self.key].into_iter().flatten() {
            *path = section.beside(path);
        }
        if let Some(ca) = &mut self.client_ca {
            ca.find(section);
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
    fn find(&mut self, section: &Section) {
        for path in [&mut self.certificate, &mut self.key].into_iter().flatten() {
            *path = section.beside(path);
        }
        self.ca.find(section);
    }

    fn wrong(&self) -> Vec<Wrong> {
        let pair = wrong_pair(self.certificate.as_deref(), self.key.as_deref());
        pair.into_iter().chain(self.ca.wrong("ca")).collect()
    }
}
