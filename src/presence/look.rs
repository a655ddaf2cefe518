//! Questions to the book: what it knows of somebody, by his address.

use std::sync::Arc;

use cpim_adapter::{Address, ForeignAddress, Standing, SubscriptId};

use super::book::Book;
use super::far::Far;
use super::leases::{LeaseKey, Spelled};
use super::names::Name;
use super::presentity::Kind;
use super::state::State;

/// A subscription, with who watches and how well he is known.
type WatchedBy = (LeaseKey, Address, Standing);

impl Book {
    /// The address of a name that is in use.
    pub(crate) fn address(&self, name: Name) -> Option<Address> {
        self.names.address(name).cloned()
    }

    /// The name of an address that is in use.
    pub(crate) fn name_of(&self, address: &Address) -> Option<Name> {
        self.names.find(address)
    }

    /// The subscription of a pair.
    pub(crate) fn lease_of(&self, watcher: &Address, presentity: &Address) -> Option<LeaseKey> {
        self.leases.of_pair(self.names.find(watcher)?, self.names.find(presentity)?)
    }

    /// Whether a subscription has this name.
    pub(crate) fn is_named(&self, key: LeaseKey, id: &SubscriptId) -> bool {
        self.leases.get(key).is_some_and(|lease| lease.id.is(id))
    }

    /// A subscription's name, as it is written.
    pub(crate) fn id_of(&self, key: LeaseKey) -> Option<SubscriptId> {
        self.leases.get(key)?.id.written()
    }

    /// How a subscription's watcher spelled the two addresses, where it was not their canonical form.
    pub(crate) fn otherwise_spelled(&self, key: LeaseKey) -> Option<Spelled> {
        self.leases.get(key)?.spelled.as_deref().cloned()
    }

    /// Who watches, by a subscription.
    pub(crate) fn watcher_of(&self, key: LeaseKey) -> Option<Address> {
        self.names.address(self.leases.get(key)?.watcher).cloned()
    }

    /// Who watches whom, by a subscription that lasts longer than its connection.
    pub(crate) fn lasting_pair(&self, key: LeaseKey) -> Option<(Address, Address)> {
        let lease = self.leases.get(key).filter(|lease| lease.expires() < i64::MAX)?;
        Some((self.names.address(lease.watcher)?.clone(), self.names.address(lease.presentity)?.clone()))
    }

    /// Whose presence it is, of what kind he is, since when and until when it lasts, and how well the watcher is known.
    pub(crate) fn particulars(&self, key: LeaseKey) -> Option<(Address, Kind, i64, i64, Standing)> {
        let lease = self.leases.get(key)?;
        let presentity = self.names.address(lease.presentity)?.clone();
        let kind = self.presentities.get(&lease.presentity)?.kind.clone();
        Some((presentity, kind, lease.since, lease.expires(), lease.standing))
    }

    /// How many somebody watches.
    pub(crate) fn watched_by(&self, watcher: &Address) -> usize {
        self.names.find(watcher).map_or(0, |name| self.leases.count_of_watcher(name))
    }

    /// How many watch a presentity.
    pub(crate) fn watchers_of(&self, presentity: Name) -> usize {
        self.leases.count_of_presentity(presentity)
    }

    /// Has a subscription end at another time, and gives back the one before.
    pub(crate) fn prolong(&mut self, key: LeaseKey, until: i64) -> Option<i64> {
        let before = self.leases.get(key)?.expires();
        self.leases.set_end(key, until);
        Some(before)
    }

    /// Whether a foreign presentity is observed, or is about to be: from now on it is.
    pub(crate) fn begins_to_observe(&mut self, name: Name) -> bool {
        let known = self.presentities.get_mut(&name);
        known.is_some_and(|known| std::mem::replace(&mut known.observed, true))
    }

    /// It could not be observed: it counts as closed, until it can.
    pub(crate) fn is_out_of_reach(&mut self, name: Name) {
        if let Some(known) = self.presentities.get_mut(&name) {
            known.observed = false;
            self.presume_closed(name);
        }
    }

