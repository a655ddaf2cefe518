//! An operation in flight: accepted, or about to be, and not yet settled.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use cpim_adapter::{Address, AnswerSlot, NextHop, Operation, Passage, Response, Schedule, Standing, TransId};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use tracing::debug;

use super::owner::Owner;
use super::rows::Entry;
use super::step::Step;
use crate::clock::UnixMs;

/// What pairs are hashed by. Strangers choose addresses: without this key nobody can choose such as fall together.
static PAIRS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What the operations of one source to one destination have in common: their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pair {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    /// Of both. A pair is looked for at each step of an operation, and hashed once.
    hash: u64,
}

impl Pair {
    pub(crate) fn new(source: Address, destination: Address) -> Self {
        let hash = PAIRS.hash_one((&source, &destination));
        Self { source, destination, hash }
    }

    pub(crate) fn of(operation: &Operation) -> Self {
        Self::new(operation.speaks_for().address().clone(), operation.goes_to().address().clone())
    }
}

impl Hash for Pair {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// How far an operation has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stage {
    /// On its way into the journal: nobody has been told anything.
    Accepting,
    /// Accepted; waits for its turn, or for its next hop.
    Queued,
    /// Behind its commit point: it cannot be called back.
    Committed,
    /// Its outcome is on its way into the journal.
    Settling(Response),
}

/// What the journal knows of attempts to send it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    /// None was made.
    None,
    /// One may have been made, to a next hop that recognises a retransmission until then.
    Recallable(UnixMs),
    /// One may have been made, and it must never be sent again.
    Final,
}

impl Attempt {
    /// Of two sendings of the same, the far side's memory runs from the first.
    pub(crate) fn shorter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Recallable(one), Self::Recallable(another)) => Self::Recallable(one.min(another)),
            (Self::None, only) | (only, Self::None) => only,
            _ => Self::Final,
        }
    }

    /// Whether sending it again could deliver it twice.
    pub(crate) fn is_over(self, now: UnixMs) -> bool {
        match self {
            Self::None => false,
            Self::Recallable(until) => until <= now,
            Self::Final => true,
        }
    }
}

/// A next hop that was found.
pub(crate) struct AtHand {
    pub(crate) port: usize,
    pub(crate) hop: NextHop,
    /// Under which circumstances, as [`Router::circumstances`](super::Router::circumstances) counts them: in others,
    /// it is looked for again.
    pub(crate) under: u64,
}

/// One operation in flight.
pub(crate) struct Flight {
    pub(crate) number: i64,
    pub(crate) owner: Owner,
    pub(crate) pair: Pair,
    pub(crate) operation: Arc<Operation>,
    /// As it was accepted: its hops are counted down at departure.
    pub(crate) passage: Passage,
    pub(crate) standing: Standing,
    /// Its transID on the leg by which it came.
    pub(crate) trans_id: TransId,
    /// Its transID on the leg by which it goes.
    pub(crate) leg: TransId,
    /// What a retransmission is recognised by.
    pub(crate) digest: [u8; 32],
    pub(crate) accepted_at: UnixMs,
    /// Until when handing it over is tried.
    pub(crate) give_up: Instant,
    /// Until when its sender waits for the response.
    pub(crate) sender_waits: Option<Instant>,
    /// How long an answer is awaited, where its adapter says so.
    pub(crate) patience: Option<Duration>,
    /// Until when an answer is awaited, since it was first handed over.
    pub(crate) answer_by: Option<Instant>,
    pub(crate) stage: Stage,
    /// When the wait for an answer ends, once it is committed.
    pub(crate) deadline: Option<Instant>,
    pub(crate) attempt: Attempt,
    /// Whether it may have been sent before: an intent that was noted at acceptance is no sending yet.
    pub(crate) again: bool,
    /// Whether somebody who takes it was in contact when it was accepted, or may have been: then it waits for
    /// them to come back.
    pub(crate) expected: bool,
    /// The next hop that was found at acceptance, for the first attempt.
    pub(crate) at_hand: Option<AtHand>,
    /// How often handing it over was tried.
    pub(crate) tries: u32,
    /// Why that came to nothing last, as its sender may hear it.
    pub(crate) hitch: Option<Box<str>>,
    /// The longest pause between two attempts.
    pub(crate) longest_pause: Duration,
    /// Not to be tried before.
    pub(crate) not_before: Option<Instant>,
    /// Who waits for the answer: its sender, and every retransmission of it.
    pub(crate) waiters: Vec<AnswerSlot>,
    /// What happened since the journal was last told.
    pub(crate) steps: Vec<Step>,
    /// Woken once the journal has the attempt.
    pub(crate) noted: Option<oneshot::Sender<()>>,
    /// Told once its outcome is in the journal.
    pub(crate) told: Vec<oneshot::Sender<()>>,
    /// Its share of the memory for content; given back when it is dropped.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

impl Flight {
    /// An operation that is about to be written to the journal.
    pub(crate) fn new(number: i64, entry: Entry, leg: TransId, schedule: Schedule) -> Self {
        let now = Instant::now();
        let horizon = now + schedule.horizon;
        let sender_waits = entry.passage.wait.map(|wait| now + wait);
        Self {
            number,
            owner: entry.owner,
            pair: Pair::of(&entry.operation),
            operation: entry.operation,
            passage: entry.passage,
            standing: entry.standing,
            trans_id: entry.trans_id,
            leg,
            digest: entry.digest,
            accepted_at: entry.at,
            give_up: sender_waits.map_or(horizon, |until| until.min(horizon)),
            sender_waits,
            patience: None,
            answer_by: None,
            stage: Stage::Accepting,
            deadline: None,
            attempt: Attempt::None,
            again: false,
            expected: false,
            at_hand: None,
            tries: 0,
            hitch: None,
            longest_pause: schedule.longest_pause,
            not_before: None,
            waiters: Vec::new(),
            steps: Vec::new(),
            noted: None,
            told: Vec::new(),
            room: None,
        }
    }

    /// Others wait for its answer as well; those that are gone wait no more.
    pub(crate) fn wait(&mut self, slots: impl IntoIterator<Item = AnswerSlot>) {
        self.waiters.retain(AnswerSlot::is_open);
        self.waiters.extend(slots);
    }

    /// Whether somebody waits for its outcome: not where all who sent it were told that it is accepted, and need not be
    /// told more at once.
    pub(crate) fn is_awaited(&self) -> bool {
        let waits = |slot: &AnswerSlot| slot.is_awaited();
        !self.told.is_empty() || self.waiters.is_empty() || self.waiters.iter().any(waits)
    }

    /// Something happened to it: for the trace, and for the log at debug.
    pub(crate) fn step(&mut self, what: &'static str, detail: impl Into<String>) {
        let step = Step::new(UnixMs::now(), what, detail);
        debug!(id = %self.passage.id, detail = step.detail, "{what}");
        self.steps.push(step);
    }
}
