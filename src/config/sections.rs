//! The sections that are one table each: `[store]`, `[admin]`, `[log]`, `[limits]`, `[presence]`, `[kept]`, `[dns]`, `[selectors]`, `[rules]`.
//!
//! Every key has a default, so that an empty file with a relay domain is a gateway. The defaults are the
//! contract's where it names one; the others say why they are what they are.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cpim_adapter::kept::KeptLimits;
use serde::Deserialize;

use super::units;

/// `[store]`: where acceptances, outcomes and leases are kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The database file, relative to the working directory. Its folder must exist.
    pub path: PathBuf,
    /// Whether acceptance waits for the disk. Leases and presence always do.
    pub durability: Durability,
    /// The size in octets at which new operations are answered `busy`; none: as far as the disk goes.
    #[serde(deserialize_with = "units::maybe_octets")]
    pub max_octets: Option<u64>,
    /// How long a settled operation can still be traced.
    #[serde(deserialize_with = "units::span")]
    pub history: Duration,
    /// How long an answer that could not be handed over waits for its owner's next session.
    #[serde(deserialize_with = "units::span")]
    pub keep_answers: Duration,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: PathBuf::from("cpim-gateway.db"),
            durability: Durability::Full,
            max_octets: None,
            history: units::DAY.saturating_mul(7),
            keep_answers: units::DAY,
        }
    }
}

/// What `success` may be said upon.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// The journal is on disk before anybody is told.
    #[default]
    Full,
    /// Messages are not written down: a crash may lose them. For trying out, and for measuring.
    None,
}

/// `[admin]`: how the administrator looks in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// The Unix socket, relative to the working directory; only its owner can open it.
    pub socket: PathBuf,
    /// Where to listen for HTTP, if at all.
    #[serde(deserialize_with = "units::maybe_socket")]
    pub http: Option<SocketAddr>,
    /// The token for HTTP, relative to the working directory; made at the first start.
    pub token_file: PathBuf,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            socket: PathBuf::from("cpim-gateway.sock"),
            http: None,
            token_file: PathBuf::from("cpim-gateway.token"),
        }
    }
}

/// `[log]`: what goes to standard error.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// One aligned line for people, or one JSON object per line for machines.
    pub format: LogFormat,
    /// A level, or a filter by module: `info`, `info,cpim_native=debug`. Reloaded at SIGHUP.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// The form of a line of the log.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// One aligned line per event.
    #[default]
    Text,
}

/// `[limits]`: every cap that the outside can run into. What is over a cap is refused, never cut.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// What an operation without `hops` starts with (RFC 3860 section 4, MaxForwards).
    pub hops: u8,
    /// How long transport faults are retried on a route before `unreachable`.
    #[serde(deserialize_with = "units::span")]
    pub retry_horizon: Duration,
    /// How long the far side's word is awaited after the handing over before `indeterminant`.
    #[serde(deserialize_with = "units::span")]
    pub max_wait: Duration,
    /// Accepted, unsettled operations of one (source, destination) pair before `busy`.
    pub pair_backlog: usize,
    /// Content held in memory for all operations together, in octets, before `busy`.
    #[serde(deserialize_with = "units::octets")]
    pub memory_octets: usize,
    /// The XML element of one frame, in octets.
    #[serde(deserialize_with = "units::octets")]
    pub xml_octets: usize,
    /// The MIME entity of one frame, in octets.
    #[serde(deserialize_with = "units::octets")]
    pub content_octets: usize,
    /// Elements within elements in one frame.
    pub depth: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// Operations outstanding on one session in one direction before `busy`.
    pub session_operations: usize,
    /// Sessions open at the same time.
    pub sessions: usize,
    /// How long retransmissions are recognised; told to the other side in whole seconds.
    #[serde(deserialize_with = "units::span")]
    pub remembers: Duration,
    /// How long a stop, or the end of one session, waits for what is under way.
    #[serde(deserialize_with = "units::span")]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hops: 128,
            retry_horizon: Duration::from_secs(5 * 60),
            max_wait: Duration::from_secs(10 * 60),
            pair_backlog: 1024,
            memory_octets: 256 * units::MIB,
            xml_octets: 64 * units::KIB,
            content_octets: units::MIB,
            depth: 16,
            attributes: 32,
            session_operations: 4096,
            sessions: 10_000,
            remembers: Duration::from_secs(3600),
            drain: Duration::from_secs(10),
        }
    }
}

