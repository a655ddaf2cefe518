//! `sessions`: who is connected.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::Gateway;
use super::out::Out;
use super::table::{list, or_dash};
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
        list(out, ["ADAPTER", "WHO", "PEER", "SERVES", "SPEAKS FOR"], &sessions, |session| {
            let (adapter, who) = (session.adapter.clone(), session.label.clone());
            [
                adapter,
                who,
                or_dash(session.peer.as_deref()),
                session.serves.join(" "),
                session.speaks.join(" "),
            ]
        })
    }
}
