//! Owners: to whom an answer belongs when the connection that asked is gone.

use std::fmt;

use cpim_adapter::{Address, Authority, Domain, Local, Mapper, Operation, Scope, Selector, SessionFacts};

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

    /// The selector of a source that is a foreign address here: whoever serves that is owed its answers.
    pub(crate) fn selector(&self, mapper: &Mapper) -> Option<Selector> {
        match self {
            Self::Peer(_) => None,
            Self::Source(address) => match mapper.resident(address) {
                Ok(Some(Local::Route(foreign))) => Some(foreign.selector().clone()),
                _ => None,
            },
        }
    }

    /// Whether answers for this owner may be given to a connection. Of a foreign system's users, to its adapter alone:
    /// one that speaks for a selector without serving it speaks for one of its users, and not for all.
    pub(crate) fn is(&self, facts: &SessionFacts, mapper: &Mapper) -> bool {
        let authority = &facts.authority;
        match self {
            Self::Peer(domain) => authority.peer.as_ref() == Some(domain),
            Self::Source(address) => {
                let serves_route = || {
                    let selector = self.selector(mapper).map(Scope::Selector);
                    selector.is_some_and(|selector| facts.serves.contains(&selector))
                };
                authority.peer.is_none() && (authority.covers(address) || serves_route())
            }
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
