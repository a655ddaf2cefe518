//! Where a destination lies, as far as can be told without asking anybody.

use cpim_adapter::{Address, Class, Code, ForeignAddress, Local, Scope};

use super::Router;
use super::policy::Policy;
use super::refusal::Refusal;

/// Where a destination lies.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Behind an alias that was assigned here; the store knows for what.
    Alias(String),
    /// In a domain that address resolution has to find.
    Elsewhere,
    /// In a foreign system, behind one of our adapters.
    Foreign { port: usize, foreign: ForeignAddress },
    /// In another inbox, to which its owner forwards what comes for now.
    Forwarded(Address),
    /// At the address within: an `im:` or `pres:` address that was source-routed through us. One layer is
    /// peeled here; what is left of it is for the next one.
    Inner(Address),
    /// Nowhere that it can be sent to now.
    Nowhere(Refusal),
    /// With somebody who is in contact.
    Served { port: usize },
}

/// How it is found out where an address within another lies.
type Look = fn(&Router, &Address, &Policy) -> Target;

impl Router {
    /// Where a destination lies. Whoever serves it now comes first; then what the configuration says is
    /// hosted here; then what address resolution finds.
    pub(crate) fn target(&self, address: &Address, policy: &Policy) -> Target {
        match self.forwarded(address) {
            Some(to) => Target::Forwarded(to),
            None => self.target_unforwarded(address, policy),
        }
    }

    /// The same, wherever its owner forwards it: the gateway answers whoever wrote to it, and nobody else.
    pub(super) fn target_unforwarded(&self, address: &Address, policy: &Policy) -> Target {
        match policy.mapper.resident(address) {
            Ok(Some(local)) => return self.resident(address, local, policy, Self::target),
            Ok(None) => {}
            Err(error) => return nowhere(Code::BadAddress, "not an address here", error.to_string()),
        }
        let scopes = [Scope::Address(address.clone()), Scope::Domain(address.domain().clone())];
        if let Some(port) = self.contacts.port_serving(&scopes) {
            return Target::Served { port };
        }
        self.unserved(address, policy)
    }

    /// The same, as if nobody served it now and nothing were forwarded; also what is addressed within.
    pub(crate) fn target_out_of_contact(&self, address: &Address, policy: &Policy) -> Target {
        match policy.mapper.resident(address) {
            Ok(Some(local)) => self.resident(address, local, policy, Self::target_out_of_contact),
            Ok(None) => self.unserved(address, policy),
            Err(error) => nowhere(Code::BadAddress, "not an address here", error.to_string()),
        }
    }

    fn unserved(&self, address: &Address, policy: &Policy) -> Target {
        if policy.hosts(address) {
            return Target::Nowhere(Refusal::out_of_contact());
        }
        match self.resolver().may_find(address.domain()) {
            true => Target::Elsewhere,
            false if policy.expects(address.domain()) => Target::Nowhere(Refusal::out_of_contact()),
            false => nowhere(Code::NoRoute, "no route to the domain", "no pinned route, and no DNS".into()),
        }
    }

    fn resident(&self, address: &Address, local: Local, policy: &Policy, look: Look) -> Target {
        match local {
            Local::Alias(alias) => Target::Alias(alias),
            Local::Route(foreign) => self.foreign(foreign, address.class(), policy, look),
            Local::Gateway if address.class() == Class::Im => match self.own_inbox() {
                Some(port) => Target::Served { port },
                None => {
                    nowhere(Code::Unsupported, "the gateway's own inbox takes no commands", String::new())
                }
            },
            Local::Winfo(_) => {
                nowhere(Code::Unsupported, "watcher information takes no messages", String::new())
            }
            Local::Gateway | Local::Plain(_) => {
                nowhere(Code::BadAddress, "no such user here", address.to_string())
            }
        }
    }

    /// A foreign system: whoever claimed its selector on a session, else the adapter for it.
    fn foreign(&self, foreign: ForeignAddress, class: Class, policy: &Policy, look: Look) -> Target {
        if [Class::Im, Class::Pres].iter().any(|class| class.scheme() == foreign.selector().as_str()) {
            return match Address::parse(&foreign.to_string()) {
                Ok(inner) => self.inner(inner.with_class(class), policy, look),
                Err(error) => nowhere(Code::BadAddress, "not an address within", error.to_string()),
            };
        }
        let served = self.contacts.port_serving(&[Scope::Selector(foreign.selector().clone())]);
        let Some(port) = served.or_else(|| self.port_for(foreign.selector())) else {
            return nowhere(Code::NoRoute, "no adapter for this kind of address", foreign.to_string());
        };
        let is_away =
            served.is_none() && self.adapter(port).is_some_and(|adapter| adapter.carries(foreign.selector()));
        match self.canonical(port, foreign) {
            Ok(_) if is_away => Target::Nowhere(Refusal::out_of_contact()),
            Ok(foreign) => Target::Foreign { port, foreign },
            Err(bad) => Target::Nowhere(Refusal::new(Code::BadAddress, bad.what.clone(), bad.to_string())),
        }
    }

    /// The mapper has seen to it that what is within is not ours again.
    fn inner(&self, inner: Address, policy: &Policy, look: Look) -> Target {
        match look(self, &inner, policy) {
            Target::Nowhere(refusal) => Target::Nowhere(refusal),
            _ => Target::Inner(inner),
        }
    }
}

fn nowhere(code: Code, words: &'static str, detail: String) -> Target {
    Target::Nowhere(Refusal::new(code, words, detail))
}
