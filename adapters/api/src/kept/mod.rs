//! Content that a protocol cannot show, kept for its reader: nothing is lost in translation to a person.
//!
//! An adapter that can show only a part of a message [keeps](Shelf::keep) the whole, and tells the reader how to get
//! it with [`Offer::sentence`]. Whoever the message was for writes `show ID` to the gateway's inbox, and is sent the
//! content as it came. It is kept for as long as the configuration says.
//!
//! ```no_run
//! # async fn deliver(cx: &cpim_adapter::AdapterContext, delivery: &cpim_adapter::Delivery, message: &cpim_adapter::Message) {
//! let line = match cx.kept.keep(message, &delivery.passage.id).await {
//!     Ok(offer) => offer.sentence("gateway"),
//!     Err(error) => format!("It cannot be shown here: {error}."),
//! };
//! # }
//! ```

mod note;
mod shelf;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::{Address, MAX_NOTE_OCTETS, MemoryError, Message};

pub use shelf::Shelf;

/// What of a message is kept beside its content, in octets at most: addresses, subjects, references.
pub const MAX_HEAD_OCTETS: usize = 256 << 10;

/// Largest content that is kept, in octets: with what belongs to it, it fits into a note.
pub const MAX_CONTENT_OCTETS: usize = MAX_NOTE_OCTETS - MAX_HEAD_OCTETS - 4;

/// For how long, and how much.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeptLimits {
    /// For how long something is kept.
    pub keep: Duration,
    /// Octets kept for one reader.
    pub octets_per_owner: usize,
    /// Octets kept for all of them together.
    pub octets: usize,
}

impl Default for KeptLimits {
    /// A week: over a holiday. For one reader as much as a hundred pictures, for all what a small disk has.
    fn default() -> Self {
        Self { keep: Duration::from_secs(7 * 24 * 3_600), octets_per_owner: 32 << 20, octets: 1 << 30 }
    }
}

/// The name of something kept. It cannot be guessed, and is short enough to be typed.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeptId(String);

impl KeptId {
    /// Characters that it has, of Crockford's base 32: 60 bits.
    const LENGTH: usize = 12;
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

    fn draw() -> Option<Self> {
        let mut bits = getrandom::u64().ok()?;
        let text = (0..Self::LENGTH).map(|_| {
            let digit = usize::try_from(bits & 31).ok().and_then(|digit| Self::DIGITS.get(digit));
            bits >>= 5;
            char::from(digit.copied().unwrap_or(b'0'))
        });
        Some(Self(text.collect()))
    }

    /// Reads one as people type it: in any case, with `o`, `i` and `l` for the digits they look like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.chars().map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        });
        let text: String = digits.collect();
        let is_one = text.len() == Self::LENGTH && text.bytes().all(|octet| Self::DIGITS.contains(&octet));
        is_one.then_some(Self(text))
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That something is kept, to be told to its reader.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Its name.
    pub id: KeptId,
    /// Octets of its content.
    pub octets: usize,
    /// What its content says that it is, without parameters.
    pub media_type: Option<String>,
    /// Until when it is kept.
    pub until: SystemTime,
    called: Option<String>,
}

impl Offer {
    /// The same, called by what its reader is shown of it instead of by its type and size: what was decoded for him has
    /// another size than what is kept.
    #[must_use]
    pub fn called(mut self, what: &str) -> Self {
        self.called = Some(what.to_owned());
        self
    }

    /// The command that gets it.
    #[must_use]
    pub fn command(&self) -> String {
        format!("show {}", self.id)
    }

    /// One line that tells the reader what is kept, and how to get it. `inbox`: the gateway's inbox, as the reader's
    /// own protocol writes it (`gateway`, `gateway@gw.example`).
    #[must_use]
    pub fn sentence(&self, inbox: &str) -> String {
        self.says(&format!("kept until {}", note::day(self.until)), inbox)
    }

    /// The same, for a reader for whom nothing is kept any more once he has left.
    #[must_use]
    pub fn sentence_to_guest(&self, inbox: &str) -> String {
        self.says("kept while you are here", inbox)
    }

    fn says(&self, kept: &str, inbox: &str) -> String {
        let what = self.called.clone().unwrap_or_else(|| {
            let media_type = self.media_type.as_deref().unwrap_or("content of no known type");
            format!("{media_type}, {} octets", self.octets)
        });
        format!("[{what}, {kept}. To get it, write to {inbox}: {}]", self.command())
    }
}

/// Something that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The message as it was for its reader, with its content octet for octet.
    pub message: Message,
    /// Until when it is kept.
    pub until: SystemTime,
}

/// What is known of something kept, without its content.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptLine {
    /// Its name.
    pub id: KeptId,
    /// For whom it is kept.
    pub owner: Address,
    /// Octets that it takes.
    pub octets: usize,
    /// Until when it is kept.
    pub until: SystemTime,
}

/// Why something is not kept.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// There is no room for it, for this reader or at all.
    #[error("there is no room to keep it")]
    Full,
    /// The store cannot take it.
    #[error("it cannot be kept at present")]
    Memory(#[from] MemoryError),
    /// It is larger than what is kept.
    #[error("its {octets} octets are too many to keep; {MAX_CONTENT_OCTETS} are kept")]
    TooLarge {
        /// How large it is.
        octets: usize,
    },
}
