//! `rules`: what principals have said about themselves.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use super::table::Table;
use crate::admin::Rules as Answer;

/// Lists the rules that principals have set for themselves
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway rules --config config/demo.toml
  cpim-gateway rules im:fred@a.example --socket demo.sock --json

Exit codes: 0 listed, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Rules {
    /// Whose rules: a URI, or a foreign address; everybody's where none is given
    uri: Option<String>,
    #[command(flatten)]
    gateway: Gateway,
}

impl Rules {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let path = match &self.uri {
            Some(uri) => format!("/v1/rules?of={}", escaped(uri)),
            None => "/v1/rules".to_owned(),
        };
        let Answer { rules } = self.gateway.get(&path).await?;
        if out.is_json() {
            rules.iter().try_for_each(|row| out.object(row))?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(["OWNER", "SAYS", "ABOUT", "DETAIL"]);
        for row in &rules {
            table.row([&row.owner, &row.says, &row.about, &row.detail]);
        }
        out.line(&table.text())?;
        Ok(Exit::Done)
    }
}
