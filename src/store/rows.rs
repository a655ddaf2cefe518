//! What comes out of the store.

use super::write::{Acceptance, Intent, Label, Outcome};

/// Whose answers are asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OwnerScope {
    /// Every owner whose [`Acceptance::owner_domain`] is this.
    Domain(String),
    /// One owner.
    Owner {
        /// [`Acceptance::owner_domain`].
        domain: String,
        /// [`Acceptance::owner`].
        owner: String,
    },
    /// Every owner that is a source route with this selector.
    Route {
        /// [`Acceptance::owner_domain`]: the relay domain.
        domain: String,
        /// The selector's name.
        selector: String,
    },
}

impl OwnerScope {
    /// How the owners of a selector begin, and what stands behind all of them: `=` ends a selector, and `>` follows it.
    pub(super) fn route_range(selector: &str) -> (String, String) {
        (format!("im:{selector}="), format!("im:{selector}>"))
    }
}

/// An answer that waits for its owner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptAnswer {
    /// The operation.
    pub number: i64,
    /// Who is owed it.
    pub owner: String,
    /// The transID to answer with.
    pub trans_id: String,
    /// The answer.
    pub outcome: Outcome,
}

/// The first of a retransmission.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recalled {
    /// Its number.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// Its answer, once there is one.
    pub outcome: Option<Outcome>,
}

/// An operation to take up again after a start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unsettled {
    /// As it was accepted, but for `intent`, which is `None` here.
    pub acceptance: Acceptance,
    /// What may be with a next hop already. `None`: nothing is.
    pub attempt: Option<Attempt>,
}

/// One attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Where to, and under which transID.
    pub intent: Intent,
    /// When, in Unix milliseconds.
    pub at: i64,
}

/// All that is known of one operation, but for what was in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Story {
    /// The gateway's number for it.
    pub number: i64,
    /// Its name end to end.
    pub id: String,
    /// Who is owed the answer.
    pub owner: String,
    /// The transID of the incoming leg.
    pub trans_id: String,
    /// Which operation of the model it is.
    pub kind: Label,
    /// The source as it was spelled.
    pub source: String,
    /// The destination as it was spelled.
    pub destination: String,
    /// Octets of content it came with.
    pub octets: u64,
    /// Hops left on arrival.
    pub hops: u8,
    /// The relay domains crossed, separated by commas.
    pub via: String,
    /// Until when the sending side waits, in Unix milliseconds.
    pub wait_until: Option<i64>,
    /// Who vouches for the source and how.
    pub standing: String,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: i64,
    /// The attempts not taken back, oldest first; the last one stands.
    pub attempts: Vec<Attempt>,
    /// What became of it before acceptance: the router's JSON.
    pub steps: String,
    /// How it ended, once it has.
    pub settled: Option<Settled>,
}

/// How an operation ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settled {
    /// The answer.
    pub outcome: Outcome,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// Whether its owner is known to have it.
    pub handed_over: bool,
    /// What became of it since acceptance: the router's JSON.
    pub steps: String,
}

/// A name that stands for an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AliasRow {
    /// Where the name is unique.
    pub space: String,
    /// The name.
    pub name: String,
    /// The canonical address.
    pub address: String,
    /// When it was assigned, in Unix milliseconds.
    pub first_used: i64,
    /// When it was asked for last, in Unix milliseconds.
    pub last_used: i64,
}
