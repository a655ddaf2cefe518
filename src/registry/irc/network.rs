//! `[[irc.network]]`: a network that others run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cpim_irc::{Casemapping, Identity, Login, NetworkName, NetworkSettings, Nick, Password, Transport};
use serde::Deserialize;

use crate::config::{Anchors, HostPort, Secret, Section, several, units};
use crate::registry::tls::{Wrong, wrong_pair};

/// Puppets at most: each needs a connection, and a file of the process for it.
const PUPPETS: usize = 10_000;

/// A network that others run, which this gateway joins.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Its name in addresses.
    pub name: String,
    /// Servers of it, in the order to try.
    #[serde(deserialize_with = "several")]
    pub servers: Vec<HostPort>,
    /// Whether they are spoken to by TLS.
    pub tls: Tls,
    /// Who vouches for the servers.
    pub ca: Anchors,
    /// The certificate chain (PEM) that they are shown, relative to this file.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM), relative to this file.
    pub key: Option<PathBuf>,
    /// The gateway's own nick there.
    pub nick: String,
    /// How it folds names; none: as it says itself.
    pub casemapping: Option<String>,
    /// A file with the servers' password, relative to this file.
    pub password_file: Option<PathBuf>,
    /// The account of the gateway's own nick.
    pub account: Option<String>,
    /// A file with the account's password; without it, the certificate proves whose it is.
    pub account_password_file: Option<PathBuf>,
    /// A file with what the servers know this gateway by, so that it may name its users' hosts (WEBIRC).
    pub webirc_password_file: Option<PathBuf>,
    /// What it means that the network took a message without a word of error.
    pub taken: Taken,
    /// How a nick is known that is logged in to the account of the same name.
    pub accounts: Accounts,
    /// Foreign users with a connection of their own at once.
    pub puppets: usize,
    /// Whether such a connection is away while its user is not open.
    pub show_presence: bool,
    /// What a line costs.
    #[serde(deserialize_with = "units::span")]
    pub line_penalty: Duration,
    /// How much may be spent at once.
    #[serde(deserialize_with = "units::span")]
    pub penalty_limit: Duration,
    /// Connections that are made at once.
    pub connecting: usize,
    /// How long a connection that nobody uses is kept.
    #[serde(deserialize_with = "units::span")]
    pub linger: Duration,
    /// How long somebody must be gone before that is told.
    #[serde(deserialize_with = "units::span")]
    pub settle: Duration,
    /// How often is asked for people of whom the network does not tell by itself.
    #[serde(deserialize_with = "units::span")]
    pub poll: Duration,
    /// What was read of the files.
    #[serde(skip)]
    pub secrets: Secrets,
}

/// Passwords, once read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Secrets {
    password: Option<Password>,
    account: Option<Password>,
    webirc: Option<Password>,
}

/// Whether servers are spoken to by TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// Always, with the server's name verified.
    #[default]
    Required,
    /// Never: everybody on the way can read and change what is said.
    Plain,
}

/// What it means that the network took a message without a word of error.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// That nobody knows more: a filter may have dropped it in silence.
    #[default]
    Indeterminant,
    /// That it arrived.
    Success,
}

/// How a nick is known that is logged in to the account of the same name.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Accounts {
    /// As any other: by what it says.
    #[default]
    Claimed,
    /// The network's word for it is believed.
    Verified,
}

impl Default for Network {
    fn default() -> Self {
        let (line_penalty, penalty_limit) = NetworkSettings::PACE;
        Self {
            name: String::new(),
            servers: Vec::new(),
            tls: Tls::default(),
            ca: Anchors::default(),
            certificate: None,
            key: None,
            nick: "gateway".to_owned(),
            casemapping: None,
            password_file: None,
            account: None,
            account_password_file: None,
            webirc_password_file: None,
            taken: Taken::default(),
            accounts: Accounts::default(),
            puppets: NetworkSettings::PUPPETS,
            show_presence: false,
            line_penalty,
            penalty_limit,
            connecting: NetworkSettings::CONNECTING,
            linger: NetworkSettings::LINGER,
            settle: NetworkSettings::SETTLE,
            poll: NetworkSettings::POLL,
            secrets: Secrets::default(),
        }
    }
}

