//! Bringing an accepted operation to its next hop: lanes, attempts, the commit point.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Code, CommitLog, CommitPoint, Delivery, DeliveryError, Domain, NextHop, Operation, Outcome, Passage,
    Response, Retry, Schedule, Standing, Withdrawn,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::Router;
use super::flight::{AtHand, Attempt, Flight, Pair, Stage};
use super::refusal::Refusal;
use super::route::{Leg, Missed, hop_name, hop_note};
use super::table::Table;
use super::word::NO_WORD;
use crate::clock::UnixMs;
use crate::fault;
use crate::ids;
use crate::store::{Intent, Write};
use crate::sync::lock;

/// The first pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Doublings of the first pause that are counted: with them it lasts an hour and three quarters.
const DOUBLINGS: u32 = 16;

/// What an attempt came to.
enum Tried {
    /// Nothing is left to do here: it is settled, or behind its commit point.
    Done,
    /// To be tried again, later or as soon as somebody comes into contact.
    Again,
}

/// What is to be done about an operation whose turn it is.
enum Turn {
    /// Nothing: it is settled, or another of its pair goes first.
    Over,
    /// To wait until then.
    NotBefore(Instant),
    /// The time to try it is over.
    TooLate,
    /// To try it.
    Now(Ready),
}

/// An operation that is to be tried now.
struct Ready {
    operation: Arc<Operation>,
    standing: Standing,
    /// It may have been sent before.
    again: bool,
    /// Until when handing it over is tried.
    until: Instant,
    /// The leg that was found at acceptance, where nothing has changed since by which another might be found.
    leg: Option<Leg>,
}

type Delivering = Pin<Box<dyn Future<Output = Result<Outcome, DeliveryError>> + Send>>;

