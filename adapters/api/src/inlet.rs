//! The way in: how an adapter hands operations to the gateway, and gets their answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::kept::{KeptLimits, Shelf};
use crate::{
    Address, Authority, Domain, Mapper, Memory, MemoryError, Observation, Operation, OperationId, Response,
    Scope, Standing, TransId,
};

/// An operation as it arrived, with what its sender said about it. What of that is believed is policy.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What arrived.
    pub operation: Operation,
    /// What a retransmission is recognised by, and the answer is told with.
    pub trans_id: TransId,
    /// Hops that were left (RFC 3860 section 3.4.2).
    pub hops: Option<u8>,
    /// Relay domains that it says it has crossed.
    pub via: Vec<Domain>,
    /// The name that it says it has.
    pub id: Option<OperationId>,
    /// For how long its sender still waits.
    pub wait: Option<Duration>,
    /// How well its sender says the source is known.
    pub standing: Option<Standing>,
    /// Of a subscribe: it holds for as long as the connection that it came on, or until it is ended; the
    /// gateway renews it. For protocols whose watchers name no duration.
    pub held: bool,
}

/// What the gateway must know of a connection: who it is, and what it is reached at.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// What it may say.
    pub authority: Arc<Authority>,
    /// What is delivered to it.
    pub serves: Vec<Scope>,
    /// It is a domain's home server or a peer gateway, not the principal itself.
    pub home: bool,
}

