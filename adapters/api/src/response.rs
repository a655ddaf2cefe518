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
///
/// Small, because there is room for many in each connection's channel of answers; most say nothing beside their status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    status: Status,
    code: Option<Code>,
    /// Never one that says nothing.
    more: Option<Box<More>>,
}

/// What few responses say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct More {
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
        Self { status: Status::Success, code: None, more: None }
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

    fn bare(status: Status, code: Option<Code>, words: String) -> Self {
        Self { status, code, more: None }.with(!words.is_empty(), |more| more.words = words)
    }

    /// With something changed of what few responses say. `says`: the change puts something there.
    fn with(mut self, says: bool, change: impl FnOnce(&mut More)) -> Self {
        if says || self.more.is_some() {
            let mut more = self.more.take().unwrap_or_default();
            change(&mut more);
            self.more = (*more != More::default()).then_some(more);
        }
        self
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
    pub fn with_lang(self, lang: Option<LangTag>) -> Self {
        self.with(lang.is_some(), |more| more.lang = lang)
    }

    /// With the duration that was granted, in seconds.
    #[must_use]
    pub fn with_duration(self, duration: Option<u32>) -> Self {
        self.with(duration.is_some(), |more| more.duration = duration)
    }

    /// With the subscription's name.
    #[must_use]
    pub fn with_subscript_id(self, id: Option<SubscriptId>) -> Self {
        self.with(id.is_some(), |more| more.subscript_id = id)
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
        self.more.as_ref().map_or("", |more| &more.words)
    }

    /// The language of the words, where it was said.
    #[must_use]
    pub fn lang(&self) -> Option<&LangTag> {
        self.more.as_ref()?.lang.as_ref()
    }

    /// The duration that was granted, in seconds.
    #[must_use]
    pub fn duration(&self) -> Option<u32> {
        self.more.as_ref()?.duration
    }

    /// The subscription's name.
    #[must_use]
    pub fn subscript_id(&self) -> Option<&SubscriptId> {
        self.more.as_ref()?.subscript_id.as_ref()
    }

    /// The text on the wire: `code: words`, or either alone.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match (self.code, self.words()) {
            (None, words) => Cow::Borrowed(words),
            (Some(code), "") => Cow::Borrowed(code.as_str()),
            (Some(code), words) => Cow::Owned(format!("{code}: {words}")),
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
    fn what_says_nothing_more_is_the_same_however_it_came_about() {
        let response = Response::success().with_duration(Some(60)).with_lang(LangTag::parse("de"));
        assert_eq!((response.duration(), response.lang().map(LangTag::as_str)), (Some(60), Some("de")));
        assert_ne!(response, Response::success());
        assert_eq!(response.with_duration(None).with_lang(None), Response::success());
        assert_eq!(Response::from_text(Status::Success, ""), Response::success());
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
