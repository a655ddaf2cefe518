//! Notifications that other servers send: passed on to whoever asked for them, and to nobody else.

use std::sync::Arc;

use cpim_adapter::{Arrival, Notify, Operation};
use tracing::debug;

use super::super::Router;
use super::super::checks;
use super::super::contacts::Contact;
use super::super::submit::passage;
use crate::presence::State;

impl Router {
    /// A notification arrived. It is never answered, and never passed on unless somebody subscribed, or looked (RFC
    /// 2779 section 5.3.2).
    pub(in super::super) fn notified(&self, contact: &Contact, arrival: Arrival) {
        let policy = self.policy();
        let theirs = self.examine(contact, &arrival, &policy, checks::ANYWHERE, |candidate| {
            checks::source(candidate).and_then(|()| checks::hops(candidate))
        });
        let passage = passage(&contact.facts, &arrival, &policy);
        let Operation::Notify(notify) = arrival.operation else { return };
        let Notify { watcher, target, presence, document } = notify;
        let expected = theirs.is_ok() && {
            let state = Arc::new(State { presence, document });
            let link = self.link_to(target.address());
            self.presence.with(|book, _| {
                book.links.back(&link);
                book.passed_on(&watcher, &target, state, passage)
            })
        };
        if !expected {
            debug!(%target, %watcher, "notify dropped: nobody subscribed");
            metrics::counter!("cpim_notify_dropped_total").increment(1);
        }
    }
}
