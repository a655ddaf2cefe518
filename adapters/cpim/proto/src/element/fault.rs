//! What bad input gets, and why.

use cpim_adapter::{Code, Kind, Response, TransId};
use thiserror::Error;

use super::Reason;
use crate::{FrameError, XmlError};

/// What a frame gets that cannot be taken as it came.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
pub enum Rejection {
    /// The operation is refused; the session goes on.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The session is closed.
    #[error(transparent)]
    Violation(#[from] Violation),
}

impl From<XmlError> for Rejection {
    fn from(error: XmlError) -> Self {
        Self::Violation(error.into())
    }
}

/// An operation that is well formed, names its transID, and asks for what cannot be meant.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
#[error("{code}: {words}")]
pub struct Refusal {
    /// Which operation: a notify is never answered, only dropped.
    pub kind: Kind,
    /// What the response must echo.
    pub trans_id: TransId,
    /// `bad-address` or `unsupported`.
    pub code: Code,
    /// What was wrong, and what would have been right.
    pub words: String,
}

impl Refusal {
    /// What the peer is told, if its operation is one that is answered.
    #[must_use]
    pub fn response(&self) -> Option<Response> {
        (self.kind != Kind::Notify).then(|| Response::failure(self.code, self.words.clone()))
    }
}

/// How a peer broke the contract: the session ends with it.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// Content with an element that has none.
    #[error("a content of {octets} octets with an element that takes 0")]
    Content {
        /// How much there was.
        octets: usize,
    },
    /// The start line.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An element that is no operation, and lacks what it must have.
    #[error("`{element}`: {what}")]
    Malformed {
        /// Its name.
        element: String,
        /// What was wrong, and what would have been right.
        what: String,
    },
    /// Not the time for it.
    #[error("{0}")]
    OutOfOrder(&'static str),
    /// The transID of an operation that still waits, for another one.
    #[error("the transID `{}` belongs to another operation that is still waiting", .0.as_str())]
    TransIdTaken(TransId),
    /// No element of this version.
    #[error(
        "expected open, close, ping, response, message, subscribe, notify, unsubscribe or publish, not `{name}`"
    )]
    UnknownElement {
        /// Its name.
        name: String,
    },
    /// A version of the binding that we do not speak. The text is the version that we do.
    #[error("1")]
    UnsupportedVersion,
    /// The element.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

impl Violation {
    /// The reason that the peer is told. `Display` is the text beside it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Content { .. }
            | Self::Frame(_)
            | Self::Malformed { .. }
            | Self::TransIdTaken(_)
            | Self::Xml(_) => Reason::BadFrame,
            Self::OutOfOrder(_) => Reason::OutOfOrder,
            Self::UnknownElement { .. } => Reason::UnknownElement,
            Self::UnsupportedVersion => Reason::UnsupportedVersion,
        }
    }

    pub(super) fn malformed(element: &str, what: String) -> Self {
        Self::Malformed { element: element.to_owned(), what }
    }
}
