//! `sessions`: who is connected.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::Gateway;
use super::out::Out;
use super::table::Table;
use crate::admin::Sessions as Answer;

/// Lists the connections that are open, and what each of them speaks for
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway sessions --config config/demo.toml
  cpim-gateway sessions --socket demo.sock --json

Exit codes: 0 listed, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Sessions {
    #[command(flatten)]
    gateway: Gateway,
}

impl Sessions {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let Answer { sessions } = self.gateway.get("/v1/sessions").await?;
        if out.is_json() {
            sessions.iter().try_for_each(|session| out.object(session))?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(["ADAPTER", "WHO", "PEER", "SERVES", "SPEAKS FOR"]);
        for session in &sessions {
            let peer = session.peer.as_deref().unwrap_or("-");
            let (serves, speaks) = (session.serves.join(" "), session.speaks.join(" "));
            table.row([&session.adapter, &session.label, peer, &serves, &speaks]);
        }
        out.line(&table.text())?;
        Ok(Exit::Done)
    }
}
