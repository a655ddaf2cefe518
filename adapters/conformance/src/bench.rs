//! One adapter under test: running, with a gateway behind it and a peer in front of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    ALIAS_SPACE, Adapter, AdapterContext, AdapterError, Address, Content, Delivery, DeliveryError, Feature,
    Health, HealthReporter, ImUri, Kind, LegRef, Local, Memory, Message, Metadata, Operation, OperationId,
    Outcome, Passage, Report, Response, Shutdown, Standing, Support, TransId, Uri, VolatileMemory, Word,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::case::{Failed, ensure};
use crate::commit::Log;
use crate::core::{Core, Event, Submission};
use crate::run::Timing;
use crate::subject::{ForeignPeer, Notice, PeerError, Seen, Sent, Subject, Told, relay};

/// Everything of one case.
pub(crate) struct Bench {
    pub(crate) subject: Arc<dyn Subject>,
    pub(crate) core: Arc<Core>,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) peer: Box<dyn ForeignPeer>,
    pub(crate) shutdown: Shutdown,
    pub(crate) timing: Timing,
    memory: Arc<dyn Memory>,
    pub(crate) health: watch::Receiver<Health>,
    pub(crate) running: JoinHandle<Result<(), AdapterError>>,
    seen: VecDeque<Seen>,
    told: VecDeque<Told>,
    tags: u32,
}

/// A delivery on its way.
pub(crate) struct Leg {
    pub(crate) number: u64,
    pub(crate) trans_id: TransId,
    pub(crate) log: Log,
    pub(crate) task: JoinHandle<Result<Outcome, DeliveryError>>,
}

/// What became of a leg.
#[derive(Debug)]
pub(crate) enum End {
    /// Not accepted by the far side.
    Refused(DeliveryError),
    /// The far side answered.
    Answered(Response),
    /// Handed on, and no word will come.
    Delegated,
    /// The connection ended before an octet was sent.
    NotSent,
    /// The connection ended, and nobody knows.
    Unknown,
}

impl Bench {
    /// Starts the adapter; the peer has not arrived yet.
    pub(crate) async fn start(subject: Arc<dyn Subject>, timing: Timing) -> Result<Self, Failed> {
        Self::start_with(subject, timing, Arc::new(VolatileMemory::default())).await
    }

    /// As [`Self::start`], with what an adapter before it has noted.
    pub(crate) async fn start_with(
        subject: Arc<dyn Subject>,
        timing: Timing,
        memory: Arc<dyn Memory>,
    ) -> Result<Self, Failed> {
        let (adapter, peer) = subject.prepare().await?;
        let core = Core::new(subject.mapper());
        let shutdown = Shutdown::default();
        let (reporter, health) = HealthReporter::new();
        let exchange: Arc<Core> = Arc::clone(&core);
        let cx = AdapterContext::new(exchange, Arc::clone(&memory), reporter, shutdown.clone());
        let runs = Arc::clone(&adapter);
        let running = tokio::spawn(async move { runs.run(cx).await });
        let (seen, told) = (VecDeque::new(), VecDeque::new());
        Ok(Self {
            subject,
            core,
            adapter,
            peer,
            shutdown,
            timing,
            memory,
            health,
            running,
            seen,
            told,
            tags: 0,
        })
    }

    /// Ends it, whatever state it is in.
    pub(crate) async fn stop(mut self) {
        self.peer.leave().await;
        self.shutdown.begin_force();
        // Whether it stops when forced is a case of its own.
        if timeout(Duration::from_secs(1), &mut self.running).await.is_err() {
            self.running.abort();
        }
    }

    /// The peer comes into contact.
    pub(crate) async fn arrive(&mut self) -> Result<(), Failed> {
        let arriving = timeout(self.timing.patience, self.peer.arrive()).await;
        Ok(arriving.map_err(|_| Failed("the peer could not arrive in time".to_owned()))??)
    }

    pub(crate) fn supports(&self, feature: Feature) -> Support {
        self.subject.support(feature)
    }

    /// Whether a far side's answer is known.
    pub(crate) fn knows_outcomes(&self) -> bool {
        self.subject.knows_outcomes()
    }

    pub(crate) fn user(&self, number: u8) -> ImUri {
        self.subject.user(number)
    }

