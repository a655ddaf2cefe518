//! `queue`: what is accepted and not settled.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::Gateway;
use super::out::Out;
use super::table::Table;
use crate::admin::Operations;

/// Lists the operations that are accepted and not settled, oldest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway queue --config config/demo.toml
  cpim-gateway queue --socket demo.sock --limit 10
  cpim-gateway queue --http http://127.0.0.1:8642 --token-file demo.token --json

Exit codes: 0 listed, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Queue {
    /// List so many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    #[command(flatten)]
    gateway: Gateway,
}

impl Queue {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let Operations { operations } = self
            .gateway
            .get(&format!("/v1/queue?limit={}", self.limit))
            .await?;
        if out.is_json() {
            operations
                .iter()
                .try_for_each(|operation| out.object(operation))?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(["ID", "ACCEPTED", "KIND", "FROM", "TO", "STATE"]);
        for operation in &operations {
            table.row([
                &operation.id,
                &operation.accepted_at.to_string(),
                &operation.kind,
                &operation.source,
                &operation.destination,
                &operation.state,
            ]);
        }
        out.line(&table.text())?;
        Ok(Exit::Done)
    }
}
