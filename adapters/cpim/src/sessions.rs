//! The sessions that are open, by what they serve.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use cpim_adapter::{Address, Domain, Scope, Selector};

use crate::session::Session;

/// Every session, found by what it serves; of several, the one opened last first.
///
/// Its lock is held for look-ups only, and never over an await.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Table>);

/// Another session is home to a domain of which single addresses were claimed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is within a domain that another session is home to")]
pub(crate) struct Conflict(Address);

#[derive(Debug, Default)]
struct Table {
    by_scope: HashMap<Scope, Vec<Arc<Session>>>,
    /// Who claimed single addresses of a domain, to serve or to speak for them.
    singles: HashMap<Domain, Vec<Arc<Session>>>,
}

impl Sessions {
    /// Enters a session that came in, unless another is home to what it claims single addresses of.
    ///
    /// Gives back the sessions that must now go: those that claimed single addresses of a domain whose
    /// home this one is. What is `hosted` here by configuration is exempt either way.
    ///
    /// # Errors
    /// [`Conflict`]; the session was not entered.
    pub(crate) fn enter(
        &self,
        session: &Arc<Session>,
        hosted: &[Scope],
    ) -> Result<Vec<Arc<Session>>, Conflict> {
        let is_hosted = |address: &Address| hosted.iter().any(|scope| scope.covers(address));
        let mut table = self.lock();
        let is_own = |domain: &Domain| session.serves().contains(&Scope::Domain(domain.clone()));
        let singles = session.claims().iter().filter_map(|claim| match claim {
            Scope::Address(address) if !is_hosted(address) && !is_own(address.domain()) => Some(address),
            _ => None,
        });
        for address in singles.clone() {
            if table.newest(&Scope::Domain(address.domain().clone())).is_some() {
                return Err(Conflict(address.clone()));
            }
        }
        let homes = session.serves().iter().filter_map(|scope| match scope {
            Scope::Domain(domain) => Some(domain),
            _ => None,
        });
        let displaced = homes.flat_map(|domain| table.singles.remove(domain).unwrap_or_default()).collect();
        for address in singles {
            push(table.singles.entry(address.domain().clone()).or_default(), session);
        }
        for scope in session.serves() {
            push(table.by_scope.entry(scope.clone()).or_default(), session);
        }
        Ok(displaced)
    }

    /// Takes a session out again; one that was never entered changes nothing.
    pub(crate) fn leave(&self, session: &Session) {
        let mut table = self.lock();
        for scope in session.serves() {
            remove(&mut table.by_scope, scope, session);
        }
        for claim in session.claims() {
            if let Scope::Address(address) = claim {
                remove(&mut table.singles, address.domain(), session);
            }
        }
    }

    /// Who takes what goes to an address: whoever serves it, else its domain's home.
    pub(crate) fn serving(&self, address: &Address) -> Option<Arc<Session>> {
        let table = self.lock();
        let exactly = table.newest(&Scope::Address(address.clone()));
        exactly.or_else(|| table.newest(&Scope::Domain(address.domain().clone())))
    }

    /// The home of a domain.
    pub(crate) fn home_of(&self, domain: &Domain) -> Option<Arc<Session>> {
        self.lock().newest(&Scope::Domain(domain.clone()))
    }

    /// The external adapter for a selector.
    pub(crate) fn adapter_of(&self, selector: &Selector) -> Option<Arc<Session>> {
        self.lock().newest(&Scope::Selector(selector.clone()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The one opened last that still takes operations.
    fn newest(&self, scope: &Scope) -> Option<Arc<Session>> {
        let mut sessions = self.by_scope.get(scope)?.iter().rev();
        sessions.find(|session| session.is_reachable()).cloned()
    }
}

fn push(sessions: &mut Vec<Arc<Session>>, session: &Arc<Session>) {
    if !sessions.iter().any(|other| Arc::ptr_eq(other, session)) {
        sessions.push(Arc::clone(session));
    }
}

fn remove<K: Eq + Hash>(table: &mut HashMap<K, Vec<Arc<Session>>>, key: &K, session: &Session) {
    if let Some(sessions) = table.get_mut(key) {
        sessions.retain(|other| !std::ptr::eq(Arc::as_ptr(other), session));
        if sessions.is_empty() {
            table.remove(key);
        }
    }
}
