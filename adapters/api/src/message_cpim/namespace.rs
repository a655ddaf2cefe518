//! Namespaces of header names: their declarations and what they bind (RFC 3862 sections 3.4, 3.5, 4.6 and 4.7).

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ReadError;
use super::grammar::{AbsoluteUri, Name};
use super::{Header, MAX_REQUIRED, Mode};

/// The namespace of the headers of RFC 3862 itself (section 3.4).
pub const CORE: &str = "urn:ietf:params:cpim-headers:";
/// The namespace of the headers of message disposition notifications (RFC 5438 section 6.1).
pub const IMDN: &str = "urn:ietf:params:imdn";

/// A header or feature that the recipient must understand (RFC 3862 section 3.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Required {
    /// Its namespace; `None` where its prefix was not declared, so that nobody can understand it.
    pub namespace: Option<Arc<str>>,
    /// Its name, without prefix.
    pub name: Name,
}

/// What unprefixed names and each prefix mean, at one place in the message.
#[derive(Debug)]
pub(super) struct Bindings {
    core: Arc<str>,
    default: Arc<str>,
    prefixes: HashMap<Name, Arc<str>>,
}

impl Bindings {
    pub(super) fn new() -> Self {
        let core: Arc<str> = CORE.into();
        Self { default: Arc::clone(&core), core, prefixes: HashMap::new() }
    }

    /// The namespace of a name. `NS` alone is always the core one: how else could the default be bound again?
    pub(super) fn resolve(&self, prefix: Option<&Name>, name: &Name) -> Option<Arc<str>> {
        match prefix {
            None if name.as_str() == "NS" => Some(Arc::clone(&self.core)),
            None => Some(Arc::clone(&self.default)),
            Some(prefix) => self.prefixes.get(prefix).cloned(),
        }
    }

    /// Takes the value of an `NS` header; `None`, and nothing is bound, where it is not a declaration.
    ///
    /// The grammar has no space between prefix and `<`, every example has one: both are taken.
    pub(super) fn declare(&mut self, value: &str) -> Option<()> {
        let (prefix, uri) = value.split_once('<')?;
        let uri = AbsoluteUri::parse(uri.strip_suffix('>')?)?.shared();
        if prefix.is_empty() {
            self.default = uri;
        } else {
            let prefix = Name::parse(prefix.strip_suffix(' ').unwrap_or(prefix))?;
            self.prefixes.insert(prefix, uri);
        }
        Some(())
    }

    /// Reads the value of a `Require` header, appending to what others require.
    ///
    /// The grammar has nothing but a comma between names; [`Mode::Tolerant`] takes one space behind it.
    ///
    /// # Errors
    /// A malformed value is an error of the whole message: what is required must not be passed over.
    pub(super) fn require(
        &self,
        header: &Header,
        mode: Mode,
        out: &mut Vec<Required>,
    ) -> Result<(), ReadError> {
        let line = header.line();
        for item in header.text().split(',') {
            let item = if mode == Mode::Tolerant { item.strip_prefix(' ').unwrap_or(item) } else { item };
            let (prefix, name) = split_name(item).ok_or(ReadError::Malformed {
                line,
                expected: "header names with commas, and nothing else, between them",
            })?;
            if out.len() == MAX_REQUIRED {
                return Err(ReadError::TooManyRequired { line });
            }
            out.push(Required { namespace: self.resolve(prefix.as_ref(), &name), name });
        }
        Ok(())
    }
}

/// Prefix, if there is one, and name: `imdn.Message-ID` (RFC 3862 section 3.6, `Header-name`).
pub(super) fn split_name(text: &str) -> Option<(Option<Name>, Name)> {
    match text.split_once('.') {
        None => Some((None, Name::parse(text)?)),
        Some((prefix, name)) => Some((Some(Name::parse(prefix)?), Name::parse(name)?)),
    }
}
