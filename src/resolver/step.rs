//! What a resolution did, step by step, for people and for the trace.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

/// One step of a resolution.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// An address of a host.
    Address {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
        /// How it came.
        from: Origin,
    },
    /// A CNAME record.
    Alias {
        /// The name that is an alias.
        from: String,
        /// The name that it stands for.
        to: String,
    },
    /// Something is not used.
    Dropped {
        /// What.
        what: String,
        /// Why not.
        why: Why,
    },
    /// No SRV record: the domain itself is taken to be the host (RFC 3861 section 3).
    Fallback {
        /// The domain.
        domain: String,
        /// The port of the native binding.
        port: u16,
    },
    /// A name is not asked for, since DNS does not have it.
    Local {
        /// The name.
        name: String,
        /// What is special about it.
        words: &'static str,
    },
    /// A question was answered.
    Query {
        /// The name.
        name: String,
        /// The type of record.
        kind: String,
        /// The answer.
        answer: Found,
        /// Who gave it: a server, or `cache`.
        server: String,
    },
    /// Pinned routes were consulted.
    Route {
        /// The domain.
        domain: String,
        /// The pattern that matched and where it leads; none where no route is pinned.
        pinned: Option<(String, String)>,
    },
    /// An SRV record.
    Service {
        /// Its owner.
        owner: String,
        /// Its priority.
        priority: u16,
        /// Its weight.
        weight: u16,
        /// Its port.
        port: u16,
        /// Its target.
        target: String,
    },
    /// A server gave no answer that can be used.
    Trouble {
        /// The name that was asked for.
        name: String,
        /// The type of record.
        kind: String,
        /// The server.
        server: String,
        /// What it did instead.
        problem: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { host, address, from } => write!(f, "address   {host} {address} ({from})"),
            Self::Alias { from, to } => write!(f, "alias     {from} -> {to}"),
            Self::Dropped { what, why } => write!(f, "dropped   {what}: {why}"),
            Self::Fallback { domain, port } => {
                write!(f, "fallback  {domain}:{port}, since it has no SRV record")
            }
            Self::Local { name, words } => write!(f, "local     {name}: {words}"),
            Self::Query { name, kind, answer, server } => {
                write!(f, "query     {name} {kind}: {answer} ({server})")
            }
            Self::Route { domain, pinned: None } => write!(f, "route     none pinned for {domain}"),
            Self::Route { domain, pinned: Some((pattern, leads)) } => {
                write!(f, "route     {domain} is pinned by {pattern}: {leads}")
            }
            Self::Service { owner, priority, weight, port, target } => {
                write!(f, "record    {owner} SRV {priority} {weight} {port} {target}")
            }
            Self::Trouble { name, kind, server, problem } => {
                write!(f, "trouble   {name} {kind}: {problem} ({server})")
            }
        }
    }
}

/// How an address came.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In the additional section beside the SRV record.
    Additional,
    /// The name stands for this machine (RFC 6761 section 6.3).
    Local,
    /// By a question of its own.
    Query,
    /// From the pinned route.
    Route,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Additional => "came with the record",
            Self::Local => "this machine",
            Self::Query => "looked up",
            Self::Route => "pinned",
        })
    }
}

/// What a question was answered with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// The name exists, but has no such record.
    NoData,
    /// The name does not exist.
    NoName,
    /// So many records, aliases among them.
    Records(usize),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData => f.write_str("no such record"),
            Self::NoName => f.write_str("no such name"),
            Self::Records(1) => f.write_str("1 record"),
            Self::Records(count) => write!(f, "{count} records"),
        }
    }
}

/// Why something is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// An SRV target that is an alias.
    Alias,
    /// A host name, while DNS is switched off.
    DnsOff,
    /// The same address at the same port is there already.
    Duplicate,
    /// Enough addresses are there.
    Enough,
    /// It comes after this gateway, or level with it: what we are to relay to must come before us, as with MX
    /// records (RFC 5321 section 5.1).
    NotBeforeUs,
    /// No address.
    NoAddress,
    /// Target `.`.
    NotOffered,
    /// It is this gateway.
    Ourselves,
    /// Port 0.
    PortZero,
    /// No address now.
    Temporary,
    /// An address that belongs to no one host, or to none beyond a link.
    Unusable,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alias => "the target is an alias, which RFC 2782 forbids",
            Self::DnsOff => "is a name, and DNS is switched off",
            Self::Duplicate => "is there already",
            Self::Enough => "there are enough before it",
            Self::NotBeforeUs => "does not come before this gateway",
            Self::NoAddress => "has no address",
            Self::NotOffered => "the target `.` says that the service is not offered",
            Self::Ourselves => "is this gateway itself",
            Self::PortZero => "port 0 cannot be connected to",
            Self::Temporary => "its addresses cannot be had now",
            Self::Unusable => "is no address of a host that can be reached",
        })
    }
}
