//! The book of presence: who tells it, who watches it, and what is still to be told to whom.
//!
//! Knows neither clock nor store nor network: times are given to it in Unix milliseconds, and what is to be told
//! is taken from it. A change costs as much as it has watchers, an end as much as one subscription.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use cpim_adapter::{Address, ForeignAddress, PresUri, Presence};

use super::far::{Far, Links};
use super::leases::{LeaseKey, Leases, NewLease};
use super::names::{Name, Names};
use super::presentity::{BY_COMMAND, HELD_OVER, How, Kind, Past, Presentity};
use super::shadow::Look;
use super::state::{Publication, State};
use super::telling::{Item, Once};
use super::winfo::WatcherFact;

/// How long a presentity that nobody watches any more is kept, in milliseconds: whoever looks again and again
/// is not to have it observed anew each time.
const LINGER_MS: i64 = 30_000;

/// A subscription that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) watcher: PresUri,
    pub(crate) target: PresUri,
    pub(crate) presentity: Address,
    pub(crate) kind: Kind,
    pub(crate) past: Past,
}

/// The book of presence.
#[derive(Default)]
pub(crate) struct Book {
    pub(super) names: Names,
    pub(super) leases: Leases,
    /// By numbers of ours, which nobody can choose.
    pub(super) presentities: foldhash::HashMap<Name, Presentity>,
    pub(super) far: foldhash::HashMap<LeaseKey, Far>,
    pub(crate) links: Links,
    /// When what other servers keep is to be renewed.
    pub(super) renewals: BTreeSet<(i64, LeaseKey)>,
    /// Looks that other servers answer, by watcher and presentity.
    pub(super) looks: HashMap<(Address, Address), Look>,
    pub(super) ready: VecDeque<Item>,
    /// Subscriptions that are told behind those, or found to know everything. Some have been since, or have ended.
    pub(super) later: VecDeque<LeaseKey>,
    /// How often the next to be told was taken.
    pub(super) turns: u32,
    /// Whose watchers cannot be reached. Some of them have ended since.
    pub(super) parked: foldhash::HashSet<LeaseKey>,
    /// Publications that lapse.
    lapses: BTreeSet<(i64, Name, u64)>,
    /// Subscriptions that end with a session.
    held: HashMap<u64, Vec<LeaseKey>>,
    /// Which session each of them ends with: the last that asked for it.
    holders: foldhash::HashMap<LeaseKey, u64>,
    /// The presentities that a session has to do with.
    of_session: HashMap<u64, Vec<Name>>,
    /// Presentities that may not be needed any more, and when to look.
    idle: BTreeSet<(i64, Name)>,
    /// Looks that wait for the first word on a presentity, and until when.
    pub(super) waiting: Vec<(i64, Once)>,
}

impl Book {
    /// How many subscriptions there are.
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    /// Makes room for so many subscriptions: memory that grows is touched twice.
    pub(crate) fn make_room(&mut self, leases: usize) {
        self.leases.make_room(leases);
        self.later.reserve_exact(leases);
    }

    /// The presentity of an address, where it is known, and what kind it is.
    pub(crate) fn kind_of(&self, address: &Address) -> Option<Kind> {
        let name = self.names.find(address)?;
        self.presentities.get(&name).map(|presentity| presentity.kind.clone())
    }

    /// A presentity, made where there is none; one of another kind becomes of this kind.
    pub(crate) fn presentity(&mut self, address: &Address, kind: Kind) -> Name {
        if let Some(name) = self.names.find(address)
            && let Some(presentity) = self.presentities.get_mut(&name)
        {
            if presentity.kind != kind {
                let winfo = presentity.winfo;
                *presentity = Presentity::new(address, kind);
                presentity.winfo = winfo;
            }
            return name;
        }
        let name = self.names.hold(address);
        if let Kind::Winfo(base) = kind
            && let Some(base) = self.presentities.get_mut(&base)
        {
            base.winfo = Some(name);
        }
        self.presentities.insert(name, Presentity::new(address, kind));
        name
    }

    /// Looks at a presentity again after a while, and drops it if nobody needs it then.
    pub(crate) fn may_be_idle(&mut self, name: Name, now: i64) {
        self.idle.insert((now + LINGER_MS, name));
    }

    /// Drops what nobody needs any more, and names what need not be observed any longer.
    pub(crate) fn sweep(&mut self, now: i64) -> Vec<(usize, ForeignAddress)> {
        let mut unobserved = Vec::new();
        let later = self.idle.split_off(&(now + 1, Name::FIRST));
        for (_, name) in std::mem::replace(&mut self.idle, later) {
            let Some(presentity) = self.presentities.get(&name) else { continue };
            if !presentity.is_idle() || self.leases.count_of_presentity(name) > 0 {
                continue;
            }
            match presentity.kind.clone() {
                Kind::Foreign { port, foreign } => unobserved.push((port, foreign)),
                Kind::Winfo(base) => {
                    if let Some(base_presentity) = self.presentities.get_mut(&base) {
                        base_presentity.winfo = None;
                        self.idle.insert((now + LINGER_MS, base));
                    }
                }
                Kind::Elsewhere | Kind::Hosted => {}
            }
            self.presentities.remove(&name);
            self.names.release(name);
        }
        unobserved
    }

