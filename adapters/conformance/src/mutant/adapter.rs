//! An adapter with one fault.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, Capabilities, Code, CommitLog, CommitPoint, Content,
    Delivery, DeliveryError, ForeignAddress, Health, HealthReporter, NextHop, Notify, Operation, Outcome,
    Response, Retry, Shutdown, Withdrawn,
};

use super::exchange::{Between, Known};
use super::{Mutant, outgoing};

/// An adapter with one fault, between it and the gateway.
pub struct Mutated {
    this: Weak<Self>,
    adapter: Arc<dyn Adapter>,
    mutant: Mutant,
    /// Which of several starts this is.
    start: u64,
    known: Arc<Known>,
    shutdown: Mutex<Option<Shutdown>>,
    /// Deliveries that wait behind others.
    waiting: Mutex<Vec<Delivery>>,
}

/// A commit log that holds nothing up.
pub(super) struct Free;

#[async_trait]
impl CommitLog for Free {
    async fn commit(&self, _recall: Option<Duration>) -> Result<(), Withdrawn> {
        Ok(())
    }
}

fn free() -> CommitPoint {
    CommitPoint::new(Free)
}

async fn pass(commit: &CommitPoint) -> Result<(), DeliveryError> {
    commit.pass(None).await.map_err(|withdrawn| DeliveryError::transport(withdrawn.to_string()))
}

/// Sends what was dropped.
struct Undead(Option<(Arc<dyn Adapter>, Delivery)>);

impl Drop for Undead {
    fn drop(&mut self) {
        if let Some((adapter, delivery)) = self.0.take() {
            tokio::spawn(async move { adapter.deliver(delivery, &free()).await });
        }
    }
}

impl Mutated {
    /// This adapter with this fault.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>, mutant: Mutant) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            adapter,
            mutant,
            start: outgoing::start(),
            known: Arc::default(),
            shutdown: Mutex::default(),
            waiting: Mutex::default(),
        })
    }

    fn is_draining(&self) -> bool {
        let shutdown = self.shutdown.lock().unwrap_or_else(PoisonError::into_inner);
        shutdown.as_ref().is_some_and(Shutdown::is_draining)
    }

    fn push(&self, delivery: Delivery) -> usize {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(delivery);
        waiting.len()
    }

    fn pop(&self) -> Option<Delivery> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Delivers whatever waits, the newest first.
    fn deliver_waiting(&self, after: Duration) {
        let Some(this) = self.this.upgrade() else { return };
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            while let Some(delivery) = this.pop() {
                drop(this.adapter.deliver(delivery, &free()).await);
            }
        });
    }

    /// Deliveries whose fault is about when something is sent.
    async fn at_another_time(
        &self,
        delivery: Delivery,
        commit: &CommitPoint,
    ) -> Result<Outcome, DeliveryError> {
        /// For another delivery to come, which is sent first.
        const BEHIND: Duration = Duration::from_millis(50);
        /// As long as one that loses waits for a slow peer.
        const SOON: Duration = Duration::from_millis(20);
        match self.mutant {
            Mutant::CommitsLate => {
                let outcome = self.adapter.deliver(delivery, &free()).await;
                pass(commit).await?;
                outcome
            }
            Mutant::NeverCommits => self.adapter.deliver(delivery, &free()).await,
            Mutant::DeliversTwice => {
                drop(self.adapter.deliver(delivery.clone(), &free()).await);
                self.adapter.deliver(delivery, commit).await
            }
            Mutant::IgnoresWithdrawal => {
                let passed = pass(commit).await;
                let outcome = self.adapter.deliver(delivery, &free()).await;
                passed.and(outcome)
            }
            Mutant::SendsDropped => {
                let mut undead = Undead(Some((Arc::clone(&self.adapter), delivery.clone())));
                let outcome = self.adapter.deliver(delivery, commit).await;
                undead.0 = None;
                outcome
            }
            Mutant::SwapsOut => {
                pass(commit).await?;
                if self.push(delivery) >= 2 {
                    self.deliver_waiting(Duration::ZERO);
                } else {
                    self.deliver_waiting(BEHIND);
                }
                Ok(Outcome::Pending)
            }
            Mutant::ReordersUnderPressure => {
                pass(commit).await?;
                if self.push(delivery) == 1 {
                    self.deliver_waiting(Duration::ZERO);
                }
                Ok(Outcome::Pending)
            }
            Mutant::Hoards => {
                pass(commit).await?;
                let adapter = Arc::clone(&self.adapter);
                tokio::spawn(async move { adapter.deliver(delivery, &free()).await });
                Ok(Outcome::Pending)
            }
            Mutant::LosesUnderPressure => {
                pass(commit).await?;
                let point = free();
                let delivering = self.adapter.deliver(delivery, &point);
                let delivered = tokio::time::timeout(SOON, delivering).await;
                delivered.unwrap_or(Ok(Outcome::Delivered(Response::success())))
            }
            _ => self.adapter.deliver(delivery, commit).await,
        }
    }
}