/// The gateway as its adapters see it. Every method returns at once.
pub trait Exchange: Send + Sync {
    /// A connection is there. Answers kept for its owners are given to `answers`.
    fn open(&self, facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64;
    /// Somebody is there for what he brings, and for its answers alone: nothing that was kept is given to him, nobody is
    /// looked for at him, and nothing changes for anybody by his coming and going.
    fn open_briefly(&self, facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64 {
        self.open(facts, answers)
    }
    /// The connection is gone.
    fn close(&self, session: u64);
    /// An operation arrived on a connection; `slot` takes its answer.
    fn submit(&self, session: u64, arrival: Arrival, slot: AnswerSlot);
    /// A word on a leg that was pending.
    fn report(&self, report: Report);
    /// The same; `done` is told once what it changes is durable, at once where it changes nothing, and dropped
    /// where it cannot be written.
    fn report_and_tell(&self, report: Report, done: oneshot::Sender<()>) {
        self.report(report);
        // Whoever does not wait any more need not be told.
        let _gone = done.send(());
    }
    /// The presence of a presentity that the adapter observes.
    fn observed(&self, observation: Observation);
    /// An answer is on its way, and whether it was handed over is told later.
    fn departed(&self, _number: u64) {}
    /// An answer was handed over, or could not be.
    fn receipt(&self, number: u64, handed_over: bool);
    /// Somebody new is at an address: whatever was said by whoever had it before ends. `done` is told once that is
    /// durable, and dropped where it cannot be written.
    fn newcomer(&self, _address: &Address, done: oneshot::Sender<()>) {
        // Whoever does not wait any more need not be told.
        let _gone = done.send(());
    }
    /// Addresses as this gateway reads them.
    fn mapper(&self) -> Arc<Mapper>;
}

/// What an adapter is given when it runs.
#[derive(Clone)]
pub struct AdapterContext {
    exchange: Arc<dyn Exchange>,
    /// Its health, for whoever looks at the gateway.
    pub health: HealthReporter,
    /// What it must still know after a restart.
    pub memory: Arc<dyn Memory>,
    /// Where it keeps what its protocol cannot show.
    pub kept: Arc<Shelf>,
    /// When to stop.
    pub shutdown: Shutdown,
}

impl AdapterContext {
    /// A context on this exchange, with a shelf of its own in this memory.
    #[must_use]
    pub fn new(
        exchange: Arc<dyn Exchange>,
        memory: Arc<dyn Memory>,
        health: HealthReporter,
        shutdown: Shutdown,
    ) -> Self {
        let kept = Arc::new(Shelf::new(Arc::clone(&memory), KeptLimits::default()));
        Self { exchange, health, memory, kept, shutdown }
    }

    /// With a shelf that it shares with others, so that they share its limits.
    #[must_use]
    pub fn with_shelf(mut self, kept: Arc<Shelf>) -> Self {
        self.kept = kept;
        self
    }

    /// With something between the adapter and its gateway: for whoever wraps an adapter.
    #[must_use]
    pub fn with_exchange(mut self, wrap: impl FnOnce(Arc<dyn Exchange>) -> Arc<dyn Exchange>) -> Self {
        self.exchange = wrap(self.exchange);
        self
    }

    /// Announces a connection. `capacity` bounds the operations on it that wait for their answer.
    #[must_use]
    pub fn open(&self, facts: SessionFacts, capacity: usize) -> (Inlet, mpsc::Receiver<Answer>) {
        let (sender, answers) = mpsc::channel(capacity.max(1));
        let session = self.exchange.open(facts, sender.clone());
        (Inlet { exchange: Arc::clone(&self.exchange), session, sender }, answers)
    }

    /// Announces whoever brings something in a protocol whose connections are nobody's, as those of mail: for as long as
    /// the inlet lasts, he has these answers and no others. He serves nothing.
    #[must_use]
    pub fn open_briefly(&self, authority: Arc<Authority>, answers: &mpsc::Sender<Answer>) -> Inlet {
        let facts = SessionFacts { authority, serves: Vec::new(), home: false };
        let session = self.exchange.open_briefly(facts, answers.clone());
        Inlet { exchange: Arc::clone(&self.exchange), session, sender: answers.clone() }
    }

    /// Tells what became of a leg.
    pub fn report(&self, report: Report) {
        self.exchange.report(report);
    }

    /// Tells what became of a leg. `true` once that is durable, or where it changes nothing; `false`: it could not
    /// be written, and is to be told again. For reports that their sender may forget once they are taken.
    ///
    /// # Cancel safety
    /// Cancelled, the report was made.
    pub async fn reported(&self, report: Report) -> bool {
        let (done, is_done) = oneshot::channel();
        self.exchange.report_and_tell(report, done);
        is_done.await.is_ok()
    }

    /// Tells the presence of a presentity that is observed (see [`crate::Adapter::observe`]).
    pub fn observed(&self, observation: Observation) {
        self.exchange.observed(observation);
    }

    /// Says that somebody new is at an address, of which nothing but the address is the same: the rules and the
    /// presence that were set from there, the subscriptions that were made and the content that was kept are another's,
    /// and end. For protocols in which names change hands; said before the newcomer can say or be told anything.
    /// Subscriptions *to* the address stay: they are for whoever is there.
    ///
    /// # Errors
    /// [`MemoryError`] where it cannot be written down at present; some of it may have ended.
    ///
    /// # Cancel safety
    /// Cancelled, some of it may go on.
    pub async fn newcomer(&self, address: &Address) -> Result<(), MemoryError> {
        for line in self.kept.of(address).await? {
            self.kept.forget(&line.id).await?;
        }
        let (done, is_done) = oneshot::channel();
        self.exchange.newcomer(address, done);
        is_done.await.map_err(|_| MemoryError::Store("what was said before cannot be ended".to_owned()))
    }

    /// Addresses as this gateway reads them: own relay domains leniently, others strictly.
    #[must_use]
    pub fn mapper(&self) -> Arc<Mapper> {
        self.exchange.mapper()
    }
}

/// One connection's bounded way in. Dropped, the connection counts as gone.
///
/// The place an operation takes is the place its answer will need: an operation is taken only where its
/// answer has room, so answers never wait, and two sides that flood each other cannot block each other.
pub struct Inlet {
    exchange: Arc<dyn Exchange>,
    session: u64,
    sender: mpsc::Sender<Answer>,
}

impl Inlet {
    /// A place, where there is one; for protocols whose peers are told `busy`.
    #[must_use]
    pub fn try_reserve(&self) -> Option<Place> {
        self.sender.clone().try_reserve_owned().ok().map(|permit| self.place(permit))
    }

    /// A place, as soon as there is one; taken before the next unit is read off the wire, where the
    /// peer can be paced. Nothing where the receiver of answers is gone.
    ///
    /// # Cancel safety
    /// Cancelled, no place is taken.
    pub async fn reserve(&self) -> Option<Place> {
        self.sender.clone().reserve_owned().await.ok().map(|permit| self.place(permit))
    }

    fn place(&self, permit: mpsc::OwnedPermit<Answer>) -> Place {
        Place {
            exchange: Arc::clone(&self.exchange),
            session: self.session,
            slot: AnswerSlot::new(self.sender.clone(), permit),
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.exchange.close(self.session);
    }
}

/// Room for one operation and its answer.
pub struct Place {
    exchange: Arc<dyn Exchange>,
    session: u64,
    slot: AnswerSlot,
}

impl Place {
    /// Hands the operation over. Its answer comes on the connection's receiver; never for a notify.
    pub fn submit(self, arrival: Arrival) {
        self.exchange.submit(self.session, arrival, self.slot);
    }

    /// As [`Self::submit`], for protocols that tell a sender what his message is called. Nothing where it is not taken for
    /// one, or not at once.
    #[must_use]
    pub fn submit_named(mut self, arrival: Arrival) -> Option<OperationId> {
        let (sender, mut name) = oneshot::channel();
        self.slot.name = Some(sender);
        self.submit(arrival);
        name.try_recv().ok()
    }

    /// As [`Self::submit`], for protocols that say when they have taken responsibility, not only what came of it.
    ///
    /// The receiver resolves once the operation is durably accepted, or is known to have been before. An operation
    /// that is answered unaccepted closes it, and so does whatever keeps it from being accepted at all.
    #[must_use]
    pub fn submit_noticed(mut self, arrival: Arrival) -> oneshot::Receiver<()> {
        let (sender, accepted) = oneshot::channel();
        self.slot.notice = Some(sender);
        self.submit(arrival);
        accepted
    }
}

/// Where one answer goes. Dropped unused, its place is free again.
pub struct AnswerSlot {
    to: mpsc::Sender<Answer>,
    permit: mpsc::OwnedPermit<Answer>,
    notice: Option<oneshot::Sender<()>>,
    name: Option<oneshot::Sender<OperationId>>,
    /// Whoever sent it was told that it is accepted.
    was_told: bool,
}

impl AnswerSlot {
    /// The place that a permit of this channel stands for.
    #[must_use]
    pub fn new(to: mpsc::Sender<Answer>, permit: mpsc::OwnedPermit<Answer>) -> Self {
        Self { to, permit, notice: None, name: None, was_told: false }
    }

    /// This place, with what another is to be told meanwhile: for whoever wraps an adapter, and gives the gateway a place of his own.
    #[must_use]
    pub fn with_notice_of(mut self, other: &mut Self) -> Self {
        self.notice = other.notice.take();
        self.name = other.name.take();
        self.was_told = other.was_told;
        self
    }

    /// Whether somebody is there to take an answer.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.to.is_closed()
    }

    /// Tells whoever wants to know what the operation is called.
    pub fn named(&mut self, name: &OperationId) {
        if let Some(wants) = self.name.take() {
            // Whoever asked may have stopped waiting.
            let _gone = wants.send(name.clone());
        }
    }

    /// Tells whoever wants to know that the operation is durably accepted.
    pub fn accepted(&mut self) {
        // Whoever asked may have stopped waiting.
        if let Some(notice) = self.notice.take() {
            let _gone = notice.send(());
            self.was_told = true;
        }
    }

    /// Whether its sender waits for the answer: one who was told that the gateway has taken responsibility does not.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        !self.was_told
    }

    /// Gives the answer. `false`: nobody is there to take it any more, and its receipt says so at once; left in
    /// the channel, it would say so only when the last place in it is given back.
    #[must_use]
    pub fn give(self, answer: Answer) -> bool {
        self.is_open() && !self.permit.send(answer).is_closed()
    }
}

impl fmt::Debug for AnswerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerSlot")
    }
}