impl Network {
    /// Finds its files beside the configuration and reads them; gives what is wrong with it.
    pub(super) fn load(&mut self, section: &Section) -> Vec<Wrong> {
        let paths = [&mut self.certificate, &mut self.key, &mut self.password_file];
        let more = [&mut self.account_password_file, &mut self.webirc_password_file];
        for path in paths.into_iter().chain(more).flatten() {
            *path = section.beside(path);
        }
        self.ca.find(section);
        let mut wrong = self.wrong();
        let mut read = |key, file: &Option<PathBuf>| match password(file.as_ref()?) {
            Ok(password) => Some(password),
            Err(message) => {
                wrong.push((key, message));
                None
            }
        };
        self.secrets = Secrets {
            password: read("password_file", &self.password_file),
            account: read("account_password_file", &self.account_password_file),
            webirc: read("webirc_password_file", &self.webirc_password_file),
        };
        if self.secrets.webirc.as_ref().is_some_and(|word| !word.is_one_word()) {
            wrong.push((
                "webirc_password_file",
                "holds a space or a colon first, which WEBIRC cannot carry".into(),
            ));
        }
        wrong
    }

    fn wrong(&self) -> Vec<Wrong> {
        let mut wrong: Vec<Wrong> = Vec::new();
        let mut say = |key, message: &str| wrong.push((key, message.to_owned()));
        if let Err(what) = NetworkName::parse(&self.name) {
            say("name", &what);
        }
        if let Err(error) = Nick::parse(&self.nick) {
            say("nick", &format!("{:?} is no nick: {error}", self.nick));
        }
        if self.servers.is_empty() {
            say("servers", "is missing; at least one such as \"irc.example.net:6697\" must be given");
        }
        if let Some(word) = self.casemapping.as_deref().filter(|word| Casemapping::from_word(word).is_none())
        {
            let accepted = "\"ascii\", \"rfc1459\" and \"rfc1459-strict\" are accepted";
            say("casemapping", &format!("unknown {word:?}; {accepted}"));
        }
        let has_certificate = self.certificate.is_some();
        match (&self.account, &self.account_password_file) {
            (None, Some(_)) => {
                say("account", "is missing; whose password account_password_file is must be given")
            }
            (Some(_), None) if !has_certificate => {
                say(
                    "account_password_file",
                    "is missing; it or a certificate must prove whose account it is",
                );
            }
            _ => {}
        }
        if self.tls == Tls::Plain && has_certificate {
            say("certificate", "is shown over TLS only, and tls = \"plain\"");
        }
        if self.puppets > PUPPETS {
            say("puppets", &format!("{}; at most {PUPPETS} are accepted", self.puppets));
        }
        if self.connecting == 0 {
            say("connecting", "0; at least 1 is accepted");
        }
        let most = NetworkSettings::MAX_AHEAD;
        if self.penalty_limit < self.line_penalty || self.penalty_limit > most {
            say("penalty_limit", &format!("from line_penalty to {} s are accepted", most.as_secs()));
        }
        for (key, span) in [("poll", self.poll), ("linger", self.linger)] {
            if span < Duration::from_secs(1) {
                say(key, "at least 1 s is accepted");
            }
        }
        wrong.extend(self.ca.wrong("ca"));
        wrong.extend(wrong_pair(self.certificate.as_deref(), self.key.as_deref()));
        wrong
    }

    /// What the adapter goes by; nothing where something is wrong.
    pub(super) fn settings(&self, drain: Duration) -> Option<NetworkSettings> {
        let identity = self.certificate.clone().zip(self.key.clone());
        let identity = identity.map(|(certificate, key)| Identity { certificate, key });
        let login = self.account.clone().map(|account| match self.secrets.account.clone() {
            Some(password) => Login::Password { account, password },
            None => Login::Certificate,
        });
        Some(NetworkSettings {
            name: NetworkName::parse(&self.name).ok()?,
            servers: self.servers.iter().map(|server| (server.host.to_string(), server.port)).collect(),
            transport: match self.tls {
                Tls::Plain => Transport::Plain,
                Tls::Required => Transport::Tls {
                    anchors: match &self.ca {
                        Anchors::File(path) => cpim_irc::Anchors::File(path.clone()),
                        Anchors::System => cpim_irc::Anchors::System,
                    },
                    identity,
                },
            },
            nick: Nick::parse(&self.nick).ok()?,
            casemapping: self.casemapping.as_deref().and_then(Casemapping::from_word),
            password: self.secrets.password.clone(),
            login,
            webirc: self.secrets.webirc.clone(),
            trusted: self.taken == Taken::Success,
            trusts_accounts: self.accounts == Accounts::Verified,
            puppets: self.puppets,
            shows_presence: self.show_presence,
            pace: (self.line_penalty, self.penalty_limit),
            connecting: self.connecting,
            linger: self.linger,
            settle: self.settle,
            poll: self.poll,
            pause: NetworkSettings::PAUSE,
            drain,
        })
    }
}

fn password(file: &Path) -> Result<Password, String> {
    let secret = Secret::from_file(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let most = Password::MAX_OCTETS;
    Password::new(secret.expose())
        .ok_or_else(|| format!("{}: at most {most} octets are accepted", file.display()))
}
