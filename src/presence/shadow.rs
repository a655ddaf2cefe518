//! What the book knows of subscriptions that other servers keep.

use std::sync::Arc;

use cpim_adapter::{Address, Basic, Passage, PresUri, Standing};

use super::book::Book;
use super::far::{Far, Link};
use super::leases::LeaseKey;
use super::names::Name;
use super::presentity::Kind;
use super::state::State;
use super::telling::Once;

/// How long the one notification of a look is awaited, in milliseconds.
const LOOK_MS: i64 = 60_000;

/// Looks under way: more are not awaited.
const LOOKS: usize = 65_536;

/// A look that another server answers.
#[derive(Debug, Default)]
pub(crate) struct Look {
    until: i64,
    /// Whoever asked has the response.
    answered: bool,
    /// The notification, where it came before that.
    came: Option<Once>,
}

impl Book {
    /// The other server's side of a subscription, to be changed.
    pub(crate) fn far_mut(&mut self, key: LeaseKey) -> Option<&mut Far> {
        self.far.get_mut(&key)
    }

    /// Has what another server keeps renewed at this time.
    pub(crate) fn renew_at(&mut self, key: LeaseKey, at: i64) {
        if let Some(far) = self.far.get_mut(&key) {
            if let Some(before) = far.renew_at.replace(at) {
                self.renewals.remove(&(before, key));
            }
            self.renewals.insert((at, key));
        }
    }

    /// What is to be renewed now, with watcher and presentity; it is not due again until that is over.
    pub(crate) fn due_far(&mut self, now: i64) -> Vec<(LeaseKey, Address, Address)> {
        let mut due = Vec::new();
        while let Some(&(at, key)) = self.renewals.first()
            && at <= now
        {
            self.renewals.pop_first();
            let Some(far) = self.far.get_mut(&key).filter(|far| far.renew_at == Some(at)) else { continue };
            far.renew_at = None;
            if let (Some(watcher), Some((presentity, ..))) = (self.watcher_of(key), self.particulars(key)) {
                due.push((key, watcher, presentity));
            }
        }
        due
    }

    /// Subscriptions behind a link, whose server keeps them.
    fn far_of(&self, link: &Link) -> Vec<LeaseKey> {
        let elsewhere = self
            .names_over(link)
            .filter(|name| self.presentities.get(name).is_some_and(|known| known.kind == Kind::Elsewhere));
        elsewhere.flat_map(|name| self.leases.of_presentity(name)).collect()
    }

    fn names_over<'a>(&'a self, link: &'a Link) -> impl Iterator<Item = Name> + 'a {
        let names = self.names.of_domain(link.domain());
        names.filter(move |name| self.names.address(*name).is_some_and(|address| link.leads_to(address)))
    }

    /// A link is gone: whatever its server keeps is asked for again soon, which brings the link back if it can be.
    pub(crate) fn link_is_gone(&mut self, link: &Link, now: i64) {
        let keys = self.far_of(link);
        if !keys.is_empty() || !self.observed_over(link).is_empty() {
            self.links.lost(link, now);
        }
        self.forget_observing(link);
        keys.into_iter().for_each(|key| self.renew_at(key, now + 1_000));
    }

    /// Whoever serves all that is behind a link is there: its watchers are told the present state of all that they watch.
    pub(crate) fn watchers_are_back(&mut self, link: &Link) {
        let keys: Vec<LeaseKey> =
            self.names_over(link).flat_map(|name| self.leases.of_watcher(name)).collect();
        self.reached_perhaps(keys);
    }

    /// A link is there. Where it was not, everything is asked for again: the other side may have forgotten it, or
    /// told what nobody heard.
    pub(crate) fn link_is_back(&mut self, link: &Link, now: i64) {
        if self.links.back(link) {
            self.link_is_new(link, now);
        }
    }

    /// A link is another one than before: everything is asked for again.
    pub(crate) fn link_is_new(&mut self, link: &Link, now: i64) {
        self.far_of(link).into_iter().for_each(|key| self.renew_at(key, now));
        self.forget_observing(link);
    }

    /// Presentities of a foreign system that are reached over a link.
    fn observed_over(&self, link: &Link) -> Vec<Name> {
        let over = |kind: &Kind| matches!(kind, Kind::Foreign { foreign, .. } if link.leads_abroad(foreign));
        self.presentities.iter().filter(|(_, known)| over(&known.kind)).map(|(name, _)| *name).collect()
    }

    /// With its connection, an adapter has forgotten whom it observes.
    fn forget_observing(&mut self, link: &Link) {
        for name in self.observed_over(link) {
            if let Some(known) = self.presentities.get_mut(&name) {
                known.observed = false;
            }
        }
    }

    /// What is told over a link counts as closed, until it is heard of again.
    pub(crate) fn close_far(&mut self, link: &Link, words: &str) {
        for name in self.observed_over(link) {
            let Some(address) = self.names.address(name).cloned() else { continue };
            self.observed(name, State::of_inbox(&address, Basic::Closed, words));
        }
        for key in self.far_of(link) {
            let Some((presentity, ..)) = self.particulars(key) else { continue };
            if let Some(far) = self.far.get_mut(&key) {
                far.last = Some((Arc::new(State::of_inbox(&presentity, Basic::Closed, words)), None));
                self.mark(key, false);
            }
        }
    }

    /// Somebody looks at a presentity whose server will tell him.
    pub(crate) fn expect_look(&mut self, watcher: &Address, presentity: &Address, now: i64) {
        if self.looks.len() >= LOOKS {
            self.looks.retain(|_, look| look.until > now);
        }
        if self.looks.len() < LOOKS {
            let look = Look { until: now + LOOK_MS, ..Look::default() };
            self.looks.insert((watcher.clone(), presentity.clone()), look);
        }
    }

    /// Nothing comes of a look: it was refused, or never got there.
    pub(crate) fn look_is_over(&mut self, watcher: &Address, presentity: &Address) {
        self.looks.remove(&(watcher.clone(), presentity.clone()));
    }

    /// Whoever looked has the response.
    pub(crate) fn look_answered(&mut self, watcher: &Address, presentity: &Address) {
        let pair = (watcher.clone(), presentity.clone());
        let Some(look) = self.looks.get_mut(&pair) else { return };
        look.answered = true;
        if let Some(once) = look.came.take() {
            self.looks.remove(&pair);
            self.once(once);
        }
    }

    /// Another server's word for a watcher. `false`: he did not ask for it.
    pub(crate) fn passed_on(
        &mut self,
        watcher: &PresUri,
        target: &PresUri,
        state: Arc<State>,
        passage: Passage,
    ) -> bool {
        let pair = (watcher.address().clone(), target.address().clone());
        let key = self.lease_of(&pair.0, &pair.1);
        if let Some(look) = self.looks.get_mut(&pair) {
            let once = Once {
                watcher: watcher.clone(),
                target: target.clone(),
                presentity: pair.1.clone(),
                standing: Standing::Verified,
                given: Some((Arc::clone(&state), Some(passage.clone()))),
            };
            if look.answered {
                self.looks.remove(&pair);
                self.once(once);
            } else {
                look.came = Some(once);
            }
            // Whoever watches as well is told the same only when he comes back.
            if let Some(far) = key.and_then(|key| self.far.get_mut(&key)) {
                far.last = Some((state, Some(passage)));
            }
            return true;
        }
        let Some(key) = key else { return false };
        let Some(far) = self.far.get_mut(&key) else { return false };
        far.last = Some((state, Some(passage)));
        self.mark(key, false);
        true
    }
}
