//! The command line: a public contract, as its exit codes are ([`Exit`]).
//!
//! One file per command: its arguments, its help with examples, what it does, and what it prints. A report is
//! one type that knows both its text for people (`Display`) and its JSON for programs (`Serialize`).

mod check;
mod completions;
mod config_file;
mod exit;
mod map;
mod out;
mod relay;
mod run;
#[cfg(test)]
mod tests;
mod unmap;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::Exit;

use exit::Failed;
use out::Out;

/// Joins instant-messaging and presence systems through one abstract model (CPIM)
#[derive(Debug, Parser)]
#[command(name = "cpim-gateway", version, max_term_width = 100)]
struct Cli {
    /// Print one JSON object per line, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Map(map::Map),
    Unmap(unmap::Unmap),
    Completions(completions::Completions),
}

/// Does what the arguments of this process say.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help_or_error) => {
            // Nobody is left to tell where this cannot be printed.
            drop(help_or_error.print());
            return match help_or_error.use_stderr() {
                true => Exit::Usage.into(),
                false => Exit::Done.into(),
            };
        }
    };
    let mut out = Out::new(cli.json);
    let exit = cli.command.run(&mut out).unwrap_or_else(|failed| {
        out.error(&failed.words);
        failed.exit
    });
    exit.into()
}

impl Command {
    fn run(self, out: &mut Out) -> Result<Exit, Failed> {
        match self {
            Self::Run(command) => command.run(),
            Self::Check(command) => command.run(out),
            Self::Map(command) => command.run(out),
            Self::Unmap(command) => command.run(out),
            Self::Completions(command) => command.run(out),
        }
    }
}
