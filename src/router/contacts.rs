//! Who is in contact: the connections of every adapter, what they serve, and for whom they speak.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cpim_adapter::{Address, Answer, Domain, Mapper, Scope, SessionFacts};
use tokio::sync::{Notify, mpsc};

use super::owner::Owner;
use super::recent::Recent;
use crate::sync::lock;

/// Domains that are waited for, before those for which nobody waits any more are swept out.
const WAITING_BEFORE_SWEEP: usize = 1_024;

/// Addresses that left and are kept in mind: more than can before the journal has taken note of the first.
const LEFT: usize = 16_384;

/// One connection of an adapter.
#[derive(Clone)]
pub(crate) struct Contact {
    /// The adapter it belongs to, by its place in the registry.
    pub(crate) port: usize,
    pub(crate) facts: Arc<SessionFacts>,
    pub(crate) answers: mpsc::Sender<Answer>,
}

/// The connections that are there now. Newest last, everywhere.
#[derive(Default)]
pub(crate) struct Contacts(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last: u64,
    /// How often somebody came or went.
    changes: u64,
    sessions: HashMap<u64, Contact>,
    /// Those who are there for one operation: in no index, and no change.
    brief: HashMap<u64, Contact>,
    /// What is delivered to whom.
    serving: HashMap<Scope, Vec<u64>>,
    /// Who may be given the answers of a source; peers are found by their domain's scope.
    speaking: HashMap<Scope, Vec<u64>>,
    /// Addresses that were served until lately: the journal takes note of them without haste.
    left: Recent<Address, LEFT>,
    /// Who waits until somebody of a domain is in contact.
    waiting: HashMap<Domain, Arc<Notify>>,
}

impl Contacts {
    pub(crate) fn open(&self, contact: Contact) -> u64 {
        let facts = &contact.facts;
        let mut inner = lock(&self.0);
        inner.last += 1;
        inner.changes += 1;
        let session = inner.last;
        for scope in &facts.serves {
            inner.serving.entry(scope.clone()).or_default().push(session);
            match scope_domain(scope) {
                Some(domain) => {
                    inner.waiting.remove(domain).iter().for_each(|notify| notify.notify_waiters())
                }
                // What it stands for depends on the relay domain: whoever waits looks for himself.
                None => inner.waiting.drain().for_each(|(_, notify)| notify.notify_waiters()),
            }
        }
        for scope in answer_scopes(facts) {
            inner.speaking.entry(scope).or_default().push(session);
        }
        inner.sessions.insert(session, contact);
        session
    }

    /// Somebody who is known for what he brings, and at whom nobody is looked for.
    pub(crate) fn open_briefly(&self, contact: Contact) -> u64 {
        let mut inner = lock(&self.0);
        inner.last += 1;
        let session = inner.last;
        inner.brief.insert(session, contact);
        session
    }

    /// The connection, where it was more than a brief one.
    pub(crate) fn close(&self, session: u64) -> Option<Contact> {
        let mut inner = lock(&self.0);
        if inner.brief.remove(&session).is_some() {
            return None;
        }
        let contact = inner.sessions.remove(&session)?;
        inner.changes += 1;
        for scope in &contact.facts.serves {
            forget(&mut inner.serving, scope, session);
            if let Scope::Address(address) = scope {
                inner.left.note(address.clone());
            }
        }
        for scope in answer_scopes(&contact.facts) {
            forget(&mut inner.speaking, &scope, session);
        }
        Some(contact)
    }

    /// How often somebody came or went.
    pub(crate) fn changes(&self) -> u64 {
        lock(&self.0).changes
    }

