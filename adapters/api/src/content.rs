//! A message's content: one MIME entity, opaque to everything between its author and its reader.

use std::fmt;

use bytes::Bytes;

use crate::MediaType;

/// A whole MIME entity: header, blank line, body (RFC 2045 section 2.4).
///
/// RFC 3860 section 3.3 wants content relayed without a change, so there is no way to change one. The
/// octets may be anything, also something that is no entity at all; what looks inside says `None` then.
/// A clone shares the octets.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Content(Bytes);

impl Content {
    /// Takes an entity's octets as they are.
    #[must_use]
    pub const fn new(octets: Bytes) -> Self {
        Self(octets)
    }

    /// A `text/plain` entity in UTF-8. Every line end, however written, becomes CRLF (RFC 2046 section 4.1.1).
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut entity = String::with_capacity(TEXT_HEADER.len() + text.len());
        entity.push_str(TEXT_HEADER);
        for (number, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
            if number > 0 {
                entity.push_str("\r\n");
            }
            entity.push_str(line);
        }
        Self(entity.into())
    }

    /// The whole entity.
    #[must_use]
    pub const fn octets(&self) -> &Bytes {
        &self.0
    }

    /// Length of the whole entity, in octets.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is not one octet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The header with the line end of its last field, without the blank line; shares the entity's octets.
    ///
    /// An entity that begins with a blank line has an empty header; one without a blank line is all header.
    #[must_use]
    pub fn header(&self) -> Bytes {
        self.0.slice(..self.split().0)
    }

    /// All that follows the blank line; shares the entity's octets.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.0.slice(self.split().1..)
    }

    /// What the entity says that it is (RFC 2045 section 5).
    ///
    /// `None` where it says nothing, says it twice, or says it in a form that [`MediaType::parse`] refuses.
    #[must_use]
    pub fn media_type(&self) -> Option<MediaType> {
        MediaType::parse(self.only("Content-Type")?)
    }

    /// Whether the entity says that it is of this type and subtype, in any case, such as `text/plain`.
    ///
    /// Where [`Self::media_type`] is `None`, it is of none.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        // Most are something else, which is seen by the beginning of the field.
        let begins = |value: &&[u8]| {
            let beginning = value.trim_ascii_start().get(..essence.len());
            beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(essence.as_bytes()))
        };
        let field = self.only("Content-Type").filter(begins);
        field.and_then(MediaType::parse).is_some_and(|media_type| media_type.is(essence))
    }

    /// The value of the one header field of this name (in any case), unfolded, without the blanks around it.
    ///
    /// `None` where there is no such field or more than one, or it is not UTF-8 or holds control characters.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        Some(unfold(self.only(name)?)?.trim_matches([' ', '\t']).to_owned())
    }

    /// The values, as they stand there, of all header fields of this name (in any case).
    pub(crate) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let header = self.0.get(..self.split().0).unwrap_or_default();
        Fields(header)
            .filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    fn only(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Where the header ends, and where the body begins.
    fn split(&self) -> (usize, usize) {
        if self.0.starts_with(b"\r\n") {
            return (0, 2);
        }
        match self.0.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => (at + 2, at + 4),
            None => (self.0.len(), self.0.len()),
        }
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Content {
    fn from(octets: Bytes) -> Self {
        Self(octets)
    }
}

/// Says what it is and how long, never what it says: what people write to each other stays out of logs.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let essence = self.media_type().map(|media_type| media_type.essence().to_owned());
        f.debug_struct("Content").field("media_type", &essence).field("octets", &self.len()).finish()
    }
}

/// A field's value on one line (RFC 5322 section 2.2.3). `None` where it is not UTF-8, or a control character is left.
pub(crate) fn unfold(value: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(value).ok()?.replace("\r\n ", " ").replace("\r\n\t", "\t");
    (!line.chars().any(|c| c.is_control() && c != '\t')).then_some(line)
}

const TEXT_HEADER: &str = "Content-Type: text/plain; charset=utf-8\r\n\r\n";

/// The fields of a header: name, and value with its folds. What is no field is passed over.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.0.is_empty() {
            // A field ends at a line end that no blank follows: one with a blank behind it is a fold (RFC 5322 section 2.2.3).
            let end =
                self.0.windows(3).position(|three| matches!(three, [b'\r', b'\n', next] if !is_blank(*next)));
            let (field, rest) = match end.and_then(|end| self.0.split_at_checked(end + 2)) {
                Some((field, rest)) => (field, rest),
                None => (self.0, Default::default()),
            };
            self.0 = rest;
            let field = field.strip_suffix(b"\r\n").unwrap_or(field);
            if let Some(colon) = field.iter().position(|octet| *octet == b':')
                && let (name, [_, value @ ..]) = field.split_at(colon)
                && !name.is_empty()
                && name.iter().all(u8::is_ascii_graphic)
            {
                return Some((name, value));
            }
        }
        None
    }
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}
