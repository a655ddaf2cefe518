//! From arrival to acceptance.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cpim_adapter::{
    Answer, AnswerSlot, Arrival, Code, Content, NextHop, Operation, Passage, Schedule, SessionFacts, TransId,
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;

use super::Router;
use super::checks::{self, Candidate};
use super::contacts::Contact;
use super::counters::Counters;
use super::flight::{AtHand, Attempt, Flight, Pair};
use super::owner::Owner;
use super::policy::{Policy, Terms};
use super::refusal::Refusal;
use super::route::hop_name;
use super::rows::{self, Entry};
use super::table::Table;
use super::target::Target;
use crate::clock::UnixMs;
use crate::fault;
use crate::ids;
use crate::rules::Decision;
use crate::store::{Intent, Verdict, Write};
use crate::sync::lock;

/// Looks at an operation that is neither in flight nor settled.
const LOOKS: usize = 3;

/// Octets that an operation takes in memory beside its content, roughly.
const OVERHEAD_OCTETS: usize = 1_024;

impl Router {
    /// An operation arrived. Its answer goes to `slot`, now or later.
    pub(super) fn submit(self: &Arc<Self>, session: u64, arrival: Arrival, mut slot: AnswerSlot) {
        let Some(contact) = self.contacts.session(session) else {
            return;
        };
        match arrival.operation {
            Operation::Message(_) => {}
            Operation::Notify(_) => return self.notified(&contact, arrival),
            Operation::Publish(_) | Operation::Subscribe(_) | Operation::Unsubscribe(_) => {
                return self.submit_presence(session, &contact, arrival, slot);
            }
        }
        fault::point("received");
        let policy = self.policy();
        let standing = checks::standing(&contact.facts, &arrival);
        let under = self.circumstances();
        let (target, says) = self.target_for(&arrival.operation, standing, &policy);
        let (theirs, admitted) = self.examine(&contact, &arrival, &policy, (&target, says), |candidate| {
            (checks::source(candidate), checks::admit(candidate))
        });
        let room = admitted.and_then(|()| self.room(&arrival.operation, &policy));
        let entry = Entry {
            owner: Owner::of(&contact.facts.authority, &arrival.operation),
            passage: passage(&contact.facts, &arrival, &policy),
            standing,
            digest: rows::digest(&arrival.operation),
            operation: Arc::new(arrival.operation),
            trans_id: arrival.trans_id,
            at: UnixMs::now(),
        };
        slot.named(&entry.passage.id);
        if let Err(refusal) = theirs {
            // Whoever may not speak for the source is told nothing of what its owner sent.
            self.note_refusal(&entry.passage.id, &entry.trans_id, &entry.operation, &refusal);
            return refuse(slot, &entry.trans_id, &refusal);
        }
        match room {
            Ok(room) => {
                let hop = self.hop_at_hand(&target, entry.operation.goes_to().address(), &policy);
                // Politely blocked, it goes nowhere, whatever hop there seems to be. What address resolution found
                // may become too old, and what is addressed through us is readdressed first.
                let stays =
                    says == Decision::Allow && !matches!(target, Target::Elsewhere | Target::Inner(_));
                let under = stays.then_some(under);
                self.accept(entry, &contact.facts.authority.label, (hop, under), vec![slot], Some(room));
            }
            Err(refusal) => self.look_back(entry, refusal, slot),
        }
    }

