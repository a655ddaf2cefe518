//! The adapters, one row each. No other file names one.

#[cfg(feature = "conform")]
pub mod conform;
#[cfg(feature = "cpim")]
pub mod cpim;
#[cfg(feature = "irc")]
pub mod irc;
mod section;
#[cfg(feature = "smtp")]
pub mod smtp;
mod tls;

use std::sync::Arc;

use cpim_adapter::{Adapter, BuildError, Capabilities, Feature};

use crate::config::{AdapterSection, Config};
use crate::resolver::Record;

/// One adapter that can be built.
pub struct Row {
    /// Its section of the configuration, whose name is also that of its protocol in routes and SRV labels.
    pub section: AdapterSection,
    /// The selectors whose foreign addresses are its.
    pub selectors: &'static [&'static str],
    /// The DNS records that it needs.
    pub records: fn(&Config) -> Records,
    /// The ways in which it takes part; for the loss matrix.
    pub ways: &'static [Way],
    /// Builds it from the configuration; opens nothing.
    pub build: fn(&Config) -> Result<Built, BuildError>,
}

/// One way in which an adapter takes part, where it has several, or the only one.
pub struct Way {
    /// How it is called: the name of the section, and what tells one way from another.
    pub name: &'static str,
    /// What the adapter claims by it before it knows a peer, with this as the largest content of the native protocol.
    pub capabilities: fn(usize) -> Capabilities,
    /// Which features its users can say themselves, in whatever form.
    pub says: fn(Feature) -> bool,
}

/// The DNS records of an adapter; of one that cannot be had, why.
pub type Records = Result<Vec<Result<Record, BuildError>>, BuildError>;

/// An adapter, and how it is told of a new configuration.
pub struct Built {
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// Takes what can change while it runs.
    pub reload: Reload,
}

/// Tells an adapter of a new configuration, and returns what of it holds only after a restart; an error leaves
/// the old one in force.
pub type Reload = Box<dyn Fn(&Config) -> Result<Vec<String>, BuildError> + Send + Sync>;

/// Every adapter of this build.
pub const ROWS: &[Row] = &[
    #[cfg(feature = "cpim")]
    Row {
        section: cpim::section::SECTION,
        selectors: &[],
        records: |_| Ok(Vec::new()),
        ways: &[Way { name: "cpim", capabilities: cpim_native::capabilities, says: |_| true }],
        build: cpim::build,
    },
    #[cfg(feature = "irc")]
    Row {
        section: irc::section::SECTION,
        selectors: &["irc", "ircs"],
        records: |_| Ok(Vec::new()),
        ways: &[
            Way { name: "irc", capabilities: |_| cpim_irc::capabilities(), says: says_a_line },
            Way {
                name: "irc-network",
                capabilities: |_| cpim_irc::network_capabilities(),
                says: says_a_line,
            },
        ],
        build: irc::build,
    },
    #[cfg(feature = "smtp")]
    Row {
        section: smtp::section::SECTION,
        selectors: &["mailto"],
        records: smtp::records,
        ways: &[Way {
            name: "smtp",
            capabilities: |_| cpim_smtp::capabilities(),
            says: |feature| feature != Feature::RichPresence,
        }],
        build: smtp::build,
    },
];

/// What can be said in one line of text, which is all that there is to a message on IRC.
#[cfg(feature = "irc")]
const fn says_a_line(feature: Feature) -> bool {
    matches!(feature, Feature::Outcome | Feature::Unicode)
}

/// The sections of the configuration that belong to adapters.
#[must_use]
pub fn sections() -> Vec<AdapterSection> {
    ROWS.iter().map(|row| row.section).collect()
}
