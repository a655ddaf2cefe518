//! Whose say it is: the rules, as presence asks for them, also about what runs already.

use std::sync::Arc;

use cpim_adapter::{Address, Basic, Class};
use tokio::sync::broadcast::error::RecvError;

use super::super::Router;
use super::LeaseKey;
use crate::presence::{Ended, How, Kind, Once, State, Telling, What, watcher_information};
use crate::rules::{Ask, Decision};

/// What a watcher hears when the presentity ends his subscription (RFC 2779 section 5.1.9).
const ENDED: &str = "the subscription was ended by the presentity";

/// What he hears when the administrator's rules end it.
const NOT_ALLOWED: &str = "the subscription is not allowed any more";

impl Router {
    /// What a watcher is told, by the rules of whoever it is about; nothing where they do not let him watch, or look
    /// once, any more.
    pub(super) fn seen(&self, ask: Ask, telling: &Telling) -> Option<State> {
        let (watcher, standing) = (telling.watcher.address(), telling.standing);
        Some(match &telling.what {
            What::Closed => State::closed(&telling.presentity),
            What::Passed(state, _) => State::clone(state),
            What::State(state) => {
                let view = self.book.view(ask, &telling.presentity, watcher, standing)?;
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
        })
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
            self.administrator_may_object(&presentity);
            self.rules_changed(&presentity);
        }
    }

    /// Ends what the administrator's rules do not let pass any more, wherever the presentity is kept.
    fn administrator_may_object(self: &Arc<Self>, presentity: &Address) {
        let policy = self.policy();
        for (key, watcher, standing) in self.presence.with(|book, _| book.leases_to(presentity)) {
            if policy.let_pass(&watcher, standing, presentity).is_err() {
                let ended = self.end_with_words(key, NOT_ALLOWED);
                if let Some(ended) = ended.filter(|ended| ended.kind == Kind::Elsewhere) {
                    self.end_far_in_turn(ended);
                }
            }
        }
    }

    /// The rules of a principal have changed: who may not watch him any more is told so, once; what others see of him
    /// may be something else; and where he watches, it may be shown or not. Whom another server keeps, his rules there
    /// are asked by it.
    fn rules_changed(self: &Arc<Self>, principal: &Address) {
        let (as_presentity, as_watched) = self.presence.with(|book, _| {
            let is_kept = matches!(book.kind_of(principal), Some(Kind::Hosted | Kind::Foreign { .. }));
            let as_presentity = if is_kept { book.leases_to(principal) } else { Vec::new() };
            (as_presentity, book.leases_to_winfo_of(principal))
        });
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
        let _ended = self.end_with_words(key, ENDED);
    }

    /// Ends a subscription whose watcher has heard the [`last_word`].
    pub(super) fn end_silently(self: &Arc<Self>, key: LeaseKey) {
        if let Some(ended) = self.presence.with(|book, now| book.end(key, How::Refused, now)) {
            self.note_end(&ended);
        }
    }

    /// Ends a subscription from this side: the watcher is told that it is closed, and why.
    pub(super) fn end_with_words(self: &Arc<Self>, key: LeaseKey, words: &str) -> Option<Ended> {
        let ended = self.presence.with(|book, now| {
            let ended = book.end(key, How::Refused, now)?;
            let last = State::of_inbox(&ended.presentity, Basic::Closed, words);
            book.once(Once {
                watcher: ended.watcher.clone(),
                target: ended.target.clone(),
                presentity: ended.presentity.clone(),
                standing: cpim_adapter::Standing::Verified,
                given: Some((Arc::new(last), None)),
            });
            Some(ended)
        });
        ended.inspect(|ended| self.note_end(ended))
    }
}

/// What is told last of a presentity to whom it allows no more.
pub(super) fn last_word(presentity: &Address) -> State {
    State::of_inbox(presentity, Basic::Closed, ENDED)
}
