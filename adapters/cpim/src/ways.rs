//! Order where several sessions lead to the same place.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cpim_adapter::{Address, Operation};

use crate::session::Session;

type Pair = (Address, Address);

/// By which session the operations of a pair go while some of them are unanswered.
///
/// Two gateways that connect to each other at the same time have two sessions, and whichever was opened last is
/// the one to use (native-cpim.md, Session 5). What was sent by the first may then still be on its way, and what
/// is sent by the second could overtake it. So a pair keeps to its session until all of it is answered, or it is
/// known that it will not be. This holds between gateways and homes; a principal's own newest session is where
/// the principal is.
#[derive(Debug, Default)]
pub(crate) struct Ways(Mutex<HashMap<Pair, Way>>);

#[derive(Debug)]
struct Way {
    session: Arc<Session>,
    /// Operations that were given to it and are unanswered: never none.
    under_way: usize,
}

/// One operation's share in its pair's way, until it is dropped.
#[derive(Debug)]
pub(crate) struct OnTheWay {
    ways: Arc<Ways>,
    pair: Pair,
    session: Arc<Session>,
}

impl Ways {
    /// The session for an operation, where `newest` would be the one to use: its pair's, if that has one.
    ///
    /// `None` while the pair's session takes no more, and has not said yet what became of what it was given:
    /// that may have to be sent again, and comes first.
    pub(crate) fn take(self: &Arc<Self>, operation: &Operation, newest: Arc<Session>) -> Option<OnTheWay> {
        let pair = (operation.speaks_for().address().clone(), operation.goes_to().address().clone());
        let session = match self.lock().entry(pair.clone()) {
            Entry::Vacant(free) => Arc::clone(&free.insert(Way { session: newest, under_way: 1 }).session),
            Entry::Occupied(mut taken) => {
                let way = taken.get_mut();
                let keeps = way.session.is_home() && newest.is_home();
                if !way.session.is_reachable() {
                    return None;
                }
                if !keeps && !Arc::ptr_eq(&way.session, &newest) {
                    // The operations on the one before have no share in this.
                    *way = Way { session: newest, under_way: 0 };
                }
                way.under_way += 1;
                Arc::clone(&way.session)
            }
        };
        Some(OnTheWay { ways: Arc::clone(self), pair, session })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, Way>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnTheWay {
    /// By which session.
    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        let mut ways = self.ways.lock();
        let Some(way) = ways.get_mut(&self.pair).filter(|way| Arc::ptr_eq(&way.session, &self.session))
        else {
            return;
        };
        way.under_way -= 1;
        if way.under_way == 0 {
            ways.remove(&self.pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{Authority, PresUri, Scope, Standing, Unsubscribe};

    use super::*;
    use crate::claims::Admission;
    use crate::session::Ends;

    fn session(home: bool) -> (Arc<Session>, Ends) {
        let authority = Authority {
            peer: None,
            scopes: Vec::new(),
            standing: Standing::Verified,
            label: "a session".into(),
        };
        let serves: Vec<Scope> = Vec::new();
        Session::new(&Admission {
            authority: Arc::new(authority),
            claims: serves.clone(),
            serves,
            home,
            remembers: None,
            adapter: None,
        })
    }

    fn operation(watcher: &str) -> Operation {
        let [watcher, target] = [watcher, "pres:fred@a.example"].map(|uri| PresUri::parse(uri).unwrap());
        Operation::Unsubscribe(Unsubscribe { watcher, target })
    }

    /// The way of the next operation, which has one.
    fn next(ways: &Arc<Ways>, one: &Operation, newest: &Arc<Session>) -> OnTheWay {
        ways.take(one, Arc::clone(newest)).expect("a session")
    }

    #[test]
    fn a_pair_keeps_to_its_session_until_all_of_it_is_answered() {
        let ways = Arc::new(Ways::default());
        let ((old, _old_ends), (new, _new_ends)) = (session(true), session(true));
        let [one, other] = ["pres:w@b.example", "pres:v@b.example"].map(operation);
        let first = next(&ways, &one, &old);
        let second = next(&ways, &one, &new);
        assert!(Arc::ptr_eq(second.session(), &old));
        assert!(Arc::ptr_eq(next(&ways, &other, &new).session(), &new), "another pair does not");
        drop(first);
        assert!(Arc::ptr_eq(next(&ways, &one, &new).session(), &old));
        drop(second);
        assert!(Arc::ptr_eq(next(&ways, &one, &new).session(), &new));
        assert!(ways.lock().is_empty());
    }

    #[test]
    fn what_became_of_the_first_is_known_before_the_next_takes_another_session() {
        let ways = Arc::new(Ways::default());
        let ((gone, ends), (new, _new_ends)) = (session(true), session(true));
        let one = operation("pres:w@b.example");
        let first = next(&ways, &one, &gone);
        drop(ends);
        assert!(ways.take(&one, Arc::clone(&new)).is_none());
        drop(first);
        assert!(Arc::ptr_eq(next(&ways, &one, &new).session(), &new));
    }

    #[test]
    fn a_principals_older_session_is_left_at_once() {
        let ways = Arc::new(Ways::default());
        let ((desk, _desk_ends), (phone, _phone_ends)) = (session(false), session(false));
        let one = operation("pres:w@b.example");
        let at_the_desk = next(&ways, &one, &desk);
        let at_the_phone = next(&ways, &one, &phone);
        assert!(Arc::ptr_eq(at_the_phone.session(), &phone));
        drop(at_the_desk);
        assert_eq!(ways.lock().len(), 1, "the first had no share any more");
        drop(at_the_phone);
        assert!(ways.lock().is_empty());
    }
}
