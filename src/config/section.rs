//! Sections that belong to adapters. The configuration carries them as they were written; the adapter types them.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cpim_adapter::Selectors;
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::error::{ConfigError, ConfigErrors};
use super::names::Domain;
use super::read::Reader;
use super::source::{KeyPath, Origins};

/// One adapter's row: the section it owns, and how that is checked.
#[derive(Clone, Copy, Debug)]
pub struct AdapterSection {
    /// The name of the section, which is also the protocol's in `[[route]]` and `[dns]`.
    pub name: &'static str,
    /// Everything that can be found wrong without starting the adapter.
    pub check: fn(&Section, &Known) -> Result<(), ConfigErrors>,
    /// What it listens on.
    pub listens: fn(&Section) -> Listeners,
    /// Whether it finds the servers of a domain by itself, as mail does by MX: a route need name none then.
    pub finds: bool,
}

/// What the rest of the configuration says, as far as the sections of adapters are held against it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The relay domains, which no adapter's foreign side may speak for.
    pub relay_domains: Vec<Domain>,
    /// Every selector.
    pub selectors: Selectors,
}

/// What is listened on, each with its key inside the section, such as `["listener", "0", "address"]`.
pub type Listeners = Vec<(Vec<String>, Endpoint)>;

/// What can be listened on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Endpoint {
    /// A TCP address.
    Address(SocketAddr),
    /// A Unix socket.
    Path(PathBuf),
}

impl Endpoint {
    /// Whether the two cannot be bound at the same time. Port 0 is a new one each time; `[::]` takes IPv4 in as well.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        let takes_in =
            |a: &SocketAddr, b: &SocketAddr| a.ip().is_unspecified() && (a.is_ipv6() || b.is_ipv4());
        match (self, other) {
            (Self::Address(a), Self::Address(b)) => {
                a.port() == b.port()
                    && a.port() != 0
                    && (a.ip() == b.ip() || takes_in(a, b) || takes_in(b, a))
            }
            (Self::Path(a), Self::Path(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

impl AdapterSection {
    /// What it listens on, each with its key.
    pub(crate) fn listeners(&self, section: &Section) -> Vec<(KeyPath, Endpoint)> {
        let at = KeyPath::new(&[self.name]);
        let path = |keys: Vec<String>| keys.iter().fold(at.clone(), |path, key| path.key(key));
        (self.listens)(section).into_iter().map(|(keys, endpoint)| (path(keys), endpoint)).collect()
    }
}

/// One adapter's section as it was written.
#[derive(Clone, Debug)]
pub struct Section {
    name: &'static str,
    value: Option<Value>,
    origins: Arc<Origins>,
}

impl Section {
    pub(crate) fn new(name: &'static str, value: Option<Value>, origins: Arc<Origins>) -> Self {
        Self { name, value, origins }
    }

    /// Whether the section was written at all.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// The section as the adapter's own type; one that was not written reads as an empty table.
    ///
    /// # Errors
    /// Everything in it that is not as `T` wants it, each with its place.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigErrors> {
        let value = self.value.clone().unwrap_or_else(|| Value::from(Dict::new()));
        let mut reader = Reader::new(&self.origins);
        let read = reader.one_table(value, &KeyPath::new(&[self.name]));
        read.ok_or_else(|| ConfigErrors::new(reader.errors))
    }

    /// As [`Self::read`], but what is right in spite of what is wrong, so that more mistakes can be found in it.
    pub(crate) fn read_what_is_right<T: Default + DeserializeOwned>(&self) -> (T, Vec<ConfigError>) {
        let value = self.value.clone().unwrap_or_else(|| Value::from(Dict::new()));
        let mut reader = Reader::new(&self.origins);
        let read = reader.right_of_table(value, &KeyPath::new(&[self.name]));
        (read, reader.errors)
    }

    /// The error `message` about a key of this section, such as `["listener", "0", "key"]`.
    #[must_use]
    pub fn error(&self, keys: &[&str], message: impl Into<String>) -> ConfigError {
        let path = keys.iter().fold(KeyPath::new(&[self.name]), |path, key| path.key(key));
        self.origins.error(&path, message)
    }

    /// A path from this section as seen from the folder of the configuration file.
    #[must_use]
    pub fn beside(&self, path: &Path) -> PathBuf {
        self.origins.beside(path)
    }

    /// What was written under `key`.
    pub(crate) fn key(&self, key: &str) -> Option<&Value> {
        self.value.as_ref()?.as_dict()?.get(key)
    }

    /// The keys that were written.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.value.iter().filter_map(Value::as_dict).flat_map(|dict| dict.keys()).map(String::as_str)
    }
}
