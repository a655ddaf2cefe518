//! What a memory store holds. The maps stand for the indexes of the SQLite format, and mean the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::Hash;
use std::mem;
use std::ops::Bound::{Excluded, Unbounded};

use super::MemoryOptions;
use super::index::Index;
use super::leases::Leases;
use super::names::Names;
use crate::store::retention::{PRUNE_ROWS, is_remembered};
use crate::store::write::{Acceptance, Done, Intent, Outcome, Verdict, Write};
use crate::store::{
    Attempt, KeptAnswer, OwnerScope, PAGE_OCTETS, PAGE_ROWS, Pruned, Recalled, Retention, Settled, Story,
    Unsettled,
};

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
    last_number: i64,
    /// The last operation that a prune examined; 0: begin with the oldest.
    cursor: i64,
    pub(super) leases: Leases,
    pub(super) names: Names,
}

#[derive(Debug)]
struct Row {
    acceptance: Box<Acceptance>,
    /// Octets of content it came with.
    content_octets: usize,
    attempts: Vec<Attempt>,
    settled: Option<Settled>,
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
            last_number: 0,
            cursor: 0,
            leases: Leases::default(),
            names: Names::default(),
        }
    }

    pub(super) fn has_room_for(&self, write: &Write) -> bool {
        match write {
            Write::Accept(_) => {
                self.open.len() < self.options.operations
                    && self.octets.saturating_add(write.octets()) <= self.options.octets
            }
            Write::Alias { space, address, .. } => self.names.has_room_for_alias(space, address),
            Write::Lease { lease, .. } => self.leases.has_room_for(lease),
            Write::Note { space, key, value: Some(_), .. } => self.names.has_room_for_note(space, key),
            Write::Seen { address, .. } => self.names.has_room_for_seen(address),
            _ => true,
        }
    }

    pub(super) fn perform(&mut self, write: Write) -> Option<Done> {
        match write {
            Write::Accept(acceptance) => Some(self.accept(acceptance)),
            Write::Alias { space, address, candidates, at } => {
                let name = self.names.assign(&space, &address, candidates, at);
                Some(Done::Aliased { space, address, name })
            }
            Write::Attempt { number, intent, at } => Some(self.attempt(number, intent, at)),
            Write::HandedOver { number } => {
                self.handed_over(number);
                None
            }
            Write::Lease { ticket, lease } => {
                self.leases.set(*lease);
                Some(Done::Noted { ticket, kept: true })
            }
            Write::Note { ticket, space, key, value, expires_at } => {
                self.names.set_note(space, key, value, expires_at);
                Some(Done::Noted { ticket, kept: true })
            }
            Write::Seen { address, domain: _, at } => {
                self.names.see(address, at);
                None
            }
            Write::Settle { number, outcome, at, steps } => Some(self.settle(number, outcome, at, steps)),
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

    fn accept(&mut self, mut acceptance: Box<Acceptance>) -> Done {
        let number = acceptance.number;
        let accepted = |verdict| Done::Accepted { number, verdict };
        if let Some(first) = self.first(&remembered_key(&acceptance), acceptance.accepted_at) {
            return accepted(Verdict::Retransmission { first: first.acceptance.number });
        }
        if self.operations_at(&self.ids, &id_key(&acceptance), id_key).next().is_some() {
            return accepted(Verdict::Loop);
        }
        if self.operations.contains_key(&number) {
            return Done::Failed { number };
        }
        self.make_room();
        self.octets += acceptance.octets();
        self.last_number = self.last_number.max(number);
        self.remembered.insert(&remembered_key(&acceptance), number);
        self.ids.insert(&id_key(&acceptance), number);
        self.open.insert(number);
        let at = acceptance.accepted_at;
        let intent = acceptance.intent.take();
        let content_octets = acceptance.content.len();
        self.operations.insert(
            number,
            Box::new(Row { acceptance, content_octets, attempts: Vec::new(), settled: None }),
        );
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
        if row.settled.is_some() {
            return Done::Settled { number, first: false };
        }
        row.settled = Some(Settled { outcome, at, handed_over: false, steps });
        self.octets -= row.acceptance.octets();
        row.acceptance.content = bytes::Bytes::new();
        row.acceptance.metadata = String::new();
        self.open.remove(&number);
        self.kept.insert(number);
        Done::Settled { number, first: true }
    }

    fn handed_over(&mut self, number: i64) {
        let settled = self.operations.get_mut(&number).and_then(|row| row.settled.as_mut());
        if let Some(settled) = settled
            && self.kept.remove(&number)
        {
            settled.handed_over = true;
            self.over.push_back(number);
        }
    }

    fn forget(&mut self, number: i64) {
        let Some(row) = self.operations.remove(&number) else {
            return;
        };
        self.kept.remove(&number);
        self.remembered.remove(&remembered_key(&row.acceptance), number);
        self.ids.remove(&id_key(&row.acceptance), number);
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
            if row.acceptance.accepted_at > retention.horizon(now) {
                examined = 0;
                break;
            }
            (examined, cursor) = (examined + 1, *number);
            if row.settled.as_ref().is_some_and(|it| retention.may_forget(it.at, it.handed_over, now)) {
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
            number: row.acceptance.number,
            id: row.acceptance.id.clone(),
            outcome: row.settled.as_ref().map(|settled| settled.outcome.clone()),
        })
    }

    /// The operation that one with this key would be a retransmission of.
    fn first(&self, key: &RememberedKey<'_>, now: i64) -> Option<&Row> {
        let remembers_s = self.options.remembers_s;
        self.operations_at(&self.remembered, key, remembered_key).find(|row| {
            row.settled.as_ref().is_none_or(|it| is_remembered(it.at, it.handed_over, remembers_s, now))
        })
    }

    /// The operations that an index has under a key. `key_of` tells them from others that only hash alike.
    fn operations_at<'s, K: Eq + Hash>(
        &'s self,
        index: &'s Index,
        key: &K,
        key_of: fn(&'s Acceptance) -> K,
    ) -> impl Iterator<Item = &'s Row> {
        let rows = index.at(key).filter_map(|number| self.operations.get(&number).map(Box::as_ref));
        rows.filter(move |row| key_of(&row.acceptance) == *key)
    }

    pub(super) fn kept(&self, scopes: &[OwnerScope], after: i64, limit: usize) -> Vec<KeptAnswer> {
        let within = |acceptance: &Acceptance| {
            scopes.iter().any(|scope| match scope {
                OwnerScope::Domain(domain) => acceptance.owner_domain == *domain,
                OwnerScope::Owner { domain, owner } => {
                    acceptance.owner == *owner && acceptance.owner_domain == *domain
                }
                OwnerScope::Route { domain, selector } => {
                    let (begin, _) = OwnerScope::route_range(selector);
                    acceptance.owner.starts_with(&begin) && acceptance.owner_domain == *domain
                }
            })
        };
        self.rows(&self.kept, after)
            .filter(|row| within(&row.acceptance))
            .filter_map(|row| {
                Some(KeptAnswer {
                    number: row.acceptance.number,
                    owner: row.acceptance.owner.clone(),
                    trans_id: row.acceptance.trans_id.clone(),
                    outcome: row.settled.as_ref()?.outcome.clone(),
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
            .map(|row| Unsettled {
                acceptance: Acceptance::clone(&row.acceptance),
                attempt: row.attempts.last().cloned(),
            })
            .collect()
    }

    pub(super) fn find_leg(&self, leg: &str, limit: usize) -> Vec<Story> {
        let has_leg = |row: &&Row| row.attempts.iter().any(|attempt| attempt.intent.leg == leg);
        let mut numbers: Vec<i64> = self.legs.at(&leg).collect();
        numbers.sort_unstable();
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
            row.acceptance.id == text
                || row.acceptance.trans_id == text
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

impl Row {
    fn story(&self) -> Story {
        let Acceptance { number, hops, wait_until, accepted_at, .. } = *self.acceptance;
        let from = Acceptance::clone(&self.acceptance);
        Story {
            number,
            id: from.id,
            owner: from.owner,
            trans_id: from.trans_id,
            kind: from.kind,
            source: from.source,
            destination: from.destination,
            octets: self.content_octets as u64,
            hops,
            via: from.via,
            wait_until,
            standing: from.standing,
            accepted_at,
            attempts: self.attempts.clone(),
            steps: from.steps,
            settled: self.settled.clone(),
        }
    }
}

/// What a retransmission is recognised by: owner, transID, digest.
type RememberedKey<'a> = (&'a str, &'a str, [u8; 32]);

fn remembered_key(acceptance: &Acceptance) -> RememberedKey<'_> {
    (&acceptance.owner, &acceptance.trans_id, acceptance.digest)
}

/// What a loop is recognised by: the name, and the destination.
fn id_key(acceptance: &Acceptance) -> (&str, &str) {
    (&acceptance.id, &acceptance.destination_key)
}
