//! Whose say it is: the rules, as presence asks for them, also about what runs already.

use std::sync::Arc;

use cpim_adapter::{Address, Class};
use tokio::sync::broadcast::error::RecvError;

use super::super::Router;
use super::LeaseKey;
use crate::presence::{How, Once, State, Telling, What, watcher_information};
use crate::rules::{Ask, Decision};

/// What a watcher hears when the presentity ends his subscription (RFC 2779 section 5.1.9).
const ENDED: &str = "the subscription was ended by the presentity";

impl Router {
    /// What a watcher is told, by the rules of whoever it is about.
    pub(super) fn seen(&self, telling: &Telling) -> State {
        let (watcher, standing) = (telling.watcher.address(), telling.standing);
        match &telling.what {
            What::Closed => State::closed(&telling.presentity),
            What::Passed(state, _) => State::clone(state),
            What::State(state) => {
                let view = self.book.view(&telling.presentity, watcher, standing);
                let (presence, document) =
                    view.apply(&telling.presentity, &state.presence, state.document.as_ref());
                State { presence, document }
            }
            What::Watchers(of, facts) => {
                let may = self.book.decide(Ask::Winfo, of, watcher, standing) == Decision::Allow;
                let shown =
                    facts.iter().filter(|fact| may && self.book.shows_watcher(&fact.watcher, of, watcher));
                watcher_information(of, shown.cloned().collect())
            }
        }
    }

    /// Follows the changes of rules, for as long as the gateway lives: what runs already is looked at again.
    pub(in super::super) async fn follow_rules(self: Arc<Self>) {
        let mut changes = self.book.changes();
        loop {
            match changes.recv().await {
                Ok(principal) => self.rules_changed(&principal.with_class(Class::Pres)),
                Err(RecvError::Lagged(_)) => self.all_rules_changed(),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Everybody's rules may be others now.
    pub(in super::super) fn all_rules_changed(self: &Arc<Self>) {
        for presentity in self.presence.with(|book, _| book.all_watched()) {
            self.rules_changed(&presentity);
        }
    }

    /// The rules of a principal have changed: who may not watch him any more is told so, once; what others see of him
    /// may be something else; and where he watches, it may be shown or not.
    fn rules_changed(self: &Arc<Self>, principal: &Address) {
        let (as_presentity, as_watched) =
            self.presence.with(|book, _| (book.leases_to(principal), book.leases_to_winfo_of(principal)));
        for (ask, leases) in [(Ask::Subscribe, as_presentity), (Ask::Winfo, as_watched)] {
            for (key, watcher, standing) in leases {
                match self.book.decide(ask, principal, &watcher, standing) {
                    Decision::Deny => self.refuse_from_now_on(key),
                    Decision::Allow | Decision::Polite => self.presence.with(|book, _| book.mark(key, false)),
                }
            }
        }
        self.presence.with(|book, _| book.watcher_looks_different(principal));
    }

    /// Ends a subscription that the presentity does not allow any more, with one last notification.
    pub(super) fn refuse_from_now_on(self: &Arc<Self>, key: LeaseKey) {
        self.end_with_words(key, ENDED);
    }

    /// Ends a subscription from this side: the watcher is told that it is closed, and why.
    pub(super) fn end_with_words(self: &Arc<Self>, key: LeaseKey, words: &str) {
        let ended = self.presence.with(|book, now| {
            let ended = book.end(key, How::Refused, now)?;
            let last = State::of_inbox(&ended.presentity, cpim_adapter::Basic::Closed, words);
            book.once(Once {
                watcher: ended.watcher.clone(),
                target: ended.target.clone(),
                presentity: ended.presentity.clone(),
                standing: cpim_adapter::Standing::Verified,
                given: Some((Arc::new(last), None)),
            });
            Some(ended)
        });
        if let Some(ended) = ended {
            self.note_end(&ended);
        }
    }
}
