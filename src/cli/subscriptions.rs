//! `subscriptions`: whom a watcher watches.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use super::table::Table;
use crate::admin::Subscriptions as Answer;

/// Lists whom a watcher watches
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway subscriptions pres:fred@a.example --config config/demo.toml
  cpim-gateway subscriptions im:fred@a.example --socket demo.sock --json

Exit codes: 0 listed, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Subscriptions {
    /// Whose subscriptions: a URI, or a foreign address
    uri: String,
    #[command(flatten)]
    gateway: Gateway,
}

impl Subscriptions {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let path = format!("/v1/subscriptions?of={}", escaped(&self.uri));
        let Answer { subscriptions } = self.gateway.get(&path).await?;
        if out.is_json() {
            subscriptions.iter().try_for_each(|row| out.object(row))?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(["PRESENTITY", "SINCE", "UNTIL", "KEPT", "ID"]);
        for row in &subscriptions {
            let until = row.until.map_or_else(|| "-".to_owned(), |until| until.to_string());
            let id = row.id.as_deref().unwrap_or("-");
            table.row([&row.presentity, &row.since.to_string(), &until, &row.kept, id]);
        }
        out.line(&table.text())?;
        Ok(Exit::Done)
    }
}
