//! A canonical address, the form in which everything is compared, kept and authorised.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::Domain;
use crate::local_part;
use crate::uri::Written;
use crate::uri_error::UriError;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An instant inbox, `im:` (RFC 3860).
    Im,
    /// A presentity or watcher, `pres:` (RFC 3859).
    Pres,
}

impl Class {
    /// The URI scheme, in lower case and without its colon.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Im => "im",
            Self::Pres => "pres",
        }
    }

    pub(crate) fn of_scheme(scheme: &str) -> Option<Self> {
        [Self::Im, Self::Pres].into_iter().find(|class| scheme.eq_ignore_ascii_case(class.scheme()))
    }

    pub(crate) fn require(self, wanted: Self) -> Result<(), UriError> {
        if self == wanted { Ok(()) } else { Err(UriError::WrongClass { found: self, wanted }) }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.scheme())
    }
}

/// A canonical address: class, value of the local-part, domain.
///
/// Equality, access rules, keys and loop checks use this and nothing else. The local-part is its decoded
/// value, neither percent-encoded nor quoted; its case is kept, being the domain's business (RFC 5321
/// section 2.4). `Display` gives the canonical URI, which parses back to an equal address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    class: Class,
    local: Arc<str>,
    domain: Domain,
}

impl Address {
    /// Octets in the value of a local-part at most: room for the longest XMPP address (2,047 octets,
    /// RFC 7622 section 3.1). What a leg can take is often less, and is that leg's to refuse or to alias.
    pub const MAX_LOCAL_OCTETS: usize = 2048;

    /// Makes an address of a class, the value of a local-part, and a domain.
    ///
    /// # Errors
    /// If the value is empty, holds a control character, or is longer than [`Self::MAX_LOCAL_OCTETS`].
    pub fn new(class: Class, local: &str, domain: Domain) -> Result<Self, UriError> {
        if local.is_empty() {
            return Err(UriError::EmptyLocalPart);
        }
        if local.len() > Self::MAX_LOCAL_OCTETS {
            return Err(UriError::LocalPartTooLong { octets: local.len() });
        }
        no_controls(local)?;
        Ok(Self { class, local: local.into(), domain })
    }

    /// Reads an address from any spelling of its URI; see [`Uri::parse`](crate::Uri::parse).
    ///
    /// # Errors
    /// As [`Uri::parse`](crate::Uri::parse).
    pub fn parse(text: &str) -> Result<Self, UriError> {
        Written::parse(text)?.address()
    }

    /// Whether it names an instant inbox or a presentity.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The value of the local-part: never empty, no control characters.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The same mailbox in another class: the inbox of a presentity, or the presentity of an inbox.
    #[must_use]
    pub fn with_class(&self, class: Class) -> Self {
        Self { class, ..self.clone() }
    }

    /// The same local-part at another domain.
    #[must_use]
    pub fn with_domain(&self, domain: Domain) -> Self {
        Self { domain, ..self.clone() }
    }

    /// The canonical URI without its scheme: `fred@example.com`, encoded as in the URI.
    #[must_use]
    pub fn mailbox(&self) -> String {
        struct Mailbox<'a>(&'a Address);
        impl fmt::Display for Mailbox<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write_mailbox(f)
            }
        }
        Mailbox(self).to_string()
    }

    fn write_mailbox(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        local_part::write_encoded(&self.local, f)?;
        write!(f, "@{}", self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.class)?;
        self.write_mailbox(f)
    }
}

impl FromStr for Address {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// C0, DEL and C1: none may reach a foreign protocol, where a line end is a command.
pub(crate) fn no_controls(text: &str) -> Result<(), UriError> {
    match text.chars().find(|c| c.is_control()) {
        Some(found) => Err(UriError::Control { found }),
        None => Ok(()),
    }
}
