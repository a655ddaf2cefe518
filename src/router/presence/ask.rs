//! From arrival to answer: the checks before anything is done, and what is remembered of answers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use cpim_adapter::{
    Address, Answer, AnswerSlot, Arrival, Class, Code, Operation, Passage, Publish, Receipt, Response, Scope,
    Standing, Status, Subscribe, TransId, Unsubscribe,
};
use tokio::time::Instant;
use tracing::debug;

use super::super::Router;
use super::super::checks::{self, Candidate};
use super::super::contacts::Contact;
use super::super::flight::Pair;
use super::super::owner::Owner;
use super::super::refusal::Refusal;
use super::super::submit::passage;
use super::super::target::Target;
use super::{Behind, LeaseKey};
use crate::presence::Once;
use crate::rules::{Ask, Decision};
use crate::sync::lock;

/// Answers that are remembered for retransmissions.
const ANSWERS: usize = 16_384;

/// Sources whose pace is watched, before those at rest are swept out.
const SOURCES: usize = 8_192;

/// What is asked of the presence service, as far as its sender is believed.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The connection by which it came; absent for what comes from within.
    pub(super) session: Option<u64>,
    pub(super) passage: Passage,
    pub(super) standing: Standing,
    /// A subscription that lasts as long as its connection.
    pub(super) held: bool,
}

/// An answer, and what comes behind it.
pub(super) struct Answered {
    pub(super) response: Response,
    pub(super) behind: Option<Behind>,
}

impl Answered {
    pub(super) fn alone(response: Response) -> Self {
        Self { response, behind: None }
    }

    pub(super) fn then_lease(response: Response, key: LeaseKey) -> Self {
        Self { response, behind: Some(Behind::Lease(key)) }
    }

    pub(super) fn then_once(response: Response, once: Once) -> Self {
        Self { response, behind: Some(Behind::Once(Box::new(once))) }
    }
}

impl From<Refusal> for Answered {
    fn from(refusal: Refusal) -> Self {
        Self::alone(refusal.response())
    }
}

/// Whom an answer goes to.
struct Waiter {
    slot: AnswerSlot,
    owner: Owner,
    trans_id: TransId,
}

impl Router {
    /// A subscribe, an unsubscribe or a publish arrived.
    pub(in super::super) fn submit_presence(
        self: &Arc<Self>,
        session: u64,
        contact: &Contact,
        arrival: Arrival,
        slot: AnswerSlot,
    ) {
        let policy = self.policy();
        // Where it lies is found out in its turn; the checks in front need not know.
        let target = Target::Elsewhere;
        let inboxes = self.inboxes(&policy);
        let candidate = Candidate {
            facts: &contact.facts,
            arrival: &arrival,
            policy: &policy,
            contacts: &self.contacts,
            target: &target,
            inboxes: &inboxes,
        };
        let asked = Asked {
            session: Some(session),
            passage: passage(&contact.facts, &arrival, &policy),
            standing: candidate.standing(),
            held: arrival.held,
        };
        let source = checks::source(&candidate).or_else(|refusal| {
            let delegated = matches!(arrival.operation, Operation::Publish(_))
                && self.is_delegate(
                    &contact.facts.authority.scopes,
                    candidate.standing(),
                    &arrival.operation,
                );
            if delegated { Ok(()) } else { Err(refusal) }
        });
        let pair = Pair::of(&arrival.operation);
        let admitted = source.and_then(|()| checks::admit(&candidate)).and_then(|()| {
            if self.is_draining() {
                return Err(Refusal::busy("shutting down"));
            }
            if self.presence.lanes.waiting(&pair) >= policy.limits.pair_backlog {
                return Err(Refusal::busy("too many from this source to this destination are under way"));
            }
            match lock(&self.presence.rates).take(&pair.source, policy.presence.rate, Instant::now()) {
                true => Ok(()),
                false => Err(Refusal::busy("too many at once from this source")),
            }
        });
        let waiter = Waiter {
            slot,
            owner: Owner::of(&contact.facts.authority, &arrival.operation),
            trans_id: arrival.trans_id,
        };
        if let Err(refusal) = admitted {
            self.note_refusal(&asked.passage.id, &waiter.trans_id, &arrival.operation, &refusal);
            return self.answer_presence(waiter, refusal.into());
        }
        let (router, operation) = (Arc::clone(self), arrival.operation);
        self.in_lane(pair, async move {
            let answered = match router.perform(&operation, &asked).await {
                Ok(answered) => answered,
                Err(refusal) => {
                    router.note_refusal(&asked.passage.id, &waiter.trans_id, &operation, &refusal);
                    refusal.into()
                }
            };
            let answered = router.as_before(&waiter, &operation, answered);
            router.answer_presence(waiter, answered);
        });
    }

