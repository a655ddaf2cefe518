//! `resolve`: where an address is served, and how that was found (RFC 3861).

use std::fmt;

use clap::Args;
use cpim_adapter::{Address, Local, Uri};
use serde::Serialize;

use super::config_file::ConfigFile;
use super::exit::{Exit, Failed};
use super::out::Out;
use crate::resolver::{Resolution, ResolveError, Resolver, Settings, Unresolved};
use crate::router::Policy;

/// Shows step by step where an address is served: routes, SRV records, order, addresses
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway resolve im:barney@b.example
  cpim-gateway resolve pres:barney@b.example --config config/demo.toml --json

Without a configuration, this machine's DNS servers are asked.
Exit codes: 0 found, 1 there is no way there, 2 bad usage or configuration, 75 nobody can say now.")]
pub(super) struct Resolve {
    /// An im: or pres: URI
    uri: String,
    #[command(flatten)]
    config: ConfigFile,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Resolved {
    /// The URI as it was given.
    uri: String,
    /// The address that it means.
    address: String,
    #[serde(flatten)]
    found: Found,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Found {
    /// The gateway need not look elsewhere.
    Here {
        /// What the address is here.
        here: String,
    },
    Resolved(Resolution),
    Unresolved(Unresolved),
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "address   {}", self.address)?;
        match &self.found {
            Found::Here { here } => write!(f, "here      {here}"),
            Found::Resolved(resolution) => resolution.fmt(f),
            Found::Unresolved(Unresolved { error, steps }) => {
                steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
                write!(f, "nowhere   {error}")
            }
        }
    }
}

impl Resolve {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let (settings, policy) = match self.config.load_if_there()? {
            Some(config) => {
                let policy = Policy::new(&config).map_err(Failed::usage)?;
                (Settings::new(&config), Some(policy))
            }
            None => (Settings::default(), None),
        };
        let read = match &policy {
            Some(policy) => policy.mapper.read_any(&self.uri),
            None => Uri::parse(&self.uri),
        };
        let uri = read.map_err(Failed::usage)?;
        let address = uri.address();
        let here = policy.and_then(|policy| here(&policy, address));
        let (exit, found) = match here {
            Some((exit, here)) => (exit, Found::Here { here }),
            None => {
                let resolver = Resolver::new(settings).map_err(Failed::usage)?;
                match resolver.resolve(address.class(), address.domain()).await {
                    Ok(resolution) => (Exit::Done, Found::Resolved(resolution)),
                    Err(unresolved) => (exit_of(&unresolved.error), Found::Unresolved(unresolved)),
                }
            }
        };
        out.show(&Resolved { uri: self.uri.clone(), address: address.to_string(), found })?;
        Ok(exit)
    }
}

const fn exit_of(error: &ResolveError) -> Exit {
    match error {
        ResolveError::NoRoute(_) | ResolveError::Refused(_) => Exit::Failure,
        ResolveError::Temporary(_) => Exit::TryAgain,
    }
}

/// What an address is at the gateway itself, where it need not look elsewhere.
fn here(policy: &Policy, address: &Address) -> Option<(Exit, String)> {
    let done = |here: String| Some((Exit::Done, here));
    match policy.mapper.resident(address) {
        Ok(Some(Local::Route(foreign))) => {
            done(format!("stands for {foreign}, and goes to the adapter of its protocol"))
        }
        Ok(Some(Local::Alias(alias))) => {
            done(format!("{alias} stands for an address that `cpim-gateway aliases` shows"))
        }
        Ok(Some(Local::Winfo(watched))) => done(format!("the watchers of {watched}")),
        Ok(Some(Local::Gateway)) => done("the gateway's own inbox".to_owned()),
        Ok(Some(Local::Plain(local))) => {
            Some((Exit::Failure, format!("there is no user {local} at the gateway")))
        }
        Err(error) => Some((Exit::Failure, error.to_string())),
        Ok(None) if policy.hosts(address) => {
            done("hosted: goes to whoever serves it on a session".to_owned())
        }
        Ok(None) => None,
    }
}
