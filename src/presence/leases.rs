//! Subscriptions, each found by its pair, its presentity, its watcher and its end, at a cost that does not depend
//! on how many there are.

use std::collections::BTreeSet;

use cpim_adapter::{PresUri, Standing, SubscriptId};
// Its keys are numbers of ours, which nobody can choose.
use foldhash::HashMap;

use super::names::Name;

/// A subscription, for as long as it lives: a number is used again, but never with the same turn.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct LeaseKey {
    at: u32,
    turn: u32,
}

/// How far the telling of a subscription's watcher has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Nothing is under way.
    Idle,
    /// Its watcher has not had the response yet, behind which everything is told.
    Held,
    /// It is told, or found to know everything, once nothing newer is to be told.
    Later,
    /// It is among those that are about to be told.
    Queued,
    /// Something is on its way to the watcher.
    Telling,
    /// The watcher could not be reached: told once he can be.
    Parked,
}

/// A subscription's name: what we mint is kept as a number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum LeaseId {
    /// Minted here.
    Minted(u64),
    /// Given by the watcher.
    Given(SubscriptId),
}

impl LeaseId {
    /// A new name, of drawn bits.
    pub(crate) const fn mint(draw: (u32, u32)) -> Self {
        Self::Minted(((draw.0 as u64) << 32) | draw.1 as u64)
    }

    /// As it is written.
    pub(crate) fn written(&self) -> Option<SubscriptId> {
        match self {
            Self::Minted(number) => SubscriptId::parse(&format!("{number:016x}")).ok(),
            Self::Given(id) => Some(id.clone()),
        }
    }

    /// Reads what was written; one of ours becomes small again.
    pub(crate) fn read(id: &SubscriptId) -> Self {
        Self::minted(id.as_str()).unwrap_or_else(|| Self::Given(id.clone()))
    }

    /// The same of what need not be a subscriptID.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::minted(text).or_else(|| SubscriptId::parse(text).ok().map(Self::Given))
    }

    fn minted(text: &str) -> Option<Self> {
        let is_digit = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        let is_ours = text.len() == 16 && text.bytes().all(is_digit);
        is_ours.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self::Minted)
    }

    /// Whether this is that one.
    pub(crate) fn is(&self, id: &SubscriptId) -> bool {
        *self == Self::read(id)
    }
}

/// How the watcher spelled the two addresses, where it was not their canonical form.
#[derive(Clone, Debug)]
pub(crate) struct Spelled {
    pub(crate) watcher: PresUri,
    pub(crate) target: PresUri,
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) watcher: Name,
    pub(crate) presentity: Name,
    /// When it began, in Unix milliseconds.
    pub(crate) since: i64,
    pub(crate) id: LeaseId,
    pub(crate) spelled: Option<Box<Spelled>>,
    /// The digest of what the watcher was told last; 0: nothing.
    pub(crate) told: u64,
    pub(crate) standing: Standing,
    pub(crate) stage: Stage,
    /// There is something newer to tell.
    pub(crate) dirty: bool,
    /// To be told even if it is what was told last.
    pub(crate) anyway: bool,
    /// When it ends, in Unix milliseconds; the largest number: with its connection.
    expires: i64,
    at_presentity: u32,
    before: Option<u32>,
    behind: Option<u32>,
}

/// A subscription that is to be entered.
#[derive(Debug)]
pub(crate) struct NewLease {
    pub(crate) watcher: Name,
    pub(crate) presentity: Name,
    pub(crate) since: i64,
    pub(crate) expires: i64,
    pub(crate) id: LeaseId,
    pub(crate) spelled: Option<Box<Spelled>>,
    pub(crate) standing: Standing,
    pub(crate) stage: Stage,
    /// The digest of what the watcher is known to have; 0: nothing.
    pub(crate) told: u64,
}

impl Lease {
    pub(crate) const fn expires(&self) -> i64 {
        self.expires
    }
}

/// Every subscription.
#[derive(Default)]
pub(crate) struct Leases {
    slots: Vec<(u32, Option<Lease>)>,
    free: Vec<u32>,
    pairs: HashMap<(Name, Name), u32>,
    of_presentity: HashMap<Name, Vec<u32>>,
    /// The newest of each watcher; the others hang behind it. And how many there are.
    of_watcher: HashMap<Name, (u32, u32)>,
    ends: BTreeSet<(i64, u32)>,
    live: usize,
}

impl Leases {
    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Makes room for so many at once.
    pub(crate) fn make_room(&mut self, leases: usize) {
        self.slots.reserve(leases);
        self.pairs.reserve(leases);
    }

