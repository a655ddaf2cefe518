//! Why a domain has no resolution.

use std::io;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::{Protocol, Settings, Step};

/// No resolution, and how far it came.
#[derive(Clone, Debug, Error, Serialize)]
#[error("{error}")]
pub struct Unresolved {
    /// Why.
    #[serde(flatten)]
    pub error: ResolveError,
    /// What was done until then.
    pub steps: Vec<Step>,
}

/// Why a domain has no resolution.
#[derive(Clone, Debug, Eq, Error, PartialEq, Serialize)]
#[serde(tag = "error", content = "reason", rename_all = "kebab-case")]
pub enum ResolveError {
    /// There is no way there, and asking again soon would give the same answer.
    #[error("no route: {0}")]
    NoRoute(NoRoute),
    /// There is one that must not be taken, until its owner or ours mends it.
    #[error("refused: {0}")]
    Refused(Refused),
    /// Nobody can say now: to be tried again.
    #[error("cannot be resolved now: {0}")]
    Temporary(Temporary),
}

/// Why there is no way to a domain.
#[derive(Clone, Debug, Eq, Error, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoRoute {
    /// CNAME records lead back to where they began, or on for too long.
    #[error("the aliases of {name} go round in a circle, or are more than {most}")]
    Aliases {
        /// Where they begin.
        name: String,
        /// How many are followed.
        most: usize,
    },
    /// DNS is not asked.
    #[error("DNS is switched off, and no route is pinned for {domain}")]
    DnsOff {
        /// The domain.
        domain: String,
    },
    /// Routes that lead as other domains lead back to where they began.
    #[error("the pinned routes of {domain} go round in a circle")]
    Circle {
        /// Where they begin.
        domain: String,
    },
    /// SRV records, but none with an address that can be used (RFC 3861: the domain's own then never is).
    #[error("{domain} has SRV records for {protocol}, but none of their targets can be used")]
    NoTarget {
        /// The domain.
        domain: String,
        /// The protocol whose records were found.
        protocol: Protocol,
    },
    /// Pinned hosts, but none with an address that can be used.
    #[error("none of the hosts pinned for {domain} has an address that can be used")]
    NoPinnedHost {
        /// The domain.
        domain: String,
    },
    /// The target `.` (RFC 2782).
    #[error("{domain} says that it does not offer this service by {protocol}")]
    NotOffered {
        /// The domain.
        domain: String,
        /// The last protocol for which it says so.
        protocol: Protocol,
    },
    /// Neither a service record for any configured protocol nor an address.
    #[error("{domain} has no SRV record for any configured protocol, and no address to try instead")]
    Nothing {
        /// The domain.
        domain: String,
    },
    /// A name that DNS does not have (RFC 6761, 7686, 9476).
    #[error("{domain} is a special name that DNS does not have: {words}")]
    Special {
        /// The domain.
        domain: String,
        /// What is special about it.
        words: &'static str,
    },
}

/// What must not be used.
#[derive(Clone, Debug, Eq, Error, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// The only targets are aliases (RFC 2782, "Target").
    #[error("the target {host} is an alias, which RFC 2782 forbids")]
    Alias {
        /// The first of them.
        host: String,
    },
    /// A domain that leaves no room for an SRV owner name in 255 octets (RFC 1035 section 2.3.4).
    #[error("{domain} is too long for a service name before it")]
    Domain {
        /// The domain.
        domain: String,
    },
    /// It leads here, where nobody serves it: a loop.
    #[error("the target {host} is this gateway itself")]
    Ourselves {
        /// As what we were met.
        host: String,
    },
}

/// Why nobody can say now.
#[derive(Clone, Debug, Eq, Error, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Temporary {
    /// No server could give an answer about this name.
    #[error("{name} {kind}: {problem}")]
    Dns {
        /// The name.
        name: String,
        /// The type of record.
        kind: String,
        /// What the last server said, or that it was silent.
        problem: String,
    },
    /// Each query was answered or given up, but together they took too long.
    #[error("not done within {limit:?}")]
    Overtime {
        /// The limit.
        limit: Duration,
    },
}

/// A resolver that cannot be set up.
#[derive(Debug, Error)]
pub enum SetupError {
    /// Nobody to ask.
    #[error(
        "DNS is enabled, but there is no server to ask: expected `servers`, or `system = true`, or `enabled = false`"
    )]
    NoServers,
    /// This machine's own configuration is of no use.
    #[error(
        "the DNS configuration of this machine: {0}; expected it to be readable, or `servers`, or `enabled = false`"
    )]
    System(#[source] io::Error),
    /// A cap below what it must be.
    #[error("`attempts` is 0: expected at least 1")]
    TooFewAttempts,
    /// A cap below what it must be.
    #[error("`max_candidates` is {found}: expected at least {}", Settings::LEAST_CANDIDATES)]
    TooFewCandidates {
        /// What was given.
        found: usize,
    },
}
