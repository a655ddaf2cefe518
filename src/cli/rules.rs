//! `rules`: what principals have said about themselves, and what an administrator says for them.

use clap::Args;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::Out;
use super::table::Table;
use crate::admin::{Rules as Answer, Said, SetRule};

/// Lists the rules that principals have set for themselves, or sets some for one of them
#[derive(Args, Debug)]
#[command(after_help = "COMMAND is what the principal himself would write to the gateway's inbox:
block, allow, polite WHO [WHAT]; unblock WHO;
appear WHO open|closed [NOTE], appear WHO only DESTINATION.., appear WHO all;
forward URI [for 2d|until 2026-12-31], forward off; delegate URI, undelegate URI;
hide [WHO], visible [WHO].
WHO is a URI or a wildcard (*@b.example, *); WHAT is messages, presence, watchers or everything,
and `if claimed` for those who are not proven to be who they say they are.

Examples:
  cpim-gateway rules --config config/demo.toml
  cpim-gateway rules im:fred@a.example --socket demo.sock --json
  cpim-gateway rules im:fred@a.example --socket demo.sock block '*@spam.example'
  cpim-gateway rules im:fred@a.example --socket demo.sock allow im:wilma@a.example watchers

Exit codes: 0 listed or set, 1 failure, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Rules {
    /// Whose rules: a URI, or a foreign address; everybody's where none is given
    uri: Option<String>,
    /// A command that sets a rule of his
    #[arg(requires = "uri")]
    command: Vec<String>,
    #[command(flatten)]
    gateway: Gateway,
}

impl Rules {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        match &self.uri {
            Some(uri) if !self.command.is_empty() => self.set(uri, out).await,
            Some(uri) => self.list(&format!("/v1/rules?of={}", escaped(uri)), out).await,
            None => self.list("/v1/rules", out).await,
        }
    }

    async fn set(&self, uri: &str, out: &mut Out) -> Result<Exit, Failed> {
        let asked = SetRule { of: uri.to_owned(), command: self.command.join(" ") };
        let answer: Said = self.gateway.post("/v1/rules", &asked).await?;
        match out.is_json() {
            true => out.object(&answer)?,
            // What is said is said to the principal: these are his rules.
            false => out.line(&format!("{uri}: {}", answer.said))?,
        }
        Ok(Exit::Done)
    }

    async fn list(&self, path: &str, out: &mut Out) -> Result<Exit, Failed> {
        let Answer { rules } = self.gateway.get(path).await?;
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
