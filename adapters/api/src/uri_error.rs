//! Why a text is not a URI of ours, rule by rule.

use thiserror::Error;

use crate::address::{Address, Class};
use crate::domain::DomainError;
use crate::source_route::RouteError;
use crate::uri::Uri;

/// Why a text is not an `im:` or `pres:` URI that names somebody, in the order of the checks.
///
/// Positions count octets from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// Longer than [`Uri::MAX_OCTETS`].
    #[error("a URI of {octets} octets: it may have {}", Uri::MAX_OCTETS)]
    TooLong {
        /// The length.
        octets: usize,
    },
    /// Another scheme, or none.
    #[error("no `im:` or `pres:` at the start: expected such as `im:fred@example.com`")]
    Scheme,
    /// A character that no URI has (RFC 3986 section 2), or a fragment.
    #[error("{found:?} at octet {at} cannot stand in a URI of this kind: percent-encode its UTF-8")]
    Character {
        /// Where.
        at: usize,
        /// The character.
        found: char,
    },
    /// A `%` without its digits.
    #[error("the `%` at octet {at} has not two hex digits after it: a percent sign itself is `%25`")]
    PercentEncoding {
        /// Where.
        at: usize,
    },
    /// Nothing before the header fields; a URI by its grammar, but it names nobody.
    #[error("the URI names no mailbox: expected such as `im:fred@example.com`")]
    NoMailbox,
    /// A raw slash at the start (RFC 2396 section 3).
    #[error("the mailbox begins with `/`: at the start it is written `%2F`")]
    LeadingSlash,
    /// No raw `@`.
    #[error("no `@`: expected a local-part, `@` and a domain")]
    NoDomain,
    /// More than one raw `@`.
    #[error("a second `@`: one that belongs to the local-part is written `%40`, inside `%22` quotes")]
    SecondAt,
    /// Percent-encoded octets that are not UTF-8.
    #[error("the percent-encoding is not UTF-8")]
    NotUtf8,
    /// C0, DEL or C1, however written.
    #[error("the control character {found:?}: no address has any")]
    Control {
        /// The character.
        found: char,
    },
    /// Not a domain.
    #[error("domain: {0}")]
    Domain(#[from] DomainError),
    /// Nothing before the `@`, or an empty quoted-string.
    #[error("the local-part is empty: expected such as `fred` in `im:fred@example.com`")]
    EmptyLocalPart,
    /// A dot first, last, or after another, outside quotes.
    #[error("a dot first, last or after another in the local-part: such a one is put in `%22` quotes")]
    Dots,
    /// A character that a dot-atom cannot have.
    #[error("{found:?} in the local-part, outside quotes: such a one is put in `%22` quotes")]
    Unquoted {
        /// The character.
        found: char,
    },
    /// A `\` before nothing, or before what needs none.
    #[error("a backslash in a quoted local-part without a printable ASCII character after it")]
    QuotedPair,
    /// A quoted-string without its end.
    #[error("the quoted local-part has no closing quote, `%22`")]
    Unclosed,
    /// Something after the closing quote.
    #[error("something stands between the closing quote and the `@`: a quote in the value is `%5C%22`")]
    AfterQuote,
    /// Longer than [`Address::MAX_LOCAL_OCTETS`].
    #[error("a local-part of {octets} octets: it may have {}", Address::MAX_LOCAL_OCTETS)]
    LocalPartTooLong {
        /// The length.
        octets: usize,
    },
    /// `pres:` where `im:` belongs, or the other way round.
    #[error("a `{found}:` URI where a `{wanted}:` URI belongs")]
    WrongClass {
        /// The class it has.
        found: Class,
        /// The class that the operation needs.
        wanted: Class,
    },
    /// At our own domain, after a selector, something that is no address.
    #[error(transparent)]
    Route(#[from] RouteError),
}
