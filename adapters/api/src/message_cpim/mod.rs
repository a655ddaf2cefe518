//! Message/CPIM (RFC 3862): a message with what belongs to it but not to its body, in one MIME entity.
//!
//! ```text
//!   Content-Type: Message/CPIM                 MIME header of the whole
//!
//!   From: MR SANDERS <im:piglet@a.example>     message headers
//!   Subject:;lang=fr bonjour
//!
//!   Content-Type: text/plain; charset=utf-8    the content: an entity of its own, untouched
//!
//!   Hello.
//! ```
//!
//! [`MessageCpim::read`] takes one apart without copying it; [`Builder`] makes one. None is ever changed: who has
//! something to add wraps the original as the content of a new one (RFC 3862 section 6).
//!
//! What this is not: it knows no application's rules. Which headers must be there, what an address means, whether
//! what is required is understood, and whether `From` is the source of the operation, the caller has to say.

mod address;
mod carry;
mod datetime;
mod error;
mod escape;
mod grammar;
mod header;
mod namespace;
mod read;
mod write;

use bytes::Bytes;

pub use address::Party;
pub use carry::METADATA;
pub use datetime::DateTime;
pub use error::{Flag, HeaderError, ReadError, WriteError};
pub use grammar::{AbsoluteUri, Name};
pub use header::{DEFAULT_LANG, Header, Parameter};
pub use namespace::{CORE, IMDN, Required};
pub use write::{Builder, Extension};

use crate::{Content, LangTag, Subject};

/// Most Message/CPIM in one another. One is usual, two are a gateway's addition; every one is read again from its start.
pub const MAX_DEPTH: usize = 8;
/// Most lines of message headers: room for a thousand addressees.
pub const MAX_HEADERS: usize = 1_024;
/// Largest Message/CPIM, in octets, far above what the bindings let in. No line has a limit of its own (RFC 3862 section 2.2).
pub const MAX_OCTETS: usize = 64 * 1_024 * 1_024;
/// Most parameters of one header. Only `lang` is in use.
pub const MAX_PARAMETERS: usize = 16;
/// Most names in all `Require` headers together.
pub const MAX_REQUIRED: usize = 64;

/// How much is forgiven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Nothing: for the native binding, and for whatever a signature covers.
    Strict,
    /// What others are known to send, where it can mean one thing only: no blank line before the content's header
    /// (as in the examples of RFC 5438 and RFC 4975), no space between an unquoted name and `<`, a space behind a
    /// comma in `Require`.
    Tolerant,
}

/// A Message/CPIM that was read. It shares the octets that it was read from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageCpim {
    mime_header: Bytes,
    headers: Vec<Header>,
    required: Vec<Required>,
    flags: Vec<Flag>,
    content: Content,
    mode: Mode,
}

impl MessageCpim {
    /// The MIME header of the whole, each line with its end; empty where only a body was read.
    #[must_use]
    pub const fn mime_header(&self) -> &Bytes {
        &self.mime_header
    }

    /// Every message header, in order, duplicates and unknown ones too.
    #[must_use]
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// The encapsulated entity, octet for octet.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// What was wrong but passed over, in the order of the headers.
    #[must_use]
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    /// The first header of this namespace ([`CORE`], [`IMDN`], another's URI) and name, whatever its prefix.
    #[must_use]
    pub fn header(&self, namespace: &str, name: &str) -> Option<&Header> {
        self.all(namespace, name).next()
    }

    /// The first header of this name of the disposition notifications (RFC 5438), as `Message-ID`.
    #[must_use]
    pub fn imdn(&self, name: &str) -> Option<&Header> {
        self.header(IMDN, name)
    }

    /// `From` (RFC 3862 section 4.1): whom the author says the message is from. It proves nothing.
    ///
    /// # Errors
    /// [`HeaderError::Address`].
    pub fn from(&self) -> Result<Option<Party>, HeaderError> {
        self.parties("From").next().transpose()
    }

    /// Every `To` (RFC 3862 section 4.2).
    ///
    /// # Errors
    /// Each item by itself: [`HeaderError::Address`].
    pub fn to(&self) -> impl Iterator<Item = Result<Party, HeaderError>> {
        self.parties("To")
    }

    /// Every `cc` (RFC 3862 section 4.3).
    ///
    /// # Errors
    /// Each item by itself: [`HeaderError::Address`].
    pub fn cc(&self) -> impl Iterator<Item = Result<Party, HeaderError>> {
        self.parties("cc")
    }

    /// `DateTime` (RFC 3862 section 4.4): when the author says that the message was sent.
    ///
    /// # Errors
    /// [`HeaderError::DateTime`].
    pub fn date_time(&self) -> Result<Option<DateTime>, HeaderError> {
        let Some(header) = self.header(CORE, "DateTime") else {
            return Ok(None);
        };
        DateTime::parse(header.text()).map(Some).ok_or_else(|| HeaderError::DateTime { line: header.line() })
    }

    /// Every `Subject` (RFC 3862 section 4.5), one for each language as a rule. A language tag that is none is left out.
    ///
    /// # Errors
    /// Each item by itself: [`HeaderError::UnpairedSurrogate`].
    pub fn subjects(&self) -> impl Iterator<Item = Result<Subject, HeaderError>> {
        self.all(CORE, "Subject").map(|header| {
            Ok(Subject { lang: header.lang().and_then(LangTag::parse), text: header.value()?.into() })
        })
    }

    /// What all `Require` headers together name (RFC 3862 section 4.7). Who does not understand one of these must
    /// not take the message for understood; a gateway that passes it on whole need not understand any.
    #[must_use]
    pub fn require(&self) -> &[Required] {
        &self.required
    }

    fn all(&self, namespace: &str, name: &str) -> impl Iterator<Item = &Header> {
        self.headers.iter().filter(move |header| header.is(namespace, name))
    }

    fn parties(&self, name: &'static str) -> impl Iterator<Item = Result<Party, HeaderError>> {
        self.all(CORE, name).map(|header| {
            Party::parse(header.text(), self.mode).ok_or_else(|| HeaderError::Address { line: header.line() })
        })
    }
}