    /// Drops a presentity that could not be observed, unless somebody watches it.
    pub(crate) fn forget_unwatched(&mut self, name: Name) {
        if self.leases.count_of_presentity(name) == 0
            && self
                .presentities
                .get(&name)
                .is_some_and(|presentity| matches!(presentity.kind, Kind::Foreign { .. }))
        {
            self.presentities.remove(&name);
            self.names.release(name);
        }
    }

    /// What somebody watches.
    pub(crate) fn leases_by(&self, watcher: &Address) -> Vec<LeaseKey> {
        self.names.find(watcher).map_or_else(Vec::new, |name| self.leases.of_watcher(name).collect())
    }

    /// Who watches somebody.
    pub(crate) fn leases_to(&self, presentity: &Address) -> Vec<WatchedBy> {
        self.names.find(presentity).map_or_else(Vec::new, |name| self.leases_to_name(name))
    }

    /// Who watches the information about somebody's watchers.
    pub(crate) fn leases_to_winfo_of(&self, presentity: &Address) -> Vec<WatchedBy> {
        let name = self.names.find(presentity);
        let winfo = name.and_then(|name| self.presentities.get(&name)?.winfo);
        winfo.map_or_else(Vec::new, |winfo| self.leases_to_name(winfo))
    }

    fn leases_to_name(&self, name: Name) -> Vec<WatchedBy> {
        self.leases
            .of_presentity(name)
            .filter_map(|key| {
                let lease = self.leases.get(key)?;
                Some((key, self.names.address(lease.watcher)?.clone(), lease.standing))
            })
            .collect()
    }

    /// Everybody whose presence is kept here.
    pub(crate) fn all_watched(&self) -> Vec<Address> {
        self.presentities.keys().filter_map(|name| self.address(*name)).collect()
    }

    /// Somebody who watches may be shown to others, or not any more.
    pub(crate) fn watcher_looks_different(&mut self, watcher: &Address) {
        for key in self.leases_by(watcher) {
            if let Some(presentity) = self.leases.get(key).map(|lease| lease.presentity) {
                self.touch_winfo(presentity);
            }
        }
    }

    /// A watcher has a session again: he is told the present state of all that he watches.
    pub(crate) fn watcher_is_back(&mut self, watcher: &Address) {
        self.leases_by(watcher).into_iter().for_each(|key| self.reached(key));
    }

    /// What is to be written down of a presentity's presence: nothing new, that there is none, or what it is. Only
    /// what was published, or is watched, is worth it.
    pub(crate) fn worth_noting(&mut self, presentity: &Address) -> Option<Option<Arc<State>>> {
        let name = self.names.find(presentity)?;
        let watched = self.leases.count_of_presentity(name) > 0;
        let known = self.presentities.get_mut(&name).filter(|known| known.kind == Kind::Hosted)?;
        let worth =
            known.sources().iter().any(|source| source.published.is_some() || watched && source.reachable);
        let noted = std::mem::replace(&mut known.noted, worth);
        match worth {
            true => Some(known.state.clone()),
            false if noted => Some(None),
            false => None,
        }
    }

    /// The presence of a presentity is written down already.
    pub(crate) fn noted(&mut self, name: Name) {
        if let Some(known) = self.presentities.get_mut(&name) {
            known.noted = true;
        }
    }

    /// Foreign presentities that are watched and not observed.
    pub(crate) fn unknown_foreign(&self) -> Vec<(Name, usize, ForeignAddress)> {
        self.presentities
            .iter()
            .filter_map(|(name, known)| match &known.kind {
                Kind::Foreign { port, foreign } if !known.observed => Some((*name, *port, foreign.clone())),
                _ => None,
            })
            .collect()
    }

    /// The other server's side of a subscription.
    pub(crate) fn far(&self, key: LeaseKey) -> Option<&Far> {
        self.far.get(&key)
    }

    /// Sets it.
    pub(crate) fn set_far(&mut self, key: LeaseKey, far: Far) {
        if self.leases.get(key).is_some() {
            self.far.insert(key, far);
        }
    }
}
