//! The option `--config`, which many commands have.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failed;
use crate::config::{Admin, Config, PREFIX};

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
        if let Some(socket) = std::env::var_os(format!("{PREFIX}ADMIN__SOCKET")) {
            return Ok(socket.into());
        }
        let default = Admin::default().socket;
        if self.config.is_none() && !self.path().exists() {
            return Ok(default);
        }
        let wrong =
            |error: &dyn std::fmt::Display| Failed::usage(format_args!("{}: {error}", self.path().display()));
        let text = std::fs::read_to_string(self.path()).map_err(|error| wrong(&error))?;
        let file: toml_edit::DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| wrong(&error))?;
        let socket =
            file.get("admin").and_then(|admin| admin.get("socket")).and_then(toml_edit::Item::as_str);
        Ok(socket.map_or(default, PathBuf::from))
    }

    /// Reads it, unless none was named and the default one is not there.
    pub(super) fn load_if_there(&self) -> Result<Option<Config>, Failed> {
        match self.config.is_some() || self.path().exists() {
            true => self.load().map(Some),
            false => Ok(None),
        }
    }
}