    /// A message from one of ours to one of the peer's users.
    pub(crate) fn message(&self, text: &str) -> Message {
        self.message_between(0, 0, text)
    }

    pub(crate) fn message_between(&self, ours: u8, theirs: u8, text: &str) -> Message {
        Message {
            source: ours_im(ours),
            destination: self.user(theirs),
            content: Content::text(text),
            metadata: Metadata::default(),
        }
    }

    pub(crate) fn delivery(&self, operation: Operation) -> Delivery {
        let leg = self.core.number();
        Delivery {
            leg,
            // Unpredictable enough to be told apart from the leg's number.
            trans_id: TransId::from_draw(u32::try_from(leg).unwrap_or_default().wrapping_mul(2_654_435)),
            hop: self.subject.hop(operation.goes_to()),
            operation: Arc::new(operation),
            passage: Passage {
                id: operation_id(&format!("kit-{leg}")),
                hops: 117,
                via: vec![relay()],
                wait: None,
            },
            standing: Standing::Verified,
            again: false,
            accepted_at: std::time::SystemTime::now(),
        }
    }

    /// Sends a delivery on its way.
    pub(crate) fn depart(&self, delivery: Delivery, log: Log) -> Leg {
        let (number, trans_id) = (delivery.leg, delivery.trans_id.clone());
        self.core.departs(number);
        let task = tokio::spawn(log.clone().deliver(Arc::clone(&self.adapter), delivery));
        Leg { number, trans_id, log, task }
    }

    pub(crate) fn deliver(&self, operation: impl Into<Op>) -> Leg {
        self.depart(self.delivery(operation.into().0), Log::open())
    }

    /// What became of a leg, in time.
    pub(crate) async fn end(&mut self, leg: Leg) -> Result<End, Failed> {
        let number = leg.number;
        self.end_within(leg, self.timing.patience)
            .await?
            .ok_or_else(|| Failed(format!("no outcome of leg {number}, and no report")))
    }

