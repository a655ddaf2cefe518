//! What the peer says, and what is answered without asking the application.

use std::time::Instant;

use bytes::BytesMut;
use cpim_adapter::{Code, Kind, Operation, Response, TransId};

use super::outgoing::Mark;
use super::state::{By, Side, State};
use super::tables::{Arrival, same};
use super::{Closure, Event, Incoming, Session};
use crate::{Close, Element, Frame, Open, Parameters, Refusal, Rejection, Violation, write_response};

/// Events that wait to be polled before more input is read: they are large, and room for hundreds of them at once would
/// be memory that is touched for the first time, again and again.
const EVENTS_AT_ONCE: usize = 16;

const NOT_YET: Violation = Violation::OutOfOrder("expected `open` before anything else");

impl<T> Session<T> {
    /// Takes frames off the input while they may be taken, and while there is room for events: what is left is taken
    /// once those have been polled.
    pub(super) fn advance(&mut self, now: Instant) {
        self.take_frames(now, EVENTS_AT_ONCE);
    }

    /// Takes everything off the input that came before the transport ended.
    pub(super) fn take_the_rest(&mut self, now: Instant) {
        if std::mem::take(&mut self.paused) {
            self.take_frames(now, usize::MAX);
        }
    }

    fn take_frames(&mut self, now: Instant, events: usize) {
        self.paused = false;
        while self.wants_input() {
            if self.events.len() >= events {
                self.paused = true;
                break;
            }
            let taken = match self.decoder.decode(&mut self.input) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    self.frames += 1;
                    self.handle_frame(now, frame)
                }
                Err(error) => {
                    self.frames += 1;
                    Err(error.into())
                }
            };
            if let Err(violation) = taken {
                self.violated(now, violation);
            }
            self.finish_if_drained(now);
        }
        self.held = self.state.reads() && !self.wants_input();
        if self.input.is_empty() {
            // An empty view would keep the buffer from being used again.
            self.input = BytesMut::new();
        }
    }

    fn handle_frame(&mut self, now: Instant, frame: Frame) -> Result<(), Violation> {
        let element = match Element::read(&frame, &self.config.limits, &*self.uris) {
            Ok(element) => element,
            Err(Rejection::Refused(refusal)) => return self.refuse(now, &refusal),
            Err(Rejection::Violation(violation)) => return Err(violation),
        };
        match (self.state, element) {
            (_, Element::Close(close)) => self.handle_close(now, close),
            (State::AwaitingOpen { .. }, Element::Open(open)) => self.handle_open(now, open),
            (State::AwaitingOpen { .. }, _) => return Err(NOT_YET),
            (_, Element::Open(_)) => return Err(Violation::OutOfOrder("a second `open`")),
            (_, Element::Operation { trans_id, operation }) => {
                return self.handle_operation(now, trans_id, operation, frame);
            }
            (_, Element::Ping { trans_id }) => self.answer(now, &trans_id, &Response::success()),
            (_, Element::Response { trans_id, response }) => self.handle_response(trans_id, response),
        }
        Ok(())
    }

    fn handle_open(&mut self, now: Instant, open: Open) {
        self.state = match self.side {
            Side::Connecting => State::Open,
            Side::Listening => State::Deciding,
        };
        self.hearing.heard(now);
        self.events.push_back(Event::Opened(open));
    }

    fn handle_close(&mut self, now: Instant, close: Close) {
        if !self.state.answers() || !close.is_orderly() {
            // It has hung up, or will now.
            return self.end_at_once(Closure::ByPeer(close));
        }
        self.events.push_back(Event::PeerClosing(close));
        self.start_closing(now, By::Peer);
    }

    fn handle_response(&mut self, trans_id: TransId, response: Response) {
        if self.outbound.answered(&trans_id) {
            self.events.push_back(Event::Response { trans_id, response });
        } else if self.hearing.ping.as_ref() == Some(&trans_id) {
            self.hearing.ping = None;
        } else {
            self.events.push_back(Event::StrayResponse { trans_id, response });
        }
    }

    fn handle_operation(
        &mut self,
        now: Instant,
        trans_id: TransId,
        operation: Operation,
        frame: Frame,
    ) -> Result<(), Violation> {
        let room = self.room_for_operations()?;
        let Frame { parameters, xml, content } = frame;
        if operation.kind() == Kind::Notify {
            self.check_free(&trans_id)?;
            if room > 0 {
                self.events.push_back(Event::Operation(Incoming { trans_id, parameters, operation }));
            }
            return Ok(());
        }
        let kept = Frame { parameters: Parameters::default(), xml, content };
        let event = match self.inbound.arrive(&trans_id, kept, room) {
            Arrival::New => Event::Operation,
            Arrival::Same => Event::Retransmission,
            Arrival::Other(first) => match Element::read(&first, &self.config.limits, &*self.uris) {
                Ok(Element::Operation { operation: first, .. }) if same(&first, &operation) => {
                    Event::Retransmission
                }
                _ => return Err(Violation::TransIdTaken(trans_id)),
            },
            Arrival::NoRoom => {
                self.answer(now, &trans_id, &Response::failure(Code::Busy, self.why_busy()));
                return Ok(());
            }
        };
        self.events.push_back(event(Incoming { trans_id, parameters, operation }));
        Ok(())
    }

    fn refuse(&mut self, now: Instant, refusal: &Refusal) -> Result<(), Violation> {
        self.room_for_operations()?;
        self.check_free(&refusal.trans_id)?;
        if let Some(response) = refusal.response() {
            self.answer(now, &refusal.trans_id, &response);
        }
        Ok(())
    }

    /// How many operations may wait: none new once we have closed. Once the peer has, it may send none.
    fn room_for_operations(&self) -> Result<usize, Violation> {
        match self.state {
            State::AwaitingOpen { .. } => Err(NOT_YET),
            State::Closing { by: By::Us, .. } => Ok(0),
            State::Closing { .. } => Err(Violation::OutOfOrder("an operation after `close`")),
            _ => Ok(self.config.max_inbound),
        }
    }

    fn why_busy(&self) -> String {
        match self.state {
            State::Closing { .. } => "the session is being closed".to_owned(),
            _ => format!("{} operations of this session are waiting already", self.inbound.len()),
        }
    }

    fn answer(&mut self, now: Instant, trans_id: &TransId, response: &Response) {
        write_response(&mut self.scratch, trans_id, response);
        self.owe(now, Mark::Other);
    }

    /// Makes sure that no operation waits under this transID.
    fn check_free(&self, trans_id: &TransId) -> Result<(), Violation> {
        match self.inbound.contains(trans_id) {
            true => Err(Violation::TransIdTaken(trans_id.clone())),
            false => Ok(()),
        }
    }
}