/// The answer to an operation, on its way to whoever sent it.
#[derive(Debug)]
pub struct Answer {
    /// The operation's transID on that leg.
    pub trans_id: TransId,
    /// What became of it.
    pub response: Response,
    /// What to say once it was handed over; absent where nothing is kept of it.
    pub receipt: Option<Receipt>,
}

/// Says whether an answer was handed over. Dropped unsaid, it was not, and the answer is kept for its
/// owner's next connection.
pub struct Receipt {
    /// Absent once it is said.
    exchange: Option<Arc<dyn Exchange>>,
    number: u64,
}

impl Receipt {
    /// A receipt for the answer to operation `number`.
    #[must_use]
    pub fn new(exchange: Arc<dyn Exchange>, number: u64) -> Self {
        Self { exchange: Some(exchange), number }
    }

    /// The answer is on its way: whatever its asker is sent from now on comes behind it. For an adapter that learns
    /// later than this whether it was handed over; who knows both at once need not say it.
    pub fn departed(&self) {
        if let Some(exchange) = &self.exchange {
            exchange.departed(self.number);
        }
    }

    /// The answer was handed over.
    pub fn handed_over(mut self) {
        self.say(true);
    }

    fn say(&mut self, handed_over: bool) {
        if let Some(exchange) = self.exchange.take() {
            exchange.receipt(self.number, handed_over);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.say(false);
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({})", self.number)
    }
}

/// A word on a leg that was pending.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which leg.
    pub leg: LegRef,
    /// What is known of it now.
    pub word: Word,
}

