//! The proven envelope: what an operation has that a foreign protocol has no place for, between two gateways.
//!
//! An operation that crosses mail or IRC to another gateway is written there as its people would write it, and an
//! envelope goes with it that they do not see: everything but the octets of the content, as compact ASCII. The other
//! gateway puts the operation together again from the envelope and from what it was sent as.
//!
//! ```text
//!   v=1&k=message&s=im:fred@a.example&d=im:bob@b.example&id=..&h=127&..&cd=(digest of the content)&m=(proof)
//! ```
//!
//! The proof is an HMAC-SHA-256 over all that stands before it, keyed for one configured peer gateway and one direction:
//! over kind, source, destination, id, time, and the digest of the content among it. An envelope is believed from
//! nobody else; whoever receives any other strips it, and takes the rest for what a person typed.
//!
//! What became of it goes back in an envelope of its own, a [`Reply`], where the protocol has no answer of its own.
//!
//! What is proven can still be sent twice by whoever has seen it. A message is known again by its id, which the
//! journal keeps; for what it does not keep there are the [time of sealing](Opened::is_current) and [`Replays`].

mod error;
mod fields;
mod key;
mod open;
mod pieces;
mod replays;
mod reply;
mod seal;

pub use error::EnvelopeError;
pub use key::Key;
pub use open::{Opened, open};
pub use pieces::{Joiner, split};
pub use replays::Replays;
pub use reply::{OpenedReply, Reply, is_reply, name_of, open_reply};
pub use seal::Departure;

/// Largest envelope, in octets: room for the presence of a frame of 64 KiB with every octet escaped.
pub const MAX_OCTETS: usize = 256 * 1_024;

/// The version that is written, and the only one that is read.
const VERSION: &str = "1";

/// Names of fields.
mod name {
    pub(super) const VERSION: &str = "v";
    pub(super) const KIND: &str = "k";
    pub(super) const SPEAKS_FOR: &str = "s";
    pub(super) const GOES_TO: &str = "d";
    pub(super) const ID: &str = "id";
    pub(super) const HOPS: &str = "h";
    pub(super) const VIA: &str = "via";
    /// In milliseconds.
    pub(super) const WAIT: &str = "w";
    pub(super) const STANDING: &str = "a";
    /// In seconds since 1970.
    pub(super) const SENT_AT: &str = "t";
    /// A language and a colon in front.
    pub(super) const SUBJECT: &str = "su";
    pub(super) const DATE: &str = "dt";
    pub(super) const SOURCE_NAME: &str = "sn";
    pub(super) const DESTINATION_NAME: &str = "dn";
    pub(super) const MESSAGE_REF: &str = "mr";
    pub(super) const REFERENCE: &str = "rf";
    pub(super) const AUTOMATIC: &str = "au";
    pub(super) const DURATION: &str = "du";
    pub(super) const SUBSCRIPT_ID: &str = "si";
    pub(super) const IN_REPLY_TO: &str = "re";
    pub(super) const STATUS: &str = "st";
    pub(super) const TEXT: &str = "tx";
    pub(super) const LANG: &str = "la";
    pub(super) const ENTITY_INFO: &str = "ei";
    /// Begins a tuple; what follows up to the next one is of it.
    pub(super) const TUPLE: &str = "td";
    pub(super) const TUPLE_STATUS: &str = "ts";
    pub(super) const TUPLE_MARKUP: &str = "tm";
    /// A prefix and a space in front.
    pub(super) const TUPLE_NAMESPACE: &str = "tn";
    pub(super) const CONTENT_DIGEST: &str = "cd";
    pub(super) const CONTENT_HEAD: &str = "ch";
    pub(super) const PROOF: &str = "m";
}
