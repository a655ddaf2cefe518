//! Sessions that come and go: whose presence they are, and whom they make reachable.

use std::sync::Arc;

use cpim_adapter::{Address, Class, Domain, Local, Scope, Selector, SessionFacts};

use super::super::Router;
use super::super::contacts::Contact;
use super::super::flight::Pair;
use crate::presence::{Link, Name};
use crate::store::Write;

impl Router {
    /// A session is there. Its presentities are in contact, and whoever it serves is told the present state of what
    /// he watches.
    pub(in super::super) fn presence_open(self: &Arc<Self>, session: u64, facts: &SessionFacts) {
        for (address, is_presentity, reachable) in presentities(&facts.serves) {
            self.presence.with(|book, _| {
                let name = book.join(session, &address, reachable);
                book.merge(name);
                if is_presentity {
                    book.watcher_is_back(&address);
                }
            });
            self.note_presence_soon(&address);
        }
        for scope in &facts.serves {
            match scope {
                Scope::Domain(domain) => self.domain_is_back(domain),
                Scope::Selector(selector) => self.adapter_is_back(selector),
                Scope::Any | Scope::Under(_) => {
                    self.presence.with(|book, _| {
                        let all = book.all_parked();
                        book.reached_perhaps(all);
                    });
                }
                Scope::Address(_) => {}
            }
        }
    }

    /// A home or a peer is there.
    fn domain_is_back(&self, domain: &Domain) {
        // That a whole domain was served here is known from now on, as of an address.
        let _noted = self.state.write(Write::Seen {
            address: domain.as_str().to_owned(),
            domain: domain.as_str().to_owned(),
            at: crate::clock::UnixMs::now().0,
        });
        let link = Link::Domain(domain.clone());
        self.presence.with(|book, now| {
            book.watchers_are_back(&link);
            book.link_is_back(&link, now);
        });
    }

    /// An external adapter is there: its users, and whoever is reached over it by another name, are told what they watch,
    /// and whom it is to observe, it is asked to.
    fn adapter_is_back(self: &Arc<Self>, selector: &Selector) {
        let link = self.link_of(selector);
        self.presence.with(|book, now| {
            let all = book.all_parked();
            book.reached_perhaps(all);
            book.watchers_are_back(&link);
            book.link_is_back(&link, now);
        });
        self.observe_again();
    }

    /// Over which link an address is told of.
    pub(super) fn link_to(&self, address: &Address) -> Link {
        match self.policy().mapper.resident(address) {
            Ok(Some(Local::Route(foreign))) => self.link_of(foreign.selector()),
            _ => Link::Domain(address.domain().clone()),
        }
    }

    fn link_of(&self, selector: &Selector) -> Link {
        Link::Selector(self.policy().mapper.relay_domain().clone(), selector.clone())
    }

    /// A session is gone, and what it published and held with it. A watcher who has another is told the present state
    /// there: what was told last went to the newest, and may not have been read.
    pub(in super::super) fn presence_close(self: &Arc<Self>, session: u64, contact: Option<&Contact>) {
        let (changed, ended) = self.presence.with(|book, now| book.leave(session, now));
        for ended in ended {
            self.end_far_in_turn(ended);
        }
        self.note_changed(changed);
        for scope in contact.into_iter().flat_map(|contact| &contact.facts.serves) {
            if let Scope::Address(address) = scope
                && address.class() == Class::Pres
                && self.contacts.oldest_serving(scope).is_some()
            {
                self.presence.with(|book, _| book.watcher_is_back(address));
            }
        }
    }

    /// A session is gone: where nobody else serves its domains, their links are down. Where somebody does who came
    /// after it, as one that connected anew before the end of the old connection was seen, what the old one told may
    /// be lost, and is asked for again. Where somebody does who came before it, whoever he serves is told the present
    /// state anew.
    pub(in super::super) fn links_gone(&self, session: u64, contact: &Contact) {
        for scope in &contact.facts.serves {
            let link = match scope {
                Scope::Domain(domain) => Link::Domain(domain.clone()),
                Scope::Selector(selector) => self.link_of(selector),
                Scope::Address(_) | Scope::Any | Scope::Under(_) => continue,
            };
            match self.contacts.oldest_serving(scope) {
                None => self.link_is_gone(&link),
                Some(left) if left > session => self.presence.with(|book, now| book.link_is_new(&link, now)),
                // As with a watcher of his own: what was told last went to the newest.
                Some(_) => self.presence.with(|book, _| book.watchers_are_back(&link)),
            }
        }
    }

    /// Writes down the presence of these, each in its turn.
    pub(super) fn note_changed(self: &Arc<Self>, changed: Vec<Name>) {
        for name in changed {
            if let Some(address) = self.presence.with(|book, _| book.address(name)) {
                self.note_presence_soon(&address);
            }
        }
    }

    /// Writes down what the presence of a presentity is, without haste.
    pub(super) fn note_presence_soon(self: &Arc<Self>, presentity: &Address) {
        let (router, presentity) = (Arc::clone(self), presentity.clone());
        let pair = Pair::new(presentity.clone(), presentity.clone());
        self.in_lane(pair, async move {
            router.note_presence(&presentity).await;
        });
    }
}

/// The presentities of a session: whether it watches for them too, and whether it takes messages for them.
fn presentities(serves: &[Scope]) -> Vec<(Address, bool, bool)> {
    let mut all: Vec<(Address, bool, bool)> = Vec::new();
    for scope in serves {
        let Scope::Address(address) = scope else { continue };
        let is = |class| address.class() == class;
        let presentity = address.with_class(Class::Pres);
        match all.iter_mut().find(|(known, ..)| *known == presentity) {
            Some((_, pres, im)) => {
                *pres |= is(Class::Pres);
                *im |= is(Class::Im);
            }
            None => all.push((presentity, is(Class::Pres), is(Class::Im))),
        }
    }
    all
}
