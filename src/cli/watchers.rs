//! `watchers`: who watches a presentity.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use super::table::{list, or_dash};
use crate::admin::Watchers as Answer;

/// Lists who watches a presentity, and who did until lately
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway watchers pres:fred@a.example --config config/demo.toml
  cpim-gateway watchers im:fred@a.example --socket demo.sock --json

Exit codes: 0 listed, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Watchers {
    /// Whose watchers: a URI, or a foreign address
    uri: String,
    #[command(flatten)]
    gateway: Gateway,
}

impl Watchers {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let path = format!("/v1/watchers?of={}", escaped(&self.uri));
        let Answer { watchers } = self.gateway.get(&path).await?;
        list(out, ["WATCHER", "SINCE", "UNTIL", "ENDED"], &watchers, |row| {
            [row.watcher.clone(), row.since.to_string(), or_dash(row.until), or_dash(row.ended.as_deref())]
        })
    }
}
