//! `dns`: the records that the running configuration needs, and whether they are published.

use std::fmt;

use clap::Args;
use serde::Serialize;

use super::config_file::ConfigFile;
use super::exit::{Exit, Failed};
use super::out::Out;
use crate::registry::ROWS;
use crate::resolver::{Published, Record, Resolver, Settings};

/// Prints the DNS records that the configuration needs, and looks whether they are published
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway dns
  cpim-gateway dns --check
  cpim-gateway dns --config config/demo.toml --json

Each line is one of a zone file; what the record is for stands behind it. With --check, what is published stands before it.
Exit codes: 0 printed, or all is published; 1 something is not, or a key is not there yet; 2 bad usage or configuration; 75 nobody can say now.")]
pub(super) struct Dns {
    /// Ask DNS what is published
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    config: ConfigFile,
}

/// One record, and what is published there.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    record: Record,
    #[serde(flatten)]
    published: Option<Published>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, published } = self;
        let purpose = record.purpose;
        let Some(published) = published else { return write!(f, "{record} ; {purpose}") };
        match published {
            Published::Missing => write!(f, "missing  {record} ; {purpose}"),
            Published::Other(instead) => {
                write!(f, "differs  {record} ; {purpose}")?;
                instead.iter().try_for_each(|value| write!(f, "\n         published: {value}"))
            }
            Published::Same => write!(f, "right    {record} ; {purpose}"),
            Published::Unknown(why) => write!(f, "unknown  {record} ; {purpose}\n         {why}"),
        }
    }
}

impl Dns {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let config = self.config.load()?;
        let mut records = Vec::new();
        for row in ROWS {
            records.extend((row.records)(&config).map_err(Failed::usage)?);
        }
        let resolver = match self.check {
            true => Some(Resolver::new(Settings::new(&config)).map_err(Failed::usage)?),
            false => None,
        };
        let mut exit = Exit::Done;
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(missing) => {
                    out.note(missing);
                    exit = Exit::Failure;
                    continue;
                }
            };
            let published = match &resolver {
                Some(resolver) => Some(resolver.published(&record).await),
                None => None,
            };
            exit = match (&published, exit) {
                (Some(Published::Missing | Published::Other(_)), _) => Exit::Failure,
                (Some(Published::Unknown(_)), Exit::Done) => Exit::TryAgain,
                (_, before) => before,
            };
            out.show(&Line { record, published })?;
        }
        Ok(exit)
    }
}
