//! `check`: everything that is wrong with a configuration, found without starting anything.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::config_file::ConfigFile;
use super::exit::{Exit, Failed};
use super::out::Out;
use crate::config::{Config, ConfigError};

/// Validates the configuration without starting anything
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway check
  cpim-gateway check --config config/demo.toml
  cpim-gateway check --config config/demo.toml --json

Each error names file, line and key, and what is accepted.
Exit codes: 0 valid, 2 not.")]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigFile,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Checked {
    /// The file.
    file: PathBuf,
    /// Whether a gateway can start with it.
    valid: bool,
    /// Its relay domain, where it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_domain: Option<String>,
    /// What is wrong.
    errors: Vec<ConfigError>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relay_domain = self.relay_domain.as_deref().unwrap_or_default();
        write!(f, "{}: valid, for the gateway {relay_domain}", self.file.display())
    }
}

impl Check {
    pub(super) fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let file = self.config.path().to_owned();
        match Config::load(&file) {
            Ok(config) => {
                let relay_domain = Some(config.relay_domain.to_string());
                out.show(&Checked { file, valid: true, relay_domain, errors: Vec::new() })?;
                Ok(Exit::Done)
            }
            Err(errors) if out.is_json() => {
                out.object(&Checked {
                    file,
                    valid: false,
                    relay_domain: None,
                    errors: errors.iter().cloned().collect(),
                })?;
                Ok(Exit::Usage)
            }
            Err(errors) => {
                errors.iter().for_each(|error| out.note(error));
                Ok(Exit::Usage)
            }
        }
    }
}
