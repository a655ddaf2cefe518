//! The adapter: one protocol's side of the gateway.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::{
    AdapterContext, AdapterError, Address, BadAddress, Capabilities, Class, Code, CommitPoint, Content,
    DeliveryError, Domain, ForeignAddress, Operation, Passage, Presence, PresenceSupport, Response, Selector,
    Standing, TransId,
};

/// One protocol's side of the gateway.
///
/// An adapter translates, both ways. It keeps no queue of its own, decides no policy, and retries
/// nothing: those are layers around it.
#[async_trait]
pub trait Adapter: Send + Sync + 'static {
    /// What it claims, feature by feature.
    fn capabilities(&self) -> Capabilities;

    /// The canonical form of one of its addresses: case folding and grammar, before any rule or key.
    ///
    /// # Errors
    /// [`BadAddress`] where the protocol's grammar refuses the address.
    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress>;

    /// Whether the foreign addresses of a selector are for somebody who connects to this adapter, by configuration: an
    /// external adapter, which may be out of contact now. They are then for nobody else.
    fn carries(&self, _selector: &Selector) -> bool {
        false
    }

    /// How the system behind a selector knows presence, where this adapter stands for several.
    fn presence_of(&self, _selector: &Selector) -> PresenceSupport {
        self.capabilities().presence
    }

    /// For how long the next hop recognises a retransmission, where that is known now.
    ///
    /// The gateway then notes the intent to attempt together with the acceptance, and saves a commit.
    fn recalls(&self, _hop: &NextHop) -> Option<Duration> {
        None
    }

    /// How handing an operation over to its foreign system is tried on its way to this next hop, where that differs from
    /// what the gateway is configured with: mail is slower than most (RFC 5321 section 4.5.4.1).
    fn schedule(&self, _hop: &NextHop) -> Option<Schedule> {
        None
    }

    /// For how long the far side may take to answer what was handed over to it on its way to this next hop, where that
    /// differs from what the gateway is configured with (`max_wait`).
    fn patience(&self, _hop: &NextHop) -> Option<Duration> {
        None
    }

    /// Whether the word on a leg comes by a way of its own, so that it may still come after a restart: a delivery
    /// report. What was handed over before the restart is then waited for.
    fn hears_later(&self) -> bool {
        false
    }

    /// Opens what it listens at, so that an unusable address is known before anything starts; called once,
    /// before [`Adapter::run`].
    ///
    /// # Errors
    /// [`AdapterError::Listen`] names the address.
    async fn bind(&self) -> Result<(), AdapterError> {
        Ok(())
    }

    /// Foreign side to core: runs until drained or beyond repair; called once.
    ///
    /// # Errors
    /// [`AdapterError`] where it cannot go on.
    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError>;

    /// Core to foreign side. Called from many tasks at once; operations of one pair of source and
    /// destination come one after the other, each when the one before has passed its commit point or
    /// was settled.
    ///
    /// # Errors
    /// An error promises that the far side has not accepted the operation.
    ///
    /// # Cancel safety
    /// May be dropped at any await. Dropped before the commit point, nothing of it may be sent
    /// afterwards; dropped behind it, its outcome is told by a [`crate::Report`] or counts as unknown.
    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError>;

    /// Begins to observe a presentity of its system; only for adapters that claim [`crate::PresenceSupport::Observe`].
    ///
    /// Called once, however many watch: the gateway keeps watchers, leases and rules. The adapter tells the
    /// present state and each change by [`AdapterContext::observed`], until [`Adapter::unobserve`]. It must come
    /// to a result at once: presence is never retried. Called again after a reconnect, it changes nothing.
    ///
    /// # Errors
    /// The subscription is refused with the error's code: [`crate::Code::BadAddress`] for nobody there,
    /// [`crate::Code::Unreachable`] where the system is out of contact.
    async fn observe(&self, _presentity: ForeignAddress) -> Result<(), DeliveryError> {
        Err(DeliveryError::refused(Code::Unsupported, "that system knows no presence"))
    }

    /// Does what an administrator asks of this adapter, in words of its own (`account add alice`). `secret` is what must
    /// not stand in a command line. Gives lines for people back.
    ///
    /// # Errors
    /// What is wrong, and what is accepted.
    async fn manage(&self, _words: &[String], _secret: Option<&str>) -> Result<Vec<String>, String> {
        Err("that adapter takes no commands".to_owned())
    }

    /// The connections that it keeps of its own accord, and what is to be known of each, for whoever looks at the gateway.
    fn connections(&self) -> Vec<OwnConnection> {
        Vec::new()
    }

    /// Ends the observation: nobody watches any more. Of what is not observed, nothing need be told.
    async fn unobserve(&self, _presentity: &ForeignAddress) {}
}

/// A connection that an adapter keeps of its own accord, as an administrator sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnConnection {
    /// To whom, and how it is there.
    pub label: String,
    /// For whom it is, where it is one person's.
    pub speaks: Option<Address>,
}

/// How often handing over is tried, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// Until when, from the acceptance on.
    pub horizon: Duration,
    /// The longest pause between two attempts. The first are shorter, each twice the one before.
    pub longest_pause: Duration,
}

impl Schedule {
    /// The longest pause between two attempts where nothing else is said: a far side that is back is not left waiting.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(15);
}

/// What an adapter sees of a presentity of its system.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Whose presence, in its canonical form.
    pub presentity: ForeignAddress,
    /// The presence in the draft's form.
    pub presence: Presence,
    /// The full document it came with, untouched, where its system has one.
    pub document: Option<Content>,
}

/// One operation on its way to its next hop.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The leg's number here, for reports.
    pub leg: u64,
    /// The leg's transID: the draft's form, unpredictable, the same for each sending of this leg.
    pub trans_id: TransId,
    /// What is to be translated.
    pub operation: Arc<Operation>,
    /// How it departs: hops already counted down, our own domain already in `via`.
    pub passage: Passage,
    /// How well its source is known.
    pub standing: Standing,
    /// When the gateway accepted it: what was on the way to a name before it changed hands is not for whoever
    /// has it now.
    pub accepted_at: SystemTime,
    /// Where to.
    pub hop: NextHop,
    /// It may have been sent before: only a next hop that recognises retransmissions may have it.
    pub again: bool,
}

/// Where an operation goes from here.
#[derive(Clone, Debug)]
pub enum NextHop {
    /// To the foreign address that a source route at our relay domain names.
    Foreign(ForeignAddress),
    /// To another server, found by address resolution (RFC 3861).
    Peer(PeerHop),
    /// To whoever serves the address on a session of this adapter.
    Served(Address),
}

/// A server that answers for a domain.
#[derive(Clone, Debug)]
pub struct PeerHop {
    /// The class of address it was looked up for.
    pub class: Class,
    /// The domain that is wanted, whose name the server must prove.
    pub domain: Domain,
    /// Where it may be found, in the order to try.
    pub endpoints: Vec<Endpoint>,
    /// Whether a route says that it is spoken to without TLS.
    pub plain: bool,
}

/// One place where a server may be found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The host as it was named, for the log.
    pub host: String,
    /// Its address and port.
    pub address: SocketAddr,
}

/// What a delivery came to (RFC 3860 section 3.4.1).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The far side has it: `success`.
    Delivered(Response),
    /// Handed on, and no word will ever come: `indeterminant`.
    Delegated(Response),
    /// Handed on, and a word will come as a [`crate::Report`] of this leg.
    Pending,
}
