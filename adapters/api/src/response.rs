//! Responses: what became of an operation, told once and truthfully.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::SubscriptId;

/// What became of an operation (RFC 3860 section 3.4.1; the draft's section 2.4.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Status {
    /// The far side has it.
    Success,
    /// The far side has it not.
    Failure,
    /// Nobody can know. The draft's spelling.
    Indeterminant,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Indeterminant => "indeterminant",
        }
    }

    /// Reads the word on the wire, exactly.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Success, Self::Failure, Self::Indeterminant].into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The reason in a response's text: `code: words`.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

codes! {
    /// A live subscription of this watcher to this target exists already (RFC 3859 section 3.4.1).
    AlreadySubscribed = "already-subscribed",
    /// Not a valid URI of the right class, an unknown selector, or an unknown user of ours.
    BadAddress = "bad-address",
    /// No room; nothing was accepted. Only ever before acceptance.
    Busy = "busy",
    /// The source is not the sender's to use, or the target's rules say no.
    Denied = "denied",
    /// What was asked for lapsed before it could be done.
    Expired = "expired",
    /// Our own fault.
    Internal = "internal",
    /// No hop left, or the operation has been to this destination before.
    Loop = "loop",
    /// A further leg would lose what the sender asked to keep.
    Lossy = "lossy",
    /// No record, no pinned route, or a domain that says it has no such service.
    NoRoute = "no-route",
    /// There is no such subscription.
    NotSubscribed = "not-subscribed",
    /// The far side said no.
    Refused = "refused",
    /// Handed over, and no word of it until the wait ended.
    Timeout = "timeout",
    /// A further leg cannot take so much.
    TooLarge = "too-large",
    /// Known, but not in contact.
    Unreachable = "unreachable",
    /// An operation or content that a leg does not know.
    Unsupported = "unsupported",
}

impl Code {
    /// Reads the word on the wire, exactly.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A language tag (RFC 5646), kept as it was written.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct LangTag(Arc<str>);

impl LangTag {
    /// Largest length, in octets: room for every registered tag with extensions.
    pub const MAX_OCTETS: usize = 64;

    /// Reads a tag: subtags of 1 to 8 letters or digits, joined by `-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() <= Self::MAX_OCTETS
            && text.split('-').all(|subtag| {
                (1..=8).contains(&subtag.len()) && subtag.bytes().all(|octet| octet.is_ascii_alphanumeric())
            });
        well_formed.then(|| Self(text.into()))
    }

    /// The tag as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one answer to an operation: never two different ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    status: Status,
    code: Option<Code>,
    words: String,
    lang: Option<LangTag>,
    duration: Option<u32>,
    subscript_id: Option<SubscriptId>,
}

impl Response {
    /// Largest text, in octets, that is kept of what a far side says: however it is escaped, it fits into an
    /// element of 64 KiB.
    pub const MAX_TEXT_OCTETS: usize = 8_192;

    /// The far side has it.
    #[must_use]
    pub const fn success() -> Self {
        Self::bare(Status::Success, None, String::new())
    }

    /// The far side has it not, and why.
    #[must_use]
    pub fn failure(code: Code, words: impl Into<String>) -> Self {
        Self::bare(Status::Failure, Some(code), words.into())
    }

    /// Nobody can know, and why not.
    #[must_use]
    pub fn indeterminant(code: Code, words: impl Into<String>) -> Self {
        Self::bare(Status::Indeterminant, Some(code), words.into())
    }

    const fn bare(status: Status, code: Option<Code>, words: String) -> Self {
        Self { status, code, words, lang: None, duration: None, subscript_id: None }
    }

    /// Reads a far side's status and text. Where the text does not begin with a code of ours,
    /// all of it is words; over [`Self::MAX_TEXT_OCTETS`] it is cut at a character boundary,
    /// because an explanation is not content.
    #[must_use]
    pub fn from_text(status: Status, text: &str) -> Self {
        let text = text.get(..text.floor_char_boundary(Self::MAX_TEXT_OCTETS)).unwrap_or_default();
        let coded = text
            .split_once(':')
            .map_or_else(|| (text, ""), |(word, words)| (word, words.strip_prefix(' ').unwrap_or(words)));
        match Code::from_word(coded.0) {
            Some(code) => Self::bare(status, Some(code), coded.1.to_owned()),
            None => Self::bare(status, None, text.to_owned()),
        }
    }

    /// With the language of the words.
    #[must_use]
    pub fn with_lang(mut self, lang: Option<LangTag>) -> Self {
        self.lang = lang;
        self
    }

    /// With the duration that was granted, in seconds.
    #[must_use]
    pub const fn with_duration(mut self, duration: Option<u32>) -> Self {
        self.duration = duration;
        self
    }

    /// With the subscription's name.
    #[must_use]
    pub fn with_subscript_id(mut self, id: Option<SubscriptId>) -> Self {
        self.subscript_id = id;
        self
    }

    /// With this code, where it has none and is a failure.
    #[must_use]
    pub fn or_code(mut self, code: Code) -> Self {
        if self.status == Status::Failure {
            self.code = self.code.or(Some(code));
        }
        self
    }

    /// What became of the operation.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Why, where it is known.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        self.code
    }

    /// The explanation for people, without the code.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// The language of the words, where it was said.
    #[must_use]
    pub const fn lang(&self) -> Option<&LangTag> {
        self.lang.as_ref()
    }

    /// The duration that was granted, in seconds.
    #[must_use]
    pub const fn duration(&self) -> Option<u32> {
        self.duration
    }

    /// The subscription's name.
    #[must_use]
    pub const fn subscript_id(&self) -> Option<&SubscriptId> {
        self.subscript_id.as_ref()
    }

    /// The text on the wire: `code: words`, or either alone.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match (self.code, self.words.is_empty()) {
            (None, _) => Cow::Borrowed(&self.words),
            (Some(code), true) => Cow::Borrowed(code.as_str()),
            (Some(code), false) => Cow::Owned(format!("{code}: {}", self.words)),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.text() {
            "" => write!(f, "{}", self.status),
            text => write!(f, "{} ({text})", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_are_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::from_word(code.as_str()), Some(*code));
            let response = Response::failure(*code, "what: and why");
            assert_eq!(Response::from_text(Status::Failure, &response.text()), response);
        }
        assert_eq!(Status::from_word("indeterminant"), Some(Status::Indeterminant));
        assert_eq!(Status::from_word("indeterminate"), None);
    }

    #[test]
    fn text_without_a_code_is_words() {
        let response = Response::from_text(Status::Failure, "gone: for good");
        assert_eq!((response.code(), response.words()), (None, "gone: for good"));
        assert_eq!(Response::from_text(Status::Failure, "busy").code(), Some(Code::Busy));
        assert_eq!(Response::from_text(Status::Success, "").text(), "");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let response = Response::from_text(Status::Failure, &"ß".repeat(5_000));
        assert_eq!(response.words().len(), 8_192);
    }

    #[test]
    fn language_tags_keep_their_spelling() {
        assert_eq!(LangTag::parse("de-CH-1996").unwrap().as_str(), "de-CH-1996");
        for bad in ["", "-", "en-", "toolongsubtag", "en us", "en_US"] {
            assert!(LangTag::parse(bad).is_none(), "{bad:?}");
        }
    }
}
