//! The text of an envelope: `name=value`, joined by `&`, every octet that some protocol could mind as `%hh`.

use std::fmt::Write as _;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{EnvelopeError, Key, MAX_OCTETS, name};
use crate::escape::unescape;

/// Writes fields.
#[derive(Default)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn put(&mut self, name: &str, value: impl AsRef<[u8]>) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        for octet in value.as_ref() {
            match is_plain(*octet) {
                true => self.0.push(char::from(*octet)),
                // Writing to a String cannot fail.
                false => drop(write!(self.0, "%{octet:02x}")),
            }
        }
    }

    pub(super) fn put_some(&mut self, name: &str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Ends it with its proof.
    pub(super) fn seal(mut self, key: &Key) -> Result<String, EnvelopeError> {
        let proof = key.proof(self.0.as_bytes());
        self.put(name::PROOF, URL_SAFE_NO_PAD.encode(proof));
        match self.0.len() {
            octets if octets > MAX_OCTETS => Err(EnvelopeError::TooLarge { octets }),
            _ => Ok(self.0),
        }
    }
}

/// What neither a mail header nor an IRC tag minds, and is no part of the form.
const fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b'/' | b',' | b'+' | b'=')
}

/// Fields that were read, in their order.
pub(super) struct Fields<'a>(Vec<(&'a str, Vec<u8>)>);

impl<'a> Fields<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, EnvelopeError> {
        let field = |field: &'a str| {
            let (name, value) = field.split_once('=').ok_or(EnvelopeError::Form)?;
            Ok((name, unescape(value, b'%').map_err(|_| EnvelopeError::Form)?))
        };
        text.split('&').map(field).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &[u8])> {
        self.0.iter().map(|(name, value)| (*name, value.as_slice()))
    }

    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The one field of this name, where there is one.
    pub(super) fn maybe(&self, name: &'static str) -> Result<Option<&[u8]>, EnvelopeError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (value, None) => Ok(value),
            _ => Err(EnvelopeError::Field { field: name }),
        }
    }

    pub(super) fn maybe_text(&self, name: &'static str) -> Result<Option<&str>, EnvelopeError> {
        self.maybe(name)?.map(|value| text(name, value)).transpose()
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, EnvelopeError> {
        self.maybe_text(name)?.ok_or(EnvelopeError::Field { field: name })
    }

    pub(super) fn maybe_parsed<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, EnvelopeError> {
        self.maybe_text(name)?.map(|value| parsed(name, value)).transpose()
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, EnvelopeError> {
        self.text(name).and_then(|value| parsed(name, value))
    }
}

pub(super) fn text<'a>(field: &'static str, value: &'a [u8]) -> Result<&'a str, EnvelopeError> {
    std::str::from_utf8(value).map_err(|_| EnvelopeError::Field { field })
}

pub(super) fn parsed<T: FromStr>(field: &'static str, value: &str) -> Result<T, EnvelopeError> {
    value.parse().map_err(|_| EnvelopeError::Field { field })
}
