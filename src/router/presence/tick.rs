//! What happens by itself: the ends of subscriptions and publications, and second attempts.

use std::sync::Arc;

use tokio::time::sleep;

use super::super::Router;
use super::super::word::TICK;
use crate::presence::How;

/// Ends that are seen to in a row before others have their turn.
const ENDS: usize = 1_000;

/// Ticks between two looks for what nobody needs any more.
const SWEEP: u64 = 10;

/// Ticks between two attempts to have observed what could not be.
const OBSERVE: u64 = 50;

/// Ticks between two attempts to reach watchers who were out of reach, and how many are tried at once.
const RETRY: u64 = 300;
const RETRIED: usize = 10_000;

/// Ticks between two times that past watchers are forgotten.
const FORGET: u64 = 100;

impl Router {
    /// Sees to what happens by itself, for as long as the gateway lives.
    pub(in super::super) async fn watch_presence(self: Arc<Self>) {
        let mut tick = 0_u64;
        loop {
            sleep(TICK).await;
            tick += 1;
            let lapsed = self.presence.with(|book, now| book.lapse(now));
            self.note_changed(lapsed);
            self.end_subscriptions().await;
            self.see_to_far();
            self.presence.with(|book, now| {
                let overdue = book.overdue_looks(now);
                overdue.into_iter().for_each(|name| book.presume_closed(name));
            });
            if tick.is_multiple_of(SWEEP) {
                self.sweep_presence();
            }
            if tick.is_multiple_of(OBSERVE) {
                self.observe_again();
            }
            if tick.is_multiple_of(RETRY) {
                self.presence.with(|book, _| {
                    let some = book.parked(RETRIED);
                    book.reached_perhaps(some);
                });
            }
            if tick.is_multiple_of(FORGET) {
                let span = i64::try_from(self.policy().presence.winfo_span.as_millis()).unwrap_or(i64::MAX);
                self.presence.with(|book, now| book.forget_past(now.saturating_sub(span), now));
            }
        }
    }

    async fn end_subscriptions(self: &Arc<Self>) {
        let mut ends = 0_usize;
        loop {
            let ended = self.presence.with(|book, now| {
                let key = book.expired(now)?;
                book.end(key, How::Expired, now)
            });
            let Some(ended) = ended else { return };
            self.note_end(&ended);
            ends += 1;
            if ends.is_multiple_of(ENDS) {
                tokio::task::yield_now().await;
            }
        }
    }

    fn sweep_presence(self: &Arc<Self>) {
        for (port, foreign) in self.presence.with(|book, now| book.sweep(now)) {
            let Some(adapter) = self.adapter(port).cloned() else { continue };
            self.tasks.spawn(async move { adapter.unobserve(&foreign).await });
        }
        let leases = self.presence.with(|book, _| book.len());
        metrics::gauge!("cpim_subscriptions").set(u32::try_from(leases).map_or(f64::MAX, f64::from));
    }
}
