//! A gateway that records what it is told, and answers as it was told to.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Answer, AnswerSlot, Arrival, CommitLog, CommitPoint, Domain, Exchange, LegRef, Mapper, Observation,
    Receipt, Report, Response, Selectors, SessionFacts, Withdrawn, Word,
};
use tokio::sync::{Notify, mpsc};

/// What to do with an operation.
pub(crate) enum Verdict {
    /// Answer at once.
    Answer(Response),
    /// Keep the slot; it is answered by [`Gateway::answer`].
    Hold,
}

type Judge = Box<dyn Fn(&Arrival) -> Verdict + Send + Sync>;

/// The recording gateway.
pub(crate) struct Gateway {
    judge: Judge,
    mapper: Arc<Mapper>,
    numbers: AtomicU64,
    /// What happened and was not yet looked at.
    seen: Mutex<VecDeque<Seen>>,
    happened: Notify,
    held: Mutex<Vec<(Arrival, AnswerSlot)>>,
    /// Answers to give to every session that opens.
    pub(crate) kept: Mutex<Vec<(String, Response)>>,
}

/// Something that the adapter told.
#[derive(Debug)]
pub(crate) enum Seen {
    Opened(u64, SessionFacts),
    Closed(u64),
    Submitted(Box<Arrival>),
    Reported(Report),
    Receipt(bool),
}

impl Gateway {
    pub(crate) fn new(relay: &str, judge: impl Fn(&Arrival) -> Verdict + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            judge: Box::new(judge),
            mapper: Arc::new(Mapper::new(Domain::parse(relay).unwrap(), Selectors::default())),
            numbers: AtomicU64::new(0),
            seen: Mutex::default(),
            happened: Notify::new(),
            held: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    fn record(&self, seen: Seen) {
        self.seen.lock().unwrap().push_back(seen);
        self.happened.notify_waiters();
    }

    /// The first thing that `pick` wants, waiting for it; what it does not want stays.
    pub(crate) async fn wait<T>(&self, what: &str, mut pick: impl FnMut(&Seen) -> Option<T>) -> T {
        let found = async {
            loop {
                let happened = self.happened.notified();
                tokio::pin!(happened);
                happened.as_mut().enable();
                {
                    let mut seen = self.seen.lock().unwrap();
                    if let Some((at, found)) =
                        seen.iter().enumerate().find_map(|(at, seen)| Some((at, pick(seen)?)))
                    {
                        seen.remove(at);
                        return found;
                    }
                }
                happened.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(100), found).await {
            Ok(found) => found,
            Err(_) => panic!("never happened: {what}; but {:#?}", self.seen.lock().unwrap()),
        }
    }

    /// Whether something like it has happened already.
    pub(crate) fn has(&self, is: impl FnMut(&Seen) -> bool) -> bool {
        self.seen.lock().unwrap().iter().any(is)
    }

    pub(crate) async fn opened(&self) -> (u64, SessionFacts) {
        self.wait("open", |seen| match seen {
            Seen::Opened(number, facts) => Some((*number, facts.clone())),
            _ => None,
        })
        .await
    }

    pub(crate) async fn closed(&self, session: u64) {
        self.wait("close", |seen| matches!(seen, Seen::Closed(number) if *number == session).then_some(()))
            .await;
    }

    pub(crate) async fn submitted(&self) -> Arrival {
        self.wait("submit", |seen| match seen {
            Seen::Submitted(arrival) => Some(Arrival::clone(arrival)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn receipt(&self) -> bool {
        self.wait("receipt", |seen| match seen {
            Seen::Receipt(handed_over) => Some(*handed_over),
            _ => None,
        })
        .await
    }

    /// What is reported of a leg.
    pub(crate) async fn word(&self, leg: u64) -> Word {
        self.wait(&format!("report of {leg}"), |seen| match seen {
            Seen::Reported(Report { leg: LegRef::Number(number), word }) if *number == leg => {
                Some(word.clone())
            }
            _ => None,
        })
        .await
    }

    /// Answers the operation that was held longest.
    pub(crate) fn answer(self: &Arc<Self>, response: Response) {
        let (arrival, slot) = self.held.lock().unwrap().remove(0);
        assert!(self.give(&arrival, slot, response), "nobody takes the answer");
    }

    pub(crate) fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    fn give(self: &Arc<Self>, arrival: &Arrival, slot: AnswerSlot, response: Response) -> bool {
        let receipt = Receipt::new(self.clone(), self.numbers.fetch_add(1, Ordering::Relaxed));
        slot.give(Answer { trans_id: arrival.trans_id.clone(), response, receipt: Some(receipt) })
    }
}

/// The gateway as the adapter has it. (The trait has no way to its own reference count.)
pub(crate) struct Desk(pub(crate) Arc<Gateway>);

impl Exchange for Desk {
    fn open(&self, facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64 {
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        for (trans_id, response) in self.0.kept.lock().unwrap().drain(..) {
            let receipt = Receipt::new(self.0.clone(), self.0.numbers.fetch_add(1, Ordering::Relaxed));
            let trans_id = trans_id.parse().unwrap();
            answers.try_send(Answer { trans_id, response, receipt: Some(receipt) }).unwrap();
        }
        self.0.record(Seen::Opened(number, facts));
        number
    }

    fn close(&self, session: u64) {
        self.0.record(Seen::Closed(session));
    }

    fn submit(&self, _: u64, arrival: Arrival, slot: AnswerSlot) {
        let verdict = (self.0.judge)(&arrival);
        self.0.record(Seen::Submitted(Box::new(arrival.clone())));
        match verdict {
            Verdict::Answer(response) => {
                self.0.give(&arrival, slot, response);
            }
            Verdict::Hold => self.0.held.lock().unwrap().push((arrival, slot)),
        }
    }

    fn report(&self, report: Report) {
        self.0.record(Seen::Reported(report));
    }

    fn observed(&self, _: Observation) {
        panic!("the native adapter observes nobody")
    }

    fn receipt(&self, _: u64, handed_over: bool) {
        self.0.record(Seen::Receipt(handed_over));
    }

    fn mapper(&self) -> Arc<Mapper> {
        Arc::clone(&self.0.mapper)
    }
}

/// As [`Desk`], for receipts.
impl Exchange for Gateway {
    fn open(&self, _: SessionFacts, _: mpsc::Sender<Answer>) -> u64 {
        panic!("only receipts come here")
    }

    fn close(&self, _: u64) {}

    fn submit(&self, _: u64, _: Arrival, _: AnswerSlot) {
        panic!("only receipts come here")
    }

    fn report(&self, _: Report) {}

    fn observed(&self, _: Observation) {}

    fn receipt(&self, _: u64, handed_over: bool) {
        self.record(Seen::Receipt(handed_over));
    }

    fn mapper(&self) -> Arc<Mapper> {
        Arc::clone(&self.mapper)
    }
}

/// A commit log that notes the recall it was given.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<Option<Duration>>>>);

#[async_trait]
impl CommitLog for Log {
    async fn commit(&self, recall: Option<Duration>) -> Result<(), Withdrawn> {
        self.0.lock().unwrap().push(recall);
        Ok(())
    }
}

pub(crate) fn commit_point() -> (CommitPoint, Log) {
    let log = Log::default();
    (CommitPoint::new(log.clone()), log)
}
