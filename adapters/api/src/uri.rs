//! `im:` and `pres:` URIs (RFC 3860 appendix A, RFC 3859 appendix A): what a peer wrote, and what it means.
//!
//! An [`Address`] is the meaning, in its one canonical form; everything is compared, kept and authorised by
//! it. A [`Uri`] is an address together with the peer's own spelling, which answers and notifications echo.
//! What a local-part means at the gateway's own domain is not known here, but to the [`Mapper`](crate::Mapper).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::address::{Address, Class, no_controls};
use crate::domain::Domain;
use crate::escape::unescape;
use crate::local_part;
use crate::uri_error::UriError;

/// What a peer wrote, and what it means.
///
/// There is no equality: compare [`Uri::address`]. `Display` gives the peer's own spelling.
#[derive(Clone, Debug)]
pub struct Uri {
    address: Address,
    spelled: Arc<str>,
}

impl Uri {
    /// Octets in the text of a URI at most. The canonical URI of every address fits: each octet of the
    /// local-part takes six at most, a quoted-pair percent-encoded.
    pub const MAX_OCTETS: usize = 16_384;

    /// Reads a URI strictly, taking every local-part at its word.
    ///
    /// What peers send goes through [`Mapper::read`](crate::Mapper::read) instead, which knows what a
    /// local-part at the gateway's own domain means.
    ///
    /// # Errors
    /// Names the rule that the text breaks: a URI with exactly one mailbox, percent-decoded once, its
    /// local-part a dot-atom or quoted-string without control characters, its domain a [`Domain`].
    pub fn parse(text: &str) -> Result<Self, UriError> {
        Ok(Self::spelled_as(Address::parse(text)?, text))
    }

    /// An address, and a spelling that is known to mean it.
    pub(crate) fn spelled_as(address: Address, spelled: &str) -> Self {
        Self { address, spelled: spelled.into() }
    }

    /// The same spelling, which is now known to mean another address: its canonical form.
    #[must_use]
    pub fn meaning(&self, address: Address) -> Self {
        Self { address, spelled: Arc::clone(&self.spelled) }
    }

    /// What it means.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What the peer wrote, octet for octet.
    #[must_use]
    pub fn spelled(&self) -> &str {
        &self.spelled
    }

    /// Whether it names an instant inbox or a presentity.
    #[must_use]
    pub fn class(&self) -> Class {
        self.address.class()
    }

    fn require(self, wanted: Class) -> Result<Self, UriError> {
        self.class().require(wanted).map(|()| self)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.spelled)
    }
}

impl From<Address> for Uri {
    /// The address in its canonical spelling.
    fn from(address: Address) -> Self {
        let spelled = address.to_string().into();
        Self { address, spelled }
    }
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

macro_rules! uri_of_class {
    ($(#[$doc:meta])* $name:ident, $class:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Uri);

        impl $name {
            /// Reads a URI of this class strictly; see [`Uri::parse`].
            ///
            /// # Errors
            /// As [`Uri::parse`], and [`UriError::WrongClass`].
            pub fn parse(text: &str) -> Result<Self, UriError> {
                Uri::parse(text)?.try_into()
            }

            /// What it means.
            #[must_use]
            pub fn address(&self) -> &Address {
                self.0.address()
            }

            /// What the peer wrote, octet for octet.
            #[must_use]
            pub fn spelled(&self) -> &str {
                self.0.spelled()
            }

            /// The same spelling, which is now known to mean another address of its class.
            #[must_use]
            pub fn meaning(&self, address: Address) -> Self {
                Self(self.0.meaning(address.with_class($class)))
            }

            /// The same, without the proof of its class.
            #[must_use]
            pub fn as_uri(&self) -> &Uri {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for Uri {
            fn from(uri: $name) -> Self {
                uri.0
            }
        }

        impl FromStr for $name {
            type Err = UriError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<Address> for $name {
            type Error = UriError;

            fn try_from(address: Address) -> Result<Self, Self::Error> {
                Uri::from(address).try_into()
            }
        }

        impl TryFrom<Uri> for $name {
            type Error = UriError;

            fn try_from(uri: Uri) -> Result<Self, Self::Error> {
                uri.require($class).map(Self)
            }
        }
    };
}

uri_of_class! {
    /// The URI of an instant inbox: a [`Uri`] proven to be `im:`.
    ImUri, Class::Im
}

uri_of_class! {
    /// The URI of a presentity or watcher: a [`Uri`] proven to be `pres:`.
    PresUri, Class::Pres
}

/// A URI taken apart and percent-decoded, its local-part not yet judged.
///
/// At a foreign domain the local-part must be a mailbox's ([`Written::address`]); at our own, the mapper
/// may know better.
pub(crate) struct Written<'a> {
    pub(crate) class: Class,
    /// Percent-decoded, without control characters; dot-atom, quoted-string, or neither.
    pub(crate) local: Cow<'a, str>,
    pub(crate) domain: Domain,
}

impl<'a> Written<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, UriError> {
        if text.len() > Uri::MAX_OCTETS {
            return Err(UriError::TooLong { octets: text.len() });
        }
        let class_and_rest = text.split_once(':').and_then(|(s, rest)| Some((Class::of_scheme(s)?, rest)));
        let Some((class, rest)) = class_and_rest else {
            return Err(UriError::Scheme);
        };
        if let Some((at, found)) = text.char_indices().find(|&(_, c)| !is_uri_character(c)) {
            return Err(UriError::Character { at, found });
        }
        if text.contains('%') {
            unescape(text, b'%').map_err(|at| UriError::PercentEncoding { at })?;
        }
        // Header fields are for display, in the spelling; they have no say in where anything goes.
        let to = rest.split_once('?').map_or(rest, |(to, _headers)| to);
        if to.is_empty() {
            return Err(UriError::NoMailbox);
        }
        if to.starts_with('/') {
            return Err(UriError::LeadingSlash);
        }
        let (local, domain) = to.split_once('@').ok_or(UriError::NoDomain)?;
        if domain.contains('@') {
            return Err(UriError::SecondAt);
        }
        Ok(Self { class, local: decode(local)?, domain: Domain::parse(&decode(domain)?)? })
    }

    /// The address, if the local-part is one of a mailbox.
    pub(crate) fn address(self) -> Result<Address, UriError> {
        Address::new(self.class, &local_part::value(&self.local)?, self.domain)
    }
}

/// Percent-decodes once, never twice.
fn decode(part: &str) -> Result<Cow<'_, str>, UriError> {
    let text = match part.contains('%') {
        true => {
            let octets = unescape(part, b'%').map_err(|at| UriError::PercentEncoding { at })?;
            Cow::Owned(String::from_utf8(octets).map_err(|_| UriError::NotUtf8)?)
        }
        false => Cow::Borrowed(part),
    };
    no_controls(&text)?;
    Ok(text)
}

/// Unreserved, sub-delims, `%`, and what RFC 3986 admits in a path or query; so no `#`, `[` or `]`.
fn is_uri_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%".contains(c)
}
