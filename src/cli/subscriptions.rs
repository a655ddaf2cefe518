//! `subscriptions`: whom a watcher watches.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use super::table::{list, or_dash};
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
        list(out, ["PRESENTITY", "SINCE", "UNTIL", "KEPT", "ID"], &subscriptions, |row| {
            let (presentity, kept) = (row.presentity.clone(), row.kept.clone());
            [presentity, row.since.to_string(), or_dash(row.until), kept, or_dash(row.id.as_deref())]
        })
    }
}
