//! `aliases`: the short names, nicks among them, that were given to addresses.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use super::table::Table;
use crate::admin::Aliases as Answer;

/// Aliases that one question asks for.
const PAGE: usize = 1_000;

/// Lists the aliases and the addresses that they stand for
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway aliases --config config/demo.toml
  cpim-gateway aliases --socket demo.sock --json

Exit codes: 0 listed, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Aliases {
    #[command(flatten)]
    gateway: Gateway,
}

impl Aliases {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let mut table = Table::new(["ALIAS", "IN", "LAST USED", "ADDRESS"]);
        let mut after = String::new();
        loop {
            let path = format!("/v1/aliases?limit={PAGE}&after={}", escaped(&after));
            let Answer { aliases } = self.gateway.get(&path).await?;
            for alias in &aliases {
                match out.is_json() {
                    true => out.object(alias)?,
                    false => {
                        table.row([&alias.name, &alias.space, &alias.last_used.to_string(), &alias.address])
                    }
                }
            }
            match aliases.last() {
                Some(last) if aliases.len() == PAGE && !out.is_closed() => {
                    after = format!("{} {}", last.space, last.name)
                }
                _ => break,
            }
        }
        if !out.is_json() {
            out.line(&table.text())?;
        }
        Ok(Exit::Done)
    }
}
