//! The ways in which a session ends.

use std::time::Instant;

use bytes::BytesMut;

use super::outgoing::Mark;
use super::state::{By, State};
use super::{Closure, Event, Session};
use crate::{Close, Reason, Violation};

impl<T> Session<T> {
    /// Ends the session. Without a reason, or for `shutdown`, in order: what is under way has its time, and
    /// [`Event::Closed`] comes at its end. For any other reason, and where there is nothing to bring to an
    /// end, at once.
    pub fn close(&mut self, now: Instant, close: Close) {
        match self.state {
            State::Closed { .. } => {}
            State::Closing { .. } if close.is_orderly() => {}
            State::Open if close.is_orderly() => {
                self.close_frame(now, &close);
                self.start_closing(now, By::Us);
            }
            _ => {
                self.close_frame(now, &close);
                self.receipts.all_heard();
                self.end(now, Closure::ByUs(close));
            }
        }
    }

    /// The peer will send nothing more, and has said so in the transport's own way.
    pub fn handle_end(&mut self, now: Instant) {
        self.take_the_rest(now);
        match self.state {
            State::Closing { by: By::Us, .. } => {
                self.receipts.all_heard();
                self.end(now, Closure::Orderly);
            }
            State::Closing { .. } => self.start_closing(now, By::PeerSilently),
            State::AwaitingOpen { .. } | State::Deciding | State::Open => self.end_at_once(Closure::Lost),
            State::Closed { .. } => {}
        }
    }

    /// The transport failed: nothing can be sent or received any more.
    pub fn handle_loss(&mut self, now: Instant) {
        self.take_the_rest(now);
        match self.state {
            State::Closed { .. } => self.state = State::Closed { until: None },
            _ => self.end_at_once(Closure::Lost),
        }
    }

    /// The peer broke the contract: it is told how, and not read any more.
    pub(super) fn violated(&mut self, now: Instant, violation: Violation) {
        let text = match violation.reason() {
            Reason::BadFrame => format!("frame {}, {violation}", self.frames),
            _ => violation.to_string(),
        };
        self.close_frame(now, &Close::because(violation.reason(), text));
        // The connection stands: what the transport took before this is on its way as this is.
        self.receipts.all_heard();
        self.end(now, Closure::Violated(violation));
    }

    /// Somebody has closed in order. The time for it runs from the first who did.
    pub(super) fn start_closing(&mut self, now: Instant, by: By) {
        let until = match self.state {
            State::Closing { until, .. } => until,
            _ => now + self.config.drain,
        };
        self.state = State::Closing { by, until };
        self.withdraw();
        self.finish_if_drained(now);
    }

    /// Once the peer has closed, we hang up when nothing is under way; where we have, the peer does.
    pub(super) fn finish_if_drained(&mut self, now: Instant) {
        let State::Closing { by, .. } = self.state else {
            return;
        };
        let nothing_to_hear = by == By::PeerSilently || self.outbound.is_empty();
        if by != By::Us && nothing_to_hear && self.inbound.is_empty() && self.outgoing.is_empty() {
            self.receipts.all_heard();
            self.end(now, Closure::Orderly);
        }
    }

    /// The session is over; its last words still go out.
    pub(super) fn end(&mut self, now: Instant, closure: Closure) {
        self.end_by(Some(now + self.config.drain), closure);
    }

    /// The session is over, and so is its transport.
    pub(super) fn end_at_once(&mut self, closure: Closure) {
        self.end_by(None, closure);
    }

    fn end_by(&mut self, until: Option<Instant>, closure: Closure) {
        self.state = State::Closed { until };
        self.withdraw();
        self.input = BytesMut::new();
        self.events.push_back(Event::Closed(closure));
    }

    /// Gives up the operations that were not sent.
    fn withdraw(&mut self) {
        for trans_id in self.outgoing.withdraw() {
            self.outbound.withdrawn(&trans_id);
            self.events.push_back(Event::Unsent { trans_id });
        }
    }

    pub(super) fn close_frame(&mut self, now: Instant, close: &Close) {
        close.write(&mut self.scratch);
        self.owe(now, Mark::Other);
    }
}
