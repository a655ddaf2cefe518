//! One session, as deliveries see it: who is there, and how an operation gets onto its connection.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    AdapterContext, Authority, CommitPoint, Content, Delivery, DeliveryError, LegRef, Operation, Outcome,
    Report, Response, Scope, TransId, Word,
};
use cpim_native_proto::{Close, Parameters, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::claims::Admission;
use crate::ways::OnTheWay;

/// Operations that are on their way to one connection's task, between the commit point and its own queue:
/// as many as may be in one group commit. With so many, deliveries to it wait, and only those.
const DEPARTURES: usize = 1_024;

/// Octets of content that are on their way likewise, whose memory a session takes besides its own queue.
const DEPARTING_OCTETS: usize = 4 << 20;

/// One session that is open. The task of its connection holds the other ends of its channels.
#[derive(Debug)]
pub(crate) struct Session {
    authority: Arc<Authority>,
    /// What is delivered to it.
    serves: Vec<Scope>,
    /// All that it claimed.
    claims: Vec<Scope>,
    /// It is a gateway or a home, and is told what only such are believed to need.
    home: bool,
    remembers: Option<Duration>,
    /// Boxed, because a channel makes room for 32 of them at once, also where a session never has one.
    departures: mpsc::Sender<Box<Departure>>,
    /// Octets of content for which there is room on the way.
    room: Arc<Semaphore>,
    orders: watch::Sender<Option<Close>>,
}

/// What a connection's task takes from its session.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Operations to send. Closed, the session takes no more.
    pub(crate) departures: mpsc::Receiver<Box<Departure>>,
    /// Set once: to close, and why.
    pub(crate) orders: watch::Receiver<Option<Close>>,
}

/// An operation past its commit point.
#[derive(Debug)]
pub(crate) struct Departure {
    /// Which leg it is.
    pub(crate) leg: Leg,
    /// What its response will echo.
    pub(crate) trans_id: TransId,
    /// The operation.
    pub(crate) operation: Arc<Operation>,
    /// What goes into its start line.
    pub(crate) parameters: Parameters,
    /// The octets that it takes, until it is in the session's own queue.
    _room: OwnedSemaphorePermit,
}

impl Session {
    /// A session that was granted this, and what its connection's task takes.
    pub(crate) fn new(admission: &Admission) -> (Arc<Self>, Ends) {
        let (departing, departures) = mpsc::channel(DEPARTURES);
        let (ordering, orders) = watch::channel(None);
        let session = Self {
            authority: Arc::clone(&admission.authority),
            serves: admission.serves.clone(),
            claims: admission.claims.clone(),
            home: admission.home,
            remembers: admission.remembers,
            departures: departing,
            room: Arc::new(Semaphore::new(DEPARTING_OCTETS)),
            orders: ordering,
        };
        (Arc::new(session), Ends { departures, orders })
    }

    /// What it may say.
    pub(crate) fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// What is delivered to it.
    pub(crate) fn serves(&self) -> &[Scope] {
        &self.serves
    }

    /// Everything that it claimed.
    pub(crate) fn claims(&self) -> &[Scope] {
        &self.claims
    }

    /// For how long it recognises retransmissions.
    pub(crate) fn remembers(&self) -> Option<Duration> {
        self.remembers
    }

    /// Whether it is a gateway or a home.
    pub(crate) const fn is_home(&self) -> bool {
        self.home
    }

    /// Whether it still takes operations.
    pub(crate) fn is_reachable(&self) -> bool {
        !self.departures.is_closed()
    }

    /// Has the session closed for this reason. The first order holds.
    pub(crate) fn order_close(&self, reason: Reason, text: &str) {
        self.orders.send_if_modified(|order| {
            let first = order.is_none();
            order.get_or_insert_with(|| Close::because(reason, text));
            first
        });
    }

