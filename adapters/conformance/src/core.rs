//! The gateway that the kit plays: it records what it is told, and answers when a case says so.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cpim_adapter::{
    Answer, AnswerSlot, Arrival, Exchange, LegRef, Mapper, Observation, Receipt, Report, Response,
    SessionFacts, TransId, Word,
};
use tokio::sync::{Notify, mpsc};

/// Something that the adapter told.
pub(crate) enum Event {
    Submitted(Box<Submission>),
    Reported(Report),
    Observed(Box<Observation>),
    Receipt { number: u64, handed_over: bool },
}

/// An operation that was handed in.
pub(crate) struct Submission {
    pub(crate) arrival: Arrival,
    /// Who handed it in; absent where its connection was never announced.
    pub(crate) facts: Option<SessionFacts>,
    slot: AnswerSlot,
}

impl Submission {
    /// It is in the journal from now on.
    pub(crate) fn accept(&mut self) {
        self.slot.accepted();
    }
}

/// Nobody takes the answer any more.
#[derive(Debug)]
pub(crate) struct NobodyThere;

/// The gateway.
pub(crate) struct Core {
    this: Weak<Self>,
    mapper: Arc<Mapper>,
    numbers: AtomicU64,
    state: Mutex<State>,
    happened: Notify,
}

#[derive(Default)]
struct State {
    /// The journal is writing: nothing is accepted until a case says so.
    holds: bool,
    sessions: Vec<(u64, SessionFacts, mpsc::Sender<Answer>)>,
    events: VecDeque<Event>,
    /// Legs that have no word yet.
    open: HashSet<u64>,
    /// Words on legs that have had one, or that there are not.
    surplus: usize,
    /// Answers to give to the next session that opens.
    kept: Vec<(TransId, Response)>,
}

impl Core {
    pub(crate) fn new(mapper: Mapper) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            mapper: Arc::new(mapper),
            numbers: AtomicU64::new(1),
            state: Mutex::default(),
            happened: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn record(&self, event: Event) {
        self.lock().events.push_back(event);
        self.happened.notify_waiters();
    }

    /// The first event that `pick` takes; it gives back what it does not want. Nothing where none comes in time.
    pub(crate) async fn wait<T>(
        &self,
        within: Duration,
        mut pick: impl FnMut(Event) -> Result<T, Event>,
    ) -> Option<T> {
        let found = async {
            loop {
                let happened = self.happened.notified();
                tokio::pin!(happened);
                happened.as_mut().enable();
                if let Some(found) = self.pick(&mut pick) {
                    return found;
                }
                happened.await;
            }
        };
        tokio::time::timeout(within, found).await.ok()
    }

    fn pick<T>(&self, pick: &mut impl FnMut(Event) -> Result<T, Event>) -> Option<T> {
        let mut state = self.lock();
        let (mut passed_over, mut found) = (VecDeque::new(), None);
        while let Some(event) = state.events.pop_front() {
            match pick(event) {
                Ok(taken) => {
                    found = Some(taken);
                    break;
                }
                Err(event) => passed_over.push_back(event),
            }
        }
        passed_over.append(&mut state.events);
        state.events = passed_over;
        found
    }

    /// Gives an answer; says under which number its receipt comes back, or that nobody is there to take it.
    pub(crate) fn answer(&self, submission: Submission, response: Response) -> Result<u64, NobodyThere> {
        let number = self.number();
        let Some(this) = self.this.upgrade() else { return Err(NobodyThere) };
        let answer = Answer {
            trans_id: submission.arrival.trans_id,
            response,
            receipt: Some(Receipt::new(this, number)),
        };
        match submission.slot.give(answer) {
            true => Ok(number),
            false => Err(NobodyThere),
        }
    }

    /// Keeps an answer for the next connection.
    pub(crate) fn keep(&self, trans_id: TransId, response: Response) {
        self.lock().kept.push((trans_id, response));
    }

    /// From now on the journal is slow, or is not: what is handed in is accepted when a case says so.
    pub(crate) fn hold(&self, holds: bool) {
        self.lock().holds = holds;
    }

    /// How many connections are announced.
    pub(crate) fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Whether any event is of this kind.
    pub(crate) fn count(&self, is: impl FnMut(&&Event) -> bool) -> usize {
        self.lock().events.iter().filter(is).count()
    }

    /// The next operation that is handed in.
    pub(crate) async fn submitted(&self, within: Duration) -> Option<Submission> {
        self.wait(within, |event| match event {
            Event::Submitted(submission) => Ok(*submission),
            other => Err(other),
        })
        .await
    }

    /// A leg is on its way: one word on it is to come.
    pub(crate) fn departs(&self, leg: u64) {
        self.lock().open.insert(leg);
    }

    /// A leg has its outcome: no word is to come.
    pub(crate) fn is_settled(&self, leg: u64) {
        self.lock().open.remove(&leg);
    }

    /// How many words came on legs that had one, or that there are not.
    pub(crate) fn surplus(&self) -> usize {
        self.lock().surplus
    }

    /// A word on this leg.
    pub(crate) async fn word(&self, leg: u64, within: Duration) -> Option<Word> {
        self.wait(within, |event| match event {
            Event::Reported(Report { leg: LegRef::Number(number), word }) if number == leg => Ok(word),
            other => Err(other),
        })
        .await
    }
}

impl Exchange for Core {
    fn open(&self, facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64 {
        let number = self.number();
        let kept = std::mem::take(&mut self.lock().kept);
        for (trans_id, response) in kept {
            let Some(this) = self.this.upgrade() else { break };
            let receipt = Some(Receipt::new(this, self.number()));
            // Whoever takes none says so by the receipt, which is dropped then.
            drop(answers.try_send(Answer { trans_id, response, receipt }));
        }
        self.lock().sessions.push((number, facts, answers));
        number
    }

    fn close(&self, session: u64) {
        self.lock().sessions.retain(|(number, ..)| *number != session);
        self.happened.notify_waiters();
    }

    /// Everything is accepted at once, unless a case holds it up; the answer comes when a case gives it.
    fn submit(&self, session: u64, arrival: Arrival, mut slot: AnswerSlot) {
        if !self.lock().holds {
            slot.accepted();
        }
        let facts = self
            .lock()
            .sessions
            .iter()
            .find(|(number, ..)| *number == session)
            .map(|(_, facts, _)| facts.clone());
        self.record(Event::Submitted(Box::new(Submission { arrival, facts, slot })));
    }

    fn report(&self, report: Report) {
        if let LegRef::Number(leg) = &report.leg {
            let mut state = self.lock();
            if !state.open.remove(leg) {
                state.surplus += 1;
            }
        }
        self.record(Event::Reported(report));
    }

    fn observed(&self, observation: Observation) {
        self.record(Event::Observed(Box::new(observation)));
    }

    fn receipt(&self, number: u64, handed_over: bool) {
        self.record(Event::Receipt { number, handed_over });
    }

    fn mapper(&self) -> Arc<Mapper> {
        Arc::clone(&self.mapper)
    }
}
