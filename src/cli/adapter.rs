//! `adapter`: has an adapter do something, in its own words.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use crate::admin::{Manage, Managed};
use crate::config::Secret;

/// Has an adapter of a running gateway do something, in words of its own
#[derive(Args, Debug)]
#[command(
    after_help = "What each adapter understands stands on its page; the IRC adapter, for its own network:
accounts; account add NAME with --secret-file; account remove NAME.

Examples:
  cpim-gateway adapter irc accounts --config config/demo.toml
  cpim-gateway adapter irc account add alice --secret-file alice.secret --socket demo.sock
  cpim-gateway adapter irc account remove alice --socket demo.sock

Exit codes: 0 done, 1 failure, 2 bad usage or configuration, 75 no gateway is running."
)]
pub(super) struct Adapter {
    /// The adapter, by the name of its section in the configuration
    name: String,
    /// What it is to do
    #[arg(required = true)]
    words: Vec<String>,
    /// A file with what must not stand in a command line, such as a password
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    gateway: Gateway,
}

impl Adapter {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let secret = self.secret_file.as_deref().map(|file| {
            Secret::from_file(file)
                .map_err(|error| Failed::usage(format_args!("{}: {error}", file.display())))
        });
        let secret = secret.transpose()?.map(|secret| secret.expose().to_owned());
        let asked = Manage { words: self.words.clone(), secret };
        let answer: Managed =
            self.gateway.post(&format!("/v1/adapters/{}", escaped(&self.name)), &asked).await?;
        match out.is_json() {
            true => out.object(&answer)?,
            false => answer.lines.iter().try_for_each(|line| out.line(line))?,
        }
        Ok(Exit::Done)
    }
}