    // Presence as it is told.

    /// A session of a presentity is there; `reachable`: it takes messages for it.
    pub(crate) fn join(&mut self, session: u64, address: &Address, reachable: bool) -> Name {
        let name = self.presentity(address, Kind::Hosted);
        if let Some(presentity) = self.presentities.get_mut(&name) {
            presentity.join(session, reachable);
        }
        self.of_session.entry(session).or_default().push(name);
        name
    }

    /// A session is gone: its publications go with it, and the subscriptions that it held, which are given back.
    /// Also the presentities whose presence is another one now.
    pub(crate) fn leave(&mut self, session: u64, now: i64) -> (Vec<Name>, Vec<Ended>) {
        let mut changed = Vec::new();
        for name in self.of_session.remove(&session).unwrap_or_default() {
            let Some(presentity) = self.presentities.get_mut(&name) else { continue };
            if presentity.leave(session) && self.merge(name) {
                changed.push(name);
            }
            self.may_be_idle(name, now);
        }
        let held = self.held.remove(&session).unwrap_or_default();
        let ended = held
            .into_iter()
            .filter(|key| self.holders.get(key) == Some(&session))
            .collect::<Vec<_>>()
            .into_iter()
            .filter_map(|key| self.end(key, How::Expired, now))
            .collect();
        (changed, ended)
    }

    /// What a session says of a presentity from now on. `true`: its presence is another one now.
    pub(crate) fn publish(&mut self, session: u64, name: Name, published: Publication) -> bool {
        if let Some(until) = published.until {
            self.lapses.insert((until, name, session));
        }
        let Some(presentity) = self.presentities.get_mut(&name) else { return false };
        presentity.say(session, Some(published));
        if session != HELD_OVER && session != BY_COMMAND {
            let own = self.of_session.entry(session).or_default();
            if !own.contains(&name) {
                own.push(name);
            }
        }
        self.merge(name)
    }

    /// What of a state was not set by a command: that has a place of its own. Nothing where that is all.
    pub(crate) fn beside_commanded(&self, name: Name, state: State) -> Option<State> {
        let sources = self.presentities.get(&name)?.sources();
        let commanded = sources.iter().find(|source| source.session == BY_COMMAND);
        let Some(commanded) = commanded.and_then(|source| source.published.as_ref()) else {
            return Some(state);
        };
        let own = commanded.state.presence.tuples();
        let tuples = state.presence.tuples().iter().filter(|tuple| !own.contains(tuple)).cloned().collect();
        Some(State { presence: Presence::from_tuples(tuples)?, document: state.document })
    }

    /// The presentity at an address, where its presence was set by a command.
    pub(crate) fn commanded(&self, address: &Address) -> Option<Name> {
        let name = self.names.find(address)?;
        let mut sources = self.presentities.get(&name)?.sources().iter();
        sources.any(|source| source.session == BY_COMMAND && source.published.is_some()).then_some(name)
    }

    /// What a session has said of a presentity is taken back. `true`: its presence is another one now.
    pub(crate) fn withdraw(&mut self, session: u64, name: Name) -> bool {
        let Some(presentity) = self.presentities.get_mut(&name) else { return false };
        presentity.say(session, None);
        self.merge(name)
    }

    /// Ends the publications whose time is over; gives back whose presence is another one now.
    pub(crate) fn lapse(&mut self, now: i64) -> Vec<Name> {
        let mut changed = Vec::new();
        while let Some(&(until, name, session)) = self.lapses.first()
            && until <= now
        {
            self.lapses.pop_first();
            let Some(presentity) = self.presentities.get_mut(&name) else { continue };
            // One that was published meanwhile lapses at its own time.
            let current = presentity.sources().iter().any(|source| {
                source.session == session
                    && source.published.as_ref().is_some_and(|published| published.until == Some(until))
            });
            if !current {
                continue;
            }
            presentity.say(session, None);
            if self.merge(name) {
                changed.push(name);
            }
        }
        changed
    }

    /// Puts a presentity's presence together anew, and has its watchers told. `true`: it is another one.
    pub(crate) fn merge(&mut self, name: Name) -> bool {
        let (Some(address), Some(presentity)) = (self.names.address(name), self.presentities.get_mut(&name))
        else {
            return false;
        };
        let changed = presentity.merge(address);
        if changed {
            self.changed(name);
        }
        changed
    }

    /// What an adapter sees of a presentity. `false`: nobody asked for it.
    pub(crate) fn observed(&mut self, name: Name, state: State) -> bool {
        let Some(presentity) = self.presentities.get_mut(&name) else { return false };
        if !matches!(presentity.kind, Kind::Foreign { .. }) {
            return false;
        }
        if presentity.state.as_deref() != Some(&state) {
            presentity.state = Some(Arc::new(state));
            self.changed(name);
        }
        self.wake_looks(name);
        true
    }