    /// Has an arrival looked at by the checks: where it lies, and what the owner of that inbox says.
    pub(super) fn examine<T>(
        &self,
        contact: &Contact,
        arrival: &Arrival,
        policy: &Policy,
        (target, says): (&Target, Decision),
        look: impl FnOnce(&Candidate<'_>) -> T,
    ) -> T {
        let inboxes = self.inboxes(policy);
        let (facts, contacts) = (&*contact.facts, &self.contacts);
        look(&Candidate { facts, arrival, policy, contacts, target, says, inboxes: &inboxes })
    }

    /// There must be room for it: in memory, and in its pair's backlog.
    fn room(&self, operation: &Operation, policy: &Policy) -> Result<OwnedSemaphorePermit, Refusal> {
        if self.draining.load(Ordering::Acquire) {
            return Err(Refusal::busy("shutting down"));
        }
        if lock(&self.table).open(&Pair::of(operation)) >= policy.limits.pair_backlog {
            return Err(Refusal::busy("too many from this source to this destination are under way"));
        }
        let octets = OVERHEAD_OCTETS + operation.content().map_or(0, Content::len);
        u32::try_from(octets)
            .ok()
            .and_then(|octets| Arc::clone(&self.room).try_acquire_many_owned(octets).ok())
            .ok_or_else(|| Refusal::busy("no room for more content"))
    }

    /// Gives it to the journal. The numbers and the writes are in one order, because both happen under one lock,
    /// and that is not the table's: nothing else waits for the journal. A hop comes with the circumstances under which
    /// it was found, where it may be used as long as they are the same.
    pub(super) fn accept(
        self: &Arc<Self>,
        entry: Entry,
        from: &str,
        (hop, under): (Option<(usize, NextHop)>, Option<u64>),
        waiters: Vec<AnswerSlot>,
        room: Option<OwnedSemaphorePermit>,
    ) {
        let terms = self.policy().terms(entry.operation.goes_to().address().domain());
        let received = format!("from {from} ({}), {} hops left", entry.standing, entry.passage.hops);
        let mut row = Box::new(entry.row(0, received));
        let recall = hop.as_ref().and_then(|(port, hop)| self.adapter(*port)?.recalls(hop));
        let leg = draw_leg();
        if let (Some(recall), Some((_, hop))) = (recall, &hop) {
            row.intent = Some(Intent {
                leg: leg.as_str().to_owned(),
                hop: hop_name(hop),
                recall_until: Some(entry.at.plus(recall).0),
            });
        }
        let mut flight = Box::new(Flight::new(0, entry, leg, self.schedule_to(hop.as_ref(), terms)));
        flight.patience = self.patience_to(hop.as_ref());
        if let Some(recall) = recall {
            flight.attempt = Attempt::Recallable(flight.accepted_at.plus(recall));
        }
        flight.expected = hop.is_some();
        let at_hand = |((port, hop), under)| AtHand { port, hop, under };
        flight.at_hand = hop.zip(under).map(at_hand);
        flight.waiters = waiters;
        flight.room = room;

        // All else is done by now: everybody waits for this lock.
        let mut last = lock(&self.last_number);
        let number = *last + 1;
        *last = number;
        row.number = number;
        flight.number = number;
        {
            let mut table = lock(&self.table);
            if table.has_leg(&flight.leg) {
                flight.leg = new_leg(&table);
                if let Some(intent) = &mut row.intent {
                    flight.leg.as_str().clone_into(&mut intent.leg);
                }
            }
            table.insert(flight);
        }
        let written = self.journal.write(Write::Accept(row));
        drop(last);
        if written.is_err() {
            self.on_not_accepted(number);
        }
    }

    /// How handing over is tried: as the foreign system's adapter says, where one is meant.
    pub(super) fn schedule_to(&self, hop: Option<&(usize, NextHop)>, terms: Terms) -> Schedule {
        let foreign = hop.filter(|(_, hop)| matches!(hop, NextHop::Foreign(_)));
        let own = foreign.and_then(|(port, hop)| self.adapter(*port)?.schedule(hop));
        own.unwrap_or(Schedule { horizon: terms.retry_horizon, longest_pause: Schedule::LONGEST_PAUSE })
    }

    /// For how long an answer is awaited, where the foreign system's adapter says so.
    pub(super) fn patience_to(&self, hop: Option<&(usize, NextHop)>) -> Option<Duration> {
        let (port, hop) = hop.filter(|(_, hop)| matches!(hop, NextHop::Foreign(_)))?;
        self.adapter(*port)?.patience(hop)
    }

    /// The journal has looked at it.
    pub(super) fn on_accepted(self: &Arc<Self>, number: i64, verdict: Verdict) {
        match verdict {
            Verdict::New => {
                fault::point("accepted");
                self.counters.get_or_init(Counters::new).accepted.increment(1);
                let lane = {
                    let mut table = lock(&self.table);
                    let Some(flight) = table.get_mut(number) else { return };
                    flight.waiters.iter_mut().for_each(AnswerSlot::accepted);
                    debug!(id = %flight.passage.id, from = %flight.pair.source, to = %flight.pair.destination, "accepted");
                    let pair = flight.pair.clone();
                    table.enqueue(number).then_some(pair)
                };
                if let Some(pair) = lane {
                    self.start_lane(pair);
                }
            }
            Verdict::Retransmission { first } => self.on_retransmission(number, first),
            Verdict::Loop => {
                self.drop_unaccepted(
                    number,
                    &Refusal::new(Code::Loop, "it has been to this destination before", ""),
                );
            }
        }
    }

    /// The journal could not take it: nothing was accepted.
    pub(super) fn on_not_accepted(&self, number: i64) {
        self.drop_unaccepted(number, &Refusal::busy("nothing can be accepted at present"));
    }

    fn drop_unaccepted(&self, number: i64, refusal: &Refusal) {
        let Some(flight) = lock(&self.table).remove(number) else {
            return;
        };
        self.note_refusal(&flight.passage.id, &flight.trans_id, &flight.operation, refusal);
        for slot in flight.waiters {
            refuse(slot, &flight.trans_id, refusal);
        }
    }

    /// A retransmission waits with the first, or gets the first one's answer again.
    fn on_retransmission(self: &Arc<Self>, number: i64, first: i64) {
        let mut table = lock(&self.table);
        let Some(mut again) = table.remove(number).map(|again| *again) else { return };
        again.waiters.iter_mut().for_each(AnswerSlot::accepted);
        debug!(id = %again.passage.id, first, "retransmission");
        metrics::counter!("cpim_retransmissions_total").increment(1);
        if let Some(flight) = table.get_mut(first) {
            flight.wait(again.waiters);
            return;
        }
        drop(table);
        for slot in again.waiters {
            let (router, owner, trans_id) = (Arc::clone(self), again.owner.clone(), again.trans_id.clone());
            self.tasks.spawn(async move {
                router.answer_again(&owner, &trans_id, &again.digest, slot, Refusal::busy("try again")).await;
            });
        }
    }

    /// A refusal is told only once it is sure that this is no retransmission of what was accepted: that one
    /// gets its own answer, whatever the rules say by now.
    fn look_back(self: &Arc<Self>, entry: Entry, refusal: Refusal, slot: AnswerSlot) {
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            let refusal = router.refine(refusal, &entry.operation).await;
            let told = router.answer_again(&entry.owner, &entry.trans_id, &entry.digest, slot, refusal).await;
            if let Some(refusal) = told {
                router.note_refusal(&entry.passage.id, &entry.trans_id, &entry.operation, &refusal);
            }
        });
    }

    /// An address without a way to it that was served here once is known, and only out of contact.
    async fn refine(&self, refusal: Refusal, operation: &Operation) -> Refusal {
        let meant = self.book.principal(operation.goes_to().address());
        if refusal.code == Code::NoRoute && self.was_seen(&meant).await {
            return Refusal::out_of_contact();
        }
        refusal
    }

    /// Answers a retransmission as its first was answered; otherwise with the refusal, which is returned.
    async fn answer_again(
        self: &Arc<Self>,
        owner: &Owner,
        trans_id: &TransId,
        digest: &[u8; 32],
        slot: AnswerSlot,
        refusal: Refusal,
    ) -> Option<Refusal> {
        let owner_text = owner.to_string();
        let mut slot = Some(slot);
        for _ in 0..LOOKS {
            let Some(waiter) = slot.take() else { break };
            let now = UnixMs::now().0;
            let recalled = self.journal.recall(&owner_text, trans_id.as_str(), digest, now).await;
            let Some(recalled) = recalled.ok().flatten() else {
                refuse(waiter, trans_id, &refusal);
                return Some(refusal);
            };
            match recalled.outcome {
                Some(outcome) => {
                    // Should the connection be gone, the answer stays kept.
                    let _given =
                        self.give(recalled.number, owner, trans_id, &rows::response(&outcome), waiter);
                }
                // Not in flight any more, it was settled in between, and has its outcome at the next look. One
                // that never has is not ours to answer: its sender goes on waiting, and hears no lie.
                None => slot = self.wait_with(recalled.number, waiter),
            }
        }
        None
    }

    /// Waits with an operation in flight; the slot comes back where it is in flight no more.
    fn wait_with(&self, number: i64, mut slot: AnswerSlot) -> Option<AnswerSlot> {
        let mut table = lock(&self.table);
        let Some(flight) = table.get_mut(number) else { return Some(slot) };
        slot.accepted();
        flight.wait([slot]);
        None
    }
}

/// The path of an arrival, as far as its sender is believed: id and via only of a configured peer.
pub(super) fn passage(facts: &SessionFacts, arrival: &Arrival, policy: &Policy) -> Passage {
    let (id, via) = match &facts.authority.peer {
        Some(_) => (arrival.id.clone(), arrival.via.clone()),
        None => (None, Vec::new()),
    };
    Passage {
        id: id.unwrap_or_else(ids::operation_id),
        hops: arrival.hops.unwrap_or(policy.limits.hops),
        via,
        wait: arrival.wait,
    }
}

/// A transID for a leg, unlike any other that is out.
pub(super) fn new_leg(table: &Table) -> TransId {
    loop {
        let leg = draw_leg();
        if !table.has_leg(&leg) {
            return leg;
        }
    }
}

/// A transID for a leg: most likely unlike any other that is out.
fn draw_leg() -> TransId {
    TransId::from_draw(ids::draw())
}

fn refuse(slot: AnswerSlot, trans_id: &TransId, refusal: &Refusal) {
    // Nobody to tell it to is no loss: nothing was accepted.
    let _told = slot.give(Answer { trans_id: trans_id.clone(), response: refusal.response(), receipt: None });
}
