//! What a mutant does to what its adapter tells the gateway, and to what the gateway answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{
    Adapter, Answer, AnswerSlot, Arrival, Authority, Code, CommitPoint, Content, Delivery, Domain, Exchange,
    ImUri, LegRef, Mapper, Observation, Operation, OperationId, Presence, Report, Response, Scope,
    SessionFacts, Status, TransId, Word,
};
use tokio::sync::{mpsc, oneshot};

use super::Mutant;
use super::adapter::Free;
use super::outgoing::{drop_metadata, first_only, flipped, squeezed};

/// Operations that a mutant leaves with the gateway before it begins to lose some.
const FEW: usize = 20;

/// What a mutant knows of its adapter's deliveries.
#[derive(Default)]
pub(super) struct Known {
    deliveries: Mutex<HashMap<u64, Delivery>>,
    last: Mutex<Option<u64>>,
    /// Somebody has left.
    pub(super) is_away: AtomicBool,
    has_observed: AtomicBool,
    first_state: Mutex<Option<Presence>>,
    states: AtomicUsize,
}

impl Known {
    pub(super) fn note(&self, delivery: &Delivery) {
        lock(&self.deliveries).insert(delivery.leg, delivery.clone());
        *lock(&self.last) = Some(delivery.leg);
    }

    /// The presence of the first notification, whichever this one tells.
    pub(super) fn first_state(&self, this: &Presence) -> Presence {
        lock(&self.first_state).get_or_insert_with(|| this.clone()).clone()
    }

    /// How many notifications there were before this one.
    pub(super) fn states(&self) -> usize {
        self.states.fetch_add(1, Ordering::AcqRel)
    }

