//! The option `--config`, which many commands have.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failed;
use crate::config::Config;

/// Where the configuration is, unless it is said.
const DEFAULT: &str = "config/gateway.toml";

/// Which configuration.
#[derive(Args, Debug)]
pub(super) struct ConfigFile {
    /// The configuration file [default: config/gateway.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConfigFile {
    /// The file that was named, or the default one.
    pub(super) fn path(&self) -> &Path {
        self.config.as_deref().unwrap_or_else(|| Path::new(DEFAULT))
    }

    /// What says so where no file was named: for people.
    pub(super) fn source(&self) -> String {
        match self.path().exists() {
            true => self.path().display().to_string(),
            false => format!("default, as there is no {DEFAULT} here"),
        }
    }

    /// Reads it.
    pub(super) fn load(&self) -> Result<Config, Failed> {
        Config::load(self.path()).map_err(Failed::usage)
    }

    /// Where the admin socket is. Nothing else is read: who looks into a gateway needs none of its secrets.
    pub(super) fn admin_socket(&self) -> Result<PathBuf, Failed> {
        let is_absent = self.config.is_none() && !self.path().exists();
        let file = (!is_absent).then(|| self.path());
        Config::admin_socket(file, std::env::vars_os()).map_err(Failed::usage)
    }

    /// Reads it, unless none was named and the default one is not there.
    pub(super) fn load_if_there(&self) -> Result<Option<Config>, Failed> {
        match self.config.is_some() || self.path().exists() {
            true => self.load().map(Some),
            false => Ok(None),
        }
    }
}