impl Router {
    /// Works on a lane until it is empty. One task, for as long as the pair has something to send.
    pub(super) fn start_lane(self: &Arc<Self>, pair: Pair) {
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            loop {
                let next = lock(&router.table).next_in(&pair);
                let Some(number) = next else { return };
                router.bring(number).await;
            }
        });
    }

    /// Brings one operation behind its commit point, or settles it.
    async fn bring(self: &Arc<Self>, number: i64) {
        loop {
            let ready = match self.turn(number) {
                Turn::Over => return,
                Turn::NotBefore(at) => {
                    sleep_until(at).await;
                    continue;
                }
                Turn::TooLate => return self.give_up(number),
                Turn::Now(ready) => ready,
            };
            let until = ready.until;
            match self.attempt(number, ready).await {
                Tried::Done => return,
                Tried::Again => self.pause(number, until).await,
            }
        }
    }

    /// Looks what is to be done about an operation: all of it at once, because everybody waits for the table.
    fn turn(&self, number: i64) -> Turn {
        let under_now = self.circumstances();
        let mut table = lock(&self.table);
        // One of its pair that was accepted before has come back meanwhile, and goes first. The lane is being worked
        // on: by whoever asks.
        if table.is_overtaking(number) && !table.enqueue(number) {
            return Turn::Over;
        }
        let Some(flight) = table.get_mut(number).filter(|flight| flight.stage == Stage::Queued) else {
            return Turn::Over;
        };
        let until = match flight.again {
            true => flight.answer_by.unwrap_or(flight.give_up),
            false => flight.give_up,
        };
        if let Some(at) = flight.not_before.take() {
            return Turn::NotBefore(at.min(until));
        }
        if Instant::now() >= until {
            return Turn::TooLate;
        }
        let at_hand = flight.at_hand.take().filter(|at_hand| at_hand.under == under_now);
        let operation = Arc::clone(&flight.operation);
        let leg = at_hand.map(|AtHand { port, hop, .. }| Leg {
            port,
            hop,
            operation: Arc::clone(&operation),
            forwarded: Vec::new(),
        });
        Turn::Now(Ready { operation, standing: flight.standing, again: flight.again, until, leg })
    }

    async fn attempt(self: &Arc<Self>, number: i64, ready: Ready) -> Tried {
        let Ready { operation, standing, again, until, leg } = ready;
        if again && self.is_forgotten(number) {
            self.settle(number, Response::indeterminant(Code::Timeout, NO_WORD));
            return Tried::Done;
        }
        let found = match leg {
            Some(leg) => Ok(leg),
            None => self.next_leg(&operation, standing).await,
        };
        let leg = match found {
            Ok(leg) => leg,
            // Whoever served a whole domain or a selector is not known to have, once its session is gone.
            Err(Missed::Never(Refusal { code: Code::NoRoute, .. })) if self.is_expected(number) => {
                self.call_back(number);
                return Tried::Again;
            }
            Err(Missed::Never(refusal)) => {
                self.settle_unsent(number, Response::failure(refusal.code, refusal.words), &refusal.detail);
                return Tried::Done;
            }
            Err(Missed::OutOfContact) if self.is_expected(number) => {
                self.call_back(number);
                return Tried::Again;
            }
            Err(Missed::OutOfContact) => {
                self.settle_unsent(number, Refusal::out_of_contact().response(), "");
                return Tried::Done;
            }
            Err(Missed::Later(detail)) => {
                self.step(number, "unresolved", detail);
                self.call_back(number);
                return Tried::Again;
            }
        };
        for from_to in &leg.forwarded {
            self.step(number, "forwarded", from_to);
        }
        let Some(delivery) = self.depart(number, &leg, again) else {
            return Tried::Done;
        };
        let Some(adapter) = self.adapter(leg.port).cloned() else {
            return Tried::Again;
        };
        fault::point("attempting");
        let committed = Arc::new(Notify::new());
        let point = CommitPoint::new(LegLog {
            router: Arc::clone(self),
            number,
            hop: hop_note(&leg.hop, self.ports.get(leg.port)),
            committed: Arc::clone(&committed),
        });
        let delivering: Delivering = Box::pin(async move { adapter.deliver(delivery, &point).await });
        self.deliver(number, leg.hop, delivering, &committed, until).await
    }

    /// Waits until the delivery is behind its commit point, not until it is over: the next of the pair may
    /// go then.
    async fn deliver(
        self: &Arc<Self>,
        number: i64,
        hop: NextHop,
        mut delivering: Delivering,
        committed: &Notify,
        until: Instant,
    ) -> Tried {
        tokio::select! {
            biased;
            result = &mut delivering => self.on_delivered(number, &hop, result),
            () = committed.notified() => {
                let router = Arc::clone(self);
                self.tasks.spawn(async move {
                    let result = delivering.await;
                    if let Tried::Again = router.on_delivered(number, &hop, result) {
                        router.requeue(number, router.pause_of(number));
                    }
                });
                Tried::Done
            }
            () = sleep_until(until) => {
                // Dropped before its commit point, nothing of it may be sent any more.
                drop(delivering);
                if self.is_queued(number) {
                    self.give_up(number);
                }
                Tried::Done
            }
        }
    }

    fn on_delivered(
        self: &Arc<Self>,
        number: i64,
        hop: &NextHop,
        result: Result<Outcome, DeliveryError>,
    ) -> Tried {
        match result {
            Ok(Outcome::Delivered(response) | Outcome::Delegated(response)) => {
                self.settle(number, response);
                Tried::Done
            }
            Ok(Outcome::Pending) => {
                fault::point("delivered");
                Tried::Done
            }
            Err(error) => {
                if let NextHop::Peer(peer) = hop {
                    self.routes.forget(peer.class, &peer.domain);
                }
                self.step(number, "not handed over", error.to_string());
                self.call_back(number);
                // Its commit point was refused: it gives way to another, and is tried again.
                let gives_way = error.code == Code::Expired && self.is_queued(number);
                if error.retry == Retry::Never && !gives_way {
                    self.settle_unsent(number, Response::failure(error.code, error.public), "");
                    return Tried::Done;
                }
                // Of who is not in contact no more is told than of who never was.
                if error.retry == Retry::Later
                    && let Some(flight) = lock(&self.table).get_mut(number)
                {
                    flight.hitch = Some(error.public.into());
                }
                Tried::Again
            }
        }
    }

    /// Nothing more can be tried. What may have been sent has an unknown outcome; what was not has failed.
    fn give_up(self: &Arc<Self>, number: i64) {
        let mut words = "it could not be handed over in time".to_owned();
        if let Some(hitch) = lock(&self.table).get(number).and_then(|flight| flight.hitch.as_deref()) {
            words = format!("{words}: {hitch}");
        }
        self.settle_unsent(number, Response::failure(Code::Unreachable, words), "");
    }

    /// Settles what was not sent this time. If it may have been before, nobody can know.
    fn settle_unsent(self: &Arc<Self>, number: i64, response: Response, detail: &str) {
        if !detail.is_empty() {
            self.step(number, "failed", detail);
        }
        let again = lock(&self.table).get(number).is_some_and(|flight| flight.again);
        self.settle(number, if again { Response::indeterminant(Code::Timeout, NO_WORD) } else { response });
    }

    /// Whether the next hop would no longer recognise it.
    fn is_forgotten(&self, number: i64) -> bool {
        lock(&self.table).get(number).is_some_and(|flight| flight.attempt.is_over(UnixMs::now()))
    }

    fn is_queued(&self, number: i64) -> bool {
        lock(&self.table).get(number).is_some_and(|flight| flight.stage == Stage::Queued)
    }

    fn is_expected(&self, number: i64) -> bool {
        lock(&self.table).get(number).is_some_and(|flight| flight.expected)
    }

    /// Waits before the next attempt; no longer than until somebody of the domain that it is for is in contact.
    async fn pause(&self, number: i64, until: Instant) {
        let wake = (Instant::now() + self.pause_of(number)).min(until);
        let address = {
            let mut table = lock(&self.table);
            let Some(flight) = table.get_mut(number) else {
                return;
            };
            flight.tries += 1;
            flight.pair.destination.clone()
        };
        let contact = self.contacts.awaiting(&self.book.principal(&address));
        tokio::select! {
            () = contact.notified() => {}
            () = sleep_until(wake) => {}
        }
    }

    /// Doubled with each attempt, and drawn from its upper half, so that many do not come back at once.
    pub(super) fn pause_of(&self, number: i64) -> Duration {
        let (tries, longest) = lock(&self.table)
            .get(number)
            .map_or((0, Schedule::LONGEST_PAUSE), |flight| (flight.tries, flight.longest_pause));
        let whole = FIRST_PAUSE.saturating_mul(1 << tries.min(DOUBLINGS)).min(longest);
        whole / 2 + (whole / 2).mul_f64(f64::from(ids::draw()) / f64::from(u32::MAX))
    }

    fn depart(&self, number: i64, leg: &Leg, again: bool) -> Option<Delivery> {
        let relay = self.policy().mapper.relay_domain().clone();
        let mut table = lock(&self.table);
        let flight = table.get_mut(number)?;
        flight.expected = true;
        flight.step("attempt", hop_text(&leg.hop));
        let max_wait = self.max_wait(flight);
        Some(Delivery {
            leg: u64::try_from(number).unwrap_or_default(),
            trans_id: flight.leg.clone(),
            operation: Arc::clone(&leg.operation),
            passage: departing(flight, relay, max_wait),
            standing: flight.standing,
            accepted_at: flight.accepted_at.into(),
            hop: leg.hop.clone(),
            again,
        })
    }

    /// The commit point is passed: first in the journal, where it is not there yet, then here.
    async fn commit(
        self: &Arc<Self>,
        number: i64,
        hop: &str,
        recall: Option<Duration>,
    ) -> Result<(), Withdrawn> {
        let now = UnixMs::now();
        let attempt = recall.map_or(Attempt::Final, |recall| Attempt::Recallable(now.plus(recall)));
        if let Some(noted) = self.note_attempt(number, hop, attempt, now)? {
            noted.await.map_err(|_| Withdrawn)?;
            self.pass(&mut lock(&self.table), number, hop, attempt)?;
        }
        Ok(())
    }

    /// Writes the attempt, and says when the journal has it. Where it has it from the acceptance, the commit point is
    /// passed at once: then sending again is safe as long as the next hop remembers, and that is all the journal must
    /// know.
    fn note_attempt(
        &self,
        number: i64,
        hop: &str,
        attempt: Attempt,
        at: UnixMs,
    ) -> Result<Option<oneshot::Receiver<()>>, Withdrawn> {
        let mut table = lock(&self.table);
        let flight = table.get_mut(number).filter(|flight| flight.stage == Stage::Queued).ok_or(Withdrawn)?;
        let recall_until = match (flight.attempt, attempt) {
            // The journal has a time that is no later, which errs on the safe side.
            (Attempt::Recallable(noted), Attempt::Recallable(until)) if noted <= until => {
                self.pass(&mut table, number, hop, attempt)?;
                return Ok(None);
            }
            (_, Attempt::Recallable(until)) => Some(until.0),
            (_, Attempt::Final | Attempt::None) => None,
        };
        let (sender, receiver) = oneshot::channel();
        flight.noted = Some(sender);
        // From here on, only a withdrawal takes it out of the journal again.
        flight.attempt = attempt;
        let intent = Intent { leg: flight.leg.as_str().to_owned(), hop: hop.to_owned(), recall_until };
        drop(table);
        self.journal.write(Write::Attempt { number, intent, at: at.0 }).map_err(|_| Withdrawn)?;
        Ok(Some(receiver))
    }

    fn pass(&self, table: &mut Table, number: i64, hop: &str, attempt: Attempt) -> Result<(), Withdrawn> {
        let flight = table.get(number).ok_or(Withdrawn)?;
        let answer_by = flight.answer_by.unwrap_or_else(|| self.answer_by(flight));
        if !table.commit(number, attempt, answer_by) {
            return Err(Withdrawn);
        }
        if let Some(flight) = table.get_mut(number) {
            flight.answer_by = Some(answer_by);
            flight.step("handed over", hop);
        }
        Ok(())
    }

    /// How long the far side may take, from when it is handed over.
    pub(super) fn max_wait(&self, flight: &Flight) -> Duration {
        let configured = || self.policy().terms(flight.pair.destination.domain()).max_wait;
        flight.patience.unwrap_or_else(configured)
    }

    fn answer_by(&self, flight: &Flight) -> Instant {
        let by = Instant::now() + self.max_wait(flight);
        flight.sender_waits.map_or(by, |until| until.min(by))
    }

    /// The journal has the attempt.
    pub(super) fn on_attempted(&self, number: i64) {
        let noted = lock(&self.table).get_mut(number).and_then(|flight| flight.noted.take());
        if let Some(noted) = noted {
            // A delivery that was dropped meanwhile needs it no more.
            let _waiting = noted.send(());
        }
    }

    /// Nothing of it was sent after all: the commit point counts as not passed. That says nothing of an
    /// earlier sending, which stands.
    pub(super) fn call_back(&self, number: i64) {
        let mut table = lock(&self.table);
        table.uncommit(number);
        let Some(flight) = table.get_mut(number).filter(|flight| !flight.again) else { return };
        flight.answer_by = None;
        if std::mem::replace(&mut flight.attempt, Attempt::None) != Attempt::None {
            // Should it fail, the journal errs on the safe side.
            let _withdrawn = self.journal.write(Write::Withdraw { number });
        }
    }

    /// Puts an operation back in its lane, to be tried after a pause; without one, as if for the first time.
    pub(super) fn requeue(self: &Arc<Self>, number: i64, pause: Duration) {
        let lane = {
            let mut table = lock(&self.table);
            table.uncommit(number);
            let Some(flight) = table.get_mut(number) else {
                return;
            };
            flight.not_before = (!pause.is_zero()).then(|| Instant::now() + pause);
            flight.tries = if pause.is_zero() { 0 } else { flight.tries + 1 };
            let pair = flight.pair.clone();
            table.enqueue(number).then_some(pair)
        };
        if let Some(pair) = lane {
            self.start_lane(pair);
        }
    }

    pub(super) fn step(&self, number: i64, what: &'static str, detail: impl Into<String>) {
        if let Some(flight) = lock(&self.table).get_mut(number) {
            flight.step(what, detail);
        }
    }
}

