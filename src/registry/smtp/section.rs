//! `[smtp]`: the mail adapter's own section.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

pub use super::outgoing::{MailTls, Outgoing};
use crate::config::{AdapterSection, ConfigErrors, Domain, Endpoint, Listeners, Section, units};
use crate::registry::tls::{Wrong, wrong_pair};

/// The row of the section.
pub const SECTION: AdapterSection = AdapterSection { name: "smtp", check, listens };

/// `[smtp]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// `[[smtp.listener]]`: where mail is received.
    pub listener: Vec<Listener>,
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
}

/// The section, read and checked, with the paths of certificates as seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(section: &Section, _relay_domains: &[Domain]) -> Result<Mail, ConfigErrors> {
    let mut mail: Mail = section.read()?;
    let mut errors = Vec::new();
    for (nth, listener) in mail.listener.iter_mut().enumerate() {
        for path in [&mut listener.certificate, &mut listener.key].into_iter().flatten() {
            *path = section.beside(path);
        }
        let nth = nth.to_string();
        let wrong = listener.wrong().into_iter();
        errors.extend(wrong.map(|(key, message)| section.error(&["listener", &nth, key], message)));
    }
    errors.extend(mail.outgoing.check(section));
    if errors.is_empty() { Ok(mail) } else { Err(ConfigErrors::new(errors)) }
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
    let mail: Mail = section.read().unwrap_or_default();
    let places = mail.listener.into_iter().enumerate().filter_map(|(nth, listener)| {
        let key = ["listener", &nth.to_string(), "address"].map(str::to_owned).to_vec();
        Some((key, Endpoint::Address(listener.address?)))
    });
    places.collect()
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
        wrong.extend(wrong_pair(self.certificate.as_deref(), self.key.as_deref()));
        wrong
    }
}