    pub(crate) fn session(&self, session: u64) -> Option<Contact> {
        let inner = lock(&self.0);
        inner.sessions.get(&session).or_else(|| inner.brief.get(&session)).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Contact> {
        lock(&self.0).sessions.values().cloned().collect()
    }

    /// The newest connection that serves any of these scopes, the first scope first.
    pub(crate) fn serving(&self, scopes: &[Scope]) -> Option<Contact> {
        let inner = lock(&self.0);
        scopes.iter().find_map(|scope| newest(&inner, &inner.serving, scope)).cloned()
    }

    /// The port of that connection.
    pub(crate) fn port_serving(&self, scopes: &[Scope]) -> Option<usize> {
        let inner = lock(&self.0);
        scopes.iter().find_map(|scope| newest(&inner, &inner.serving, scope)).map(|contact| contact.port)
    }

    /// Whether there is one.
    pub(crate) fn serves(&self, scopes: &[Scope]) -> bool {
        self.port_serving(scopes).is_some()
    }

    /// The number of the oldest connection that serves a scope: they are counted up.
    pub(crate) fn oldest_serving(&self, scope: &Scope) -> Option<u64> {
        let inner = lock(&self.0);
        let serving = inner.serving.get(scope)?.iter();
        let open =
            |session: &&u64| inner.sessions.get(session).is_some_and(|contact| !contact.answers.is_closed());
        serving.filter(open).min().copied()
    }

    /// Whether a session serves an address, or its domain.
    pub(crate) fn is_in_contact(&self, address: &Address) -> bool {
        self.serves(&[Scope::Address(address.clone()), Scope::Domain(address.domain().clone())])
    }

    /// Whether what is for an address goes to a peer gateway that is in contact.
    pub(crate) fn is_at_a_peer(&self, address: &Address) -> bool {
        let scopes = [Scope::Address(address.clone()), Scope::Domain(address.domain().clone())];
        self.serving(&scopes).is_some_and(|contact| contact.facts.authority.peer.is_some())
    }

    /// The newest connection that may be given an owner's answers.
    pub(crate) fn answering(&self, owner: &Owner, mapper: &Mapper) -> Option<Contact> {
        let inner = lock(&self.0);
        let mut scopes = match owner {
            Owner::Peer(domain) => vec![Scope::Domain(domain.clone())],
            Owner::Source(address) => {
                vec![Scope::Address(address.clone()), Scope::Domain(address.domain().clone())]
            }
        };
        scopes.extend(owner.selector(mapper).map(Scope::Selector));
        scopes
            .iter()
            .find_map(|scope| newest(&inner, &inner.speaking, scope))
            .filter(|contact| owner.is(&contact.facts, mapper))
            .cloned()
    }

    /// Whether an address was served until lately.
    pub(crate) fn left_lately(&self, address: &Address) -> bool {
        lock(&self.0).left.contains(address)
    }

    /// Notified when somebody of the address's domain comes into contact. Ask before looking whether
    /// somebody is, so that nobody is missed.
    pub(crate) fn awaiting(&self, address: &Address) -> Arc<Notify> {
        let waiting = &mut lock(&self.0).waiting;
        if waiting.len() >= WAITING_BEFORE_SWEEP {
            waiting.retain(|_, notify| Arc::strong_count(notify) > 1);
        }
        Arc::clone(waiting.entry(address.domain().clone()).or_default())
    }
}

/// The scopes by which answers find a connection: exact ones; a connection that speaks for whole trees of
/// domains gets the answers it waits for itself, and no others.
fn answer_scopes(facts: &SessionFacts) -> Vec<Scope> {
    let is_exact = |scope: &&Scope| match scope {
        Scope::Address(_) | Scope::Domain(_) => true,
        Scope::Selector(_) => facts.serves.contains(scope),
        Scope::Any | Scope::Under(_) => false,
    };
    match &facts.authority.peer {
        Some(domain) => vec![Scope::Domain(domain.clone())],
        None => facts.authority.scopes.iter().filter(is_exact).cloned().collect(),
    }
}

fn scope_domain(scope: &Scope) -> Option<&Domain> {
    match scope {
        Scope::Address(address) => Some(address.domain()),
        Scope::Domain(domain) => Some(domain),
        Scope::Any | Scope::Selector(_) | Scope::Under(_) => None,
    }
}

fn newest<'i>(inner: &'i Inner, index: &HashMap<Scope, Vec<u64>>, scope: &Scope) -> Option<&'i Contact> {
    index
        .get(scope)?
        .iter()
        .rev()
        .find_map(|session| inner.sessions.get(session).filter(|contact| !contact.answers.is_closed()))
}

fn forget(index: &mut HashMap<Scope, Vec<u64>>, scope: &Scope, session: u64) {
    if let Some(sessions) = index.get_mut(scope) {
        sessions.retain(|other| *other != session);
        if sessions.is_empty() {
            index.remove(scope);
        }
    }
}
