//! What time does to a session: silence, stalls, and the ends of waits.

use std::time::Instant;

use cpim_adapter::TransId;

use super::outgoing::Mark;
use super::state::State;
use super::{Closure, Session};
use crate::{Close, Reason, write_ping};

/// When the peer was heard, and whether it was asked.
#[derive(Debug)]
pub(super) struct Hearing {
    pub(super) last: Instant,
    /// Since then nothing was heard, and a ping is out.
    asked: Option<Instant>,
    /// The ping that was not answered yet.
    pub(super) ping: Option<TransId>,
    pings: u64,
}

impl Hearing {
    pub(super) const fn new(now: Instant) -> Self {
        Self { last: now, asked: None, ping: None, pings: 0 }
    }

    pub(super) const fn heard(&mut self, now: Instant) {
        self.last = now;
        self.asked = None;
    }
}

impl<T> Session<T> {
    /// Does what is due. Call it at [`Self::poll_timeout`]; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.receipts.ripen(now);
        match self.state {
            State::AwaitingOpen { until } if until <= now => {
                self.close_frame(now, &Close::because(Reason::Timeout, "expected `open`"));
                self.end(now, Closure::Unopened);
            }
            State::Closing { until, .. } if until <= now => self.end_at_once(Closure::Orderly),
            State::Closed { until: Some(until) } if until <= now => {
                self.state = State::Closed { until: None }
            }
            State::Closed { .. } => {}
            // It cannot be told: nothing that is written gets there.
            _ if self.stalls_at().is_some_and(|at| at <= now) => self.end_at_once(Closure::Stalled),
            _ if self.silent_at().is_some_and(|at| at <= now) => self.ask_or_give_up(now),
            _ => {}
        }
    }

    /// When [`Self::handle_timeout`] has something to do, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ends_at = match self.state {
            State::AwaitingOpen { until } | State::Closing { until, .. } => Some(until),
            State::Deciding | State::Open => None,
            State::Closed { until } => return until.filter(|_| !self.outgoing.is_empty()),
        };
        [ends_at, self.stalls_at(), self.silent_at(), self.receipts.due()].into_iter().flatten().min()
    }

    /// When the peer has taken nothing for too long of what there is for it.
    fn stalls_at(&self) -> Option<Instant> {
        self.outgoing.idle_since().map(|since| since + self.config.stall)
    }

    /// When the silence is too long: to go without a ping, or after one. Silence means nothing while the peer
    /// may not speak or is not read.
    fn silent_at(&self) -> Option<Instant> {
        let listens = self.state.answers() && self.state.reads() && !self.held;
        let at = match self.hearing.asked {
            Some(asked) => asked + self.config.ping_answer,
            None => self.hearing.last + self.config.silence,
        };
        listens.then_some(at)
    }

    fn ask_or_give_up(&mut self, now: Instant) {
        if self.hearing.asked.is_some() {
            let text = "nothing was heard, not even the answer to a ping";
            self.close_frame(now, &Close::because(Reason::Timeout, text));
            return self.end(now, Closure::Silent);
        }
        self.hearing.asked = Some(now);
        self.hearing.pings += 1;
        // No decimal number, so that it is never the transID of an operation.
        if let Ok(trans_id) = TransId::parse(&format!("ping-{}", self.hearing.pings)) {
            write_ping(&mut self.scratch, &trans_id);
            self.owe(now, Mark::Other);
            self.hearing.ping = Some(trans_id);
        }
    }
}
