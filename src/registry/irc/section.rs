//! `[irc]`: the IRC adapter's own section.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cpim_irc::{NetworkName, Password};
use serde::Deserialize;

use super::network::Network;
use crate::config::certificate::{PairError, pair};
use crate::config::{
    AdapterSection, Anchors, ConfigErrors, Domain, Endpoint, Listeners, Secret, Section, units,
};

/// The row of the section.
pub const SECTION: AdapterSection = AdapterSection { name: "irc", check, listens };

/// Lines of `ADMIN`: that reply has no more.
const ADMIN_LINES: usize = 3;

/// `[irc]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Irc {
    /// The name of the network whose server this gateway is; none: it is no server.
    pub name: Option<String>,
    /// The message of the day, line by line.
    pub motd: Vec<String>,
    /// Who runs it, for `ADMIN`: at most three lines.
    pub admin: Vec<String>,
    /// Whether people can make accounts themselves.
    pub registration: bool,
    /// Who vouches for the IRC servers of peer gateways, which this gateway connects to.
    pub ca: Anchors,
    /// `[[irc.listener]]`: where clients are accepted.
    pub listener: Vec<Listener>,
    /// `[[irc.account]]`: accounts that the administrator made.
    pub account: Vec<Account>,
    /// `[[irc.network]]`: networks of others that the gateway joins.
    pub network: Vec<Network>,
}

/// One place where clients are accepted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// The TCP address and port.
    #[serde(deserialize_with = "units::maybe_socket")]
    pub address: Option<SocketAddr>,
    /// Says that plain TCP beyond loopback is meant.
    pub plain: Option<Plain>,
    /// The certificate chain (PEM), relative to this file; with it the listener speaks TLS only.
    pub certificate: Option<PathBuf>,
    /// The private key of `certificate` (PEM), relative to this file.
    pub key: Option<PathBuf>,
    /// What becomes of whoever has no account.
    pub guests: Guests,
}

/// Plain TCP beyond loopback, said in as many words.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Plain {
    /// Everybody on the way can read and change what is said, passwords included.
    UnencryptedOverTheNetwork,
}

/// What becomes of whoever has no account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Guests {
    /// They may come; who they are is what they say.
    #[default]
    Claimed,
    /// They are sent away.
    Refused,
    /// They may come, and are believed.
    Verified,
}

/// An account that the administrator made.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name: a nick that only its owner can have.
    pub name: String,
    /// A file with the password, relative to this file.
    pub password_file: PathBuf,
    /// The password, once read.
    #[serde(skip)]
    pub password: Option<Secret>,
}

/// A key of a table, and what is wrong with it.
pub(super) type Wrong = (&'static str, String);

/// The section, read and checked, with the paths of files as seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(section: &Section, _relay_domains: &[Domain]) -> Result<Irc, ConfigErrors> {
    let mut irc: Irc = section.read()?;
    let mut errors = Vec::new();
    irc.ca.find(section);
    errors.extend(irc.wrong().into_iter().map(|(key, message)| section.error(&[key], message)));
    for (nth, listener) in irc.listener.iter_mut().enumerate() {
        for path in [&mut listener.certificate, &mut listener.key].into_iter().flatten() {
            *path = section.beside(path);
        }
        let nth = nth.to_string();
        let wrong = listener.wrong().into_iter();
        errors.extend(wrong.map(|(key, message)| section.error(&["listener", &nth, key], message)));
    }
    for (nth, account) in irc.account.iter_mut().enumerate() {
        account.password_file = section.beside(&account.password_file);
        if let Err((key, message)) = account.load() {
            errors.push(section.error(&["account", &nth.to_string(), key], message));
        }
    }
    let mut names: Vec<String> = irc.name.iter().map(|name| name.to_ascii_lowercase()).collect();
    for (nth, network) in irc.network.iter_mut().enumerate() {
        let mut wrong = network.load(section);
        let name = network.name.to_ascii_lowercase();
        if names.contains(&name) {
            wrong.push(("name", format!("{:?} is the name of another network here", network.name)));
        }
        names.push(name);
        let nth = nth.to_string();
        errors
            .extend(wrong.into_iter().map(|(key, message)| section.error(&["network", &nth, key], message)));
    }
    if errors.is_empty() { Ok(irc) } else { Err(ConfigErrors::new(errors)) }
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
    let irc: Irc = section.read().unwrap_or_default();
    let places = irc.listener.into_iter().enumerate().filter_map(|(nth, listener)| {
        let key = ["listener", &nth.to_string(), "address"].map(str::to_owned).to_vec();
        Some((key, Endpoint::Address(listener.address?)))
    });
    places.collect()
}

impl Irc {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        match &self.name {
            Some(name) => wrong.extend(NetworkName::parse(name).err().map(|what| ("name", what))),
            None if self.listener.is_empty() && self.account.is_empty() => {}
            None => wrong.push((
                "name",
                "is missing; the name of the network that clients join, such as \"irc.example.net\", must be given"
                    .to_owned(),
            )),
        }
        wrong.extend(self.ca.wrong("ca"));
        if self.admin.len() > ADMIN_LINES {
            let message = format!("{} lines; {ADMIN_LINES} are accepted", self.admin.len());
            wrong.push(("admin", message));
        }
        wrong
    }
}

impl Listener {
    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut say = |key, message: &str| wrong.push((key, message.to_owned()));
        match (self.address, &self.certificate, self.plain) {
            (None, _, _) => say("address", "is missing; a TCP address such as \"[::]:6697\" must be given"),
            (Some(_), Some(_), Some(_)) => {
                say("plain", "contradicts certificate, with which the listener speaks TLS only");
            }
            (Some(address), None, None) if !address.ip().is_loopback() => say(
                "address",
                &format!(
                    "{address} is not loopback; certificate and key must be given, \
                     or plain = \"unencrypted-over-the-network\" where that is meant"
                ),
            ),
            _ => {}
        }
        wrong.extend(wrong_pair(self.certificate.as_deref(), self.key.as_deref()));
        wrong
    }
}

impl Account {
    fn load(&mut self) -> Result<(), Wrong> {
        let file = self.password_file.display();
        let password = Secret::from_file(&self.password_file)
            .map_err(|error| ("password_file", format!("{file}: {error}")))?;
        if Password::new(password.expose()).is_none() {
            let most = Password::MAX_OCTETS;
            return Err(("password_file", format!("{file}: at most {most} octets are accepted")));
        }
        self.password = Some(password);
        Ok(())
    }
}

pub(super) fn wrong_pair(certificate: Option<&Path>, key: Option<&Path>) -> Option<Wrong> {
    match (certificate, key) {
        (None, None) => None,
        (Some(_), None) => {
            Some(("key", "is missing; the private key of certificate must be given".to_owned()))
        }
        (None, Some(_)) => {
            Some(("certificate", "is missing; the certificate of key must be given".to_owned()))
        }
        (Some(certificate), Some(key)) => pair(certificate, key).err().map(|error| match error {
            PairError::Certificate(message) => ("certificate", message),
            PairError::Key(message) => ("key", message),
        }),
    }
}
