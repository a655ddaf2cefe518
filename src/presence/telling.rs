//! What is to be told to whom: taken from the book by who brings it, and given back once it was told or not.
//!
//! A subscription has one mark that there is something to tell, and no queue: what is told is looked up when it is told.

use std::collections::VecDeque;
use std::sync::Arc;

use cpim_adapter::{Address, Passage, PresUri, Standing};

use super::book::Book;
use super::leases::{LeaseKey, Stage};
use super::names::Name;
use super::presentity::Kind;
use super::state::State;
use super::winfo::WatcherFact;

/// How long the first word of an adapter on a presentity is awaited before it counts as closed, in milliseconds.
pub(crate) const FIRST_WORD_MS: i64 = 3_000;

/// One in so many turns is of what waits behind all that is new, so that it is told some day under any load.
const TURNS_OF_NEW: u32 = 8;

/// Something to tell.
#[derive(Debug)]
pub(crate) enum Item {
    /// A subscription's watcher.
    Lease(LeaseKey),
    /// Somebody who asked once.
    Once(Box<Once>),
}

/// A single look, to be answered by one notification.
#[derive(Clone, Debug)]
pub(crate) struct Once {
    pub(crate) watcher: PresUri,
    pub(crate) target: PresUri,
    /// Whose presence, in its canonical form.
    pub(crate) presentity: Address,
    pub(crate) standing: Standing,
    /// What to tell, where it was told by another server; else what is known at the time.
    pub(crate) given: Option<(Arc<State>, Option<Passage>)>,
}

/// What is to be told to one watcher.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    pub(crate) watcher: PresUri,
    pub(crate) target: PresUri,
    pub(crate) presentity: Address,
    pub(crate) standing: Standing,
    /// The digest of what he was told last, unless he is to be told anyway.
    pub(crate) told: u64,
    pub(crate) what: What,
}

/// What is told.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// What everybody is told who sees nothing: the presentity is closed.
    Closed,
    /// Another server's word for this watcher, which is told as it is.
    Passed(Arc<State>, Option<Passage>),
    /// The presence, less what the watcher may not see.
    State(Arc<State>),
    /// The watchers of a presentity, less those that he may not see.
    Watchers(Address, Vec<WatcherFact>),
}

/// How telling a watcher ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// He has this, or is about to.
    This(u64),
    /// He knew it already.
    Nothing,
    /// He cannot be reached.
    Unreached,
}

impl Book {
    /// Has a subscription's watcher told; `anyway`: even what he knows.
    pub(crate) fn mark(&mut self, key: LeaseKey, anyway: bool) {
        let Some(lease) = self.leases.get_mut(key) else { return };
        lease.dirty = true;
        lease.anyway |= anyway;
        if matches!(lease.stage, Stage::Idle | Stage::Later) {
            lease.stage = Stage::Queued;
            self.ready.push_back(Item::Lease(key));
        }
    }

    /// Has a subscription's watcher told behind all that is new: a start takes up a million of them, of whom hardly one
    /// has something to hear.
    pub(crate) fn mark_for_later(&mut self, key: LeaseKey) {
        let Some(lease) = self.leases.get_mut(key) else { return };
        lease.dirty = true;
        if lease.stage == Stage::Idle {
            lease.stage = Stage::Later;
            self.later.push_back(key);
        }
    }

    /// The watcher of a subscription has its response, to the first or to a renewal: what is told comes behind it.
    pub(crate) fn release(&mut self, key: LeaseKey) {
        if let Some(lease) = self.leases.get_mut(key)
            && lease.stage == Stage::Held
        {
            lease.stage = Stage::Idle;
        }
        self.reached(key);
    }

    /// Somebody who may have been out of reach is there: he is told the present state.
    pub(crate) fn reached(&mut self, key: LeaseKey) {
        self.unpark(key);
        self.mark(key, true);
    }

    /// The same of very many at once, or of such as may still be away: behind all that is new.
    pub(crate) fn reached_perhaps(&mut self, keys: impl IntoIterator<Item = LeaseKey>) {
        for key in keys {
            self.unpark(key);
            if let Some(lease) = self.leases.get_mut(key) {
                lease.anyway = true;
            }
            self.mark_for_later(key);
        }
    }

