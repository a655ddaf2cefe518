//! `run`: the gateway itself.

use clap::Args;

use super::config_file::ConfigFile;
use super::exit::{Exit, Failed};

/// Runs the gateway
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway run
  cpim-gateway run --config config/demo.toml

SIGTERM and SIGINT stop it in order: what is under way has 10 s, the rest waits in the journal.
SIGHUP reads the configuration again.
Exit codes: 0 stopped in order, 1 it could not go on, 2 bad usage or configuration.")]
pub(super) struct Run {
    #[command(flatten)]
    config: ConfigFile,
}

impl Run {
    pub(super) fn run(&self) -> Result<Exit, Failed> {
        let file = self.config.path();
        Err(Failed::failure(format_args!("{}: there is no gateway in this build yet", file.display())))
    }
}