    /// Does what is asked, in its turn.
    ///
    /// # Errors
    /// The refusal it is answered with.
    async fn perform(self: &Arc<Self>, operation: &Operation, asked: &Asked) -> Result<Answered, Refusal> {
        metrics::counter!("cpim_presence_total", "kind" => operation.kind().as_str()).increment(1);
        match operation {
            Operation::Subscribe(subscribe) => self.subscribe(subscribe, asked).await,
            Operation::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe, asked).await,
            Operation::Publish(publish) => self.publish(publish, asked).await,
            Operation::Message(_) | Operation::Notify(_) => {
                Err(Refusal::new(Code::Internal, "not presence", operation.kind().as_str()))
            }
        }
    }

    /// Does something for a principal who asks by another way than a session, as through the gateway's inbox. The
    /// administrator's rules and the presentity's are asked as for anybody.
    pub async fn ask_presence(self: &Arc<Self>, operation: Operation, standing: Standing) -> Response {
        let policy = self.policy();
        let (source, to) = (operation.speaks_for().address().clone(), operation.goes_to().address().clone());
        if let Err(refusal) = policy.let_pass(&source, standing, &to) {
            return refusal.response();
        }
        let asked = Asked { session: None, passage: self.own_passage(), standing, held: false };
        let (told, response) = tokio::sync::oneshot::channel();
        let router = Arc::clone(self);
        self.in_lane(Pair { source, destination: to }, async move {
            let answered = router.perform(&operation, &asked).await.unwrap_or_else(Answered::from);
            let Answered { response, behind } = answered;
            let number = router.presence.number();
            if let Some(behind) = behind {
                lock(&router.presence.behind).insert(number, behind);
            }
            // Whoever asked may have gone; what was done is done.
            let _gone = told.send(response);
            router.tell_behind(number);
        });
        response.await.unwrap_or_else(|_| Refusal::busy("shutting down").response())
    }

    /// Whether one of those that a connection speaks for may publish for another (RFC 2779 section 2.3.4).
    fn is_delegate(&self, scopes: &[Scope], standing: Standing, operation: &Operation) -> bool {
        let presentity = operation.goes_to().address();
        scopes.iter().any(|scope| match scope {
            Scope::Address(address) => {
                self.book.decide(Ask::Publish, presentity, address, standing) == Decision::Allow
            }
            _ => false,
        })
    }

    /// A retransmission of what was done before gets its first answer: done again, it would find the first in its
    /// way.
    fn as_before(&self, waiter: &Waiter, operation: &Operation, answered: Answered) -> Answered {
        let Some(key) = AnswerKey::of(waiter, operation) else { return answered };
        let mut answers = lock(&self.presence.answers);
        if answered.response.status() == Status::Success {
            answers.keep(key, answered.response.clone());
            return answered;
        }
        match answered.response.code() {
            Some(Code::AlreadySubscribed | Code::NotSubscribed) => match answers.find(&key) {
                Some(response) => {
                    debug!(trans_id = %waiter.trans_id, "retransmission");
                    Answered { response, ..answered }
                }
                None => answered,
            },
            _ => answered,
        }
    }

    fn answer_presence(self: &Arc<Self>, waiter: Waiter, answered: Answered) {
        let Waiter { slot, trans_id, .. } = waiter;
        let receipt = answered.behind.map(|behind| {
            let number = self.presence.number();
            lock(&self.presence.behind).insert(number, behind);
            Receipt::new(self.plain_exchange(), number)
        });
        // Where nobody is there to take it, its receipt says so, and the watcher is told what follows when he is back.
        let _gone = slot.give(Answer { trans_id, response: answered.response, receipt });
    }
}

