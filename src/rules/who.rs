//! Whom a rule is about.

use std::fmt;
use std::str::FromStr;

use cpim_adapter::{Address, Class, Domain};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::names::Somebody;

/// Whom a rule is about: one address, or a wildcard.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Who {
    /// `im:bob@b.example`: this principal, in either class.
    Address(Address),
    /// `*`: everybody.
    Any,
    /// `*@b.example`: everybody at this domain, also where a foreign address is at it.
    Domain(Domain),
    /// `irc://irc.b.example/*`: foreign addresses that begin and end like this, as their own systems spell them.
    Foreign(String, String),
    /// `*@*.b.example`: everybody at a domain below this one.
    Under(Domain),
}

/// Why a text says nothing about whom it means.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{text:?} names nobody: write a URI (im:bob@b.example), a foreign address (mailto:bob@b.example) or a wildcard \
     (*@b.example, *@*.b.example, irc://irc.b.example/*, *)"
)]
pub struct WhoError {
    text: String,
}

impl Who {
    /// Octets of a wildcard at most: as many as the longest address has, and its scheme.
    pub const MAX_OCTETS: usize = Address::MAX_LOCAL_OCTETS + 300;

    /// Reads a wildcard; an address is read by whoever knows how addresses are mapped.
    #[must_use]
    pub fn wildcard(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_OCTETS || text.chars().any(char::is_control) {
            return None;
        }
        if text == "*" {
            return Some(Self::Any);
        }
        let lowered = text.to_ascii_lowercase();
        let mailbox = ["im:", "pres:"].iter().find_map(|scheme| lowered.strip_prefix(scheme));
        if let Some(domain) = mailbox.unwrap_or(&lowered).strip_prefix("*@") {
            return match domain.strip_prefix("*.") {
                Some(above) => Domain::parse(above).ok().map(Self::Under),
                None => Domain::parse(domain).ok().map(Self::Domain),
            };
        }
        let (scheme, rest) = text.split_once(':')?;
        let (before, after) = rest.split_once('*')?;
        let is_scheme = !scheme.is_empty() && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric());
        (is_scheme && mailbox.is_none() && !after.contains('*'))
            .then(|| Self::Foreign(format!("{}:{before}", scheme.to_ascii_lowercase()), after.to_owned()))
    }

    /// How exact it is: first by its kind, then by what of it is fixed. Whoever compares two uses nothing else.
    pub(super) fn exactness(&self) -> (u8, usize) {
        match self {
            Self::Any => (0, 0),
            Self::Under(domain) => (1, domain.as_str().len()),
            Self::Domain(domain) => (2, domain.as_str().len()),
            Self::Foreign(before, after) => (3, before.len().saturating_add(after.len())),
            Self::Address(_) => (4, 0),
        }
    }

    pub(super) fn covers(&self, somebody: &Somebody) -> bool {
        let domains =
            || [Some(somebody.principal.domain()), somebody.foreign_domain.as_ref()].into_iter().flatten();
        match self {
            Self::Address(address) => *address == somebody.principal,
            Self::Any => true,
            Self::Domain(domain) => domains().any(|known| known == domain),
            Self::Foreign(before, after) => somebody.foreign.as_ref().is_some_and(|foreign| {
                foreign.strip_prefix(before.as_str()).is_some_and(|rest| rest.ends_with(after.as_str()))
            }),
            Self::Under(above) => domains().any(|known| known != above && known.is_within(above)),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Any => f.write_str("*"),
            Self::Domain(domain) => write!(f, "*@{domain}"),
            Self::Foreign(before, after) => write!(f, "{before}*{after}"),
            Self::Under(domain) => write!(f, "*@*.{domain}"),
        }
    }
}

impl FromStr for Who {
    type Err = WhoError;

    /// Reads what [`Who`] displays.
    fn from_str(text: &str) -> Result<Self, WhoError> {
        if let Some(wildcard) = Self::wildcard(text) {
            return Ok(wildcard);
        }
        match Address::parse(text) {
            Ok(address) => Ok(Self::Address(address.with_class(Class::Im))),
            Err(_) => Err(WhoError { text: text.chars().take(100).collect() }),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
