//! Errors of the contract: who is at fault, whether to try again, what the sender may hear.

use crate::{Code, ForeignAddress, Withdrawn};

/// Who is at fault when an operation could not be handed over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Our caller asked for what this adapter cannot do.
    Caller,
    /// The configuration.
    Configuration,
    /// The adapter itself.
    Internal,
    /// The far side broke its protocol.
    PeerMisbehaved,
    /// The far side said no.
    PeerRefused,
    /// The way there: no connection, no answer, no room.
    Transport,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retry {
    /// Later, by the route's schedule, until its horizon.
    Later,
    /// Never.
    Never,
    /// Once whoever serves the address is in contact again, or later.
    OnContact,
}

/// An operation was not handed over: the far side has not accepted it.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {public}{}", if detail.is_empty() { String::new() } else { format!(" [{detail}]") })]
pub struct DeliveryError {
    /// Who is at fault.
    pub fault: Fault,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The code that the sender gets, should this be the last word.
    pub code: Code,
    /// What the sender may hear: nothing that gives hosts, people or rules away.
    pub public: String,
    /// What only the log may hear.
    pub detail: String,
}

impl DeliveryError {
    /// The way there is broken: worth trying again.
    #[must_use]
    pub fn transport(detail: impl Into<String>) -> Self {
        Self {
            fault: Fault::Transport,
            retry: Retry::Later,
            code: Code::Unreachable,
            public: "the next hop cannot be reached".into(),
            detail: detail.into(),
        }
    }

    /// Whoever serves the address is not in contact.
    #[must_use]
    pub fn out_of_contact() -> Self {
        Self {
            fault: Fault::Transport,
            retry: Retry::OnContact,
            code: Code::Unreachable,
            public: "known, but not in contact".into(),
            detail: String::new(),
        }
    }

    /// This leg can never take it.
    #[must_use]
    pub fn refused(code: Code, public: impl Into<String>) -> Self {
        Self { fault: Fault::Caller, retry: Retry::Never, code, public: public.into(), detail: String::new() }
    }
}

/// What was withdrawn at its commit point must not be sent: `commit.pass(recall).await?` is all that a delivery needs.
impl From<Withdrawn> for DeliveryError {
    fn from(withdrawn: Withdrawn) -> Self {
        Self::refused(Code::Expired, withdrawn.to_string())
    }
}

/// A foreign address that its protocol's grammar refuses.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{address}: {what}")]
pub struct BadAddress {
    /// The address as it was given.
    pub address: ForeignAddress,
    /// What is wrong with it, and what would have been right.
    pub what: String,
}

/// An adapter's run loop ended beyond repair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// A listener could not be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was configured.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something that should never happen did.
    #[error("{0}")]
    Internal(String),
}

/// An adapter could not be built from its configuration.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {what}")]
pub struct BuildError {
    /// The configuration key at fault.
    pub key: String,
    /// What is wrong with it, and what is accepted.
    pub what: String,
}
