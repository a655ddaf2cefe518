//! `map`: which URI a foreign address has at the gateway (the draft's Appendix A).

use std::fmt;

use clap::Args;
use cpim_adapter::Class;
use serde::Serialize;

use super::exit::{Exit, Failed};
use super::out::Out;
use super::relay::Relay;

/// Prints the URI by which a foreign address is reached through the gateway
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway map pepp://example.com/fred --relay-domain gw.example
  cpim-gateway map mailto:alice@example.org --relay-domain gw.example --pres
  cpim-gateway map 'irc://irc.example.net/#ops' --config config/demo.toml --json

Exit codes: 0 mapped, 1 there is no URI for it, 2 bad usage or configuration.")]
pub(super) struct Map {
    /// The foreign address with its scheme, as its own protocol spells it
    address: String,
    /// Print a presentity's URI (pres:) instead of an instant inbox's (im:)
    #[arg(long)]
    pres: bool,
    #[command(flatten)]
    relay: Relay,
}

/// What an address is mapped to.
#[derive(Debug, Serialize)]
struct Mapped {
    /// The foreign address.
    foreign: String,
    /// The URI to write: the shortest that stands for it.
    uri: String,
    /// The URI by which it is known to rules and to the journal.
    canonical: String,
}

impl fmt::Display for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

impl Map {
    pub(super) fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let class = if self.pres { Class::Pres } else { Class::Im };
        let uri = self
            .relay
            .mapper()?
            .map(&self.address, class)
            .map_err(Failed::failure)?;
        let foreign = self.address.clone();
        out.show(&Mapped {
            foreign,
            uri: uri.to_string(),
            canonical: uri.address().to_string(),
        })?;
        Ok(Exit::Done)
    }
}
