//! The envelope of a mail: from whom, for whom, and what is to be reported.

use bytes::Bytes;

use super::path::{Mailbox, Path};

/// What MAIL says (RFC 5321 section 4.1.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sender {
    /// Where reports go.
    pub path: Path,
    /// How large the mail is said to be, in octets (RFC 1870).
    pub size: Option<u64>,
    /// What its lines hold (RFC 6152).
    pub body: Body,
    /// Whether addresses and header may be in UTF-8 (RFC 6531).
    pub utf8: bool,
    /// How much of the mail goes back with a report (RFC 3461 section 4.3).
    pub returned: Option<Returned>,
    /// The sender's own name for it, decoded (RFC 3461 section 4.4).
    pub envelope_id: Option<String>,
}

/// What the lines of a mail hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Body {
    /// `7BIT`.
    #[default]
    SevenBit,
    /// `8BITMIME`.
    EightBit,
}

/// How much of a mail goes back with a report of failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Returned {
    /// All of it.
    Full,
    /// Its header.
    Header,
}

/// What RCPT says (RFC 5321 section 4.1.1.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recipient {
    /// For whom it is; absent for `<postmaster>` without a domain.
    pub mailbox: Option<Mailbox>,
    /// What is to be reported (RFC 3461 section 4.1).
    pub notify: Notify,
    /// Whom the sender meant: type and address, decoded (RFC 3461 section 4.2).
    pub original: Option<(String, String)>,
}

/// What is to be reported of a recipient (RFC 3461 section 4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notify {
    /// Nothing was said: failures are.
    Unsaid,
    /// Nothing, whatever happens.
    Never,
    /// What is named.
    On {
        /// That it was delivered.
        success: bool,
        /// That it was not.
        failure: bool,
        /// That it is late.
        delay: bool,
    },
}

impl Notify {
    /// Whether a failure is reported.
    #[must_use]
    pub const fn failure(self) -> bool {
        matches!(self, Self::Unsaid | Self::On { failure: true, .. })
    }

    /// Whether a success is reported.
    #[must_use]
    pub const fn success(self) -> bool {
        matches!(self, Self::On { success: true, .. })
    }
}

/// An envelope: a sender, and the recipients that were accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The sender.
    pub sender: Sender,
    /// The recipients, in the order in which they were named.
    pub recipients: Vec<Recipient>,
}

/// A whole mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// Its envelope.
    pub envelope: Envelope,
    /// Its octets: header, blank line, body.
    pub octets: Bytes,
}