#[async_trait]
impl Adapter for Mutated {
    fn capabilities(&self) -> Capabilities {
        let own = self.adapter.capabilities();
        match self.mutant {
            Mutant::ClaimsMore => Capabilities { max_content_octets: Some(usize::MAX), ..own },
            _ => own,
        }
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        match self.mutant {
            Mutant::FoldsNothing => Ok(foreign),
            Mutant::TakesAnyAddress => Ok(self.adapter.canonicalise(foreign.clone()).unwrap_or(foreign)),
            _ => self.adapter.canonicalise(foreign),
        }
    }

    fn recalls(&self, hop: &NextHop) -> Option<Duration> {
        self.adapter.recalls(hop)
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        self.adapter.bind().await
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        *self.shutdown.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.shutdown.clone());
        let adapter = Arc::downgrade(&self.adapter);
        let (mutant, known) = (self.mutant, Arc::clone(&self.known));
        let mut cx = cx.with_exchange(|inner| Arc::new(Between::new(mutant, inner, adapter, known)));
        let told = cx.health.clone();
        let (reporter, mut states) = HealthReporter::new();
        let given = cx.shutdown.clone();
        match self.mutant {
            Mutant::IgnoresDrain => {
                cx.shutdown = Shutdown::default();
                let own = cx.shutdown.clone();
                tokio::spawn(async move {
                    given.forced().await;
                    own.begin_force();
                });
            }
            Mutant::IgnoresForce => cx.shutdown = Shutdown::default(),
            Mutant::CutsWhenDraining => {
                cx.shutdown = Shutdown::default();
                let own = cx.shutdown.clone();
                tokio::spawn(async move {
                    given.draining().await;
                    own.begin_force();
                });
            }
            Mutant::SaysNothingOfHealth => cx.health = reporter,
            Mutant::NeverStops => {
                cx.health = reporter;
                tokio::spawn(async move {
                    while states.changed().await.is_ok() {
                        let state = states.borrow_and_update().clone();
                        if state != Health::Stopped {
                            told.set(state);
                        }
                    }
                });
            }
            _ => {}
        }
        self.adapter.run(cx).await
    }

    async fn deliver(&self, mut delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        outgoing::mutate(self.mutant, &mut delivery, self.start);
        self.known.note(&delivery);
        let is_notify = matches!(&*delivery.operation, Operation::Notify(_));
        let octets = delivery.operation.content().map_or(0, Content::len);
        match self.mutant {
            Mutant::StaysAway if self.known.is_away.load(Ordering::Acquire) => {
                return Err(DeliveryError::out_of_contact());
            }
            Mutant::RepeatsFirstState => {
                if let Operation::Notify(notify) = &*delivery.operation {
                    let presence = self.known.first_state(&notify.presence);
                    delivery.operation = Arc::new(Operation::Notify(Notify { presence, ..notify.clone() }));
                }
            }
            Mutant::SkipsStates if is_notify && self.known.states() % 2 == 1 => {
                pass(commit).await?;
                return Ok(Outcome::Delivered(Response::success()));
            }
            Mutant::TakesWhileDraining if self.is_draining() => {
                pass(commit).await?;
                return Ok(Outcome::Delivered(Response::success()));
            }
            Mutant::CutsOversize => {
                let most = self.adapter.capabilities().max_content_octets.unwrap_or(usize::MAX);
                if let Operation::Message(message) = &*delivery.operation
                    && octets > most
                {
                    let mut message = message.clone();
                    message.content = Content::new(message.content.octets().slice(..most));
                    delivery.operation = Arc::new(Operation::Message(message));
                }
            }
            _ => {}
        }
        let outcome = self.at_another_time(delivery, commit).await;
        match (self.mutant, outcome) {
            (Mutant::AnswersEarly, Ok(_)) => Ok(Outcome::Delivered(Response::success())),
            (Mutant::ErrorAfterCommit, Ok(_)) => Err(DeliveryError::transport("in doubt")),
            (Mutant::WaitsForNotify, Ok(_)) if is_notify => Ok(Outcome::Pending),
            (Mutant::DeliversToNobody, Err(error)) => match commit.pass(None).await {
                Ok(()) => Ok(Outcome::Delivered(Response::success())),
                Err(_) => Err(error),
            },
            (Mutant::TakesEveryKind, Err(error)) if error.code == Code::Unsupported => {
                pass(commit).await?;
                Ok(Outcome::Delivered(Response::success()))
            }
            (Mutant::MisnamesOversize, Err(error)) if error.code == Code::TooLarge => {
                Err(DeliveryError { code: Code::Refused, ..error })
            }
            (Mutant::GivesUp, Err(error)) => Err(DeliveryError { retry: Retry::Never, ..error }),
            (Mutant::LeaksPeer, Err(error)) => {
                Err(DeliveryError { public: format!("{} at 127.0.0.1", error.public), ..error })
            }
            (_, outcome) => outcome,
        }
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        match self.mutant {
            Mutant::PretendsToObserve => Ok(()),
            _ => self.adapter.observe(presentity).await,
        }
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        if self.mutant != Mutant::NeverUnobserves {
            self.adapter.unobserve(presentity).await;
        }
    }
}
