//! Why a content cannot be read as a presence document.

use thiserror::Error;

use super::{MAX_OCTETS, MAX_TUPLES};
use crate::xml::XmlError;

/// Why a content cannot be read as a presence document (RFC 3863).
#[derive(Clone, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum PidfError {
    /// Not written in UTF-8 (RFC 3863 section 4.1): the charset of its Content-Type, or of its byte order mark.
    #[error("a presence document in {0}; only UTF-8 is accepted (RFC 3863 section 4.1)")]
    Charset(String),
    /// It is about somebody else, or does not say about whom (RFC 3863 section 4.1.1).
    #[error(
        "a presence document without `entity`, or about another presentity than the operation (RFC 3863 section 4.1.1)"
    )]
    Entity,
    /// Base64 or quoted-printable around it.
    #[error("a presence document in Content-Transfer-Encoding `{0}`; it must stand as it is")]
    Encoded(String),
    /// The outermost element is not PIDF's.
    #[error(
        "expected the element `presence` of the namespace urn:ietf:params:xml:ns:pidf (RFC 3863 section 4.1.1)"
    )]
    Root,
    /// A `basic` that is neither `open` nor `closed`, at this octet of the document (RFC 3863 section 4.1.4).
    #[error(
        "octet {0} of the presence document: expected `basic` of `open` or `closed` (RFC 3863 section 4.1.4)"
    )]
    Status(usize),
    /// More than [`MAX_OCTETS`].
    #[error("a presence document of {0} octets; {MAX_OCTETS} are accepted")]
    TooLarge(usize),
    /// More than [`MAX_TUPLES`].
    #[error("a presence document of more than {MAX_TUPLES} tuples")]
    TooManyTuples,
    /// Another type of content.
    #[error("expected content of the type application/pidf+xml")]
    Type,
    /// Not the XML that is accepted; says where.
    #[error(transparent)]
    Xml(#[from] XmlError),
}
