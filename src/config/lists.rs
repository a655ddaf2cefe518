//! The sections that are lists of tables: `[[hosted]]`, `[[route]]`, `[[peer]]`, `[[application]]`, `[[rule]]`,
//! `[[mapping]]`. One element each.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::names::{Address, Claim, Domain, DomainPattern, HostPort, Pattern, maybe, one, several};
use super::secret::Secret;
use super::sections::Action;
use super::units;

/// `[[hosted]]`: addresses whose home this gateway is. One of them without a session is `unreachable`, not `no-route`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Hosted {
    /// A whole domain.
    #[serde(deserialize_with = "maybe")]
    pub domain: Option<Domain>,
    /// Single `im:` and `pres:` URIs of a domain that is otherwise somebody else's.
    #[serde(deserialize_with = "several")]
    pub uris: Vec<Address>,
}

/// `[[route]]`: where a domain is, whatever DNS says.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// `a.example`, or `.example` for whatever is below it.
    #[serde(deserialize_with = "one")]
    pub domain: DomainPattern,
    /// The adapter to go by.
    #[serde(default = "cpim")]
    pub protocol: String,
    /// The addresses, tried in this order. None: as the adapter finds them by itself, where it does.
    #[serde(default, deserialize_with = "several")]
    pub to: Vec<HostPort>,
    /// Instead of `limits.retry_horizon`.
    #[serde(default, deserialize_with = "units::maybe_span")]
    pub retry_horizon: Option<Duration>,
    /// Instead of `limits.max_wait`.
    #[serde(default, deserialize_with = "units::maybe_span")]
    pub max_wait: Option<Duration>,
    /// Whether the connection must be encrypted.
    #[serde(default)]
    pub tls: Tls,
}

fn cpim() -> String {
    "cpim".to_owned()
}

/// Whether an outgoing connection must be encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// In the clear, for loopback and networks that are secured otherwise.
    Plain,
    /// TLS with the other side's name verified.
    #[default]
    Required,
}

/// `[[peer]]`: another gateway or home server that is known by name.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its relay domain, as it stands in `open domain='...'`.
    #[serde(deserialize_with = "one")]
    pub domain: Domain,
    /// The domains whose home it is.
    #[serde(default, deserialize_with = "several")]
    pub serves: Vec<Domain>,
    /// Domains that it may besides send for.
    #[serde(default, deserialize_with = "several")]
    pub sources: Vec<DomainPattern>,
    /// A file with the secret, relative to this file.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// An environment variable with the secret.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// The secret, once read; none where its certificate proves it.
    #[serde(skip)]
    pub secret: Option<Secret>,
}

/// `[[application]]`: a person's client, a server or a program that authenticates itself.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// For the log and the administrator; not a name on the wire.
    pub name: String,
    /// What it may claim in `serves` and `speaks`: domains, URIs, selectors (`pepp:`).
    #[serde(deserialize_with = "several")]
    pub covers: Vec<Claim>,
    /// A file with the secret, relative to this file.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// An environment variable with the secret.
    #[serde(default)]
    pub secret_env: Option<String>,
    /// The secret, once read.
    #[serde(skip)]
    pub secret: Option<Secret>,
    /// The name in its certificate instead of a secret.
    #[serde(default)]
    pub certificate: Option<String>,
}

/// `[[rule]]`: who may write and subscribe to whom. The first that matches holds.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens where it matches.
    pub action: Action,
    /// The source of the operation.
    #[serde(default, deserialize_with = "one")]
    pub from: Pattern,
    /// Its destination.
    #[serde(default, deserialize_with = "one")]
    pub to: Pattern,
    /// How the source is vouched for; none: any way.
    #[serde(default)]
    pub auth: Option<Auth>,
}

/// How a source is vouched for, as a rule asks for it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// By nobody.
    Anonymous,
    /// By what it says of itself.
    Claimed,
    /// By a certificate, a secret, a trusted listener or a configured peer.
    Verified,
}

/// `[[mapping]]`: a domain that hides a source route from people (`alice@irc.gw.example` for a whole network).
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    /// The domain that people write.
    #[serde(deserialize_with = "one")]
    pub domain: Domain,
    /// The scheme of the foreign addresses behind it.
    pub selector: String,
    /// What stands before the local-part in the foreign address.
    #[serde(default)]
    pub prefix: String,
    /// What stands after it.
    #[serde(default)]
    pub suffix: String,
}
