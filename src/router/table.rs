//! The table of operations in flight, and the lanes that keep each pair's order.
//!
//! No I/O, no clock, no await: what follows from a change is told to the caller, who does it.

use std::collections::BTreeSet;

use cpim_adapter::{Response, TransId};
use foldhash::HashMap;
use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::flight::{Attempt, Flight, Pair, Stage};
use super::owner::Owner;
use super::recent::Recent;

/// Answers handed over that are kept in mind: more than can be before the journal has taken note of the first.
const HANDED_OVER: usize = 65_536;

/// One pair's queue.
#[derive(Default)]
struct Lane {
    /// Accepted and not yet committed, in the order of acceptance.
    queue: BTreeSet<i64>,
    /// In flight, wherever they are: what the backlog bounds.
    open: usize,
    /// Somebody works on it.
    running: bool,
}

/// Everything in flight. What is looked for by in these maps is ours: numbers that are counted up, transIDs that were
/// drawn, pairs that are hashed with a key. So their own hasher may be the quickest.
#[derive(Default)]
pub(crate) struct Table {
    flights: HashMap<i64, Box<Flight>>,
    lanes: HashMap<Pair, Lane>,
    legs: HashMap<TransId, i64>,
    /// When each committed operation's wait ends.
    deadlines: BTreeSet<(Instant, i64)>,
    /// Handed over a moment ago: the journal takes note of that without haste, and until it has, says that the
    /// answer is kept.
    handed_over: Recent<i64, HANDED_OVER, RandomState>,
    /// Whose senders were told of a failure that came late.
    told: Recent<i64, HANDED_OVER, RandomState>,
    /// Settled, with their answer in the hands of so many connections.
    in_hand: HashMap<i64, (Owner, usize)>,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.flights.len()
    }

    pub(crate) fn get(&self, number: i64) -> Option<&Flight> {
        self.flights.get(&number).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, number: i64) -> Option<&mut Flight> {
        self.flights.get_mut(&number).map(Box::as_mut)
    }

    /// How many of a pair are in flight.
    pub(crate) fn open(&self, pair: &Pair) -> usize {
        self.lanes.get(pair).map_or(0, |lane| lane.open)
    }

    pub(crate) fn has_leg(&self, leg: &TransId) -> bool {
        self.legs.contains_key(leg)
    }

    pub(crate) fn by_leg(&self, leg: &TransId) -> Option<i64> {
        self.legs.get(leg).copied()
    }

    pub(crate) fn insert(&mut self, flight: Box<Flight>) {
        self.lanes.entry(flight.pair.clone()).or_default().open += 1;
        self.legs.insert(flight.leg.clone(), flight.number);
        self.flights.insert(flight.number, flight);
    }

    /// Takes an operation out: settled, or never accepted.
    pub(crate) fn remove(&mut self, number: i64) -> Option<Box<Flight>> {
        let mut flight = self.flights.remove(&number)?;
        self.legs.remove(&flight.leg);
        undue(&mut self.deadlines, &mut flight);
        if let Some(lane) = self.lanes.get_mut(&flight.pair) {
            lane.queue.remove(&number);
            lane.open = lane.open.saturating_sub(1);
            if lane.open == 0 && !lane.running {
                self.lanes.remove(&flight.pair);
            }
        }
        Some(flight)
    }

    /// Puts an operation in its lane, by its place in the order of acceptance. `true`: nobody works on
    /// the lane yet, and the caller must see to it. One whose outcome is on its way stays where it is.
    #[must_use]
    pub(crate) fn enqueue(&mut self, number: i64) -> bool {
        let Some(flight) = self.flights.get_mut(&number) else {
            return false;
        };
        if matches!(flight.stage, Stage::Settling(_)) {
            return false;
        }
        flight.stage = Stage::Queued;
        let lane = self.lanes.entry(flight.pair.clone()).or_default();
        lane.queue.insert(number);
        !std::mem::replace(&mut lane.running, true)
    }

    /// The lane's next operation; nothing ends the work on the lane.
    pub(crate) fn next_in(&mut self, pair: &Pair) -> Option<i64> {
        let lane = self.lanes.get_mut(pair)?;
        if let Some(number) = lane.queue.pop_first() {
            return Some(number);
        }
        lane.running = false;
        if lane.open == 0 {
            self.lanes.remove(pair);
        }
        None
    }

    /// Whether one of the same pair that was accepted before waits to be sent: it came back.
    pub(crate) fn is_overtaking(&self, number: i64) -> bool {
        let lane = self.flights.get(&number).and_then(|flight| self.lanes.get(&flight.pair));
        lane.and_then(|lane| lane.queue.first()).is_some_and(|first| *first < number)
    }

    /// Passes the commit point. `false`: it was settled in the meantime, or would overtake another, and must not
    /// be sent.
    #[must_use]
    pub(crate) fn commit(&mut self, number: i64, attempt: Attempt, deadline: Instant) -> bool {
        if self.is_overtaking(number) {
            return false;
        }
        let Some(flight) = self.flights.get_mut(&number) else {
            return false;
        };
        if flight.stage != Stage::Queued {
            return false;
        }
        flight.stage = Stage::Committed;
        flight.attempt = if flight.again { flight.attempt.shorter(attempt) } else { attempt };
        flight.deadline = Some(deadline);
        self.deadlines.insert((deadline, number));
        true
    }

    /// Waits for the word on what was handed over before a restart, and is never sent again.
    pub(crate) fn await_word(&mut self, number: i64, deadline: Instant) {
        if let Some(flight) = self.flights.get_mut(&number) {
            flight.stage = Stage::Committed;
            flight.deadline = Some(deadline);
            self.deadlines.insert((deadline, number));
        }
    }

    /// Takes the commit point back: nothing was sent, or the far side took nothing.
    pub(crate) fn uncommit(&mut self, number: i64) {
        let Some(flight) = self.flights.get_mut(&number) else {
            return;
        };
        if flight.stage == Stage::Committed {
            flight.stage = Stage::Queued;
        }
        undue(&mut self.deadlines, flight);
    }

    /// Begins to settle. `false`: it has an outcome already, and never gets another.
    #[must_use]
    pub(crate) fn settle(&mut self, number: i64, response: &Response) -> bool {
        let Some(flight) = self.flights.get_mut(&number) else {
            return false;
        };
        undue(&mut self.deadlines, flight);
        if matches!(flight.stage, Stage::Settling(_)) {
            return false;
        }
        flight.stage = Stage::Settling(response.clone());
        true
    }

    /// Operations whose wait ended.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<i64> {
        let later = self.deadlines.split_off(&(now, i64::MAX));
        std::mem::replace(&mut self.deadlines, later).into_iter().map(|(_, number)| number).collect()
    }

    /// An answer is in one more connection's hands.
    pub(crate) fn take_in_hand(&mut self, number: i64, owner: &Owner) {
        self.in_hand.entry(number).or_insert_with(|| (owner.clone(), 0)).1 += 1;
    }

    /// A connection is done with an answer; its owner, once no other has it.
    pub(crate) fn let_go(&mut self, number: i64) -> Option<Owner> {
        let (_, hands) = self.in_hand.get_mut(&number)?;
        *hands -= 1;
        if *hands > 0 {
            return None;
        }
        self.in_hand.remove(&number).map(|(owner, _)| owner)
    }

    /// Whether nobody has told yet that an operation failed late.
    pub(crate) fn tells_first(&mut self, number: i64) -> bool {
        let first = !self.told.contains(&number);
        self.told.note(number);
        first
    }

    pub(crate) fn note_handed_over(&mut self, number: i64) {
        self.handed_over.note(number);
    }

    /// Whether an answer that the journal says is kept need not be given: it was, some connection has it, or it
    /// is about to go to whoever waits for it.
    pub(crate) fn is_given(&self, number: i64) -> bool {
        self.in_hand.contains_key(&number)
            || self.handed_over.contains(&number)
            || self.flights.contains_key(&number)
    }
}

/// An operation's wait is over, one way or the other.
fn undue(deadlines: &mut BTreeSet<(Instant, i64)>, flight: &mut Flight) {
    if let Some(deadline) = flight.deadline.take() {
        deadlines.remove(&(deadline, flight.number));
    }
}
