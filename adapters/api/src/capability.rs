//! What an adapter claims: by degree, for every feature, so that no claim is forgotten.

/// What a message or presence may have that a protocol may not. Exhaustive on purpose: a new feature
/// must be answered by every adapter.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Feature {
    /// Content of any MIME type, octet for octet.
    AnyContent,
    /// The author's date.
    Date,
    /// Names of source and destination for people.
    DisplayNames,
    /// Knowing that the far side has it, or has it not.
    Outcome,
    /// Several lines in one message.
    MultiLine,
    /// Richer presence beside open and closed.
    RichPresence,
    /// A subject.
    Subject,
    /// Which message this one follows up on.
    Threads,
    /// Characters beyond ASCII.
    Unicode,
}

impl Feature {
    /// Every feature there is.
    pub const ALL: [Self; 9] = [
        Self::AnyContent,
        Self::Date,
        Self::DisplayNames,
        Self::Outcome,
        Self::MultiLine,
        Self::RichPresence,
        Self::Subject,
        Self::Threads,
        Self::Unicode,
    ];

    /// What it is called in tables for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnyContent => "content of any type",
            Self::Date => "date",
            Self::DisplayNames => "names for people",
            Self::Outcome => "knowing what became of it",
            Self::MultiLine => "several lines",
            Self::RichPresence => "richer presence than open and closed",
            Self::Subject => "subject",
            Self::Threads => "threads",
            Self::Unicode => "characters beyond ASCII",
        }
    }
}

/// How far a feature is supported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Support {
    /// It crosses whole.
    Full,
    /// It crosses in another form, which is named.
    Degraded(&'static str),
    /// The operation crosses without it, and the loss is recorded.
    Dropped,
    /// The operation is refused (`unsupported` or `lossy`).
    Rejected,
}

/// How the protocol knows presence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PresenceSupport {
    /// It knows none.
    None,
    /// The adapter observes a presentity once, however many watch; the gateway keeps the leases.
    Observe,
    /// Subscriptions pass through with the watcher's own identity.
    PassThrough,
}

/// An adapter's claims. They may narrow once a peer is known, and never widen.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// The claim for each feature; total, because it is a function.
    pub support: fn(Feature) -> Support,
    /// How presence is known.
    pub presence: PresenceSupport,
    /// Largest entity that a leg can take, in octets; absent: as large as the gateway's own limit.
    pub max_content_octets: Option<usize>,
}