    /// A presentity of which nothing is known yet counts as closed.
    pub(crate) fn presume_closed(&mut self, name: Name) {
        let Some(address) = self.names.address(name).cloned() else { return };
        if self.presentities.get(&name).is_some_and(|presentity| presentity.state.is_none()) {
            self.observed(name, State::closed(&address));
        }
    }

    fn changed(&mut self, name: Name) {
        let keys: Vec<LeaseKey> = self.leases.of_presentity(name).collect();
        keys.into_iter().for_each(|key| self.mark(key, false));
    }

    // Who watches.

    /// Enters a subscription of a pair that has none.
    pub(crate) fn enter(
        &mut self,
        watcher: &Address,
        presentity: Name,
        new: impl FnOnce(Name) -> NewLease,
    ) -> LeaseKey {
        let watcher = self.names.hold(watcher);
        self.names.hold_again(presentity);
        let key = self.leases.insert(new(watcher));
        self.touch_winfo(presentity);
        key
    }

    /// Has a subscription end with its session.
    pub(crate) fn hold(&mut self, session: u64, key: LeaseKey) {
        self.held.entry(session).or_default().push(key);
        self.holders.insert(key, session);
    }

    /// Ends a subscription.
    pub(crate) fn end(&mut self, key: LeaseKey, how: How, now: i64) -> Option<Ended> {
        let (watcher, target) = self.spelled(key)?;
        let lease = self.leases.remove(key)?;
        self.far.remove(&key);
        self.parked.remove(&key);
        self.holders.remove(&key);
        let address = self.names.address(lease.watcher)?.clone();
        let presentity = self.names.address(lease.presentity)?.clone();
        let past = Past { watcher: address, since: lease.since, until: now, how };
        let kind = match self.presentities.get_mut(&lease.presentity) {
            Some(watched) => {
                if watched.kind == Kind::Hosted {
                    watched.note(past.clone());
                }
                watched.kind.clone()
            }
            None => Kind::Elsewhere,
        };
        self.touch_winfo(lease.presentity);
        self.may_be_idle(lease.presentity, now);
        self.names.release(lease.watcher);
        self.names.release(lease.presentity);
        Some(Ended { watcher, target, presentity, kind, past })
    }

    /// The next subscription that has run out.
    pub(crate) fn expired(&self, now: i64) -> Option<LeaseKey> {
        self.leases.ended(now)
    }

    /// Somebody looked once, or watched before the last start.
    /// `true`: it was noted.
    pub(crate) fn note_past(&mut self, presentity: Name, past: Past) -> bool {
        let lives = self.watches(&past.watcher, presentity);
        if let Some(watched) = self.presentities.get_mut(&presentity)
            && watched.kind == Kind::Hosted
            && !lives
        {
            watched.note(past);
            self.touch_winfo(presentity);
            return true;
        }
        false
    }

    fn watches(&self, watcher: &Address, presentity: Name) -> bool {
        let watcher = self.names.find(watcher);
        watcher.is_some_and(|watcher| self.leases.of_pair(watcher, presentity).is_some())
    }

    /// Forgets who watched no more before then. Looks at every presentity: for now and then.
    pub(crate) fn forget_past(&mut self, then: i64, now: i64) {
        let names: Vec<Name> = self
            .presentities
            .iter_mut()
            .filter_map(|(name, presentity)| presentity.forget_before(then).then_some(*name))
            .collect();
        for name in names {
            self.touch_winfo(name);
            self.may_be_idle(name, now);
        }
    }

    pub(super) fn touch_winfo(&mut self, presentity: Name) {
        if let Some(winfo) = self.presentities.get(&presentity).and_then(|watched| watched.winfo) {
            self.changed(winfo);
        }
    }

    /// Everybody who watches a presentity, or did until lately, once.
    pub(crate) fn facts(&self, presentity: Name) -> Vec<WatcherFact> {
        let live = self.leases.of_presentity(presentity).filter_map(|key| {
            let lease = self.leases.get(key)?;
            let watcher = self.names.address(lease.watcher)?.clone();
            Some(WatcherFact { watcher, since: lease.since, until: lease.expires(), ended: None })
        });
        let past = self.presentities.get(&presentity).into_iter().flat_map(Presentity::past);
        // Whoever watches again is told of once.
        let past = past.filter(|past| !self.watches(&past.watcher, presentity));
        live.chain(past.map(|past| WatcherFact {
            watcher: past.watcher.clone(),
            since: past.since,
            until: past.until,
            ended: Some(past.how),
        }))
        .collect()
    }

    /// How a subscription's two addresses were spelled by its watcher.
    pub(crate) fn spelled(&self, key: LeaseKey) -> Option<(PresUri, PresUri)> {
        let lease = self.leases.get(key)?;
        if let Some(spelled) = &lease.spelled {
            return Some((spelled.watcher.clone(), spelled.target.clone()));
        }
        let uri = |name| PresUri::try_from(self.names.address(name)?.clone()).ok();
        Some((uri(lease.watcher)?, uri(lease.presentity)?))
    }
}
