//! A session: one connection, from either side, without the connection.
//!
//! Octets and the time go in, events and octets come out. The same octets give the same events however they
//! are cut. [`Session::handle_input`], [`Session::handle_timeout`] and [`Session::handle_end`] say what came
//! in; `poll_*` say what to do next; the other methods are what the application wants. After any call, the
//! `poll_*` methods are asked until they have nothing more.
//!
//! ```text
//!                        ┌────────────┐ open ┌──────────┐ accept ┌──────┐ close ┌─────────┐ drained ┌────────┐
//! listening side ──────► │AwaitingOpen├─────►│ Deciding ├───────►│      ├──────►│         ├────────►│        │
//!                        └─┬──────────┘      └────┬─────┘        │ Open │       │ Closing │         │ Closed │
//! connecting side ─ open ─►│            open      │        ┌────►│      │       │         │         │        │
//!                          ├──────────────────────┼────────┘     └──┬───┘       └────┬────┘         └────────┘
//!                          └──────────────────────┴─ violation, close with a reason, silence, loss ──►  ▲
//! ```

mod config;
mod event;
mod incoming;
mod outgoing;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use cpim_adapter::{Kind, Operation, Response, TransId};

pub use config::Config;
pub use event::{Closure, Event, Incoming, Remains, SendError};

use outgoing::{Mark, Outgoing};
use tables::{Inbound, Outbound, Receipts};

use crate::{
    Close, Decoder, EncodeError, Open, Parameters, ReadUri, Reason, Violation, write_operation, write_ping,
    write_response,
};

/// One session.
///
/// `T` is what the application gives with a response and gets back once the peer has it beyond doubt:
/// whatever it needs to note that, or nothing.
pub struct Session<T = ()> {
    config: Arc<Config>,
    uris: Arc<dyn ReadUri + Send + Sync>,
    side: Side,
    state: State,
    decoder: Decoder,
    /// What was read and not yet taken off: the beginning of a frame, or all there is while input waits.
    input: BytesMut,
    /// Input waits because the peer does not take what it is owed.
    held: bool,
    /// Frames that were read, for the peer to find the one at fault.
    frames: u64,
    inbound: Inbound,
    outbound: Outbound,
    outgoing: Outgoing<T>,
    receipts: Receipts<T>,
    events: VecDeque<Event>,
    hearing: Hearing,
    /// Elements are written here first, for their length to be known.
    scratch: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Connecting,
    Listening,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// The other side must open the session.
    AwaitingOpen { until: Instant },
    /// The application must decide on the other side's `open`; nothing is read meanwhile.
    Deciding,
    /// Operations go both ways.
    Open,
    /// A `close` was sent or received: answers still go both ways.
    Closing { by: By, until: Instant },
    /// Over. What was queued may still be sent; without a time, no longer.
    Closed { until: Option<Instant> },
}

/// Who has closed a session in order, and what can still come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    /// The peer, or both: it waits for us to finish and hang up.
    Peer,
    /// The peer, and it sends nothing more.
    PeerSilently,
    /// We: the peer finishes and hangs up.
    Us,
}

/// When the peer was heard, and whether it was asked.
#[derive(Debug)]
struct Hearing {
    last: Instant,
    /// Since then nothing was heard, and a ping is out.
    asked: Option<Instant>,
    /// The ping that was not answered yet.
    ping: Option<TransId>,
    pings: u64,
}

impl<T> Session<T> {
    /// The listening side's end of a connection that was just accepted.
    #[must_use]
    pub fn listen(config: Arc<Config>, uris: Arc<dyn ReadUri + Send + Sync>, now: Instant) -> Self {
        Self::new(config, uris, Side::Listening, now)
    }

    /// The connecting side's end of a connection that was just made; `open` goes out first.
    ///
    /// # Errors
    /// [`EncodeError`] where `open` does not fit a frame.
    pub fn connect(
        config: Arc<Config>,
        uris: Arc<dyn ReadUri + Send + Sync>,
        open: &Open,
        now: Instant,
    ) -> Result<Self, EncodeError> {
        let mut session = Self::new(config, uris, Side::Connecting, now);
        open.write(&mut session.scratch);
        session.owe(now, Mark::Other)?;
        Ok(session)
    }

