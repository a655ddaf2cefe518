//! Reading a mail: who wrote it, what it says of itself, and its MIME entity.

use std::sync::Arc;

use bytes::Bytes;
use cpim_adapter::{Content, Domain, Metadata, Passage, Subject};
use mail_parser::{HeaderValue, MessageParser};

use super::field;
use super::header::{Field, fields, is_field};
use crate::address::Mailbox;

/// A mail that was read. It shares the octets that it was read from.
#[derive(Clone, Debug)]
pub struct Mail {
    pub(super) fields: Vec<Field>,
    pub(super) body: Bytes,
    pub(super) metadata: Metadata,
    from: Option<Author>,
    /// Names of those it is to, each with its mailbox.
    to: Vec<(Mailbox, Arc<str>)>,
    message_id: Option<String>,
    automatic: bool,
}

/// Whom a mail says it is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// How the author is called, where that is said.
    pub name: Option<Arc<str>>,
    /// The author's mailbox.
    pub mailbox: Mailbox,
}

/// Why octets are no mail that can be taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// More fields than [`Mail::MAX_FIELDS`].
    #[error("{fields} header fields; {} are accepted", Mail::MAX_FIELDS)]
    Fields {
        /// How many.
        fields: usize,
    },
    /// A header over [`Mail::MAX_HEADER_OCTETS`].
    #[error("a header of {octets} octets; {} are accepted", Mail::MAX_HEADER_OCTETS)]
    Header {
        /// How large it is.
        octets: usize,
    },
}

impl Mail {
    /// Largest header, in octets: what Postfix takes (`header_size_limit`), and an envelope of ours besides.
    pub const MAX_HEADER_OCTETS: usize = 128 * 1_024;
    /// Most header fields. Far more than any list or chain of relays adds.
    pub const MAX_FIELDS: usize = 1_000;
    /// Most messages that are referred to; real threads are shorter, and the rest says nothing more.
    pub const MAX_REFERENCES: usize = 100;

    /// Reads a mail as it came behind DATA, dots taken off.
    ///
    /// # Errors
    /// [`MailError`] where it is over a limit. What is merely odd is read as far as it can be.
    pub fn read(octets: &Bytes) -> Result<Self, MailError> {
        let (header, body) = split(octets);
        if header.len() > Self::MAX_HEADER_OCTETS {
            return Err(MailError::Header { octets: header.len() });
        }
        let fields = fields(&header);
        if fields.len() > Self::MAX_FIELDS {
            return Err(MailError::Fields { fields: fields.len() });
        }
        let automatic = is_automatic(&fields);
        let mut mail = Self {
            fields,
            body,
            metadata: Metadata { automatic, ..Metadata::default() },
            from: None,
            to: Vec::new(),
            message_id: None,
            automatic,
        };
        mail.look_into(&header);
        Ok(mail)
    }

