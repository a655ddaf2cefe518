//! One message header: a line of its own (RFC 3862 sections 2.2 and 3).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::MAX_PARAMETERS;
use super::error::{HeaderError, ReadError};
use super::escape::{split_quoted, unescape};
use super::grammar::{Name, is_token_char};
use super::namespace::{Bindings, split_name};

/// The language of a text that names none (RFC 3862 section 3.3).
pub const DEFAULT_LANG: &str = "i-default";

/// A message header as it was read. It shares the octets of the message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    prefix: Option<Name>,
    name: Name,
    namespace: Option<Arc<str>>,
    parameters: Vec<Parameter>,
    raw: Bytes,
    line: usize,
}

/// A parameter between a header's name and its value: `;lang=fr` (RFC 3862 section 3.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its value, without quotes and escapes. It may hold any character.
    pub value: String,
}

impl Header {
    /// Reads one line, without its line end.
    pub(super) fn parse(line: &Bytes, number: usize, bindings: &Bindings) -> Result<Self, ReadError> {
        let malformed = |expected| ReadError::Malformed { line: number, expected };
        // The reader has checked that it is UTF-8.
        let text = std::str::from_utf8(line).unwrap_or_default();
        if text.starts_with(' ') {
            return Err(ReadError::Folded { line: number });
        }
        let (full_name, mut rest) =
            text.split_once(':').ok_or_else(|| malformed("a name with a colon behind it"))?;
        let (prefix, name) =
            split_name(full_name).ok_or_else(|| malformed("a name, with one prefix and a dot or without"))?;
        let mut parameters = Vec::new();
        while let Some(parameter) = rest.strip_prefix(';') {
            if parameters.len() == MAX_PARAMETERS {
                return Err(ReadError::TooManyParameters { line: number });
            }
            let (parameter, after) =
                Parameter::parse(parameter).ok_or_else(|| malformed("a parameter name=value behind ;"))?;
            parameters.push(parameter);
            rest = after;
        }
        let value = rest.strip_prefix(' ').ok_or_else(|| malformed("one space before the value"))?;
        let raw = line.slice(line.len() - value.len()..);
        let namespace = bindings.resolve(prefix.as_ref(), &name);
        Ok(Self { prefix, name, namespace, parameters, raw, line: number })
    }

    /// The prefix that was used. It says nothing: [`Header::namespace`] does.
    #[must_use]
    pub const fn prefix(&self) -> Option<&Name> {
        self.prefix.as_ref()
    }

    /// The name, without prefix.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The URI of the namespace that the name belongs to; `None` where the prefix was not declared before it.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Whether it is the header of this namespace and name, exactly.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace() == Some(namespace) && self.name.as_str() == name
    }

    /// The parameters, in the order in which they were written.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The language that was named, in the first `lang` parameter.
    #[must_use]
    pub fn lang(&self) -> Option<&str> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name.as_str() == "lang")
            .map(|lang| lang.value.as_str())
    }

    /// The language of the value: the one that was named, else [`DEFAULT_LANG`].
    #[must_use]
    pub fn lang_or_default(&self) -> &str {
        self.lang().unwrap_or(DEFAULT_LANG)
    }

    /// The value's octets as they stand there, escapes and all. Always UTF-8.
    #[must_use]
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The value without its escapes. It may hold any character, CR, LF and NUL too.
    ///
    /// # Errors
    /// [`HeaderError::UnpairedSurrogate`]: an escape stands for no character.
    pub fn value(&self) -> Result<Cow<'_, str>, HeaderError> {
        unescape(self.text()).map_err(|_| HeaderError::UnpairedSurrogate { line: self.line })
    }

    /// Its number among the header lines, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The raw value. The line was checked to be UTF-8, and the value begins behind a space.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.raw).unwrap_or_default()
    }
}

impl Parameter {
    /// Reads one, and what follows it.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (name, rest) = text.split_once('=')?;
        let name = Name::parse(name)?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (inside, rest) = split_quoted(quoted)?;
                (unescape(inside).ok()?.into_owned(), rest)
            }
            None => {
                let (token, rest) = rest.split_at(rest.find(|c| !is_token_char(c)).unwrap_or(rest.len()));
                (!token.is_empty()).then(|| (token.to_owned(), rest))?
            }
        };
        Some((Self { name, value }, rest))
    }
}