    fn unpark(&mut self, key: LeaseKey) {
        self.parked.remove(&key);
        if let Some(lease) = self.leases.get_mut(key)
            && lease.stage == Stage::Parked
        {
            lease.stage = Stage::Idle;
        }
    }

    /// Some of those that are parked, to be tried again.
    pub(crate) fn parked(&self, most: usize) -> Vec<LeaseKey> {
        self.parked.iter().take(most).copied().collect()
    }

    /// A single look.
    pub(crate) fn once(&mut self, once: Once) {
        self.ready.push_back(Item::Once(Box::new(once)));
    }

    /// The next to be told. What is new goes first, but for every so many of it one goes that has waited.
    pub(crate) fn next_ready(&mut self) -> Option<Item> {
        self.turns = self.turns.wrapping_add(1);
        if self.turns.is_multiple_of(TURNS_OF_NEW) {
            return self.next_later().or_else(|| self.ready.pop_front());
        }
        self.ready.pop_front().or_else(|| self.next_later())
    }

    fn next_later(&mut self) -> Option<Item> {
        while let Some(key) = self.later.pop_front() {
            // Something new may have come for it meanwhile: then it has been told, or is about to be.
            if self.leases.get(key).is_some_and(|lease| lease.stage == Stage::Later) {
                return Some(Item::Lease(key));
            }
        }
        // What a start took is given back.
        self.later = VecDeque::new();
        None
    }

    /// Begins to tell a subscription's watcher. Nothing where there is nothing to tell yet, or any more.
    pub(crate) fn begin(&mut self, key: LeaseKey) -> Option<Telling> {
        let (watcher, target) = self.spelled(key)?;
        let lease = self.leases.get_mut(key)?;
        if !matches!(lease.stage, Stage::Queued | Stage::Later) {
            return None;
        }
        let presentity = self.names.address(lease.presentity)?.clone();
        let known = self.presentities.get(&lease.presentity)?;
        let what = match (&known.kind, &known.state) {
            (Kind::Elsewhere, _) => {
                let last = self.far.get(&key).and_then(|far| far.last.clone());
                last.map(|(state, passage)| What::Passed(state, passage))
            }
            (Kind::Winfo(base), _) => {
                let base_address = self.names.address(*base).cloned();
                base_address.map(|address| What::Watchers(address, self.facts(*base)))
            }
            (Kind::Hosted | Kind::Foreign { .. }, state) => state.clone().map(What::State),
        };
        let lease = self.leases.get_mut(key)?;
        let Some(what) = what else {
            // Marked again as soon as there is something.
            lease.stage = Stage::Idle;
            return None;
        };
        lease.stage = Stage::Telling;
        lease.dirty = false;
        let told = if std::mem::take(&mut lease.anyway) { 0 } else { lease.told };
        Some(Telling { watcher, target, presentity, standing: lease.standing, told, what })
    }

    /// What is to be told to somebody who asked once. One that must wait is kept until it can be told.
    pub(crate) fn begin_once(&mut self, once: Once, now: i64) -> Option<Telling> {
        let known = self.names.find(&once.presentity).and_then(|name| self.presentities.get(&name));
        let what = match (&once.given, known.map(|known| (&known.kind, &known.state))) {
            (Some((state, passage)), _) => What::Passed(Arc::clone(state), passage.clone()),
            (None, Some((Kind::Winfo(base), _))) => {
                What::Watchers(self.names.address(*base)?.clone(), self.facts(*base))
            }
            (None, Some((_, Some(state)))) => What::State(Arc::clone(state)),
            (None, Some((Kind::Foreign { .. }, None))) => {
                self.waiting.push((now + FIRST_WORD_MS, once));
                return None;
            }
            (None, _) => What::Closed,
        };
        let Once { watcher, target, presentity, standing, .. } = once;
        Some(Telling { watcher, target, presentity, standing, told: 0, what })
    }

    /// Looks that waited for a first word long enough. The presentities they are for, where nothing came.
    pub(crate) fn overdue_looks(&self, now: i64) -> Vec<Name> {
        let overdue = self.waiting.iter().filter(|(until, _)| *until <= now);
        overdue.filter_map(|(_, once)| self.names.find(&once.presentity)).collect()
    }