    fn new(config: Arc<Config>, uris: Arc<dyn ReadUri + Send + Sync>, side: Side, now: Instant) -> Self {
        Self {
            uris,
            side,
            state: State::AwaitingOpen {
                until: now + config.open_within,
            },
            decoder: Decoder::new(config.limits),
            input: BytesMut::new(),
            held: false,
            frames: 0,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            outgoing: Outgoing::default(),
            receipts: Receipts::new(2 * config.max_inbound),
            events: VecDeque::new(),
            hearing: Hearing {
                last: now,
                asked: None,
                ping: None,
                pings: 0,
            },
            scratch: String::new(),
            config,
        }
    }

    /// Takes all of `octets`, which came from the peer.
    ///
    /// They are not copied where they follow in memory on what came before: read each time into the same
    /// buffer.
    pub fn handle_input(&mut self, now: Instant, octets: &mut BytesMut) {
        if octets.is_empty() || self.is_closed() {
            octets.clear();
            return;
        }
        self.hearing.heard(now);
        self.receipts.heard(now);
        match self.input.is_empty() {
            true => self.input = octets.split(),
            false => self.input.unsplit(octets.split()),
        }
        self.advance(now);
    }

    /// The peer will send nothing more, and has said so in the transport's own way.
    pub fn handle_end(&mut self, now: Instant) {
        match self.state {
            State::Closing { by: By::Us, .. } => {
                self.receipts.all_heard();
                self.end(now, Closure::Orderly);
            }
            State::Closing { until, .. } => {
                self.state = State::Closing {
                    by: By::PeerSilently,
                    until,
                };
                self.finish_if_drained(now);
            }
            State::AwaitingOpen { .. } | State::Deciding | State::Open => self.handle_loss(now),
            State::Closed { .. } => {}
        }
    }

    /// The transport failed: nothing can be sent or received any more.
    pub fn handle_loss(&mut self, now: Instant) {
        if !self.is_closed() {
            self.end(now, Closure::Lost);
        }
        self.state = State::Closed { until: None };
    }

