//! From typed values to octets. What the format cannot carry cannot be said here, so nothing is ever mended.

use std::fmt::Write;

use super::address::Party;
use super::datetime::DateTime;
use super::error::WriteError;
use super::escape::{Within, escape};
use super::grammar::{AbsoluteUri, Name};
use super::namespace::{CORE, IMDN};
use super::read::has_content_type;
use super::{MAX_HEADERS, MAX_OCTETS, MAX_REQUIRED};
use crate::{Content, LangTag, Subject};

/// A Message/CPIM to be written. It has `From` and one `To` at least, as RFC 4975 section 13 asks for at gateways.
///
/// Texts may hold any character: what the format has no room for is escaped.
#[derive(Clone, Debug)]
pub struct Builder {
    from: Party,
    to: Vec<Party>,
    cc: Vec<Party>,
    date_time: Option<DateTime>,
    subjects: Vec<Subject>,
    required: Vec<(AbsoluteUri, Name)>,
    extensions: Vec<Extension>,
}

/// A header of a namespace other than RFC 3862's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    namespace: AbsoluteUri,
    name: Name,
    lang: Option<LangTag>,
    text: String,
}

impl Extension {
    /// A header whose value is `text`. `None` for [`CORE`]: its headers have types of their own.
    #[must_use]
    pub fn new(namespace: AbsoluteUri, name: Name, text: &str) -> Option<Self> {
        (namespace.as_str() != CORE).then(|| Self { namespace, name, lang: None, text: text.to_owned() })
    }

    /// The same, in this language.
    #[must_use]
    pub fn with_lang(self, lang: LangTag) -> Self {
        Self { lang: Some(lang), ..self }
    }
}

impl Builder {
    /// A message from one to another.
    #[must_use]
    pub fn new(from: Party, to: Party) -> Self {
        Self {
            from,
            to: vec![to],
            cc: Vec::new(),
            date_time: None,
            subjects: Vec::new(),
            required: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// And to somebody else.
    #[must_use]
    pub fn to(mut self, party: Party) -> Self {
        self.to.push(party);
        self
    }

    /// With a copy to somebody.
    #[must_use]
    pub fn cc(mut self, party: Party) -> Self {
        self.cc.push(party);
        self
    }

    /// When it was sent.
    #[must_use]
    pub fn date_time(mut self, date_time: DateTime) -> Self {
        self.date_time = Some(date_time);
        self
    }

    /// A subject; call again for other languages.
    #[must_use]
    pub fn subject(mut self, subject: Subject) -> Self {
        self.subjects.push(subject);
        self
    }

    /// The recipient must understand this header or feature. The prefix is declared by itself.
    #[must_use]
    pub fn require(mut self, namespace: AbsoluteUri, name: Name) -> Self {
        self.required.push((namespace, name));
        self
    }

    /// A header of another namespace. The prefix is declared by itself.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Writes the message around `content`, whose octets stand unchanged at its end.
    ///
    /// # Errors
    /// Where the content has no Content-Type, or [`MessageCpim::read`](super::MessageCpim::read) would refuse the size.
    pub fn build(&self, content: &Content) -> Result<Content, WriteError> {
        if !has_content_type(content) {
            return Err(WriteError::NoContentType);
        }
        if self.required.len() > MAX_REQUIRED {
            return Err(WriteError::TooManyRequired);
        }
        let mut lines = Lines::new();
        lines.party("From", &self.from);
        for party in &self.to {
            lines.party("To", party);
        }
        for party in &self.cc {
            lines.party("cc", party);
        }
        if let Some(date_time) = &self.date_time {
            lines.line(format_args!("DateTime: {date_time}"));
        }
        for Subject { lang, text } in &self.subjects {
            lines.text("Subject", lang.as_ref(), text);
        }
        self.write_extensions(&mut lines);
        lines.close(content)
    }

    /// Declarations first, as a prefix must be declared before its use (RFC 3862 section 3.4).
    fn write_extensions(&self, lines: &mut Lines) {
        let mut prefixes: Vec<(&AbsoluteUri, String)> = Vec::new();
        let used = self.required.iter().map(|(namespace, _)| namespace);
        for namespace in used.chain(self.extensions.iter().map(|extension| &extension.namespace)) {
            if namespace.as_str() != CORE && !prefixes.iter().any(|(known, _)| *known == namespace) {
                let prefix = if namespace.as_str() == IMDN {
                    "imdn".to_owned()
                } else {
                    format!("x{}", prefixes.len() + 1)
                };
                lines.line(format_args!("NS: {prefix} <{namespace}>"));
                prefixes.push((namespace, prefix));
            }
        }
        let full_name = |namespace: &AbsoluteUri, name: &Name| {
            let prefix = prefixes.iter().find(|(known, _)| *known == namespace);
            prefix.map_or_else(|| name.to_string(), |(_, prefix)| format!("{prefix}.{name}"))
        };
        if !self.required.is_empty() {
            let names: Vec<String> =
                self.required.iter().map(|(namespace, name)| full_name(namespace, name)).collect();
            lines.line(format_args!("Require: {}", names.join(",")));
        }
        for Extension { namespace, name, lang, text } in &self.extensions {
            lines.text(&full_name(namespace, name), lang.as_ref(), text);
        }
    }
}

const MIME_HEADER: &str = "Content-Type: Message/CPIM\r\n\r\n";

/// The entity so far, and how many message headers it has.
struct Lines {
    out: String,
    count: usize,
}

impl Lines {
    fn new() -> Self {
        Self { out: MIME_HEADER.to_owned(), count: 0 }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _infallible = self.out.write_fmt(line);
        self.end();
    }

    fn party(&mut self, name: &str, party: &Party) {
        self.out.push_str(name);
        self.out.push_str(": ");
        party.write(&mut self.out);
        self.end();
    }

    fn text(&mut self, name: &str, lang: Option<&LangTag>, text: &str) {
        self.out.push_str(name);
        self.out.push(':');
        if let Some(lang) = lang {
            self.out.push_str(";lang=");
            self.out.push_str(lang.as_str());
        }
        self.out.push(' ');
        escape(&mut self.out, text, Within::Value);
        self.end();
    }

    fn end(&mut self) {
        self.out.push_str("\r\n");
        self.count += 1;
    }

    fn close(mut self, content: &Content) -> Result<Content, WriteError> {
        if self.count > MAX_HEADERS {
            return Err(WriteError::TooManyHeaders);
        }
        self.out.push_str("\r\n");
        if self.out.len() + content.len() > MAX_OCTETS {
            return Err(WriteError::TooLarge);
        }
        let mut octets = self.out.into_bytes();
        octets.extend_from_slice(content.octets());
        Ok(Content::new(octets.into()))
    }
}