    pub(super) fn wake_looks(&mut self, name: Name) {
        let Some(address) = self.names.address(name) else { return };
        let (now, later) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, once)| once.presentity == *address);
        self.waiting = later;
        self.ready.extend(now.into_iter().map(|(_, once)| Item::Once(Box::new(once))));
    }

    /// Telling a watcher is over.
    pub(crate) fn finish(&mut self, key: LeaseKey, told: Told) {
        let Some(lease) = self.leases.get_mut(key).filter(|lease| lease.stage == Stage::Telling) else {
            return;
        };
        lease.stage = Stage::Idle;
        match told {
            Told::This(digest) => lease.told = digest,
            Told::Nothing => {}
            // He came back while that was found out: tried again at once.
            Told::Unreached if lease.anyway => {
                lease.told = 0;
                lease.dirty = true;
            }
            Told::Unreached => {
                lease.told = 0;
                lease.dirty = true;
                lease.anyway = true;
                lease.stage = Stage::Parked;
                self.parked.insert(key);
                return;
            }
        }
        if lease.dirty {
            let anyway = lease.anyway;
            self.mark(key, anyway);
        }
    }

    /// Everybody's, of those that cannot be reached.
    pub(crate) fn all_parked(&self) -> Vec<LeaseKey> {
        self.parked(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::{LeaseId, NewLease};

    fn address(uri: &str) -> Address {
        Address::parse(uri).unwrap()
    }

    /// A book as it is after a start: so many presentities, each watched by one.
    fn taken_up(leases: usize) -> (Book, Vec<LeaseKey>) {
        let mut book = Book::default();
        let keys = (0..leases).map(|at| {
            let presentity = book.presentity(&address(&format!("pres:t{at}@b.example")), Kind::Hosted);
            let key =
                book.enter(&address(&format!("pres:w{at}@a.example")), presentity, |watcher| NewLease {
                    watcher,
                    presentity,
                    since: 0,
                    expires: i64::MAX,
                    id: LeaseId::Minted(1),
                    spelled: None,
                    standing: Standing::Verified,
                    stage: Stage::Idle,
                    told: 0,
                });
            book.mark_for_later(key);
            key
        });
        let keys = keys.collect();
        (book, keys)
    }

    /// Takes the next to be told, and tells it.
    fn tell_next(book: &mut Book) -> Option<LeaseKey> {
        let Item::Lease(key) = book.next_ready()? else { panic!("nobody looked once") };
        book.begin(key).unwrap();
        book.finish(key, Told::This(1));
        Some(key)
    }

    #[test]
    fn what_is_new_is_told_before_what_a_start_took_up_and_each_once() {
        let (mut book, keys) = taken_up(1_000);
        assert_eq!(tell_next(&mut book), Some(keys[0]));
        book.mark(keys[700], false);
        assert_eq!(tell_next(&mut book), Some(keys[700]));
        let rest: Vec<LeaseKey> = std::iter::from_fn(|| tell_next(&mut book)).collect();
        assert_eq!(rest, [&keys[1..700], &keys[701..]].concat());
        assert_eq!(book.later.capacity(), 0);
    }

    #[test]
    fn what_is_new_is_told_before_those_who_may_be_back() {
        let (mut book, keys) = taken_up(100);
        while let Some(Item::Lease(key)) = book.next_ready() {
            book.begin(key).unwrap();
            book.finish(key, Told::Unreached);
        }
        let all = book.all_parked();
        book.reached_perhaps(all);
        book.mark(keys[50], false);
        assert_eq!(tell_next(&mut book), Some(keys[50]));
        assert_eq!(std::iter::from_fn(|| tell_next(&mut book)).count(), 99);
        assert!(book.all_parked().is_empty());
    }

    #[test]
    fn what_a_start_took_up_is_told_under_any_load() {
        let (mut book, keys) = taken_up(100);
        let mut turns = 0;
        while !book.later.is_empty() {
            // The last one's presence changes again and again.
            book.mark(keys[99], false);
            tell_next(&mut book).unwrap();
            turns += 1;
        }
        assert!(turns <= 100 * TURNS_OF_NEW);
    }
}
