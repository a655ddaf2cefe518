//! `close`: the end of a session.

use std::fmt;

use super::{Rejection, cut, excerpt, text};
use cpim_adapter::xml::{Reader, Tag, Writer};

/// The end of a session: without a reason in order, with one because of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Close {
    /// Why, where it is said.
    pub reason: Option<Reason>,
    /// The same for people; with `unsupported-version`, the version that is spoken.
    pub text: String,
}

/// Why a session is closed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Octets that are no frame of this version.
    BadFrame,
    /// Single addresses of a domain that another session is home to.
    Conflict,
    /// An operation before `open`, or a second `open`.
    OutOfOrder,
    /// The side that closes is being shut down. In order, as without a reason.
    Shutdown,
    /// Nothing was read, or heard, for too long.
    Timeout,
    /// A claim that nothing covers.
    Unauthorised,
    /// An element that is not known.
    UnknownElement,
    /// A version that is not spoken.
    UnsupportedVersion,
    /// A word that this version does not know.
    Other(Box<str>),
}

impl Reason {
    const KNOWN: [Self; 8] = [
        Self::BadFrame,
        Self::Conflict,
        Self::OutOfOrder,
        Self::Shutdown,
        Self::Timeout,
        Self::Unauthorised,
        Self::UnknownElement,
        Self::UnsupportedVersion,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::BadFrame => "bad-frame",
            Self::Conflict => "conflict",
            Self::OutOfOrder => "out-of-order",
            Self::Shutdown => "shutdown",
            Self::Timeout => "timeout",
            Self::Unauthorised => "unauthorised",
            Self::UnknownElement => "unknown-element",
            Self::UnsupportedVersion => "unsupported-version",
            Self::Other(word) => word,
        }
    }

    /// Reads the word on the wire.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .unwrap_or_else(|| Self::Other(word.into()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Close {
    /// Largest text, in octets, that is kept of what the other side says.
    pub const MAX_TEXT_OCTETS: usize = 1_024;

    /// A session's end for this reason.
    #[must_use]
    pub fn because(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason: Some(reason), text: text.into() }
    }

    /// Whether what is under way may still be finished: no reason, or `shutdown`.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        matches!(self.reason, None | Some(Reason::Shutdown))
    }

    /// Writes the element. Over [`Self::MAX_TEXT_OCTETS`] its text is cut, because an explanation is not
    /// content.
    pub fn write(&self, out: &mut String) {
        let mut writer = Writer::new(out);
        writer.start("close");
        if let Some(reason) = &self.reason {
            writer.attribute("reason", reason.as_str());
        }
        match self.text.is_empty() {
            true => writer.empty(),
            false => writer.open().text(cut(&self.text, Self::MAX_TEXT_OCTETS)).close("close"),
        }
    }

    /// Reads the element. A side that closes is not asked to do it well: what it holds beside text is
    /// passed over, and a long text is cut.
    pub(super) fn read(tag: &Tag<'_>, reader: &mut Reader<'_>) -> Result<Self, Rejection> {
        let text = text(reader)?.unwrap_or_default();
        Ok(Self {
            reason: tag.attribute("reason").map(|word| Reason::from_word(excerpt(word))),
            text: cut(&text, Self::MAX_TEXT_OCTETS).to_owned(),
        })
    }
}