    /// What became of a leg; nothing where that is open after so long. The peer is read meanwhile.
    pub(crate) async fn end_within(&mut self, mut leg: Leg, within: Duration) -> Result<Option<End>, Failed> {
        let ended = timeout(within, self.meanwhile(&mut leg.task)).await;
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => return Err(Failed(format!("`deliver` panicked: {error}"))),
            Err(_) => {
                leg.task.abort();
                return Ok(None);
            }
        };
        if outcome.is_ok() && !leg.log.passed() {
            return Err(Failed("`deliver` came to an outcome without passing the commit point".to_owned()));
        }
        if !matches!(outcome, Ok(Outcome::Pending)) {
            self.core.is_settled(leg.number);
        }
        Ok(match outcome {
            Err(error) => {
                ensure(!leg.log.passed(), || format!("an error behind the commit point: {error}"))?;
                Some(End::Refused(error))
            }
            Ok(Outcome::Delivered(response)) => Some(End::Answered(response)),
            Ok(Outcome::Delegated(_)) => Some(End::Delegated),
            Ok(Outcome::Pending) => self.core.word(leg.number, within).await.map(|word| match word {
                Word::Answered(response) => End::Answered(response),
                Word::NotSent => End::NotSent,
                Word::Unknown => End::Unknown,
            }),
        })
    }

    /// Reads the peer for as long as something takes: some protocols go on only where each side does.
    pub(crate) async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> T {
        tokio::pin!(what);
        loop {
            tokio::select! {
                biased;
                done = &mut what => return done,
                read = self.notice() => {
                    // Whoever has left says nothing more.
                    if read.is_err() {
                        return what.await;
                    }
                }
            }
        }
    }

    /// Whether the word on a leg is that the far side refused it.
    pub(crate) fn has_failed(&self, leg: u64) -> bool {
        let failed = |event: &&Event| match event {
            Event::Reported(Report { leg: LegRef::Number(number), word: Word::Answered(response) }) => {
                *number == leg && response.status() == cpim_adapter::Status::Failure
            }
            _ => false,
        };
        self.core.count(failed) > 0
    }

    /// Waits until a leg has passed its commit point, or has come to an end without.
    pub(crate) async fn until_passed(&mut self, leg: &Leg) {
        self.until(leg, Log::is_behind).await;
    }

    /// Waits until a leg has come to its commit point, or to an end without; in time.
    pub(crate) async fn until_asked(&mut self, leg: &Leg) {
        let patience = self.timing.patience;
        // Whoever never comes there is seen not to have.
        drop(timeout(patience, self.until(leg, Log::asked)).await);
    }

    async fn until(&mut self, leg: &Leg, is_there: fn(&Log) -> bool) {
        let there = async {
            while !is_there(&leg.log) && !leg.task.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        self.meanwhile(there).await;
    }

    /// Whether two URIs mean one address: the gateway goes behind an alias, and behind a route of ours to an address of
    /// the model.
    pub(crate) async fn is_same(&self, one: &Uri, other: &Uri) -> bool {
        self.meant(one).await == self.meant(other).await
    }

    async fn meant(&self, uri: &Uri) -> Address {
        let own = || uri.address().clone();
        match self.subject.mapper().resident(uri.address()) {
            Ok(Some(Local::Route(foreign))) => {
                let inner = Address::parse(&foreign.to_string());
                inner.map_or_else(|_| own(), |inner| inner.with_class(uri.address().class()))
            }
            Ok(Some(Local::Alias(alias))) => {
                self.memory.alias_named(ALIAS_SPACE, &alias).await.ok().flatten().unwrap_or_else(own)
            }
            _ => own(),
        }
    }

    /// Reads the next notice, sorting those of the other kind away.
    async fn notice(&mut self) -> Result<(), PeerError> {
        match self.peer.next().await? {
            Notice::Seen(seen) => self.seen.push_back(*seen),
            Notice::Told(told) => self.told.push_back(told),
        }
        Ok(())
    }

    /// The next operation that comes to the peer.
    pub(crate) async fn see(&mut self) -> Result<Seen, Failed> {
        let patience = self.timing.patience;
        match self.seen_within(patience).await? {
            Some(seen) => Ok(seen),
            None => Err(Failed("nothing came to the peer".to_owned())),
        }
    }

    pub(crate) async fn seen_within(&mut self, within: Duration) -> Result<Option<Seen>, Failed> {
        let reading = async {
            while self.seen.is_empty() {
                self.notice().await?;
            }
            Ok::<(), PeerError>(())
        };
        match timeout(within, reading).await {
            Ok(read) => read?,
            Err(_) => return Ok(None),
        }
        Ok(self.seen.pop_front())
    }

    /// The next word that the peer is told.
    pub(crate) async fn hear(&mut self) -> Result<Told, Failed> {
        let patience = self.timing.patience;
        let told = self.heard_within(patience).await?;
        told.ok_or_else(|| Failed("the sender was told nothing".to_owned()))
    }

    /// These were told before what is still to be heard.
    pub(crate) fn told_before(&mut self, told: Vec<Told>) {
        for one in told.into_iter().rev() {
            self.told.push_front(one);
        }
    }

    pub(crate) async fn heard_within(&mut self, within: Duration) -> Result<Option<Told>, Failed> {
        let reading = async {
            while self.told.is_empty() {
                self.notice().await?;
            }
            Ok::<(), PeerError>(())
        };
        match timeout(within, reading).await {
            Ok(read) => read?,
            Err(_) => return Ok(None),
        }
        Ok(self.told.pop_front())
    }

    /// Answers what the peer saw, where its protocol can.
    pub(crate) async fn reply(&mut self, seen: &Seen, response: &Response) -> Result<(), Failed> {
        match self.peer.answer(&seen.ticket, response).await {
            Ok(()) | Err(PeerError::Unutterable) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A message from one of the peer's users to one of ours.
    pub(crate) fn sent(&mut self, text: &str) -> Sent {
        let message = Message {
            source: self.user(0),
            destination: ours_im(0),
            content: Content::text(text),
            metadata: Metadata::default(),
        };
        self.sending(Operation::Message(message))
    }

    /// An operation that the peer is to send, under a tag of its own.
    pub(crate) fn sending(&mut self, operation: Operation) -> Sent {
        self.tags += 1;
        Sent { tag: format!("t{}", 700 + self.tags), operation, reply_to: None, passage: None }
    }

    /// The next operation that the adapter hands in.
    pub(crate) async fn submitted(&self) -> Result<Submission, Failed> {
        let submitted = self.submitted_within(self.timing.patience).await;
        submitted.ok_or_else(|| Failed("the adapter handed nothing in".to_owned()))
    }

    pub(crate) async fn submitted_within(&self, within: Duration) -> Option<Submission> {
        self.core.submitted(within).await
    }

    /// Whether the answer of this number was handed over.
    pub(crate) async fn receipt(&self, wanted: u64) -> Result<bool, Failed> {
        self.core
            .wait(self.timing.patience, |event| match event {
                Event::Receipt { number, handed_over } if number == wanted => Ok(handed_over),
                other => Err(other),
            })
            .await
            .ok_or_else(|| Failed("no receipt says whether the answer was handed over".to_owned()))
    }

    /// Wants a message to cross each way still.
    pub(crate) async fn still_works(&mut self, after: &str) -> Result<(), Failed> {
        let broken = |failed: Failed| Failed(format!("after {after}: {failed}"));
        let leg = self.deliver(self.message_between(1, 1, "still there?"));
        let seen = self.see().await.map_err(broken)?;
        ensure(self.shows(&seen, "still there?"), || format!("after {after}, another message came"))?;
        self.reply(&seen, &Response::success()).await?;
        if self.knows_outcomes() {
            let end = self.end(leg).await.map_err(broken)?;
            ensure(is_success(&end), || format!("after {after}: {end}"))?;
        }
        let sent = self.sent("still here.");
        self.peer.send(&sent).await?;
        let submission = self.submitted().await.map_err(broken)?;
        let shown = text_of(&submission.arrival.operation);
        ensure(shown.contains("still here."), || format!("after {after}, another message was handed in"))?;
        drop(self.core.answer(submission, Response::success()));
        Ok(())
    }

    /// Whether texts cross as they are: then octet for octet, but for how lines end.
    pub(crate) fn is_exact(&self, text: &str) -> bool {
        /// As much as protocols of lines show in one: IRC has 512 octets for a line (RFC 1459 section 2.3).
        const LINE: usize = 300;
        let one_line = !text.contains(['\r', '\n']) && text.len() <= LINE;
        one_line || self.supports(Feature::MultiLine) == Support::Full
    }

    /// What the peer sees of a text.
    pub(crate) fn shown(&self, seen: &Seen) -> String {
        seen.text.clone().or_else(|| seen.content.as_ref().map(entity_text)).unwrap_or_default()
    }

    /// Whether what the peer sees is this text, as far as it sees texts.
    pub(crate) fn shows(&self, seen: &Seen, text: &str) -> bool {
        let shown = seen.text.clone().or_else(|| seen.content.as_ref().map(entity_text));
        seen.kind == Kind::Message && shown.is_some_and(|shown| shown.contains(text))
    }
}

/// A text with its lines ended by LF, and without the end of the last one: what protocols of text may differ in.
pub(crate) fn lines_of(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
}

/// What can be delivered.
pub(crate) struct Op(Operation);

impl From<Message> for Op {
    fn from(message: Message) -> Self {
        Self(Operation::Message(message))
    }
}

impl From<Operation> for Op {
    fn from(operation: Operation) -> Self {
        Self(operation)
    }
}

pub(crate) fn is_success(end: &End) -> bool {
    matches!(end, End::Answered(response) if response.status() == cpim_adapter::Status::Success)
}

/// The text of an operation's content.
pub(crate) fn text_of(operation: &Operation) -> String {
    operation.content().map(entity_text).unwrap_or_default()
}

fn entity_text(content: &Content) -> String {
    String::from_utf8_lossy(&content.body()).into_owned()
}

/// One of our own principals.
#[allow(clippy::expect_used, reason = "constants that are URIs")]
pub(crate) fn ours_im(number: u8) -> ImUri {
    ImUri::parse(&format!("im:alice{number}@core.example")).expect("a URI")
}

#[allow(clippy::expect_used, reason = "a constant that is an id")]
pub(crate) fn operation_id(text: &str) -> OperationId {
    OperationId::parse(text).expect("an id")
}
