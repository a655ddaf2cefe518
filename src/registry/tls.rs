//! Certificates in the sections of adapters: what is shown, and who is believed.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::Section;
use crate::config::certificate::{PairError, certificates, pair};

/// A key of a table, and what is wrong with it.
pub(super) type Wrong = (&'static str, String);

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

impl Anchors {
    /// Makes its path one from the folder of the configuration file.
    pub(super) fn find(&mut self, section: &Section) {
        if let Self::File(path) = self {
            *path = section.beside(path);
        }
    }

    pub(super) fn wrong(&self, key: &'static str) -> Option<Wrong> {
        match self {
            Self::File(path) => certificates(path).err().map(|e| (key, format!("{e}, or \"system\""))),
            Self::System => None,
        }
    }

    /// The file, where it is not this machine's.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::System => None,
        }
    }
}

/// What is wrong with `certificate` and `key` of one table.
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
