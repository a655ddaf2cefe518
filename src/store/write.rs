//! What goes into the store, and what comes back when it is in.

use std::borrow::Cow;

use bytes::Bytes;

use super::leases::LeaseRow;

/// A word out of a fixed vocabulary (a status, a code, a kind): borrowed when written, owned when read.
pub type Label = Cow<'static, str>;

/// One write.
#[derive(Clone, Debug)]
pub enum Write {
    /// A new operation. Answered by [`Done::Accepted`] or [`Done::Failed`].
    Accept(Box<Acceptance>),
    /// Gets the alias of an address, or assigns one. Answered by [`Done::Aliased`] or [`Done::AliasFailed`].
    Alias {
        /// Where the name is unique: an adapter, or one network of it.
        space: String,
        /// The canonical address that the alias stands for.
        address: String,
        /// Names to try where there is no alias yet, best first.
        candidates: Vec<String>,
        /// When, in Unix milliseconds.
        at: i64,
    },
    /// Notes a value under a key, unless something is noted there. Answered by [`Done::Noted`].
    AddNote {
        /// By which the answer is known.
        ticket: u64,
        /// Where the key is unique: an adapter, or a part of the gateway.
        space: String,
        /// The key.
        key: String,
        /// The value.
        value: Bytes,
        /// When it is forgotten by itself, in Unix milliseconds.
        expires_at: Option<i64>,
        /// When, in Unix milliseconds: what has expired by then is not there.
        at: i64,
    },
    /// The operation is about to be handed to a next hop; any earlier attempt is known to have come to nothing.
    /// Nothing may be sent before [`Done::Attempted`]. Answered by that or [`Done::Lost`]; never fails, but may
    /// be late.
    Attempt {
        /// The operation.
        number: i64,
        /// Where to, and under which transID.
        intent: Intent,
        /// When, in Unix milliseconds.
        at: i64,
    },
    /// Forgets a note. Lazy and unanswered; lost in a crash, the note is still there.
    Forget {
        /// Where the key is unique.
        space: String,
        /// The key.
        key: String,
    },
    /// Notes the subscription of a pair, or how it ended, instead of what was there of that pair. Answered by
    /// [`Done::Noted`], which says that it was not kept where another gateway holds it, or another run of this one.
    Lease {
        /// By which the answer is known.
        ticket: u64,
        /// The subscription.
        lease: Box<LeaseRow>,
    },
    /// Notes a value under a key, instead of what was there, or forgets it. Answered by [`Done::Noted`].
    Note {
        /// By which the answer is known.
        ticket: u64,
        /// Where the key is unique: an adapter, or a part of the gateway.
        space: String,
        /// The key.
        key: String,
        /// The value; none: what was there is forgotten.
        value: Option<Bytes>,
        /// When it is forgotten by itself, in Unix milliseconds.
        expires_at: Option<i64>,
    },
    /// The answer reached its owner: it need not be kept for the owner's next session. Lazy: unanswered, and
    /// durable within about a second; lost in a crash, the answer is given once more, which is harmless.
    HandedOver {
        /// The operation.
        number: i64,
    },
    /// An address is served here: from now on it is known. Lazy and unanswered.
    Seen {
        /// Canonical address.
        address: String,
        /// Its domain.
        domain: String,
        /// When, in Unix milliseconds.
        at: i64,
    },
    /// The outcome. The first one stands, for ever. Answered by [`Done::Settled`] or [`Done::Lost`]; never
    /// fails, but may be late.
    Settle {
        /// The operation.
        number: i64,
        /// What its owner is told.
        outcome: Outcome,
        /// When, in Unix milliseconds.
        at: i64,
        /// What became of it since acceptance, for `trace`: JSON, opaque to the store.
        steps: String,
        /// Somebody waits for the answer. Where nobody does, it is lazy.
        awaited: bool,
    },
    /// What the watcher of a subscription was told last. Lazy and unanswered; lost, he is told the same once more.
    Told {
        /// Canonical.
        watcher: String,
        /// Canonical.
        presentity: String,
        /// A digest of it.
        digest: i64,
    },
    /// The name of an alias is taken by a real user: the alias is forgotten. Unanswered.
    Unalias {
        /// Where the name is unique.
        space: String,
        /// The name.
        name: String,
    },
    /// Nothing of the operation is with any next hop after all: its attempts are taken back and their transIDs
    /// forgotten. Unanswered; lost in a crash, the attempt stands, which is the safe side.
    Withdraw {
        /// The operation.
        number: i64,
    },
}

impl Write {
    /// Whether this may be refused for lack of room. What concerns an operation already accepted may not.
    pub(super) fn may_be_refused(&self) -> bool {
        matches!(
            self,
            Self::Accept(_)
                | Self::AddNote { .. }
                | Self::Alias { .. }
                | Self::Lease { .. }
                | Self::Note { value: Some(_), .. }
                | Self::Seen { .. }
                | Self::Told { .. }
        )
    }

    /// Whether somebody waits for it.
    pub(super) fn is_lazy(&self) -> bool {
        match self {
            Self::Settle { awaited, .. } => !awaited,
            Self::Forget { .. } | Self::HandedOver { .. } | Self::Seen { .. } | Self::Told { .. } => true,
            _ => false,
        }
    }

