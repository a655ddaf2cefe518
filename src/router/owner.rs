//! Owners: to whom an answer belongs when the connection that asked is gone.

use std::fmt;

use cpim_adapter::{Address, Authority, Domain, Operation};

/// Who is owed an answer: a configured peer gateway as a whole, else the source itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Owner {
    /// A peer gateway, by its relay domain.
    Peer(Domain),
    /// The source, watcher or presentity that the operation speaks for.
    Source(Address),
}

impl Owner {
    const PEER: &'static str = "peer:";

    pub(crate) fn of(authority: &Authority, operation: &Operation) -> Self {
        match &authority.peer {
            Some(domain) => Self::Peer(domain.clone()),
            None => Self::Source(operation.speaks_for().address().clone()),
        }
    }

    /// Reads the form that the store keeps.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(Self::PEER) {
            Some(domain) => Domain::parse(domain).ok().map(Self::Peer),
            None => Address::parse(text).ok().map(Self::Source),
        }
    }

    pub(crate) fn domain(&self) -> &Domain {
        match self {
            Self::Peer(domain) => domain,
            Self::Source(address) => address.domain(),
        }
    }

    /// Whether answers for this owner may be given to a connection with this authority.
    pub(crate) fn is(&self, authority: &Authority) -> bool {
        match self {
            Self::Peer(domain) => authority.peer.as_ref() == Some(domain),
            Self::Source(address) => authority.peer.is_none() && authority.covers(address),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(domain) => write!(f, "{}{domain}", Self::PEER),
            Self::Source(address) => write!(f, "{address}"),
        }
    }
}