/// How a report names its leg.
#[derive(Clone, Debug)]
pub enum LegRef {
    /// By the number it was delivered with.
    Number(u64),
    /// By its transID, from somebody who may answer for its destination: a response that came on a later
    /// connection, or after a restart.
    Stray {
        /// The transID that was answered.
        trans_id: TransId,
        /// Who answered.
        authority: Arc<Authority>,
    },
}

/// What is known of a leg.
#[derive(Clone, Debug)]
pub enum Word {
    /// The far side answered.
    Answered(Response),
    /// The connection ended with no octet of it sent: the commit point counts as not passed.
    NotSent,
    /// The connection ended, and nobody knows.
    Unknown,
}

/// An adapter's health, as a stream of states.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Health {
    /// Not up yet.
    #[default]
    Starting,
    /// All is well.
    Up,
    /// Working, with this trouble.
    Degraded(String),
    /// Stopped in order.
    Stopped,
    /// Not working, for this reason.
    Down(String),
}

/// Tells an adapter's health.
#[derive(Clone, Debug)]
pub struct HealthReporter(Arc<watch::Sender<Health>>);

impl HealthReporter {
    /// A reporter, and where its states are seen.
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<Health>) {
        let (sender, receiver) = watch::channel(Health::Starting);
        (Self(Arc::new(sender)), receiver)
    }

    /// The state from now on.
    pub fn set(&self, health: Health) {
        self.0.send_replace(health);
    }
}

/// When to stop: first drain, then at once. Cloning copies a pointer.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<Stops>);

/// Behind one pointer, because to clone a token is to take a lock, and contexts are cloned often.
#[derive(Debug, Default)]
struct Stops {
    drain: CancellationToken,
    force: CancellationToken,
}

impl Shutdown {
    /// Nothing new is to be started; what is open may finish.
    pub fn begin_drain(&self) {
        self.0.drain.cancel();
    }

    /// Everything ends now.
    pub fn begin_force(&self) {
        self.0.drain.cancel();
        self.0.force.cancel();
    }

    /// Resolves when draining begins. Cancel safe.
    pub async fn draining(&self) {
        self.0.drain.cancelled().await;
    }

    /// Resolves when everything is to end. Cancel safe.
    pub async fn forced(&self) {
        self.0.force.cancelled().await;
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.drain.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asked_for_the_acceptance_and_was_told_waits_no_more() {
        let (to, _answers) = mpsc::channel(1);
        let mut slot = AnswerSlot::new(to.clone(), to.reserve_owned().await.unwrap());
        slot.accepted();
        assert!(slot.is_awaited(), "he did not ask");
        let (notice, accepted) = oneshot::channel();
        slot.notice = Some(notice);
        slot.accepted();
        accepted.await.unwrap();
        assert!(!slot.is_awaited());
    }
}
