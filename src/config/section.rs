//! Sections that belong to adapters. The configuration carries them as they were written; the adapter types them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Everything that can be found wrong without starting the adapter; given the relay domains, which its foreign
    /// side may never speak for.
    pub check: fn(&Section, &[Domain]) -> Result<(), ConfigErrors>,
    /// The addresses that it listens on, each with its key inside the section.
    pub listens: fn(&Section) -> Vec<(Vec<String>, SocketAddr)>,
    /// Its keys that are read at the start only; a change of any other holds at once after SIGHUP.
    pub restart: &'static [&'static str],
}

impl AdapterSection {
    /// The addresses that it listens on, each with its key.
    pub(crate) fn listeners(&self, section: &Section) -> Vec<(KeyPath, SocketAddr)> {
        let at = KeyPath::new(&[self.name]);
        let listens = (self.listens)(section).into_iter();
        listens
            .map(|(keys, address)| (keys.iter().fold(at.clone(), |path, key| path.key(key)), address))
            .collect()
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
        let read = reader.value(value, &KeyPath::new(&[self.name]));
        read.ok_or_else(|| ConfigErrors::new(reader.errors))
    }

    /// The error `message` about a key of this section, such as `["listener", "0", "key"]`.
    #[must_use]
    pub fn error(&self, keys: &[&str], message: impl Into<String>) -> ConfigError {
        let path = keys
            .iter()
            .fold(KeyPath::new(&[self.name]), |path, key| path.key(key));
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
        self.value
            .iter()
            .filter_map(Value::as_dict)
            .flat_map(|dict| dict.keys())
            .map(String::as_str)
    }
}
