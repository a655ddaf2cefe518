//! The command line: a public contract, as its exit codes are ([`Exit`]).
//!
//! One file per command: its arguments, its help with examples, what it does, and what it prints. A report is
//! one type that knows both its text for people (`Display`) and its JSON for programs (`Serialize`).

mod adapter;
mod aliases;
mod answer;
mod arrival;
mod base64;
mod check;
mod client;
mod completions;
mod config_file;
#[cfg(feature = "conform")]
mod conform;
mod dns;
mod exit;
mod gateway;
mod listen;
mod map;
mod matrix;
mod out;
mod queue;
mod relay;
mod resolve;
mod rules;
mod run;
mod send;
mod server;
mod sessions;
mod signals;
mod subscriptions;
mod table;
#[cfg(test)]
mod tests;
mod trace;
mod unmap;
mod watch;
mod watchers;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    Resolve(resolve::Resolve),
    Dns(dns::Dns),
    Send(send::Send),
    Listen(listen::Listen),
    Watch(watch::Watch),
    Trace(trace::Trace),
    Queue(queue::Queue),
    Sessions(sessions::Sessions),
    Aliases(aliases::Aliases),
    Watchers(watchers::Watchers),
    Subscriptions(subscriptions::Subscriptions),
    Rules(rules::Rules),
    Adapter(adapter::Adapter),
    #[cfg(feature = "conform")]
    Conform(conform::Conform),
    Matrix(matrix::Matrix),
    Completions(completions::Completions),
}

/// The commands and their options, as they are parsed.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Does what the arguments of this process say.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help_or_error) => {
            if !help_or_error.use_stderr() {
                // Nobody is left to tell where this cannot be printed.
                drop(help_or_error.print());
                return Exit::Done.into();
            }
            // What was asked for in vain cannot be known from what was parsed.
            match std::env::args_os().any(|argument| argument == "--json") {
                true => Out::new(true).error(help_or_error.render().to_string().trim_end()),
                false => drop(help_or_error.print()),
            }
            return Exit::Usage.into();
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
            Self::Run(command) => command.run(out),
            Self::Check(command) => command.run(out),
            Self::Map(command) => command.run(out),
            Self::Matrix(command) => command.run(out),
            Self::Unmap(command) => command.run(out),
            Self::Resolve(command) => within_runtime(command.run(out)),
            Self::Dns(command) => within_runtime(command.run(out)),
            Self::Send(command) => within_runtime(command.run(out)),
            Self::Listen(command) => within_runtime(command.run(out)),
            Self::Watch(command) => within_runtime(command.run(out)),
            Self::Trace(command) => within_runtime(command.run(out)),
            Self::Queue(command) => within_runtime(command.run(out)),
            Self::Sessions(command) => within_runtime(command.run(out)),
            Self::Aliases(command) => within_runtime(command.run(out)),
            Self::Watchers(command) => within_runtime(command.run(out)),
            Self::Subscriptions(command) => within_runtime(command.run(out)),
            Self::Rules(command) => within_runtime(command.run(out)),
            Self::Adapter(command) => within_runtime(command.run(out)),
            #[cfg(feature = "conform")]
            Self::Conform(command) => command.run(out),
            Self::Completions(command) => command.run(out),
        }
    }
}

/// Runs a command that waits for others. One thread is enough for what a person asks.
fn within_runtime(command: impl Future<Output = Result<Exit, Failed>>) -> Result<Exit, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failed::failure)?;
    let done = runtime.block_on(command);
    // A thread that still reads standard input would hold the end up.
    runtime.shutdown_background();
    done
}