/// How an operation departs: one hop less, our own domain in `via`, what is left of the sender's wait or
/// of ours.
fn departing(flight: &Flight, relay: Domain, max_wait: Duration) -> Passage {
    let mut passage = flight.passage.clone();
    passage.hops = passage.hops.saturating_sub(1);
    passage.via.push(relay);
    let left = flight.sender_waits.map(|until| until.saturating_duration_since(Instant::now()));
    let wait = left.map_or(max_wait, |left| left.min(max_wait));
    // Whole seconds travel, and a second begun is one to wait.
    passage.wait = Some(Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)));
    passage
}

fn hop_text(hop: &NextHop) -> String {
    match hop {
        NextHop::Peer(peer) => {
            let endpoints: Vec<String> = peer
                .endpoints
                .iter()
                .map(|endpoint| format!("{} ({})", endpoint.host, endpoint.address))
                .collect();
            format!("{} at {}", peer.domain, endpoints.join(", "))
        }
        NextHop::Foreign(_) | NextHop::Served(_) => hop_name(hop),
    }
}

/// Where one leg's commit point is noted.
struct LegLog {
    router: Arc<Router>,
    number: i64,
    hop: String,
    committed: Arc<Notify>,
}

#[async_trait]
impl CommitLog for LegLog {
    async fn commit(&self, recall: Option<Duration>) -> Result<(), Withdrawn> {
        self.router.commit(self.number, &self.hop, recall).await?;
        fault::point("committed");
        self.committed.notify_one();
        Ok(())
    }
}
