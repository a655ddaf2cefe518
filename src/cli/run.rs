//! `run`: the gateway itself.

use clap::Args;

use super::config_file::ConfigFile;
use super::exit::{Exit, Failed};
use super::out::Out;
use crate::config::LogFormat;
use crate::gateway::{self, Ended, StartError};

/// Runs the gateway
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway run
  cpim-gateway run --config config/demo.toml

SIGTERM and SIGINT stop it in order: what is under way has 10 s, the rest waits in the journal.
SIGHUP reads the configuration again. With --json, the log is JSON whatever the configuration says.
Exit codes: 0 stopped in order, 1 with losses, 2 it cannot start so: bad usage or configuration, or a store,
a port or a folder that cannot be had.")]
pub(super) struct Run {
    #[command(flatten)]
    config: ConfigFile,
}

impl Run {
    pub(super) fn run(&self, out: &Out) -> Result<Exit, Failed> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failed::failure)?;
        let ended =
            runtime.block_on(gateway::run(self.config.path(), out.is_json().then_some(LogFormat::Json)));
        // A look into the store that still runs would hold the end up.
        runtime.shutdown_background();
        match ended {
            Ok(Ended::Cleanly) => Ok(Exit::Done),
            Ok(Ended::WithLosses) => Ok(Exit::Failure),
            Err(error @ StartError::Signals(_)) => Err(Failed::failure(error)),
            Err(error) => Err(Failed::usage(error)),
        }
    }
}
