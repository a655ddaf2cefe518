//! From arrival to answer: the checks before anything is done.

use std::collections::HashMap;
use std::sync::Arc;

use cpim_adapter::{
    Address, Answer, AnswerSlot, Arrival, Class, Code, Operation, Passage, Receipt, Response, Scope,
    Standing, TransId,
};
use tokio::time::Instant;

use super::super::Router;
use super::super::checks;
use super::super::contacts::Contact;
use super::super::flight::Pair;
use super::super::owner::Owner;
use super::super::refusal::Refusal;
use super::super::submit::passage;
use super::{Behind, LeaseKey};
use crate::presence::Once;
use crate::rules::{Ask, Decision};
use crate::sync::lock;

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
    /// By what a retransmission of it is recognised; absent where it comes from within.
    pub(super) by: Option<String>,
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
        let standing = checks::standing(&contact.facts, &arrival);
        let owner = Owner::of(&contact.facts.authority, &arrival.operation);
        let asked = Asked {
            session: Some(session),
            passage: passage(&contact.facts, &arrival, &policy),
            standing,
            held: arrival.held,
            by: mark(&owner, &arrival.trans_id, &arrival.operation),
        };
        let (source, passed) = self.examine(contact, &arrival, &policy, checks::ANYWHERE, |candidate| {
            (checks::source(candidate), checks::admit(candidate))
        });
        let scopes = &contact.facts.authority.scopes;
        let source = source.or_else(|refusal| match self.is_delegate(scopes, standing, &arrival.operation) {
            true => Ok(()),
            false => Err(refusal),
        });
        let pair = Pair::of(&arrival.operation);
        let admitted = source.and(passed).and_then(|()| {
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
        let trans_id = arrival.trans_id;
        if let Err(refusal) = admitted {
            self.note_refusal(&asked.passage.id, &trans_id, &arrival.operation, &refusal);
            return self.answer_presence(slot, trans_id, refusal.into());
        }
        let (router, operation) = (Arc::clone(self), arrival.operation);
        self.in_lane(pair, async move {
            let answered = match router.perform(&operation, &asked).await {
                Ok(answered) => answered,
                Err(refusal) => {
                    router.note_refusal(&asked.passage.id, &trans_id, &operation, &refusal);
                    refusal.into()
                }
            };
            router.answer_presence(slot, trans_id, answered);
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
        let asked = Asked { session: None, passage: self.own_passage(), standing, held: false, by: None };
        let (told, response) = tokio::sync::oneshot::channel();
        let router = Arc::clone(self);
        self.in_lane(Pair::new(source, to), async move {
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

    /// Whether this is a publish for another, by one who may (RFC 2779 section 2.3.4).
    fn is_delegate(&self, scopes: &[Scope], standing: Standing, operation: &Operation) -> bool {
        let Operation::Publish(publish) = operation else { return false };
        let may = |who| self.book.decide(Ask::Publish, publish.target.address(), who, standing);
        scopes.iter().any(|scope| matches!(scope, Scope::Address(address) if may(address) == Decision::Allow))
    }

    fn answer_presence(self: &Arc<Self>, slot: AnswerSlot, trans_id: TransId, answered: Answered) {
        let receipt = answered.behind.map(|behind| {
            let number = self.presence.number();
            lock(&self.presence.behind).insert(number, behind);
            Receipt::new(self.plain_exchange(), number)
        });
        // Where nobody is there to take it, its receipt says so, and the watcher is told what follows when he is back.
        let _gone = slot.give(Answer { trans_id, response: answered.response, receipt });
    }
}

/// What a retransmission is recognised by, beside its pair of addresses: whose it is, its transID, and its duration.
fn mark(owner: &Owner, trans_id: &TransId, operation: &Operation) -> Option<String> {
    match operation {
        Operation::Subscribe(subscribe) => Some(format!("{owner} {trans_id} {}", subscribe.duration)),
        Operation::Unsubscribe(_) => Some(format!("{owner} {trans_id}")),
        Operation::Message(_) | Operation::Notify(_) | Operation::Publish(_) => None,
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