    /// Passes the commit point and hands the operation to the connection's task. `on_the_way` lasts until it is
    /// answered.
    ///
    /// # Errors
    /// The session is gone, or must not have the operation; nothing of it was sent.
    ///
    /// # Cancel safety
    /// Cancelled, nothing was handed over: the last await is the commit point's.
    pub(crate) async fn deliver(
        &self,
        delivery: &Delivery,
        on_the_way: OnTheWay,
        commit: &CommitPoint,
        cx: &Arc<AdapterContext>,
    ) -> Result<Outcome, DeliveryError> {
        if delivery.again && self.remembers.is_none() {
            let label = &self.authority.label;
            return Err(DeliveryError::transport(format!("{label} does not recognise retransmissions")));
        }
        let gone = || DeliveryError::transport(format!("{}: the session ended", self.authority.label));
        let octets = delivery.operation.content().map_or(0, Content::len).min(DEPARTING_OCTETS);
        let octets = u32::try_from(octets).map_err(|_| gone())?;
        let room_for_octets = Arc::clone(&self.room).acquire_many_owned(octets).await.map_err(|_| gone())?;
        let room = self.departures.reserve().await.map_err(|_| gone())?;
        commit.pass(self.remembers).await?;
        // Should the session have ended meanwhile, the departure is dropped, and with it its leg, which
        // reports that nothing was sent.
        room.send(Box::new(Departure {
            leg: Leg {
                number: delivery.leg,
                whose: Whose::Gateway(Arc::clone(cx), on_the_way),
                last_word: Some(Word::NotSent),
            },
            trans_id: delivery.trans_id.clone(),
            operation: Arc::clone(&delivery.operation),
            parameters: self.parameters(delivery),
            _room: room_for_octets,
        }));
        Ok(Outcome::Pending)
    }

    /// Asks something in the gateway's own name, and waits for the answer.
    ///
    /// # Errors
    /// The session is gone, or went before it answered.
    ///
    /// # Cancel safety
    /// Cancelled, it may have been asked.
    pub(crate) async fn ask(&self, operation: Operation) -> Result<Response, DeliveryError> {
        let gone = || DeliveryError::transport(format!("{}: the session ended", self.authority.label));
        let draw = getrandom::u32().map_err(|error| DeliveryError::transport(error.to_string()))?;
        // It has no content.
        let no_octets = Arc::clone(&self.room).acquire_many_owned(0).await.map_err(|_| gone())?;
        let room = self.departures.reserve().await.map_err(|_| gone())?;
        let (asker, word) = oneshot::channel();
        room.send(Box::new(Departure {
            leg: Leg { number: 0, whose: Whose::Asker(Some(asker)), last_word: Some(Word::NotSent) },
            trans_id: TransId::from_draw(draw),
            operation: Arc::new(operation),
            parameters: Parameters::default(),
            _room: no_octets,
        }));
        match word.await {
            Ok(Word::Answered(response)) => Ok(response),
            Ok(Word::NotSent | Word::Unknown) | Err(_) => Err(gone()),
        }
    }

    /// Everybody is told the operation's name, where it has been and how far it may go on; how well its source is
    /// known, only who may pass it on.
    fn parameters(&self, delivery: &Delivery) -> Parameters {
        Parameters { auth: self.home.then_some(delivery.standing), ..Parameters::from(&delivery.passage) }
    }
}

/// A leg on this connection. It always has a last word: dropped without an answer, it says what the
/// connection's end means for it.
pub(crate) struct Leg {
    number: u64,
    whose: Whose,
    /// What is reported if nothing else ever is.
    last_word: Option<Word>,
}

/// Who is told what became of a leg.
enum Whose {
    /// This adapter asked by itself.
    Asker(Option<oneshot::Sender<Word>>),
    /// The gateway's; the next of its pair goes the same way.
    Gateway(Arc<AdapterContext>, #[expect(dead_code, reason = "held until the leg is over")] OnTheWay),
}

impl Leg {
    /// Its number at the gateway, later ones being higher; 0 for what this adapter asks by itself.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// From now on, an octet of it may have been sent.
    pub(crate) fn may_be_sent(&mut self) {
        self.last_word = Some(Word::Unknown);
    }

    /// Reports what became of it.
    pub(crate) fn settle(mut self, word: Word) {
        self.last_word = Some(word);
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        let Some(word) = self.last_word.take() else { return };
        match &mut self.whose {
            Whose::Gateway(cx, _) => cx.report(Report { leg: LegRef::Number(self.number), word }),
            Whose::Asker(asker) => {
                // Whoever asked may have stopped waiting.
                let _gone = asker.take().map(|asker| asker.send(word));
            }
        }
    }
}

impl std::fmt::Debug for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leg({})", self.number)
    }
}
