//! Who vouches for the certificates of others.

use std::path::PathBuf;

use serde::Deserialize;

use super::Section;
use super::certificate::certificates;

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
    /// With the file as seen from the folder of the configuration file.
    pub(crate) fn find(&mut self, section: &Section) {
        if let Self::File(path) = self {
            *path = section.beside(path);
        }
    }

    /// What is wrong with the file under this key, where something is.
    pub(crate) fn wrong(&self, key: &'static str) -> Option<(&'static str, String)> {
        match self {
            Self::File(path) => certificates(path).err().map(|e| (key, format!("{e}, or \"system\""))),
            Self::System => None,
        }
    }
}
