//! What can be wrong with a Message/CPIM. Header lines are counted from 1, octets from 0 at the first of them.

use super::{MAX_DEPTH, MAX_HEADERS, MAX_OCTETS, MAX_PARAMETERS, MAX_REQUIRED};

/// Why octets are not a Message/CPIM. Nothing of them can be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// CR or LF alone (RFC 3862 section 2.2).
    #[error("octet {octet} of the message headers is half a line end: every line ends in CRLF")]
    BareLineEnd {
        /// Where.
        octet: usize,
    },
    /// A control character that is not escaped (RFC 3862 section 2.2).
    #[error(
        "octet {octet} of the message headers is the control character {control:#04x}: it must be escaped"
    )]
    Control {
        /// Where.
        octet: usize,
        /// Which.
        control: u8,
    },
    /// A transfer encoding, which `message/*` cannot have (RFC 2045 section 6.4).
    #[error(
        "the Message/CPIM has a Content-Transfer-Encoding other than 7bit, 8bit and binary: undo it first"
    )]
    Encoded,
    /// A line that begins with a space (RFC 3862 section 2.2).
    #[error(
        "header line {line} begins with a space: there is no folding, and a name stands at the start of a line"
    )]
    Folded {
        /// Which line.
        line: usize,
    },
    /// A line that is not of the grammar (RFC 3862 section 3.6).
    #[error("header line {line} is malformed: expected {expected}")]
    Malformed {
        /// Which line.
        line: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// The content has no Content-Type (RFC 3862 section 2.4).
    #[error("what follows the message headers and one blank line has no Content-Type header of its own")]
    NoContentType,
    /// The entity says that it is something else, or nothing clear.
    #[error("the entity is not of Content-Type Message/CPIM")]
    NotMessageCpim,
    /// Octets that are not UTF-8 (RFC 3629).
    #[error("octet {octet} of the message headers is not UTF-8 (RFC 3629)")]
    NotUtf8 {
        /// Where.
        octet: usize,
    },
    /// [`MAX_DEPTH`] messages in one another, and still one more.
    #[error("more than {MAX_DEPTH} Message/CPIM in one another")]
    TooDeep,
    /// More than [`MAX_OCTETS`].
    #[error("{octets} octets: a Message/CPIM of more than {MAX_OCTETS} is not read")]
    TooLarge {
        /// How many there are.
        octets: usize,
    },
    /// More header lines than [`MAX_HEADERS`].
    #[error("more than {MAX_HEADERS} message headers")]
    TooManyHeaders,
    /// More parameters in one line than [`MAX_PARAMETERS`].
    #[error("header line {line} has more than {MAX_PARAMETERS} parameters")]
    TooManyParameters {
        /// Which line.
        line: usize,
    },
    /// More names in `Require` than [`MAX_REQUIRED`].
    #[error("header line {line}: more than {MAX_REQUIRED} names are required")]
    TooManyRequired {
        /// Which line.
        line: usize,
    },
    /// The octets end before the message headers do.
    #[error("the message headers do not end: expected a blank line behind them")]
    Unfinished,
}

/// Why the value of one header means nothing. The rest of the message can be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeaderError {
    /// Not an address (RFC 3862 sections 4.1 to 4.3).
    #[error(
        "header line {line} is not an address: expected a name or none, and an absolute URI without fragment in <>"
    )]
    Address {
        /// Which line.
        line: usize,
    },
    /// Not a date and time (RFC 3862 section 4.4).
    #[error(
        "header line {line} is not a date and time: expected the form 2001-02-01T12:16:49-05:00 of RFC 3339"
    )]
    DateTime {
        /// Which line.
        line: usize,
    },
    /// Half a surrogate pair, escaped (RFC 3862 section 2.3).
    #[error(
        "header line {line} escapes half a surrogate pair: expected both halves, or the character itself"
    )]
    UnpairedSurrogate {
        /// Which line.
        line: usize,
    },
}

/// Something that is wrong and was passed over; also what a reader should be told of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flag {
    /// An `NS` that is not `[prefix] <absolute-URI without fragment>`: it declares nothing (RFC 3862 section 4.6).
    BadNamespace {
        /// Which line.
        line: usize,
    },
    /// A header that may stand there once only, again: the first holds.
    Duplicate {
        /// Which line.
        line: usize,
    },
    /// No blank line between the message headers and those of the content ([`Mode::Tolerant`](super::Mode) only).
    NoBlankLine,
    /// A prefix that no `NS` before it declares: the header belongs to no namespace (RFC 3862 section 3.4).
    UndeclaredPrefix {
        /// Which line.
        line: usize,
    },
}

/// Why a Message/CPIM cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WriteError {
    /// The content has no Content-Type (RFC 3862 section 2.4).
    #[error("the content has no Content-Type header")]
    NoContentType,
    /// It would be of more than [`MAX_OCTETS`].
    #[error("a Message/CPIM of more than {MAX_OCTETS} octets is not written")]
    TooLarge,
    /// It would have more than [`MAX_HEADERS`].
    #[error("more than {MAX_HEADERS} message headers")]
    TooManyHeaders,
    /// `Require` would have more than [`MAX_REQUIRED`] names.
    #[error("more than {MAX_REQUIRED} names are required")]
    TooManyRequired,
}
