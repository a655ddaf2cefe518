//! `unmap`: which foreign address a URI of the gateway stands for.

use std::fmt;

use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failed};
use super::out::Out;
use super::relay::Relay;

/// Prints the foreign address that a URI at the gateway stands for
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway unmap im:pepp=example.com/fred@gw.example --relay-domain gw.example
  cpim-gateway unmap pres:mailto=alice~40example.org@gw.example --config config/demo.toml --json

Exit codes: 0 unmapped, 1 it stands for no foreign address, 2 bad usage or configuration.")]
pub(super) struct Unmap {
    /// An im: or pres: URI at the gateway's own domain
    uri: String,
    #[command(flatten)]
    relay: Relay,
}

/// What a URI stands for.
#[derive(Debug, Serialize)]
struct Unmapped {
    /// The URI as it was given.
    uri: String,
    /// The same in its one form.
    canonical: String,
    /// The foreign address: one layer.
    foreign: String,
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.foreign)
    }
}

impl Unmap {
    pub(super) fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let mapper = self.relay.mapper()?;
        let uri = mapper.read_any(&self.uri).map_err(Failed::failure)?;
        let foreign = mapper.unmap(uri.address()).map_err(Failed::failure)?;
        out.show(&Unmapped {
            uri: self.uri.clone(),
            canonical: uri.address().to_string(),
            foreign: foreign.to_string(),
        })?;
        Ok(Exit::Done)
    }
}
