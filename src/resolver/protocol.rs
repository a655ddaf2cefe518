//! The names of protocols, as they stand in SRV owner names.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// A protocol by which a domain may be reached: `cpim`, `smtp`, `xmpp`.
///
/// Open, because an adapter out of process may bring one that nobody here has heard of.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Protocol(String);

impl Protocol {
    /// Octets in a name at most: a DNS label of 63 (RFC 1035 section 2.3.4), less its underscore.
    pub const MAX_OCTETS: usize = 62;
    /// Our own binding, the only one that a domain is taken to speak where it has no SRV record.
    pub const NATIVE: &'static str = "cpim";

    /// Reads a name of lower-case letters, digits and inner hyphens, without the underscore.
    ///
    /// # Errors
    /// [`ProtocolError`] where it could not be a label of an SRV owner name (RFC 2782).
    pub fn parse(name: &str) -> Result<Self, ProtocolError> {
        let letters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let fits = (1..=Self::MAX_OCTETS).contains(&name.len());
        if fits && name.bytes().all(letters) && !name.starts_with('-') && !name.ends_with('-') {
            Ok(Self(name.to_owned()))
        } else {
            Err(ProtocolError { name: name.to_owned() })
        }
    }

    /// Our own binding, `cpim`.
    #[must_use]
    pub fn native() -> Self {
        Self(Self::NATIVE.to_owned())
    }

    /// The name, without the underscore.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no protocol.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{name:?} names no protocol: expected 1 to {} of a-z, 0-9 and inner hyphens, such as \"smtp\"",
    Protocol::MAX_OCTETS
)]
pub struct ProtocolError {
    /// The text.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for right in ["cpim", "smtp", "x", "my-net2", &"a".repeat(62)] {
            assert_eq!(Protocol::parse(right).unwrap().as_str(), right);
        }
        for wrong in ["", "_cpim", "CPIM", "-a", "a-", "a.b", "ü", &"a".repeat(63)] {
            assert!(Protocol::parse(wrong).is_err(), "{wrong}");
        }
    }
}
