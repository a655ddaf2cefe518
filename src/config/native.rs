//! `[cpim]`: the native adapter's own section.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::error::ConfigErrors;
use super::names::{DomainPattern, several};
use super::section::Section;
use super::units;

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

/// Trust anchors.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(from = "PathBuf")]
pub enum Anchors {
    /// Those of a PEM file, relative to this file.
    File(PathBuf),
    /// `"system"`: those of this machine.
    #[default]
    System,
}

impl From<PathBuf> for Anchors {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "system" { Self::System } else { Self::File(path) }
    }
}

/// The section, read and checked, with its paths seen from the folder of the configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(section: &Section) -> Result<Native, ConfigErrors> {
    section.read()
}

/// As [`read`], for `check`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(section: &Section) -> Result<(), ConfigErrors> {
    read(section).map(drop)
}
