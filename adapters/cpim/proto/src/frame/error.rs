//! What can be wrong with a frame, coming and going.

use thiserror::Error;

use crate::limits::START_LINE_OCTETS;
use cpim_adapter::xml::XmlError;

/// Why octets are not the start line of a frame. It is the peer's fault: `bad-frame`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[error("octet {at} of the start line: {fault}")]
pub struct FrameError {
    /// What was wrong.
    pub fault: LineFault,
    /// Where: octets from the first of the start line.
    pub at: usize,
}

/// The rule of the start line that was broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum LineFault {
    /// An octet that no start line has.
    #[error("octet {0:#04x}; a start line is printable ASCII and single spaces")]
    Character(u8),
    /// A content over the limit.
    #[error("a content of more than {0} octets")]
    ContentTooLong(usize),
    /// Not a count.
    #[error("expected a count of octets, decimal without sign or leading zeros")]
    Count,
    /// A known parameter for the second time.
    #[error("a second `{0}`")]
    Duplicate(&'static str),
    /// CR without LF, or LF without CR.
    #[error("expected CRLF, both together, at the end of the line")]
    LineEnd,
    /// No end of line within the octets that a start line may have.
    #[error("no CRLF within {START_LINE_OCTETS} octets")]
    LineTooLong,
    /// Not a parameter.
    #[error("expected one space and a parameter `name=value`, or CRLF")]
    Parameter,
    /// Not a frame of this version.
    #[error("expected `CPIM/1 `")]
    Prefix,
    /// A known parameter with a value out of its range.
    #[error("{0}")]
    Value(&'static str),
    /// An element over the limit.
    #[error("XML of more than {0} octets")]
    XmlTooLong(usize),
}

/// Why a frame cannot be sent. It is our caller's fault, and nothing was sent: `too-large`, or for a start
/// line, whose only part without a bound of its own is `via`, `loop`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The content is over the limit.
    #[error("a content of {octets} octets; a frame takes {max}")]
    Content {
        /// How many there are.
        octets: usize,
        /// How many there may be.
        max: usize,
    },
    /// Markup within a tuple that would end the session.
    #[error("a tuple's markup is not well-formed XML: {0}")]
    Markup(#[from] XmlError),
    /// Markup that would end its tuple and go on behind it.
    #[error("a tuple's markup ends the tuple that holds it")]
    MarkupEnds,
    /// The parameters are too long together.
    #[error("a start line of {octets} octets; it may have {START_LINE_OCTETS}")]
    StartLine {
        /// How many there are.
        octets: usize,
    },
    /// The element is over the limit.
    #[error("XML of {octets} octets; a frame takes {max}")]
    Xml {
        /// How many there are.
        octets: usize,
        /// How many there may be.
        max: usize,
    },
}
