//! Who is there, and whose presence the gateway wants to know.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cpim_adapter::{AdapterContext, Basic, Class, ForeignAddress, Observation, Presence, Tuple};
use tokio::sync::mpsc;

use crate::connection::Departure;

/// The users, by name. Its lock is held for look-ups only, and never over an await.
#[derive(Default)]
pub(crate) struct Users(Mutex<Table>);

#[derive(Default)]
struct Table {
    there: HashMap<String, User>,
    /// Who left last, and when.
    left: VecDeque<(String, SystemTime)>,
    /// By name, as the gateway named them.
    observed: HashMap<String, ForeignAddress>,
}

/// Users of whom it is known when they left. Of whoever left before them it counts as long ago.
const LEFT: usize = 1_000;

struct User {
    departures: mpsc::Sender<Departure>,
    is_here: bool,
}

impl Users {
    /// Somebody is there. `false`: the name is taken.
    pub(crate) fn enter(&self, name: &str, departures: mpsc::Sender<Departure>) -> bool {
        match self.lock().there.entry(name.to_owned()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(User { departures, is_here: true });
                true
            }
        }
    }

    pub(crate) fn leave(&self, name: &str) {
        let mut table = self.lock();
        table.there.remove(name);
        table.left.retain(|(known, _)| known != name);
        if table.left.len() >= LEFT {
            table.left.pop_front();
        }
        table.left.push_back((name.to_owned(), SystemTime::now()));
    }

    /// When somebody left, where that is known.
    pub(crate) fn left_at(&self, name: &str) -> Option<SystemTime> {
        self.lock().left.iter().find(|(known, _)| known == name).map(|(_, at)| *at)
    }

    pub(crate) fn set_here(&self, name: &str, is_here: bool) {
        if let Some(user) = self.lock().there.get_mut(name) {
            user.is_here = is_here;
        }
    }

    /// The way to somebody, where he is there.
    pub(crate) fn way_to(&self, name: &str) -> Option<mpsc::Sender<Departure>> {
        self.lock().there.get(name).map(|user| user.departures.clone())
    }

    pub(crate) fn observe(&self, presentity: ForeignAddress) {
        self.lock().observed.insert(presentity.value().to_owned(), presentity);
    }

    pub(crate) fn unobserve(&self, presentity: &ForeignAddress) {
        self.lock().observed.remove(presentity.value());
    }

    /// Tells somebody's presence, where it is wanted.
    pub(crate) fn tell(&self, name: &str, cx: &AdapterContext) {
        let (presentity, status) = {
            let table = self.lock();
            let Some(presentity) = table.observed.get(name).cloned() else { return };
            let open = table.there.get(name).is_some_and(|user| user.is_here);
            (presentity, if open { Basic::Open } else { Basic::Closed })
        };
        let Ok(inbox) = cx.mapper().map_foreign(&presentity, Class::Im) else { return };
        let presence = Presence::new(Tuple::new(inbox.spelled(), status), Vec::new());
        cx.observed(Observation { presentity, presence, document: None });
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