    fn leg_of(&self, trans_id: &TransId) -> Option<u64> {
        let known = lock(&self.deliveries);
        known.values().find(|delivery| delivery.trans_id == *trans_id).map(|delivery| delivery.leg)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The gateway, as a mutant shows it to its adapter.
pub(super) struct Between {
    pub(super) mutant: Mutant,
    pub(super) inner: Arc<dyn Exchange>,
    pub(super) adapter: Weak<dyn Adapter>,
    pub(super) known: Arc<Known>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The receivers of answers, by session.
    sessions: Mutex<HashMap<u64, (SessionFacts, mpsc::Sender<Answer>)>>,
    held_in: Mutex<Option<(u64, Arrival, AnswerSlot)>>,
    held_report: Mutex<Option<Report>>,
    /// Whose answers are told of each other.
    two: Mutex<Vec<TransId>>,
    waiting: AtomicUsize,
}

impl Between {
    pub(super) fn new(
        mutant: Mutant,
        inner: Arc<dyn Exchange>,
        adapter: Weak<dyn Adapter>,
        known: Arc<Known>,
    ) -> Self {
        Self { mutant, inner, adapter, known, state: Arc::default() }
    }

    /// A slot whose answer is changed before it is given to `slot`.
    fn slot(&self, session: u64, trans_id: TransId, mut slot: AnswerSlot) -> AnswerSlot {
        let (own, answers) = mpsc::channel(1);
        let mutant = self.mutant;
        if mutant == Mutant::SaysTakenEarly {
            slot.accepted();
        }
        // A channel of one has room for one.
        let place = match own.clone().try_reserve_owned() {
            Ok(place) => AnswerSlot::new(own.clone(), place).with_notice_of(&mut slot),
            Err(_) => nobody(),
        };
        let again = lock(&self.state.sessions).get(&session).map(|(_, answers)| answers.clone());
        let state = Arc::clone(&self.state);
        state.waiting.fetch_add(1, Ordering::AcqRel);
        let keeps_place = mutant != Mutant::HandsInUnbounded;
        let slot = Some(slot).filter(|_| keeps_place);
        tokio::spawn(async move { pass_on(mutant, trans_id, answers, slot, again, &state).await });
        place
    }

    fn mutate_arrival(&self, arrival: &mut Arrival) {
        match self.mutant {
            Mutant::DropsHopsIn => arrival.hops = arrival.hops.filter(|hops| *hops > 0),
            Mutant::CountsHopsIn => arrival.hops = arrival.hops.map(|hops| hops.saturating_sub(1)),
            Mutant::ClampsHopsIn => arrival.hops = arrival.hops.map(|hops| hops.min(128)),
            Mutant::TurnsViaIn => arrival.via.reverse(),
            Mutant::DropsWaitIn => arrival.wait = None,
            Mutant::FoldsIdIn => {
                let folded = arrival.id.as_ref().map(|id| id.as_str().to_ascii_lowercase());
                arrival.id = folded.and_then(|id| OperationId::parse(&id).ok());
            }
            Mutant::DropsViaIn => arrival.via.clear(),
            Mutant::DropsIdIn => arrival.id = None,
            Mutant::RenamesRepetition => {
                let number = self.state.waiting.load(Ordering::Acquire);
                arrival.trans_id = TransId::from_draw(u32::try_from(number).unwrap_or_default());
            }
            _ => {}
        }
        match &mut arrival.operation {
            Operation::Message(message) => {
                let octets = message.content.octets();
                let another = match self.mutant {
                    Mutant::ChangesContentIn => Some(octets.to_ascii_lowercase()),
                    Mutant::SqueezesBlanksIn => Some(squeezed(octets)),
                    Mutant::CutsLongIn => octets.get(..1_000).map(<[u8]>::to_vec),
                    _ => None,
                };
                if let Some(another) = another {
                    message.content = Content::new(Bytes::from(another));
                }
                drop_metadata(self.mutant, &mut message.metadata);
                let (source, destination) = (message.source.spelled(), message.destination.spelled());
                let (source, destination) = match self.mutant {
                    Mutant::HandsInFromAnother => {
                        ("im:alice1@core.example".to_owned(), destination.to_owned())
                    }
                    Mutant::HandsInToAnother => (source.to_owned(), "im:alice1@core.example".to_owned()),
                    Mutant::FoldsDestinations => (source.to_owned(), destination.to_ascii_lowercase()),
                    _ => return,
                };
                if let (Ok(source), Ok(destination)) = (ImUri::parse(&source), ImUri::parse(&destination)) {
                    (message.source, message.destination) = (source, destination);
                }
            }
            Operation::Subscribe(subscribe) => match self.mutant {
                Mutant::DropsDurationIn => subscribe.duration = 0,
                Mutant::DropsSubscriptIdIn => subscribe.subscript_id = None,
                _ => {}
            },
            Operation::Notify(notify) => match self.mutant {
                Mutant::DropsTuplesIn => notify.presence = first_only(&notify.presence),
                Mutant::DropsDocumentIn => notify.document = None,
                _ => {}
            },
            Operation::Publish(publish) => match self.mutant {
                Mutant::DropsTuplesIn => publish.presence = first_only(&publish.presence),
                Mutant::DropsDocumentIn => publish.document = None,
                Mutant::DropsLapseIn => publish.duration = None,
                _ => {}
            },
            Operation::Unsubscribe(_) => {}
        }
    }

    fn hand_in(&self, session: u64, mut arrival: Arrival, slot: AnswerSlot) {
        let trans_id = arrival.trans_id.clone();
        self.mutate_arrival(&mut arrival);
        if self.mutant == Mutant::TellsOfAnother {
            lock(&self.state.two).push(trans_id.clone());
        }
        if self.mutant == Mutant::HandsInTwice {
            self.inner.submit(session, arrival.clone(), nobody());
        }
        if self.mutant == Mutant::LosesIn && self.state.waiting.load(Ordering::Acquire) >= FEW {
            let lost = Answer { trans_id, response: Response::success(), receipt: None };
            let _told = slot.give(lost);
            return;
        }
        if self.mutant == Mutant::TellsEarly {
            let early = Answer { trans_id, response: Response::success(), receipt: None };
            let _told = slot.give(early);
            return self.inner.submit(session, arrival, nobody());
        }
        let session = self.judged(session, &arrival);
        let slot = self.slot(session, trans_id, slot);
        self.inner.submit(session, arrival, slot);
    }

    /// The session of an operation, or one whose facts are those that its envelope claims.
    fn judged(&self, session: u64, arrival: &Arrival) -> u64 {
        if self.mutant != Mutant::BelievesEnvelope || arrival.id.is_none() {
            return session;
        }
        let facts = lock(&self.state.sessions).get(&session).cloned();
        match (facts, arrival.via.first()) {
            (Some((facts, answers)), Some(gateway)) => {
                let authority = Authority { peer: Some(gateway.clone()), ..(*facts.authority).clone() };
                self.inner.open(SessionFacts { authority: Arc::new(authority), ..facts }, answers)
            }
            _ => session,
        }
    }

    /// What the report becomes; nothing where it is lost.
    fn mutate_report(&self, report: Report) -> Option<Report> {
        let Report { leg, word } = report;
        let leg = match (self.mutant, leg) {
            (Mutant::GuessesLeg, LegRef::Stray { .. }) => {
                LegRef::Number((*lock(&self.known.last)).unwrap_or(1))
            }
            (Mutant::AnswersAgain | Mutant::TakesAnybodysAnswer, LegRef::Stray { trans_id, authority }) => {
                match self.known.leg_of(&trans_id) {
                    Some(leg) => LegRef::Number(leg),
                    None => LegRef::Stray { trans_id, authority },
                }
            }
            (Mutant::MisplacesLateAnswer, LegRef::Stray { authority, .. }) => {
                LegRef::Stray { trans_id: TransId::from_draw(77), authority }
            }
            (_, leg) => leg,
        };
        let word = match (self.mutant, word) {
            (Mutant::LosesReport, _) => return None,
            (Mutant::MakesFailureSuccess, Word::Answered(response))
                if response.status() == Status::Failure =>
            {
                Word::Answered(Response::success())
            }
            (Mutant::MakesDoubtFailure, Word::Answered(response))
                if response.status() == Status::Indeterminant =>
            {
                Word::Answered(Response::failure(Code::Timeout, "no word"))
            }
            (Mutant::MakesDoubtSuccess, Word::Answered(response))
                if response.status() == Status::Indeterminant =>
            {
                Word::Answered(Response::success())
            }
            (Mutant::KnowsOneCode, Word::Answered(response)) if response.status() == Status::Failure => {
                Word::Answered(Response::failure(Code::Refused, response.words()))
            }
            (Mutant::LosesReason, Word::Answered(response)) if response.status() == Status::Failure => {
                Word::Answered(Response::failure(Code::Internal, ""))
            }
            (Mutant::LosesGrantedDuration, Word::Answered(response)) => {
                Word::Answered(response.with_duration(None))
            }
            (Mutant::LosesSubscriptId, Word::Answered(response)) => {
                Word::Answered(response.with_subscript_id(None))
            }
            (Mutant::LosesAnswerLanguage, Word::Answered(response)) => {
                Word::Answered(response.with_lang(None))
            }
            (Mutant::DeniesSending, Word::Unknown) => Word::NotSent,
            (Mutant::FailsWhenForced, Word::Unknown) => {
                Word::Answered(Response::failure(Code::Unreachable, "forced"))
            }
            (_, word) => word,
        };
        if let (Mutant::ResendsUnknown, LegRef::Number(leg), Word::Unknown) = (self.mutant, &leg, &word) {
            self.resend(*leg);
        }
        Some(Report { leg, word })
    }

    fn resend(&self, leg: u64) {
        let delivery = lock(&self.known.deliveries).get(&leg).cloned();
        let (Some(delivery), Some(adapter)) = (delivery, self.adapter.upgrade()) else { return };
        tokio::spawn(async move {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                if adapter.deliver(delivery.clone(), &CommitPoint::new(Free)).await.is_ok() {
                    return;
                }
            }
        });
    }
}

/// A slot whose answer nobody hears.
fn nobody() -> AnswerSlot {
    let (to, heard) = mpsc::channel(1);
    // A channel of one has room for one.
    let slot = loop {
        if let Ok(permit) = to.clone().try_reserve_owned() {
            break AnswerSlot::new(to, permit);
        }
    };
    // Kept for as long as anybody may answer.
    tokio::spawn(async move {
        let mut heard = heard;
        while heard.recv().await.is_some() {}
    });
    slot
}

/// Passes one answer on, changed as the fault has it.
async fn pass_on(
    mutant: Mutant,
    trans_id: TransId,
    mut answers: mpsc::Receiver<Answer>,
    slot: Option<AnswerSlot>,
    again: Option<mpsc::Sender<Answer>>,
    state: &State,
) {
    let answer = match &slot {
        Some(slot) if mutant != Mutant::AlwaysReceipts => loop {
            tokio::select! {
                answer = answers.recv() => break answer,
                // Whoever gives an answer must see that nobody is there.
                () = tokio::time::sleep(Duration::from_millis(5)), if !slot.is_open() => return,
                () = tokio::time::sleep(Duration::from_millis(5)), if slot.is_open() => {}
            }
        },
        _ => answers.recv().await,
    };
    state.waiting.fetch_sub(1, Ordering::AcqRel);
    let Some(mut answer) = answer else { return };
    answer.trans_id = match mutant {
        Mutant::TellsOfAnother => partner(&lock(&state.two), &trans_id),
        _ => trans_id,
    };
    let response = answer.response;
    answer.response = match mutant {
        Mutant::TellsSuccess => Response::success(),
        Mutant::TellsDoubtAsFailure if response.status() == Status::Indeterminant => {
            Response::failure(Code::Timeout, response.words().to_owned())
        }
        Mutant::TellsNoReason if response.status() == Status::Failure => {
            Response::failure(Code::Internal, "")
        }
        Mutant::TellsNoLanguage => response.with_lang(None),
        _ => response,
    };
    answer.receipt = match (mutant, answer.receipt) {
        (Mutant::AlwaysReceipts, Some(receipt)) => {
            receipt.handed_over();
            None
        }
        // Dropped, it says that the answer was not handed over.
        (Mutant::NeverReceipts, _) => None,
        (_, receipt) => receipt,
    };
    if let (Mutant::TellsTwice, Some(again)) = (mutant, &again) {
        let twin =
            Answer { trans_id: answer.trans_id.clone(), response: answer.response.clone(), receipt: None };
        drop(again.send(twin).await);
    }
    match (slot, again) {
        (Some(slot), _) => {
            let _told = slot.give(answer);
        }
        (None, Some(again)) => drop(again.send(answer).await),
        (None, None) => {}
    }
}

/// The other one of the two that are told of each other.
fn partner(two: &[TransId], own: &TransId) -> TransId {
    let at = two.iter().position(|known| known == own).unwrap_or_default();
    two.get(at ^ 1).cloned().unwrap_or_else(|| own.clone())
}

impl Exchange for Between {
    fn open(&self, mut facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64 {
        let mut authority = (*facts.authority).clone();
        match self.mutant {
            Mutant::GrantsNothing => authority.scopes.clear(),
            Mutant::BelievesEverybody => authority.scopes.push(Scope::Any),
            Mutant::TakesUsersForGateways => authority.peer = Domain::parse("core.example").ok(),
            Mutant::LetsSpeakForUs => {
                authority.scopes.extend(Domain::parse("gw.example").ok().map(Scope::Domain));
            }
            _ => {}
        }
        facts.authority = Arc::new(authority);
        let given = match self.mutant {
            Mutant::DropsKept => mpsc::channel(1).0,
            _ => answers.clone(),
        };
        let session = self.inner.open(facts.clone(), given);
        lock(&self.state.sessions).insert(session, (facts, answers));
        session
    }

    fn close(&self, session: u64) {
        self.known.is_away.store(true, Ordering::Release);
        lock(&self.state.sessions).remove(&session);
        self.inner.close(session);
    }

    fn submit(&self, session: u64, arrival: Arrival, slot: AnswerSlot) {
        if self.mutant != Mutant::SwapsIn {
            return self.hand_in(session, arrival, slot);
        }
        let held = lock(&self.state.held_in).take();
        match held {
            None => *lock(&self.state.held_in) = Some((session, arrival, slot)),
            Some((first, held, first_slot)) => {
                self.hand_in(session, arrival, slot);
                self.hand_in(first, held, first_slot);
            }
        }
    }

    fn report(&self, report: Report) {
        let Some(report) = self.mutate_report(report) else { return };
        if self.mutant != Mutant::SwapsAnswers {
            return self.inner.report(report);
        }
        let held = lock(&self.state.held_report).take();
        match held {
            None => *lock(&self.state.held_report) = Some(report),
            Some(held) => {
                self.inner.report(Report { leg: held.leg, word: report.word });
                self.inner.report(Report { leg: report.leg, word: held.word });
            }
        }
    }

    fn report_and_tell(&self, report: Report, done: oneshot::Sender<()>) {
        self.report(report);
        let _gone = done.send(());
    }

    fn observed(&self, mut observation: Observation) {
        match self.mutant {
            Mutant::ObservesNothing => return,
            Mutant::ObservesOnce if self.known.has_observed.swap(true, Ordering::AcqRel) => return,
            Mutant::FlipsObserved => observation.presence = flipped(&observation.presence),
            Mutant::ObservesAnother => {
                if let Ok(another) = observation.presentity.with_value("example.com/user1") {
                    observation.presentity = another;
                }
            }
            _ => {}
        }
        self.inner.observed(observation);
    }

    fn departed(&self, number: u64) {
        self.inner.departed(number);
    }

    fn receipt(&self, number: u64, handed_over: bool) {
        self.inner.receipt(number, handed_over);
    }

    fn mapper(&self) -> Arc<Mapper> {
        self.inner.mapper()
    }
}
