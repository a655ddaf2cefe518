//! Which session a pair of source and destination is using.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cpim_adapter::{Address, Operation};

use crate::session::Session;

/// A source and a destination.
pub(crate) type Pair = (Address, Address);

/// The sessions of the pairs that have operations under way.
///
/// Where several sessions lead to the same home, as when two gateways have connected to each other at once, the
/// operations of a pair keep to one of them while any is unanswered: on two connections, the second could
/// overtake the first. The sessions of one principal are another matter: there the one opened last is meant.
#[derive(Debug, Default)]
pub(crate) struct Pairs(Mutex<HashMap<Pair, Using>>);

#[derive(Debug, Default)]
struct Using {
    /// Weak, because an operation that is under way on it keeps this entry: a session that ended must be able to
    /// go, and with it what it never sent.
    session: Weak<Session>,
    operations: usize,
}

/// One operation of a pair is under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pairs: Arc<Pairs>,
    pair: Pair,
}

impl Pairs {
    pub(crate) fn of(operation: &Operation) -> Pair {
        (operation.speaks_for().address().clone(), operation.goes_to().address().clone())
    }

    /// The session that a pair is using, if it still takes operations.
    pub(crate) fn session(&self, pair: &Pair) -> Option<Arc<Session>> {
        let session = self.lock().get(pair)?.session.upgrade()?;
        session.is_reachable().then_some(session)
    }

    /// Whether operations of the pair are under way on a session that ended, or is about to: what becomes of them
    /// is not known yet, and some may have to be sent before any other.
    pub(crate) fn is_in_doubt(&self, pair: &Pair) -> bool {
        let using = self.lock().get(pair).map(|using| using.session.upgrade());
        using.is_some_and(|session| session.is_none_or(|session| !session.is_reachable()))
    }

    /// An operation of the pair goes to a session, which the pair uses from now on.
    pub(crate) fn begin(self: &Arc<Self>, pair: Pair, session: &Arc<Session>) -> UnderWay {
        let mut pairs = self.lock();
        let using = pairs.entry(pair.clone()).or_default();
        using.session = Arc::downgrade(session);
        using.operations += 1;
        UnderWay { pairs: Arc::clone(self), pair }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Pair, Using>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut pairs = self.pairs.lock();
        if let Some(using) = pairs.get_mut(&self.pair) {
            using.operations -= 1;
            if using.operations == 0 {
                pairs.remove(&self.pair);
            }
        }
    }
}