    fn look_into(&mut self, header: &[u8]) {
        // Without a body, so that nothing of it is parsed.
        let Some(parsed) = MessageParser::default().parse_headers(header) else { return };
        let author = |address: &mail_parser::Addr<'_>| {
            let mailbox = Mailbox::parse(address.address()?).ok()?;
            Some((mailbox, address.name().and_then(clean)))
        };
        // Several authors are nobody in particular (RFC 7489 section 6.6.1).
        let mut authors = parsed.from().into_iter().flat_map(|address| address.iter());
        let is_one_field = self.fields.iter().filter(|field| field.is("From")).count() == 1;
        if let (Some(first), None, true) = (authors.next(), authors.next(), is_one_field) {
            self.from = author(first).map(|(mailbox, name)| Author { name, mailbox });
        }
        let to = parsed.to().into_iter().chain(parsed.cc()).flat_map(|address| address.iter());
        self.to = to.filter_map(author).filter_map(|(mailbox, name)| Some((mailbox, name?))).collect();
        self.message_id = parsed.message_id().and_then(message_id);
        let mut references: Vec<Arc<str>> = Vec::new();
        for value in [parsed.references(), parsed.in_reply_to()] {
            for reference in texts(value).filter_map(message_id).map(Arc::from) {
                if !references.contains(&reference) {
                    references.push(reference);
                }
            }
        }
        let more = references.len().saturating_sub(Self::MAX_REFERENCES);
        references.drain(..more);
        let metadata = &mut self.metadata;
        metadata.subjects =
            parsed.subject().and_then(clean).map(|text| Subject { lang: None, text }).into_iter().collect();
        metadata.date = parsed.date().filter(|date| date.is_valid()).map(|date| date.to_rfc3339().into());
        metadata.source_name = self.from.as_ref().and_then(|from| from.name.clone());
        metadata.message_ref = self.message_id.as_deref().map(Arc::from);
        metadata.references = references;
    }

    /// Whom it says it is from: nobody where it names none, or several.
    #[must_use]
    pub const fn from(&self) -> Option<&Author> {
        self.from.as_ref()
    }

    /// Its name among its author's, with its brackets.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// How many servers say that they have had it (RFC 5321 section 6.3).
    #[must_use]
    pub fn received(&self) -> usize {
        self.fields.iter().filter(|field| field.is("Received")).count()
    }

    /// No person wrote it, or a list passed it on: it must never be answered automatically (RFC 3834 section 2).
    #[must_use]
    pub const fn is_automatic(&self) -> bool {
        self.automatic
    }

    /// Relay domains that it says it has crossed, oldest first.
    #[must_use]
    pub fn via(&self) -> Vec<Domain> {
        let via = self.all(field::VIA).filter_map(|value| Domain::parse(&value).ok());
        // Each gateway puts its own on top; one more than are allowed is enough to be refused.
        let mut via: Vec<Domain> = via.take(Passage::MAX_VIA + 1).collect();
        via.reverse();
        via
    }

    /// Hops that it says are left.
    #[must_use]
    pub fn hops(&self) -> Option<u8> {
        let mut hops = self.all(field::HOPS).filter_map(|value| value.parse().ok());
        let least = hops.next()?;
        Some(hops.fold(least, u8::min))
    }

    /// How a recipient is called, where the mail says so.
    #[must_use]
    pub fn name_of(&self, mailbox: &Mailbox) -> Option<Arc<str>> {
        self.to.iter().find(|(known, _)| known == mailbox).map(|(_, name)| Arc::clone(name))
    }

    /// The MIME entity: the fields that are of it, as they stand there, and the body. Where nothing says what it is, the
    /// default of RFC 2045 section 5.2 is said, since not every reader knows it.
    #[must_use]
    pub fn entity(&self) -> Content {
        let mut entity = Vec::with_capacity(self.body.len() + 256);
        let of_entity = || self.fields.iter().filter(|field| field.is_of_entity());
        if !of_entity().any(|field| field.is("Content-Type")) {
            let charset = match (self.body.is_ascii(), std::str::from_utf8(&self.body)) {
                (true, _) => "us-ascii",
                (false, Ok(_)) => "utf-8",
                (false, Err(_)) => "unknown-8bit",
            };
            entity.extend_from_slice(format!("Content-Type: text/plain; charset={charset}\r\n").as_bytes());
        }
        of_entity().for_each(|field| entity.extend_from_slice(field.octets()));
        entity.extend_from_slice(b"\r\n");
        entity.extend_from_slice(&self.body);
        Content::new(entity.into())
    }

    /// The values of all fields of a name, topmost first.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = String> {
        self.fields.iter().filter(move |field| field.is(name)).filter_map(Field::value)
    }
}

/// Header with its line ends, and body. Where the empty line between them was forgotten, the body begins with the first
/// line that can be of no header, as other mail servers have it.
fn split(octets: &Bytes) -> (Bytes, Bytes) {
    let mut at = 0;
    while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(b"\r\n") {
            return (octets.slice(..at), octets.slice(at + 2..));
        }
        let end = rest.windows(2).position(|two| two == b"\r\n").map_or(rest.len(), |end| end + 2);
        let line = rest.get(..end).unwrap_or_default();
        // What stores write before the header is not of it.
        let is_envelope = || at == 0 && (line.starts_with(b"From ") || line.starts_with(b">From "));
        let is_fold = at > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        if !is_fold && !is_field(line) && !is_envelope() {
            return (octets.slice(..at), octets.slice(at..));
        }
        at += end;
    }
    (octets.clone(), Bytes::new())
}

fn is_automatic(fields: &[Field]) -> bool {
    fields.iter().any(|field| {
        let value = || field.value().unwrap_or_default().to_ascii_lowercase();
        if field.is("Auto-Submitted") {
            // Comments and parameters may follow (RFC 3834 section 5).
            return value().split([';', ' ', '(']).next() != Some("no");
        }
        field.is("List-Id") || field.is("Precedence") && matches!(&*value(), "bulk" | "junk" | "list")
    })
}

/// Words of a person, without what could end a line anywhere.
fn clean(text: &str) -> Option<Arc<str>> {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.into())
}

/// A message id with its brackets, where it has the form of one: mail programs look for the octets.
fn message_id(text: &str) -> Option<String> {
    let formed = text.bytes().all(|octet| octet.is_ascii_graphic() && !b"<>".contains(&octet));
    (formed && (1..=super::MAX_LINE_OCTETS / 2).contains(&text.len())).then(|| format!("<{text}>"))
}

fn texts<'a>(value: &'a HeaderValue<'_>) -> impl Iterator<Item = &'a str> {
    let (one, many) = match value {
        HeaderValue::Text(text) => (Some(&**text), None),
        HeaderValue::TextList(list) => (None, Some(list)),
        _ => (None, None),
    };
    one.into_iter().chain(many.into_iter().flatten().map(|text| &**text))
}
