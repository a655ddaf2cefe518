//! What a memory store holds. The maps stand for the indexes of the SQLite format, and mean the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use super::MemoryOptions;
use super::index::Index;
use super::leases::Leases;
use super::names::Names;
use super::row::{RememberedKey, Row};
use crate::store::retention::{PRUNE_ROWS, is_remembered};
use crate::store::write::{Done, Intent, Kept, Outcome, Verdict, Write};
use crate::store::{
    Attempt, KeptAnswer, OwnerScope, PAGE_OCTETS, PAGE_ROWS, Pruned, Recalled, Retention, Story, Unsettled,
};

/// A write, as far as it can be done without the state.
#[derive(Debug)]
pub(super) enum Work {
    /// An operation, and how it is attempted first.
    Accept(Box<Row>, Option<Intent>),
    Other(Write),
}

impl Work {
    pub(super) fn new(write: Write) -> Self {
        match write {
            Write::Accept(mut acceptance) => {
                let intent = acceptance.intent.take();
                Self::Accept(Box::new(Row::new(*acceptance)), intent)
            }
            write => Self::Other(write),
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    options: MemoryOptions,
    operations: BTreeMap<i64, Box<Row>>,
    /// By owner, transID and digest, those that stop retransmissions.
    remembered: Index,
    /// By id and canonical destination.
    ids: Index,
    /// By the transID of each attempt.
    legs: Index,
    open: BTreeSet<i64>,
    /// Settled, and not handed over.
    kept: BTreeSet<i64>,
    /// Settled and handed over, in that order: may be forgotten when there is no other room.
    over: VecDeque<i64>,
    /// Of what is open.
    octets: usize,
    /// How the last one ended: most end alike.
    last_outcome: Option<Arc<Outcome>>,
    last_number: i64,
    /// The last operation that a prune examined; 0: begin with the oldest.
    cursor: i64,
    pub(super) leases: Leases,
    pub(super) names: Names,
}

impl State {
    pub(super) fn new(options: MemoryOptions) -> Self {
        Self {
            options,
            operations: BTreeMap::new(),
            remembered: Index::default(),
            ids: Index::default(),
            legs: Index::default(),
            open: BTreeSet::new(),
            kept: BTreeSet::new(),
            over: VecDeque::new(),
            octets: 0,
            last_outcome: None,
            last_number: 0,
            cursor: 0,
            leases: Leases::default(),
            names: Names::default(),
        }
    }

    pub(super) fn has_room_for(&self, work: &Work) -> bool {
        let write = match work {
            Work::Accept(row, _) => {
                return self.open.len() < self.options.operations
                    && self.octets.saturating_add(row.octets) <= self.options.octets;
            }
            Work::Other(write) => write,
        };
        match write {
            Write::Alias { space, address, .. } => self.names.has_room_for_alias(space, address),
            Write::Lease { lease, .. } => self.leases.has_room_for(lease),
            Write::AddNote { space, key, .. } | Write::Note { space, key, value: Some(_), .. } => {
                self.names.has_room_for_note(space, key)
            }
            Write::Seen { address, .. } => self.names.has_room_for_seen(address),
            _ => true,
        }
    }

    pub(super) fn perform(&mut self, work: Work) -> Option<Done> {
        match work {
            Work::Accept(row, intent) => Some(self.accept(row, intent)),
            Work::Other(write) => self.write(write),
        }
    }

    fn write(&mut self, write: Write) -> Option<Done> {
        match write {
            Write::Accept(acceptance) => self.perform(Work::new(Write::Accept(acceptance))),
            Write::AddNote { ticket, space, key, value, expires_at, at } => {
                let kept = match self.names.note(&space, &key, at) {
                    Some(_) => Kept::Before,
                    None => {
                        self.names.set_note(space, key, Some(value), expires_at);
                        Kept::Now
                    }
                };
                Some(Done::Noted { ticket, kept })
            }
            Write::Alias { space, address, candidates, at } => {
                let name = self.names.assign(&space, &address, candidates, at);
                Some(Done::Aliased { space, address, name })
            }
            Write::Attempt { number, intent, at } => Some(self.attempt(number, intent, at)),
            Write::Forget { space, key } => {
                self.names.set_note(space, key, None, None);
                None
            }
            Write::HandedOver { number } => {
                self.handed_over(number);
                None
            }
            Write::Lease { ticket, lease } => {
                self.leases.set(*lease);
                Some(Done::Noted { ticket, kept: Kept::Now })
            }
            Write::Note { ticket, space, key, value, expires_at } => {
                self.names.set_note(space, key, value, expires_at);
                Some(Done::Noted { ticket, kept: Kept::Now })
            }
            Write::Seen { address, domain: _, at } => {
                self.names.see(address, at);
                None
            }
            Write::Settle { number, outcome, at, steps, awaited: _ } => {
                Some(self.settle(number, outcome, at, steps))
            }
            Write::Told { watcher, presentity, digest } => {
                self.leases.told(watcher, presentity, digest);
                None
            }
            Write::Unalias { space, name } => {
                self.names.unassign(space, name);
                None
            }
            Write::Withdraw { number } => {
                self.withdraw(number);
                None
            }
        }
    }

    fn accept(&mut self, row: Box<Row>, intent: Option<Intent>) -> Done {
        let number = row.number;
        let accepted = |verdict| Done::Accepted { number, verdict };
        if let Some(first) = self.first(&row.remembered_key(), row.accepted_at) {
            return accepted(Verdict::Retransmission { first: first.number });
        }
        let is_same = |other: &Row| other.id_key() == row.id_key();
        if self.ids.at(&row.id_key()).filter_map(|number| self.row(number)).any(is_same) {
            return accepted(Verdict::Loop);
        }
        if self.operations.contains_key(&number) {
            return Done::Failed { number };
        }
        self.make_room();
        self.octets += row.octets;
        self.last_number = self.last_number.max(number);
        self.remembered.insert(&row.remembered_key(), number);
        self.ids.insert(&row.id_key(), number);
        self.open.insert(number);
        let at = row.accepted_at;
        self.operations.insert(number, row);
        if let Some(intent) = intent {
            self.attempt(number, intent, at);
        }
        accepted(Verdict::New)
    }

    /// Forgets the oldest settled operations until one more fits; those whose answers still wait come last.
    fn make_room(&mut self) {
        while self.operations.len() >= self.options.operations {
            let Some(number) = self.over.pop_front().or_else(|| self.kept.pop_first()) else {
                return;
            };
            self.forget(number);
        }
    }

    fn attempt(&mut self, number: i64, intent: Intent, at: i64) -> Done {
        let Some(row) = self.operations.get_mut(&number) else {
            return Done::Lost { number };
        };
        self.legs.insert(&intent.leg, number);
        // There is seldom more than one, and what is kept is kept long.
        row.attempts.reserve_exact(1);
        row.attempts.push(Attempt { intent, at });
        Done::Attempted { number }
    }

    fn withdraw(&mut self, number: i64) {
        let Some(row) = self.operations.get_mut(&number) else {
            return;
        };
        let attempts = mem::take(&mut row.attempts);
        self.forget_legs(number, attempts);
    }

    fn settle(&mut self, number: i64, outcome: Outcome, at: i64, steps: String) -> Done {
        let Some(row) = self.operations.get_mut(&number) else {
            return Done::Lost { number };
        };
        if row.ended.is_some() {
            return Done::Settled { number, first: false };
        }
        let outcome = match &self.last_outcome {
            Some(last) if **last == outcome => Arc::clone(last),
            _ => Arc::clone(self.last_outcome.insert(Arc::new(outcome))),
        };
        row.end(outcome, at, &steps);
        self.octets -= row.octets;
        self.open.remove(&number);
        self.kept.insert(number);
        Done::Settled { number, first: true }
    }

    fn handed_over(&mut self, number: i64) {
        let ended = self.operations.get_mut(&number).and_then(|row| row.ended.as_mut());
        if let Some(ended) = ended
            && self.kept.remove(&number)
        {
            ended.handed_over = true;
            self.over.push_back(number);
        }
    }

    fn forget(&mut self, number: i64) {
        let Some(row) = self.operations.remove(&number) else {
            return;
        };
        self.kept.remove(&number);
        self.remembered.remove(&row.remembered_key(), number);
        self.ids.remove(&row.id_key(), number);
        self.forget_legs(number, row.attempts);
    }

    fn forget_legs(&mut self, number: i64, attempts: Vec<Attempt>) {
        for attempt in attempts {
            self.legs.remove(&attempt.intent.leg, number);
        }
    }

    pub(super) fn prune(&mut self, now: i64, retention: Retention) -> Pruned {
        let (mut examined, mut cursor) = (0, self.cursor);
        let mut old = Vec::new();
        for (number, row) in self.operations.range((Excluded(self.cursor), Unbounded)).take(PRUNE_ROWS) {
            if row.accepted_at > retention.horizon(now) {
                examined = 0;
                break;
            }
            (examined, cursor) = (examined + 1, *number);
            if row.ended.as_ref().is_some_and(|it| retention.may_forget(it.at, it.handed_over, now)) {
                old.push(*number);
            }
        }
        for number in &old {
            self.forget(*number);
        }
        if !old.is_empty() {
            let operations = &self.operations;
            self.over.retain(|number| operations.contains_key(number));
        }
        self.cursor = if examined == PRUNE_ROWS { cursor } else { 0 };
        self.leases.prune(now);
        self.names.forget_notes(now);
        Pruned {
            wiped: 0, // That was done when they were settled.
            forgotten: old.len(),
            unseen: self.names.unsee(retention.seen_horizon(now)),
            more: self.cursor > 0,
        }
    }

    pub(super) fn recall(
        &self,
        owner: &str,
        trans_id: &str,
        digest: &[u8; 32],
        now: i64,
    ) -> Option<Recalled> {
        let row = self.first(&(owner, trans_id, *digest), now)?;
        Some(Recalled {
            number: row.number,
            id: row.id().to_owned(),
            outcome: row.ended.as_ref().map(|ended| Outcome::clone(&ended.outcome)),
        })
    }

    /// The operation that one with this key would be a retransmission of.
    fn first(&self, key: &RememberedKey<'_>, now: i64) -> Option<&Row> {
        let remembers_s = self.options.remembers_s;
        let is_remembered = |row: &&Row| {
            row.ended.as_ref().is_none_or(|it| is_remembered(it.at, it.handed_over, remembers_s, now))
        };
        let rows = self.remembered.at(key).filter_map(|number| self.row(number));
        rows.filter(|row| row.remembered_key() == *key).find(is_remembered)
    }

    fn row(&self, number: i64) -> Option<&Row> {
        self.operations.get(&number).map(Box::as_ref)
    }

    pub(super) fn kept(&self, scopes: &[OwnerScope], after: i64, limit: usize) -> Vec<KeptAnswer> {
        let within = |row: &Row| {
            scopes.iter().any(|scope| match scope {
                OwnerScope::Domain(domain) => row.owner_domain() == domain,
                OwnerScope::Owner { domain, owner } => row.owner() == owner && row.owner_domain() == domain,
                OwnerScope::Route { domain, selector } => {
                    let (begin, _) = OwnerScope::route_range(selector);
                    row.owner().starts_with(&begin) && row.owner_domain() == domain
                }
            })
        };
        self.rows(&self.kept, after)
            .filter(|row| within(row))
            .filter_map(|row| {
                Some(KeptAnswer {
                    number: row.number,
                    owner: row.owner().to_owned(),
                    trans_id: row.trans_id().to_owned(),
                    outcome: Outcome::clone(&row.ended.as_ref()?.outcome),
                })
            })
            .take(limit)
            .collect()
    }

    pub(super) fn unsettled(&self, after: i64) -> Vec<Unsettled> {
        let mut octets = 0;
        self.rows(&self.open, after)
            .take(PAGE_ROWS)
            .take_while(|row| {
                let full = octets >= PAGE_OCTETS;
                octets += row.content_octets;
                !full
            })
            .map(|row| Unsettled { acceptance: row.acceptance(), attempt: row.attempts.last().cloned() })
            .collect()
    }

    pub(super) fn find_leg(&self, leg: &str, limit: usize) -> Vec<Story> {
        let has_leg = |row: &&Row| row.attempts.iter().any(|attempt| attempt.intent.leg == leg);
        let mut numbers: Vec<i64> = self.legs.at(&leg).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let rows = numbers
            .iter()
            .rev()
            .filter_map(|number| self.operations.get(number).map(Box::as_ref))
            .filter(has_leg);
        let mut stories: Vec<_> = rows.take(limit).map(Row::story).collect();
        stories.reverse();
        stories
    }

    pub(super) fn story(&self, number: i64) -> Option<Story> {
        self.operations.get(&number).map(|row| row.story())
    }

    /// Looks at every operation: for people, who are slower.
    pub(super) fn trace(&self, text: &str, limit: usize) -> Vec<Story> {
        let concerns = |row: &&Row| {
            row.id() == text
                || row.trans_id() == text
                || row.attempts.iter().any(|attempt| attempt.intent.leg == text)
        };
        let rows = self.operations.values().rev().map(Box::as_ref).filter(concerns).take(limit);
        let mut stories: Vec<_> = rows.map(Row::story).collect();
        stories.reverse();
        stories
    }

    pub(super) fn queue(&self, limit: usize) -> Vec<Story> {
        self.rows(&self.open, 0).take(limit).map(Row::story).collect()
    }

    pub(super) fn last_number(&self) -> i64 {
        self.last_number
    }

    fn rows<'s>(&'s self, numbers: &'s BTreeSet<i64>, after: i64) -> impl Iterator<Item = &'s Row> {
        numbers
            .range((Excluded(after), Unbounded))
            .filter_map(|number| self.operations.get(number).map(Box::as_ref))
    }
}