    pub(crate) fn get(&self, key: LeaseKey) -> Option<&Lease> {
        let (turn, lease) = self.slots.get(key.at as usize)?;
        lease.as_ref().filter(|_| *turn == key.turn)
    }

    pub(crate) fn get_mut(&mut self, key: LeaseKey) -> Option<&mut Lease> {
        let (turn, lease) = self.slots.get_mut(key.at as usize)?;
        lease.as_mut().filter(|_| *turn == key.turn)
    }

    pub(crate) fn of_pair(&self, watcher: Name, presentity: Name) -> Option<LeaseKey> {
        self.pairs.get(&(watcher, presentity)).map(|at| self.key(*at))
    }

    pub(crate) fn of_presentity(&self, presentity: Name) -> impl Iterator<Item = LeaseKey> + '_ {
        self.of_presentity.get(&presentity).into_iter().flatten().map(|at| self.key(*at))
    }

    pub(crate) fn count_of_presentity(&self, presentity: Name) -> usize {
        self.of_presentity.get(&presentity).map_or(0, Vec::len)
    }

    pub(crate) fn of_watcher(&self, watcher: Name) -> impl Iterator<Item = LeaseKey> + '_ {
        let mut next = self.of_watcher.get(&watcher).map(|(first, _)| *first);
        std::iter::from_fn(move || {
            let at = next?;
            next = self.at(at).and_then(|lease| lease.behind);
            Some(self.key(at))
        })
    }

    pub(crate) fn count_of_watcher(&self, watcher: Name) -> usize {
        self.of_watcher.get(&watcher).map_or(0, |(_, many)| *many as usize)
    }

    /// Enters a subscription; its pair must have none.
    pub(crate) fn insert(&mut self, new: NewLease) -> LeaseKey {
        let NewLease { watcher, presentity, since, expires, id, spelled, standing, stage, told } = new;
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let watched = self.of_presentity.entry(presentity).or_default();
        watched.push(at);
        let at_presentity = u32::try_from(watched.len() - 1).unwrap_or(u32::MAX);
        let (first, many) = self.of_watcher.get(&watcher).map_or((None, 0), |(at, many)| (Some(*at), *many));
        self.of_watcher.insert(watcher, (at, many + 1));
        if let Some(first) = first.and_then(|first| self.at_mut(first)) {
            first.before = Some(at);
        }
        self.pairs.insert((watcher, presentity), at);
        if expires < i64::MAX {
            self.ends.insert((expires, at));
        }
        if let Some((_, slot)) = self.slots.get_mut(at as usize) {
            *slot = Some(Lease {
                watcher,
                presentity,
                since,
                id,
                spelled,
                told,
                standing,
                stage,
                dirty: true,
                anyway: false,
                expires,
                at_presentity,
                before: None,
                behind: first,
            });
        }
        self.live += 1;
        self.key(at)
    }

    /// Takes a subscription out.
    pub(crate) fn remove(&mut self, key: LeaseKey) -> Option<Lease> {
        self.get(key)?;
        let (turn, slot) = self.slots.get_mut(key.at as usize)?;
        let lease = slot.take()?;
        *turn = turn.wrapping_add(1);
        self.free.push(key.at);
        self.live -= 1;
        self.ends.remove(&(lease.expires, key.at));
        self.pairs.remove(&(lease.watcher, lease.presentity));
        self.unlist(&lease);
        self.unchain(&lease);
        Some(lease)
    }

    fn unlist(&mut self, lease: &Lease) {
        let Some(watched) = self.of_presentity.get_mut(&lease.presentity) else { return };
        watched.swap_remove(lease.at_presentity as usize);
        let moved = watched.get(lease.at_presentity as usize).copied();
        // What a crowd took is given back once it is gone.
        if watched.is_empty() {
            self.of_presentity.remove(&lease.presentity);
        } else if watched.capacity() > 64 && watched.len() < watched.capacity() / 4 {
            watched.shrink_to(watched.len() * 2);
        }
        if let Some(moved) = moved.and_then(|at| self.at_mut(at)) {
            moved.at_presentity = lease.at_presentity;
        }
    }

    fn unchain(&mut self, lease: &Lease) {
        if let Some(behind) = lease.behind.and_then(|at| self.at_mut(at)) {
            behind.before = lease.before;
        }
        if let Some(before) = lease.before.and_then(|at| self.at_mut(at)) {
            before.behind = lease.behind;
        }
        let Some((first, many)) = self.of_watcher.get_mut(&lease.watcher) else { return };
        *many -= 1;
        match (lease.before, lease.behind) {
            (None, Some(behind)) => *first = behind,
            (None, None) => {
                self.of_watcher.remove(&lease.watcher);
            }
            (Some(_), _) => {}
        }
    }

    /// Has a subscription end at another time.
    pub(crate) fn set_end(&mut self, key: LeaseKey, expires: i64) {
        let Some(lease) = self.get_mut(key) else { return };
        let before = std::mem::replace(&mut lease.expires, expires);
        self.ends.remove(&(before, key.at));
        if expires < i64::MAX {
            self.ends.insert((expires, key.at));
        }
    }

    /// The next that has ended by `now`.
    pub(crate) fn ended(&self, now: i64) -> Option<LeaseKey> {
        self.ends.first().filter(|(end, _)| *end <= now).map(|(_, at)| self.key(*at))
    }

    fn key(&self, at: u32) -> LeaseKey {
        LeaseKey { at, turn: self.slots.get(at as usize).map_or(0, |(turn, _)| *turn) }
    }

    fn at(&self, at: u32) -> Option<&Lease> {
        self.slots.get(at as usize)?.1.as_ref()
    }

    fn at_mut(&mut self, at: u32) -> Option<&mut Lease> {
        self.slots.get_mut(at as usize)?.1.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cpim_adapter::Address;
    use proptest::prelude::*;

    use super::*;
    use crate::presence::names::Names;

    fn name(names: &mut Names, at: usize) -> Name {
        names.hold(&Address::parse(&format!("pres:u{at}@a.example")).unwrap())
    }

    fn new(watcher: Name, presentity: Name, expires: i64) -> NewLease {
        NewLease {
            watcher,
            presentity,
            since: 0,
            expires,
            id: LeaseId::Minted(1),
            spelled: None,
            standing: Standing::Verified,
            stage: Stage::Idle,
            told: 0,
        }
    }

    proptest! {
        /// Whatever is entered and taken out, every way to find it agrees with a plain list.
        #[test]
        fn every_index_agrees(steps in prop::collection::vec((0..4_usize, 0..4_usize, 0..50_i64, any::<bool>()), 0..200)) {
            let mut names = Names::default();
            let mut leases = Leases::default();
            let mut plain: HashSet<(Name, Name, i64)> = HashSet::new();
            for (watcher, presentity, end, enter) in steps {
                let (watcher, presentity) = (name(&mut names, watcher), name(&mut names, 10 + presentity));
                match (leases.of_pair(watcher, presentity), enter) {
                    (Some(key), false) => {
                        let gone = leases.remove(key).unwrap();
                        prop_assert!(plain.remove(&(watcher, presentity, gone.expires())));
                        prop_assert!(leases.get(key).is_none());
                    }
                    (Some(key), true) => {
                        plain.retain(|(w, p, _)| (*w, *p) != (watcher, presentity));
                        plain.insert((watcher, presentity, end));
                        leases.set_end(key, end);
                    }
                    (None, true) => {
                        leases.insert(new(watcher, presentity, end));
                        plain.insert((watcher, presentity, end));
                    }
                    (None, false) => {}
                }
                prop_assert_eq!(leases.len(), plain.len());
                for watcher in plain.iter().map(|(watcher, ..)| *watcher) {
                    let found: HashSet<Name> =
                        leases.of_watcher(watcher).map(|key| leases.get(key).unwrap().presentity).collect();
                    let expected: HashSet<Name> =
                        plain.iter().filter(|(w, ..)| *w == watcher).map(|(_, p, _)| *p).collect();
                    prop_assert_eq!(leases.count_of_watcher(watcher), expected.len());
                    prop_assert_eq!(found, expected);
                }
                for presentity in plain.iter().map(|(_, presentity, _)| *presentity) {
                    let expected = plain.iter().filter(|(_, p, _)| *p == presentity).count();
                    prop_assert_eq!(leases.of_presentity(presentity).count(), expected);
                    prop_assert_eq!(leases.count_of_presentity(presentity), expected);
                }
            }
            let mut last = i64::MIN;
            while let Some(key) = leases.ended(i64::MAX) {
                let end = leases.remove(key).unwrap().expires();
                prop_assert!(last <= end);
                last = end;
            }
            prop_assert_eq!(leases.len(), 0);
        }
    }

    #[test]
    fn minted_names_are_read_back_and_others_kept() {
        let minted = LeaseId::mint((1, 2));
        assert_eq!(LeaseId::read(&minted.written().unwrap()), minted);
        assert_eq!(LeaseId::parse(minted.written().unwrap().as_str()), Some(minted));
        for text in ["0000000100000002x", "00000001000000ZZ", "+000000100000002", "A000000100000002"] {
            let id = SubscriptId::parse(text).unwrap();
            assert_eq!(LeaseId::read(&id).written().unwrap(), id);
        }
    }
}
