//! `[irc]`: the IRC adapter's own section.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use cpim_irc::{NetworkName, Password, account_key};
use serde::Deserialize;

use super::network::Network;
use crate::config::{AdapterSection, Anchors, ConfigErrors, Endpoint, Known, Secret, Section, units};
use crate::registry::section::{self, Findings, Table, check, listens};
use crate::registry::tls::{Wrong, wrong_pair};

/// The row of the section.
pub const SECTION: AdapterSection =
    AdapterSection { name: "irc", check: check::<Irc>, listens: listens::<Irc>, finds: false };

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

/// The section, read and checked, with the paths of files as seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(section: &Section, known: &Known) -> Result<Irc, ConfigErrors> {
    section::read(section, known)
}

impl Table for Irc {
    fn look(&mut self, findings: &mut Findings<'_>) {
        self.ca.find(findings.section);
        findings.say(&[], self.wrong());
        for (nth, listener) in self.listener.iter_mut().enumerate() {
            findings.find([&mut listener.certificate, &mut listener.key].into_iter().flatten());
            findings.say(&["listener", &nth.to_string()], listener.wrong());
        }
        let mut accounts = HashSet::new();
        for (nth, account) in self.account.iter_mut().enumerate() {
            findings.find([&mut account.password_file]);
            let table = ["account", &nth.to_string()];
            findings.say(&table, account.load().err());
            let wrong = match account_key(&account.name).map(|key| accounts.insert(key)) {
                Some(true) => None,
                Some(false) => {
                    Some(format!("{:?} is there already; in either case it is one nick", account.name))
                }
                None => {
                    Some(format!("{:?} is no nick that somebody could have, such as \"alice\"", account.name))
                }
            };
            findings.say(&table, wrong.map(|wrong| ("name", wrong)));
        }
        let mut names: Vec<String> = self.name.iter().map(|name| name.to_ascii_lowercase()).collect();
        for (nth, network) in self.network.iter_mut().enumerate() {
            let mut wrong = network.load(findings.section);
            let name = network.name.to_ascii_lowercase();
            if names.contains(&name) {
                wrong.push(("name", format!("{:?} is the name of another network here", network.name)));
            }
            names.push(name);
            findings.say(&["network", &nth.to_string()], wrong);
        }
    }

    fn places(self) -> Vec<(usize, &'static str, Endpoint)> {
        let listeners = self.listener.into_iter().enumerate();
        listeners
            .filter_map(|(nth, listener)| Some((nth, "address", Endpoint::Address(listener.address?))))
            .collect()
    }
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