/// What a retransmission is recognised by.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct AnswerKey {
    owner: Owner,
    trans_id: TransId,
    watcher: Address,
    target: Address,
    /// Absent: an unsubscribe.
    duration: Option<u32>,
}

impl AnswerKey {
    /// Of operations that, done twice, would find the first in their way.
    fn of(waiter: &Waiter, operation: &Operation) -> Option<Self> {
        let duration = match operation {
            Operation::Subscribe(Subscribe { duration, .. }) if *duration > 0 => Some(*duration),
            Operation::Unsubscribe(Unsubscribe { .. }) => None,
            Operation::Subscribe(_)
            | Operation::Message(_)
            | Operation::Notify(_)
            | Operation::Publish(Publish { .. }) => return None,
        };
        Some(Self {
            owner: waiter.owner.clone(),
            trans_id: waiter.trans_id.clone(),
            watcher: operation.speaks_for().address().clone(),
            target: operation.goes_to().address().clone(),
            duration,
        })
    }
}

/// The answers that were given last.
#[derive(Default)]
pub(super) struct Answers {
    by_key: HashMap<AnswerKey, Response>,
    in_order: VecDeque<AnswerKey>,
}

impl Answers {
    fn keep(&mut self, key: AnswerKey, response: Response) {
        if self.by_key.insert(key.clone(), response).is_some() {
            return;
        }
        self.in_order.push_back(key);
        if self.in_order.len() > ANSWERS
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }

    fn find(&self, key: &AnswerKey) -> Option<Response> {
        self.by_key.get(key).cloned()
    }
}

/// How fast sources may ask: so many a second in the long run, and ten times as many at once.
#[derive(Default)]
pub(super) struct Rates(HashMap<Address, (f64, Instant)>);

/// Seconds of a source's rate that it may use up at once.
const BURST_S: f64 = 10.0;

impl Rates {
    /// Takes one from a source. `false`: it has none left.
    fn take(&mut self, source: &Address, per_second: u32, now: Instant) -> bool {
        let rate = f64::from(per_second);
        let full = rate * BURST_S;
        let left =
            |(left, at): (f64, Instant)| (left + now.duration_since(at).as_secs_f64() * rate).min(full);
        if self.0.len() >= SOURCES {
            self.0.retain(|_, bucket| left(*bucket) < full);
        }
        if !self.0.contains_key(source) && self.0.len() >= SOURCES * 8 {
            return false;
        }
        let bucket = self.0.entry(source.with_class(Class::Pres)).or_insert((full, now));
        let have = left(*bucket);
        *bucket = (if have >= 1.0 { have - 1.0 } else { have }, now);
        have >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_source_uses_up_what_it_has_and_gets_it_back_with_time() {
        let [fred, barney] =
            ["pres:fred@a.example", "pres:barney@a.example"].map(|uri| Address::parse(uri).unwrap());
        let (mut rates, start) = (Rates::default(), Instant::now());
        let taken = (0..5_000).filter(|_| rates.take(&fred, 100, start)).count();
        assert_eq!(taken, 1_000);
        assert!(rates.take(&barney, 100, start), "another is not harmed");
        let later = start + Duration::from_secs(2);
        assert_eq!((0..5_000).filter(|_| rates.take(&fred, 100, later)).count(), 200);
    }
}