    /// Does what is due. Call it at [`Self::poll_timeout`]; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::AwaitingOpen { until } if until <= now => {
                self.close_frame(now, &Close::because(Reason::Timeout, "expected `open`"));
                return self.end(now, Closure::Unopened);
            }
            State::Closing { until, .. } if until <= now => {
                self.end(now, Closure::Orderly);
                self.state = State::Closed { until: None };
                return;
            }
            State::Closed { until } => {
                self.state = State::Closed {
                    until: until.filter(|until| *until > now),
                };
                return;
            }
            _ => {}
        }
        if self
            .outgoing
            .idle_since()
            .is_some_and(|since| since + self.config.stall <= now)
        {
            self.end(now, Closure::Stalled);
            // It cannot be told: nothing that is written gets there.
            self.state = State::Closed { until: None };
            return;
        }
        if !self.listens_for_silence() {
            return;
        }
        match self.hearing.asked {
            Some(asked) if asked + self.config.ping_answer <= now => {
                self.close_frame(
                    now,
                    &Close::because(Reason::Timeout, "nothing was heard, nor a ping answered"),
                );
                self.end(now, Closure::Silent);
            }
            None if self.hearing.last + self.config.silence <= now => self.ping(now),
            _ => {}
        }
    }

    /// When [`Self::handle_timeout`] has something to do, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let stalled = self.outgoing.idle_since().map(|since| since + self.config.stall);
        let silent = match self.hearing.asked {
            _ if !self.listens_for_silence() => None,
            Some(asked) => Some(asked + self.config.ping_answer),
            None => Some(self.hearing.last + self.config.silence),
        };
        match self.state {
            State::AwaitingOpen { until } | State::Closing { until, .. } => {
                [Some(until), stalled, silent].into_iter().flatten().min()
            }
            State::Deciding | State::Open => [stalled, silent].into_iter().flatten().min(),
            State::Closed { until } => until.filter(|_| !self.outgoing.is_empty()),
        }
    }

    /// When the peer was last heard.
    #[must_use]
    pub const fn last_heard(&self) -> Instant {
        self.hearing.last
    }

    /// What happened, in the order in which it did.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What came with a response that the peer now has beyond doubt: it was heard a good while after the
    /// response was sent, or ended the session in order.
    pub fn poll_handed_over(&mut self) -> Option<T> {
        self.receipts.next()
    }

    /// The next octets to send, in this order; tell with [`Self::transmitted`] how many the transport took.
    ///
    /// `None` while there are none, or while so much has been handed out and not been taken that what is
    /// owed had better still come before what is asked.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        if matches!(self.state, State::Closed { until: None }) {
            return None;
        }
        let outbound = &mut self.outbound;
        self.outgoing.next(&mut |trans_id| outbound.begun(trans_id))
    }

    /// The transport took so many octets more of what was handed out.
    pub fn transmitted(&mut self, now: Instant, octets: usize) {
        let receipts = &mut self.receipts;
        self.outgoing.taken(now, octets, &mut |mark| {
            if let Mark::Response(trans_id, token) = mark {
                receipts.sent(now, trans_id, token);
            }
        });
        if self.held && self.wants_input() {
            // It had no chance to be heard.
            self.held = false;
            self.hearing.heard(now);
            self.advance(now);
        }
        self.finish_if_drained(now);
    }

    /// Whether to read from the transport. Not while the application decides on an `open`, nor while the
    /// peer does not take what it is owed, nor once the session is over.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        match self.state {
            State::Closing {
                by: By::PeerSilently, ..
            }
            | State::Closed { .. }
            | State::Deciding => false,
            State::AwaitingOpen { .. } | State::Closing { .. } | State::Open => {
                self.outgoing.owed_octets() < self.config.max_owed_octets
            }
        }
    }

    /// Whether operations can be sent.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether the session is over: [`Event::Closed`] was or will be polled.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Whether the transport is to be shut: the session is over, and all that could be sent was, or its time
    /// has passed.
    #[must_use]
    pub fn is_finished(&self, now: Instant) -> bool {
        let State::Closed { until } = self.state else {
            return false;
        };
        self.outgoing.is_empty() || until.is_none_or(|until| until <= now)
    }

    /// Opens a session that the other side wants to open. Without effect unless [`Event::Opened`] waits for
    /// it.
    ///
    /// # Errors
    /// [`SendError`] where there is nothing to accept, or `open` does not fit a frame.
    pub fn accept(&mut self, now: Instant, open: &Open) -> Result<(), SendError> {
        if self.state != State::Deciding {
            return Err(SendError::NotOpen);
        }
        open.write(&mut self.scratch);
        self.owe(now, Mark::Other)?;
        self.state = State::Open;
        self.hearing.heard(now);
        self.advance(now);
        Ok(())
    }

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
                self.end(now, Closure::ByUs(close));
            }
        }
    }

    /// Whether there is room for an operation with so many octets of content.
    #[must_use]
    pub fn has_room(&self, octets: usize) -> bool {
        let queued = self.outgoing.queued_octets();
        self.is_open()
            && self.outbound.len() < self.config.max_outbound
            && (queued == 0 || queued + octets <= self.config.max_queued_octets)
    }

    /// Sends an operation. It will be answered by [`Event::Response`] unless it is a notify, be
    /// [`Event::Unsent`], or be left in [`Remains::unanswered`].
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send(
        &mut self,
        now: Instant,
        trans_id: &TransId,
        parameters: &Parameters,
        operation: &Operation,
    ) -> Result<(), SendError> {
        let content = operation
            .content()
            .map(|content| content.octets().clone())
            .unwrap_or_default();
        if !self.is_open() {
            return Err(SendError::NotOpen);
        }
        if self.outbound.contains(trans_id) || self.hearing.ping.as_ref() == Some(trans_id) {
            return Err(SendError::TransIdTaken);
        }
        if !self.has_room(content.len()) {
            return Err(SendError::NoRoom);
        }
        let limits = &self.config.limits;
        let queued = write_operation(&mut self.scratch, trans_id, operation, limits).and_then(|()| {
            self.outgoing
                .ask(now, parameters, &self.scratch, &content, trans_id.clone(), limits)
        });
        self.scratch.clear();
        queued?;
        if operation.kind() != Kind::Notify {
            self.outbound.queued(trans_id.clone());
        }
        Ok(())
    }

    /// Answers an operation of the peer, also one that came on an earlier session.
    ///
    /// # Errors
    /// Gives `token` back where the session can send nothing any more.
    pub fn respond(
        &mut self,
        now: Instant,
        trans_id: &TransId,
        response: &Response,
        token: T,
    ) -> Result<(), T> {
        if !matches!(self.state, State::Open | State::Closing { .. }) {
            return Err(token);
        }
        self.inbound.answered(trans_id);
        self.answer(now, trans_id, response, Mark::Response(trans_id.clone(), token));
        Ok(())
    }

    /// What is left, once the session is over. A session that is not counts as lost.
    #[must_use]
    pub fn into_remains(mut self) -> Remains<T> {
        Remains {
            abandoned: self.inbound.drain().collect(),
            in_doubt: self.receipts.drain().chain(self.outgoing.abandon()).collect(),
            unanswered: self.outbound.drain().collect(),
        }
    }

    fn answer(&mut self, now: Instant, trans_id: &TransId, response: &Response, mark: Mark<T>) {
        write_response(&mut self.scratch, trans_id, response);
        let fits = self.owe(now, mark);
        debug_assert_eq!(fits, Ok(()), "a response is far smaller than a frame");
    }

    fn ping(&mut self, now: Instant) {
        self.hearing.pings += 1;
        // No decimal number, so that it is never the transID of an operation.
        let Ok(trans_id) = TransId::parse(&format!("ping-{}", self.hearing.pings)) else {
            return;
        };
        write_ping(&mut self.scratch, &trans_id);
        let fits = self.owe(now, Mark::Other);
        debug_assert_eq!(fits, Ok(()), "a ping is far smaller than a frame");
        self.hearing.asked = Some(now);
        self.hearing.ping = Some(trans_id);
    }

    fn close_frame(&mut self, now: Instant, close: &Close) {
        close.write(&mut self.scratch);
        let fits = self.owe(now, Mark::Other);
        debug_assert_eq!(fits, Ok(()), "a close is far smaller than a frame");
    }

    /// Queues the element in the scratch, which is empty afterwards.
    fn owe(&mut self, now: Instant, mark: Mark<T>) -> Result<(), EncodeError> {
        let queued = self.outgoing.owe(now, &self.scratch, mark, &self.config.limits);
        self.scratch.clear();
        queued
    }

    fn violated(&mut self, now: Instant, violation: Violation) {
        let text = match violation.reason() {
            Reason::BadFrame => format!("frame {}, {violation}", self.frames),
            _ => violation.to_string(),
        };
        self.close_frame(now, &Close::because(violation.reason(), text));
        self.end(now, Closure::Violated(violation));
    }

    fn start_closing(&mut self, now: Instant, by: By) {
        let until = match self.state {
            State::Closing { until, .. } => until,
            _ => now + self.config.drain,
        };
        self.state = State::Closing { by, until };
        self.withdraw();
        self.finish_if_drained(now);
    }

    /// Gives up the operations that were not sent.
    fn withdraw(&mut self) {
        for trans_id in self.outgoing.withdraw() {
            self.outbound.withdrawn(&trans_id);
            self.events.push_back(Event::Unsent { trans_id });
        }
    }

    /// Once the peer has closed, we hang up when nothing is under way; where we have, the peer does.
    fn finish_if_drained(&mut self, now: Instant) {
        let State::Closing { by, .. } = self.state else {
            return;
        };
        let nothing_to_hear = by == By::PeerSilently || self.outbound.len() == 0;
        if by != By::Us && nothing_to_hear && self.inbound.len() == 0 && self.outgoing.is_empty() {
            self.receipts.all_heard();
            self.end(now, Closure::Orderly);
        }
    }

    fn end(&mut self, now: Instant, closure: Closure) {
        self.state = State::Closed {
            until: Some(now + self.config.drain),
        };
        self.withdraw();
        self.input = BytesMut::new();
        self.events.push_back(Event::Closed(closure));
    }

    /// Whether silence means anything: while the peer may speak, and is read.
    fn listens_for_silence(&self) -> bool {
        let speaks = !matches!(
            self.state,
            State::Closing {
                by: By::PeerSilently,
                ..
            }
        );
        matches!(self.state, State::Open | State::Closing { .. }) && speaks && !self.held
    }
}

impl Hearing {
    fn heard(&mut self, now: Instant) {
        self.last = now;
        self.asked = None;
    }
}
