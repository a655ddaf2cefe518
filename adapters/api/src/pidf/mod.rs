//! Presence documents: the Presence Information Data Format, `application/pidf+xml` (RFC 3863).
//!
//! Presence has two forms, the draft's `presence` element ([`Presence`]) and a document such as PIDF; they travel side by side,
//! and whichever came goes out whole. Where a leg can take only the other one, it is made here:
//!
//! | draft | PIDF |
//! |---|---|
//! | `tuple@destination` | `contact`; without one, the entity's `im:` form |
//! | `tuple@status` | `status/basic`; without one, `closed` |
//! | text in a tuple | the tuple's `note`s, one a line; without one, the document's |
//! | elements in a tuple that have a namespace | extensions of the tuple; none the other way |
//! | `presence@entityInfo` | `homepage` (RFC 4482), in a `person` (RFC 4479) |
//!
//! What the other form has no place for is named, each time, as a [`Loss`].
//!
//! Nothing here answers for whether a document is *true*; [`Document::speaks_for`] tells whose presence it says it is.

mod content;
mod draft;
mod error;
mod filter;
mod loss;
mod number;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use content::is_pidf;
pub use error::PidfError;
pub use filter::{Filtered, Withheld, filter};
pub use loss::Loss;
pub use number::{Priority, timestamp};
pub use read::{Document, Note, PidfTuple};
pub use write::write;

#[cfg(doc)]
use crate::Presence;
use crate::xml::Rules;

/// The type of a presence document (RFC 3863 section 5).
pub const MEDIA_TYPE: &str = "application/pidf+xml";

/// Octets of a document that is read at most: many tuples with rich extensions stay below a tenth of it, and what is
/// larger is relayed without being read.
pub const MAX_OCTETS: usize = 262_144;

/// Tuples of a document that is read at most. A person has a few ways to be reached; what has more is no person's.
pub const MAX_TUPLES: usize = 1_000;

/// Elements within elements, and attributes of one: richer documents in use are 7 deep.
const RULES: Rules = Rules { depth: 32, attributes: 64, comments: true, any_encoding: false };

/// RFC 3863 section 4.1.1.
const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
/// RFC 4479 section 4.
const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
/// RFC 4482 section 3.
const CIPID: &str = "urn:ietf:params:xml:ns:pidf:cipid";
/// XML Signature: what it signs must not be taken apart.
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