/// `[presence]`: subscriptions, and the memory of who watched.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Presence {
    /// The longest subscription that is granted; who asks for more is granted this.
    #[serde(deserialize_with = "units::span")]
    pub max_lease: Duration,
    /// What another server is asked for where the watcher named no duration; renewed for as long as he watches.
    #[serde(deserialize_with = "units::span")]
    pub default_lease: Duration,
    /// Subscriptions of one watcher before `busy`.
    pub leases_per_watcher: usize,
    /// Subscriptions to one presentity before `busy`.
    pub leases_per_presentity: usize,
    /// What one source may ask for a second in the long run, and ten times as much at once, before `busy`.
    pub rate: u32,
    /// How long a presentity is told of who watched, or looked once.
    #[serde(deserialize_with = "units::span")]
    pub winfo_span: Duration,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            max_lease: units::DAY,
            default_lease: Duration::from_secs(3600),
            leases_per_watcher: 10_000,
            leases_per_presentity: 1_000_000,
            rate: 100,
            winfo_span: Duration::from_secs(3600),
        }
    }
}

/// `[kept]`: content that a protocol could not show, kept for its reader.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Kept {
    /// How long something is kept.
    #[serde(rename = "for", deserialize_with = "units::span")]
    pub keep: Duration,
    /// Octets kept for one reader.
    #[serde(deserialize_with = "units::octets")]
    pub octets_per_reader: usize,
    /// Octets kept for all readers together.
    #[serde(deserialize_with = "units::octets")]
    pub octets: usize,
}

impl Default for Kept {
    fn default() -> Self {
        let KeptLimits { keep, octets_per_owner, octets } = KeptLimits::default();
        Self { keep, octets_per_reader: octets_per_owner, octets }
    }
}

impl From<&Kept> for KeptLimits {
    fn from(kept: &Kept) -> Self {
        Self { keep: kept.keep, octets_per_owner: kept.octets_per_reader, octets: kept.octets }
    }
}

/// `[dns]`: how domains without a pinned route are resolved (RFC 3861).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Dns {
    /// Whether DNS is asked at all; without it only pinned routes lead anywhere.
    pub enabled: bool,
    /// Whether the servers of this machine's own configuration are asked where `servers` names none.
    pub system: bool,
    /// The servers to ask instead, in order; port 53 where none is written.
    #[serde(deserialize_with = "units::dns_servers")]
    pub servers: Vec<SocketAddr>,
    /// How long one query may take.
    #[serde(deserialize_with = "units::span")]
    pub timeout: Duration,
    /// How often one query is asked.
    pub attempts: usize,
    /// How many addresses of one domain are considered at most.
    pub max_candidates: usize,
    /// Protocols in the order in which their SRV records are looked for.
    pub protocols: Vec<String>,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            enabled: true,
            system: true,
            servers: Vec::new(),
            timeout: Duration::from_secs(5),
            attempts: 2,
            max_candidates: 16,
            protocols: vec!["cpim".to_owned()],
        }
    }
}

/// `[selectors]`: foreign address schemes besides those that the gateway knows.
pub(crate) type AddedSelectors = BTreeMap<String, SelectorForm>;

/// Where a scheme's addresses begin.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SelectorForm {
    /// `name://...`
    Hierarchical,
    /// `name:...`
    Opaque,
}

impl SelectorForm {
    /// The model's word for it.
    pub(crate) fn shape(self) -> cpim_adapter::Shape {
        match self {
            Self::Hierarchical => cpim_adapter::Shape::Hierarchical,
            Self::Opaque => cpim_adapter::Shape::Opaque,
        }
    }
}

/// `[rules]`: what holds where no `[[rule]]` matches.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rules {
    /// Safe unless somebody says otherwise: `deny`.
    pub default: Action,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The operation goes on its way.
    Allow,
    /// The operation is answered `denied`.
    #[default]
    Deny,
}
