//! `completions`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::exit::{Exit, Failed};
use super::out::Out;

/// Prints the completions for a shell
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway completions bash > /etc/bash_completion.d/cpim-gateway
  cpim-gateway completions zsh > ~/.zfunc/_cpim-gateway
  cpim-gateway completions fish > ~/.config/fish/completions/cpim-gateway.fish")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "cpim-gateway", &mut script);
        let script = String::from_utf8(script).map_err(Failed::failure)?;
        match out.is_json() {
            true => out.object(&serde_json::json!({ "shell": self.shell.to_string(), "script": script }))?,
            false => out.line(&script.trim_end())?,
        }
        Ok(Exit::Done)
    }
}
