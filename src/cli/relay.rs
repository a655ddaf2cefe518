//! Whose addresses `map` and `unmap` speak of: the options they have in common.

use std::sync::Arc;

use clap::Args;
use cpim_adapter::{Domain, Mapper, Selectors};

use super::config_file::ConfigFile;
use super::exit::Failed;
use crate::router::Policy;

/// Which gateway.
#[derive(Args, Debug)]
pub(super) struct Relay {
    /// The gateway's own domain; without it, the configuration is read
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::parse, conflicts_with = "config")]
    pub relay_domain: Option<Domain>,
    #[command(flatten)]
    config: ConfigFile,
}

impl Relay {
    /// The addresses of that gateway: with a domain alone, those that every gateway knows.
    pub(super) fn mapper(&self) -> Result<Arc<Mapper>, Failed> {
        if let Some(domain) = &self.relay_domain {
            return Ok(Arc::new(Mapper::new(domain.clone(), Selectors::default())));
        }
        match self.config.load_if_there()? {
            Some(config) => Ok(Policy::new(&config).map_err(Failed::usage)?.mapper),
            None => Err(Failed::usage(format_args!(
                "there is no {}: name the gateway's domain by --relay-domain, or its configuration by --config",
                self.config.path().display()
            ))),
        }
    }
}
