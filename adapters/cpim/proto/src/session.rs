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
mod ending;
mod event;
mod incoming;
mod outgoing;
mod state;
mod tables;
mod time;

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
use state::{Side, State};
use tables::{Inbound, Outbound, Receipts};
use time::Hearing;

use crate::{Decoder, EncodeError, Open, Parameters, ReadUri, write_operation, write_response};

/// One session.
///
/// `T` is what the application gives with a response and gets back once that is no longer in doubt:
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
    /// There may be whole frames in the input, which wait until the events before them have been polled.
    paused: bool,
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
        session.owe_open(now, open)?;
        Ok(session)
    }

    fn new(config: Arc<Config>, uris: Arc<dyn ReadUri + Send + Sync>, side: Side, now: Instant) -> Self {
        Self {
            uris,
            side,
            state: State::AwaitingOpen { until: now + config.open_within },
            decoder: Decoder::new(config.limits),
            input: BytesMut::new(),
            held: false,
            paused: false,
            frames: 0,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            outgoing: Outgoing::default(),
            receipts: Receipts::new(2 * config.max_inbound),
            events: VecDeque::new(),
            hearing: Hearing::new(now),
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
        self.receipts.ripen(now);
        match self.input.is_empty() {
            true => self.input = octets.split(),
            false => self.input.unsplit(octets.split()),
        }
        self.advance(now);
    }

    /// When the peer was last heard.
    #[must_use]
    pub const fn last_heard(&self) -> Instant {
        self.hearing.last
    }

    /// What happened, in the order in which it did.
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.events.is_empty() && self.paused {
            self.advance(self.hearing.last);
        }
        let event = self.events.pop_front();
        if event.is_none() {
            // A silent session keeps no room for events; they are large.
            self.events = VecDeque::new();
        }
        event
    }

    /// What came with a response whose last octet the transport took, told once: whatever is sent from now on
    /// comes behind it.
    pub fn poll_departed(&mut self) -> Option<&T> {
        self.receipts.next_sent()
    }

    /// What came with a response that the peer now has: the connection stood for a good while after the
    /// transport took it, or the peer ended the session in order.
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
        self.state.reads() && self.outgoing.owed_octets() < self.config.max_owed_octets
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
        self.owe_open(now, open)?;
        self.state = State::Open;
        self.hearing.heard(now);
        self.advance(now);
        Ok(())
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
        let content = operation.content().map(|content| content.octets().clone()).unwrap_or_default();
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
            self.outgoing.ask(now, parameters, &self.scratch, &content, trans_id.clone(), limits)
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
        if !self.state.answers() {
            return Err(token);
        }
        self.inbound.answered(trans_id);
        write_response(&mut self.scratch, trans_id, response);
        self.owe(now, Mark::Response(trans_id.clone(), token));
        Ok(())
    }

    /// What is left, once the session is over. A session that is not counts as lost.
    #[must_use]
    pub fn into_remains(mut self) -> Remains<T> {
        Remains {
            abandoned: self.inbound.drain().collect(),
            handed_over: std::iter::from_fn(|| self.receipts.next()).collect(),
            in_doubt: self.receipts.drain().chain(self.outgoing.abandon()).collect(),
            unanswered: self.outbound.drain().collect(),
        }
    }

    fn owe_open(&mut self, now: Instant, open: &Open) -> Result<(), EncodeError> {
        open.write(&mut self.scratch);
        let queued = self.outgoing.owe(now, &self.scratch, Mark::Other);
        self.scratch.clear();
        queued
    }

    /// Queues the element in the scratch, which is empty afterwards. Responses, pings and closes have room in
    /// every frame, their texts being bounded.
    fn owe(&mut self, now: Instant, mark: Mark<T>) {
        let queued = self.outgoing.owe(now, &self.scratch, mark);
        debug_assert_eq!(queued, Ok(()), "{}", self.scratch);
        self.scratch.clear();
    }
}