    /// About how much room it takes, in octets.
    pub(super) fn octets(&self) -> usize {
        match self {
            Self::Accept(acceptance) => acceptance.octets(),
            Self::AddNote { value, .. } => ROW_OCTETS + value.len(),
            Self::Lease { lease, .. } => ROW_OCTETS + lease.octets(),
            Self::Note { value, .. } => ROW_OCTETS + value.as_ref().map_or(0, Bytes::len),
            Self::Settle { outcome, steps, .. } => ROW_OCTETS + outcome.text.len() + steps.len(),
            _ => ROW_OCTETS,
        }
    }
}

/// What a row costs beside its long fields: identifiers, addresses and index entries, roughly.
const ROW_OCTETS: usize = 512;

/// An operation as it is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Acceptance {
    /// Assigned by the gateway; greater than every one before.
    pub number: i64,
    /// The operation's name end to end (`id` of the native binding).
    pub id: String,
    /// Who is owed the answer: `peer:DOMAIN`, or the canonical URI of the source.
    pub owner: String,
    /// The domain under which [`OwnerScope::Domain`](super::OwnerScope::Domain) finds the owner.
    pub owner_domain: String,
    /// The transID of the incoming leg, octet for octet.
    pub trans_id: String,
    /// SHA-256 over everything that makes a retransmission one: source, destination and content.
    pub digest: [u8; 32],
    /// Which operation of the model this is.
    pub kind: Label,
    /// The source as it was spelled.
    pub source: String,
    /// The destination as it was spelled.
    pub destination: String,
    /// The canonical source.
    pub source_key: String,
    /// The canonical destination.
    pub destination_key: String,
    /// The MIME entity, untouched. Wiped once the operation is settled.
    pub content: Bytes,
    /// What travels beside the content: JSON, opaque to the store. Wiped with it.
    pub metadata: String,
    /// Hops left on arrival, 0 to 255.
    pub hops: u8,
    /// The relay domains crossed, oldest first, separated by commas; may be empty.
    pub via: String,
    /// Until when the sending side waits, in Unix milliseconds.
    pub wait_until: Option<i64>,
    /// Who vouches for the source and how; the router's spelling.
    pub standing: String,
    /// When, in Unix milliseconds.
    pub accepted_at: i64,
    /// The attempt that follows at once, where the peer recognises retransmissions: it needs no commit of its
    /// own.
    pub intent: Option<Intent>,
    /// What became of it before acceptance, for `trace`: JSON, opaque to the store.
    pub steps: String,
}

impl Acceptance {
    pub(super) fn octets(&self) -> usize {
        ROW_OCTETS + self.content.len() + self.metadata.len() + self.steps.len()
    }
}

/// One handing over of an operation to a next hop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Intent {
    /// The transID of the outgoing leg.
    pub leg: String,
    /// The next hop, as the router names it.
    pub hop: String,
    /// Until when the next hop recognises a retransmission, in Unix milliseconds. `None`: it does not, and what
    /// may have been sent must never be sent again.
    pub recall_until: Option<i64>,
}

/// An answer: the draft's response, as its owner gets it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// `success`, `failure` or `indeterminant`.
    pub status: Label,
    /// The code before the text, where there is one.
    pub code: Option<Label>,
    /// The words after the code.
    pub text: String,
    /// The language of the text.
    pub lang: Option<String>,
    /// Duration granted, in seconds.
    pub duration: Option<u32>,
    /// The subscriptID (RFC 3859 section 3.1).
    pub subscript_id: Option<String>,
}

/// A write that was performed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Done {
    /// The acceptance was examined; unless it is [`Verdict::New`], nothing was kept of it.
    Accepted {
        /// The number it came with.
        number: i64,
        /// What it is.
        verdict: Verdict,
    },
    /// The address has this alias; `None`: every candidate is taken.
    Aliased {
        /// As asked.
        space: String,
        /// As asked.
        address: String,
        /// The name.
        name: Option<String>,
    },
    /// The alias could not be written at present.
    AliasFailed {
        /// As asked.
        space: String,
        /// As asked.
        address: String,
    },
    /// The intent is durable; the operation may be sent.
    Attempted {
        /// The operation.
        number: i64,
    },
    /// The acceptance could not be made durable; nothing of it is kept. The sender is told `busy`.
    Failed {
        /// The number it came with.
        number: i64,
    },
    /// This gateway does not hold the operation: it never accepted it, or another gateway took it over. It must
    /// neither send it nor answer for it.
    Lost {
        /// The operation.
        number: i64,
    },
    /// The note or subscription is durable, or is not kept.
    Noted {
        /// As asked.
        ticket: u64,
        /// Whether it is.
        kept: Kept,
    },
    /// The outcome is durable.
    Settled {
        /// The operation.
        number: i64,
        /// Whether this is the outcome that stands; `false`: there was one before, which stands.
        first: bool,
    },
}

/// What became of a note or a subscription.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// It is durable.
    Now,
    /// Something was there before, which stays.
    Before,
    /// It could not be taken, or is another's to write.
    Not,
}

/// What an acceptance turned out to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// This id went to this destination before (RFC 3860 section 3.4.2 leaves loop control to the gateway).
    Loop,
    /// An operation not known before; it is durable now.
    New,
    /// The same transID, addresses and content from the same owner are remembered. Asked before
    /// [`Loop`](Self::Loop).
    Retransmission {
        /// The number of the first.
        first: i64,
    },
}
