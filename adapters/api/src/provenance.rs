//! Who vouches for an operation's source, and how.

use std::fmt;

use crate::{Address, Domain, Selector};

/// How well a source is known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// Nobody says who it is.
    Anonymous,
    /// It says so itself, and nothing proves it.
    Claimed,
    /// Proven: by a certificate, a secret, an account, an aligned signature.
    Verified,
}

impl Standing {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Claimed => "claimed",
            Self::Verified => "verified",
        }
    }

    /// Reads the word on the wire, exactly.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Anonymous, Self::Claimed, Self::Verified]
            .into_iter()
            .find(|standing| standing.as_str() == word)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of addresses that somebody may speak for, or is reached at.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// One address.
    Address(Address),
    /// Every address there is: for a hub that relays for others.
    Any,
    /// Every address of a domain, both classes, no subdomain.
    Domain(Domain),
    /// Every source route with this selector at our relay domain.
    Selector(Selector),
    /// Every address of every subdomain of a domain.
    Under(Domain),
}

impl Scope {
    /// Whether the address is within. A selector covers no address by itself: the addresses it stands
    /// for depend on the relay domain, which only the gateway knows.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Self::Address(own) => own == address,
            Self::Any | Self::Domain(_) | Self::Under(_) => self.covers_domain(address.domain()),
            Self::Selector(_) => false,
        }
    }

    /// Whether the domain as a whole is within.
    #[must_use]
    pub fn covers_domain(&self, domain: &Domain) -> bool {
        match self {
            Self::Any => true,
            Self::Domain(own) => own == domain,
            Self::Under(above) => domain != above && domain.is_within(above),
            Self::Address(_) | Self::Selector(_) => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Any => f.write_str("*"),
            Self::Domain(domain) => write!(f, "{domain}"),
            Self::Selector(selector) => write!(f, "{selector}:"),
            Self::Under(domain) => write!(f, ".{domain}"),
        }
    }
}

/// What the one who hands us operations may say, and what of it is believed.
///
/// An adapter makes one for each connection (or, where the protocol has none, for each operation) and
/// states facts; what follows from them is policy, and the gateway's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authority {
    /// The configured peer gateway it is, by its relay domain: only then are an operation's own id, via
    /// and standing believed, and answers belong to the peer instead of to each source.
    pub peer: Option<Domain>,
    /// What it may speak for.
    pub scopes: Vec<Scope>,
    /// How well the sources within its scopes are known.
    pub standing: Standing,
    /// Who it is, for the log and the trace.
    pub label: String,
}

impl Authority {
    /// Whether it may speak for the address.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        self.scopes.iter().any(|scope| scope.covers(address))
    }
}
