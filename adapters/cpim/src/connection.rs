//! One connection: one task that joins the wire, the gateway, and whoever delivers to the session.
//!
//! # Why two sides that flood each other cannot block each other
//! The task waits for nothing but the wire itself: an operation that comes in is handed over where there is
//! a place, whose answer has room by then, and else answered `busy`; an operation that goes out waits in a
//! channel until there is room, and holds up only its own sender. So the task always comes back to reading,
//! also while the peer takes nothing. What the peer is owed goes out before what is asked of it, and is never
//! more than what it sent; only a peer that reads none of megabytes of answers is read no further, and closed
//! by `timeout`. Reading thus depends on writing only where the peer has stopped reading first, and two sides
//! that keep this rule never wait for each other.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    AdapterContext, Answer, Arrival, Code, Inlet, Kind, LegRef, Operation, Report, Response, TransId, Word,
};
use cpim_native_proto::{Close, Closure, EncodeError, Event, Incoming, Reason, SendError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::external::{Externals, observation};
use crate::session::{Departure, Ends, Leg, Session};
use crate::wire::{Wire, now};

/// Answers and operations taken over before the wire has its turn again: enough to fill one write.
const BATCH: usize = 64;

/// For a peer to hang up after our `close` where neither side owes the other anything: not all take the hint.
const QUIET: Duration = Duration::from_secs(1);

/// Everything that the task of one connection holds.
pub(crate) struct Connection {
    wire: Box<Wire>,
    session: Arc<Session>,
    externals: Arc<Externals>,
    cx: AdapterContext,
    inlet: Inlet,
    answers: mpsc::Receiver<Answer>,
    ends: Ends,
    /// An operation that found no room yet; those behind it wait with it.
    waiting: Option<Box<Departure>>,
    /// Operations that were sent or queued and wait for their response: at most the session's cap.
    legs: HashMap<TransId, Leg>,
    /// After how much time without an operation a connection of ours is closed.
    pool_idle: Option<Duration>,
    last_used: Instant,
    /// We have closed the session.
    closing: bool,
    /// Operations of the peer that wait for their answer.
    owed: usize,
}

impl Connection {
    /// A connection whose session is open. `pool_idle`: when to close it if it carries nothing.
    pub(crate) fn new(
        wire: Box<Wire>,
        (session, externals): (Arc<Session>, Arc<Externals>),
        ends: Ends,
        cx: AdapterContext,
        (inlet, answers): (Inlet, mpsc::Receiver<Answer>),
        pool_idle: Option<Duration>,
    ) -> Box<Self> {
        Box::new(Self {
            wire,
            session,
            externals,
            cx,
            inlet,
            answers,
            ends,
            waiting: None,
            legs: HashMap::new(),
            pool_idle,
            last_used: Instant::now(),
            closing: false,
            owed: 0,
        })
    }

    /// Runs the session to its end, whichever that is. `leave` is called as soon as it takes no more.
    pub(crate) async fn run(mut self: Box<Self>, leave: impl FnOnce(&Session)) {
        let shutdown = self.cx.shutdown.clone();
        // Made once: each takes a place in a list that all connections share.
        let (mut draining, mut forced) = (pin!(shutdown.draining()), pin!(shutdown.forced()));
        loop {
            self.pass_on();
            if self.wire.is_finished() {
                break;
            }
            let listening = self.waiting.is_none();
            tokio::select! {
                () = self.wire.turn() => {}
                Some(answer) = self.answers.recv() => self.answer(answer),
                Some(departure) = self.ends.departures.recv(), if listening => {
                    // One may come that had its place before the session began to close: it was not sent.
                    self.waiting = Some(departure).filter(|_| self.wire.session.is_open());
                }
                Ok(()) = self.ends.orders.changed() => self.obey(),
                () = &mut draining, if !self.closing => {
                    self.close(Close::because(Reason::Shutdown, ""));
                }
                () = unused(self.last_used, self.pool_idle), if self.is_idle() => self.close(Close::default()),
                () = unused(self.last_used, Some(QUIET)), if self.closing && self.owes_nothing() => break,
                () = &mut forced => break,
            }
        }
        leave(&self.session);
        Box::pin(self.finish()).await;
    }

    /// Passes on everything that can be, without waiting.
    fn pass_on(&mut self) {
        for _ in 0..BATCH {
            let Ok(answer) = self.answers.try_recv() else {
                break;
            };
            self.answer(answer);
        }
        for _ in 0..BATCH {
            if self.waiting.is_none() && self.wire.session.is_open() {
                self.waiting = self.ends.departures.try_recv().ok();
            }
            let Some(departure) = self.waiting.take() else {
                break;
            };
            self.depart(departure);
            if self.waiting.is_some() {
                break;
            }
        }
        while let Some(event) = self.wire.session.poll_event() {
            self.take(event);
        }
        while let Some(token) = self.wire.session.poll_departed() {
            if let Some(receipt) = token {
                receipt.departed();
            }
        }
        while let Some(token) = self.wire.session.poll_handed_over() {
            if let Some(receipt) = token {
                receipt.handed_over();
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Closed(closure) => {
                self.log(&closure);
                self.refuse_departures();
            }
            // The wire has taken the only one that there can be.
            Event::Opened(_) => {}
            Event::Operation(incoming) => self.arrive(incoming),
            Event::PeerClosing(close) => {
                let reason = close.reason.as_ref().map(Reason::as_str);
                tracing::debug!(session = self.label(), reason, "the peer ends the session");
                self.refuse_departures();
            }
            Event::Response { trans_id, response } => {
                self.last_used = Instant::now();
                if let Some(leg) = self.legs.remove(&trans_id) {
                    leg.settle(Word::Answered(response));
                }
            }
            Event::Retransmission(incoming) => {
                tracing::debug!(session = self.label(), trans_id = %incoming.trans_id, "came again; one answer serves both");
            }
            Event::StrayResponse { trans_id, response } => self.cx.report(Report {
                leg: LegRef::Stray { trans_id, authority: Arc::clone(self.session.authority()) },
                word: Word::Answered(response),
            }),
            Event::Unsent { trans_id } => {
                if let Some(leg) = self.legs.remove(&trans_id) {
                    leg.settle(Word::NotSent);
                }
            }
        }
    }

    fn arrive(&mut self, incoming: Incoming) {
        self.last_used = Instant::now();
        let Incoming { trans_id, parameters, operation } = incoming;
        if let Operation::Notify(notify) = &operation
            && let Some(seen) = observation(notify, &self.session, &self.externals, &self.cx.mapper())
        {
            return self.cx.observed(seen);
        }
        let answered = operation.kind() != Kind::Notify;
        let Some(place) = self.inlet.try_reserve() else {
            tracing::debug!(session = self.label(), %trans_id, "no room");
            if answered {
                self.respond(&trans_id, &Response::failure(Code::Busy, "no room"), None);
            }
            return;
        };
        self.owed += usize::from(answered);
        place.submit(Arrival {
            operation,
            trans_id,
            hops: parameters.hops,
            via: parameters.via,
            id: parameters.id,
            wait: parameters.wait,
            standing: parameters.auth,
            held: false,
        });
    }

    fn answer(&mut self, answer: Answer) {
        self.last_used = Instant::now();
        self.owed = self.owed.saturating_sub(1);
        self.respond(&answer.trans_id, &answer.response, answer.receipt);
    }

    /// A receipt that comes back was of no use: dropped, it has the answer kept.
    fn respond(&mut self, trans_id: &TransId, response: &Response, receipt: Option<cpim_adapter::Receipt>) {
        drop(self.wire.session.respond(now(), trans_id, response, receipt));
    }

    /// Queues an operation, or keeps it waiting where there is no room.
    fn depart(&mut self, mut departure: Box<Departure>) {
        self.last_used = Instant::now();
        let Departure { trans_id, operation, parameters, .. } = &*departure;
        match self.wire.session.send(now(), trans_id, parameters, operation) {
            // Nothing ever answers a notify: it is settled once it is queued.
            Ok(()) if operation.kind() == Kind::Notify => {
                departure.leg.settle(Word::Answered(Response::success()))
            }
            Ok(()) => {
                departure.leg.may_be_sent();
                self.legs.insert(departure.trans_id, departure.leg);
            }
            Err(SendError::NoRoom) => self.waiting = Some(departure),
            Err(SendError::Encode(error)) => {
                let response = Response::failure(code_of(&error), error.to_string());
                departure.leg.settle(Word::Answered(response));
            }
            // Two legs drew the same: one of them comes again later. Nothing was accepted, as with `busy`.
            Err(error @ SendError::TransIdTaken) => {
                let response = Response::failure(Code::Busy, error.to_string());
                departure.leg.settle(Word::Answered(response));
            }
            // Dropped, its leg reports that it was not sent.
            Err(error) => tracing::debug!(session = self.label(), %trans_id, %error, "not sent"),
        }
    }

    fn obey(&mut self) {
        let order = self.ends.orders.borrow_and_update().clone();
        if let Some(close) = order {
            self.close(close);
        }
    }

    fn close(&mut self, close: Close) {
        self.closing = true;
        self.last_used = Instant::now();
        self.wire.session.close(now(), close);
        self.refuse_departures();
    }

    /// From now on the session takes nothing; what has not been queued was not sent.
    fn refuse_departures(&mut self) {
        self.ends.departures.close();
        self.waiting = None;
        while let Ok(departure) = self.ends.departures.try_recv() {
            drop(departure);
        }
    }

    fn is_idle(&self) -> bool {
        self.pool_idle.is_some() && self.owes_nothing() && self.wire.session.is_open()
    }

    /// Whether neither side waits for an answer of the other.
    fn owes_nothing(&self) -> bool {
        self.legs.is_empty() && self.owed == 0
    }

    /// Says what became of everything that was under way, and hangs up.
    async fn finish(mut self: Box<Self>) {
        // Given up before its end, it counts as lost: what was not begun is then told as not sent.
        self.wire.session.handle_loss(now());
        self.refuse_departures();
        self.pass_on();
        let Self { wire, session, inlet, answers, mut ends, legs, .. } = *self;
        // Whatever is left in these says so itself: an answer with a receipt is kept, a leg that may have
        // been sent is unknown. The inlet goes last, so that the gateway hears of the session's end after that.
        let end = wire.end();
        drop(answers);
        // In the order in which they were sent, so that they are sent again in that order.
        let mut legs: Vec<Leg> = legs.into_values().collect();
        legs.sort_unstable_by_key(Leg::number);
        drop(legs);
        // A delivery that is passing its commit point has its place still. What it puts there must be found: the
        // channel itself would keep it for as long as anybody holds the session.
        while let Some(departure) = ends.departures.recv().await {
            drop(departure);
        }
        drop((inlet, session));
        end.hang_up().await;
    }

    fn log(&self, closure: &Closure) {
        match closure {
            Closure::Orderly => tracing::info!(session = self.label(), "{closure}"),
            _ => tracing::warn!(session = self.label(), "{closure}"),
        }
    }

    fn label(&self) -> &str {
        &self.session.authority().label
    }
}

/// Waits until a connection has been unused for so long. Asks for no alarm before it is polled.
async fn unused(since: Instant, time: Option<Duration>) {
    sleep_until(since + time.unwrap_or_default()).await;
}

/// The one part of a start line without a bound of its own is `via`: it has been everywhere.
fn code_of(error: &EncodeError) -> Code {
    match error {
        EncodeError::StartLine { .. } => Code::Loop,
        _ => Code::TooLarge,
    }
}
