//! Mails and operations: the translation, both ways.
//!
//! A mail is read once, by [`Mail::read`], and gives one operation for each recipient, by [`Mail::incoming`]. Its MIME
//! entity, the `Content-` fields and the body, becomes the content octet for octet; what stands beside it becomes
//! metadata. An operation is written by [`Letter::write`] for a person, and by [`Parcel::write`] for a peer gateway,
//! with the [envelope](cpim_adapter::envelope) from which the peer has it whole again.

mod answer;
mod body;
mod header;
mod incoming;
mod letter;
mod notice;
mod parcel;
mod part;
mod read;
mod text;

pub(crate) use body::quoted_printable;
pub(crate) use text::{Header, date_of};

pub use answer::Answer;
pub use incoming::{Incoming, Peers, meant};
pub use letter::{Letter, Post, Slip, Thread};
pub use notice::Notice;
pub use parcel::Parcel;
pub use part::Lossy;
pub use read::{Author, Mail, MailError};

/// Octets in a line at most, without its end (RFC 5322 section 2.1.1).
const MAX_LINE_OCTETS: usize = 998;

/// The type of a part that is a whole entity, header and all, from one gateway to another.
const ENTITY_TYPE: &str = "application/vnd.cpim-gateway.entity";
/// The type of a part that is an envelope, where it is too large for a header.
const ENVELOPE_TYPE: &str = "application/vnd.cpim-gateway.envelope";

/// Fields of our own.
mod field {
    /// The envelope (see [`cpim_adapter::envelope`]); believed from configured peers only.
    pub(super) const ENVELOPE: &str = "CPIM-Envelope";
    /// Hops that are left, for whoever is no peer.
    pub(super) const HOPS: &str = "CPIM-Max-Forwards";
    /// The operation's name.
    pub(super) const ID: &str = "CPIM-Operation-ID";
    /// The address behind an alias.
    pub(super) const SOURCE: &str = "CPIM-Source";
    /// A relay domain that the operation has crossed.
    pub(super) const VIA: &str = "CPIM-Via";
}
