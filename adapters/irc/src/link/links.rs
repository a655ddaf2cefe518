//! Every link of the gateway: which there are, by which one an operation goes, and how one comes about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use cpim_adapter::envelope::{Departure, Replays};
use cpim_adapter::{
    AdapterContext, BuildError, Code, CommitPoint, Delivery, DeliveryError, Domain, NextHop, Operation,
    Outcome, PeerHop, Response,
};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::desk::{REPLAYS, name, now_s};
use super::dial;
use super::parcel::parcel;
use super::peers::Peer;
use super::session::{Link, Parcel, Parts, Side};
use crate::config::LinkSettings;
use crate::leg::Leg;
use crate::sync::lock;
use crate::tls;
use crate::wire::Wire;

/// What waits for a link until its task takes it: enough that a burst is written at once.
const ROOM: usize = 32;

/// After a peer that could not be reached: whoever else wants it is told the same for so long.
const BACK_OFF: Duration = Duration::from_secs(1);

/// The links of this gateway.
#[derive(Default)]
pub(crate) struct Links {
    loaded: RwLock<Option<Arc<Loaded>>>,
    live: OnceLock<AdapterContext>,
    /// By the peer's relay domain.
    lines: Mutex<HashMap<Domain, Arc<Lines>>>,
    tasks: TaskTracker,
}

/// What is configured, with everything loaded that can be wrong.
struct Loaded {
    settings: LinkSettings,
    peers: Vec<Arc<Peer>>,
    tls: Arc<ClientConfig>,
}

/// What there is of links with one peer.
struct Lines {
    /// The oldest first, which is the one that is used, so that nothing overtakes what went before it.
    open: Mutex<Vec<mpsc::Sender<Parcel>>>,
    /// Held while one is being made; and when that last failed, and why.
    dialling: tokio::sync::Mutex<Option<(Instant, String)>>,
    replays: Arc<Mutex<Replays>>,
}

impl Links {
    /// Links by these settings.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub(crate) fn new(settings: Option<LinkSettings>) -> Result<Arc<Self>, BuildError> {
        let links = Self::default();
        links.reconfigure(settings)?;
        Ok(Arc::new(links))
    }

    /// Goes by other settings from now on; links that are there stay.
    ///
    /// # Errors
    /// [`BuildError`]; then everything stays as it was.
    pub(crate) fn reconfigure(&self, settings: Option<LinkSettings>) -> Result<(), BuildError> {
        let loaded = settings.map(Loaded::load).transpose()?;
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded.map(Arc::new);
        Ok(())
    }

    fn loaded(&self) -> Option<Arc<Loaded>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The peer with this relay domain.
    pub(crate) fn peer(&self, domain: &str) -> Option<Arc<Peer>> {
        let domain = Domain::parse(domain).ok()?;
        self.loaded()?.peers.iter().find(|peer| peer.domain == domain).cloned()
    }

    /// Runs until drained.
    pub(crate) async fn run(&self, cx: AdapterContext) {
        // A second call changes nothing; there is none.
        let cx = self.live.get_or_init(|| cx);
        cx.shutdown.draining().await;
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = cx.shutdown.forced() => {}
        }
    }

    /// A link with a peer that has proven itself, to be run to its end; it is among those that are used from now on.
    pub(crate) fn begin(&self, peer: Arc<Peer>, side: Side, wire: Wire, cx: AdapterContext) -> Option<Link> {
        let loaded = self.loaded()?;
        let lines = self.lines(&peer.domain);
        let (sender, room) = mpsc::channel(ROOM);
        let replays = Arc::clone(&lines.replays);
        let LinkSettings { content_octets, drain, .. } = loaded.settings;
        let parts = Parts { peer, side, replays, room, content_octets, drain };
        let link = Link::new(parts, wire, cx);
        lock(&lines.open).push(sender);
        Some(link)
    }

    /// Hands an operation to the peer that a hop leads to.
    pub(crate) async fn deliver(
        &self,
        delivery: Delivery,
        commit: &CommitPoint,
    ) -> Result<Outcome, DeliveryError> {
        let (domain, hop) = match &delivery.hop {
            NextHop::Served(address) => (address.domain(), None),
            NextHop::Peer(hop) => (&hop.domain, Some(hop)),
            NextHop::Foreign(_) => return Err(DeliveryError::refused(Code::NoRoute, "no peer gateway")),
        };
        let Some((loaded, cx)) = self.loaded().zip(self.live.get()) else {
            return Err(DeliveryError::transport("there are no links"));
        };
        let Some(peer) = loaded.peers.iter().find(|peer| peer.is_home_of(domain)) else {
            let words = "only a peer gateway with a secret is reached by IRC";
            return Err(DeliveryError::refused(Code::NoRoute, words));
        };
        let departure = Departure {
            operation: &delivery.operation,
            passage: &delivery.passage,
            standing: delivery.standing,
            sent_at_s: now_s(),
        };
        let too_large = || DeliveryError::refused(Code::TooLarge, "more than an envelope can hold");
        let envelope = departure.seal(&peer.to).map_err(|_| too_large())?;
        let content = delivery.operation.content().map(cpim_adapter::Content::octets);
        let tags = parcel(&envelope, content).ok_or_else(too_large)?;
        let open = match (self.open(&peer.domain), hop) {
            (Some(open), _) => open,
            (None, Some(hop)) => self.dial(peer, hop, &loaded, cx).await?,
            (None, None) => return Err(DeliveryError::out_of_contact()),
        };
        let place = open.reserve().await.map_err(|_| DeliveryError::out_of_contact())?;
        commit.pass(None).await?;
        let answered = !matches!(&*delivery.operation, Operation::Notify(_));
        let leg = answered.then(|| Leg::new(delivery.leg, cx.clone()));
        // Should the link have ended meanwhile, the leg is dropped, which says that nothing was sent.
        place.send(Parcel { name: name(&envelope), leg, tags });
        Ok(if answered { Outcome::Pending } else { Outcome::Delivered(Response::success()) })
    }

    fn lines(&self, domain: &Domain) -> Arc<Lines> {
        let mut lines = lock(&self.lines);
        let of_peer = lines.entry(domain.clone()).or_insert_with(|| {
            Arc::new(Lines {
                open: Mutex::default(),
                dialling: tokio::sync::Mutex::default(),
                replays: Arc::new(Mutex::new(Replays::new(REPLAYS))),
            })
        });
        Arc::clone(of_peer)
    }

    /// The link with a peer that is to be used.
    fn open(&self, domain: &Domain) -> Option<mpsc::Sender<Parcel>> {
        let lines = self.lines(domain);
        let mut open = lock(&lines.open);
        open.retain(|link| !link.is_closed());
        open.first().cloned()
    }

    /// Makes a link; whoever wants one at the same time gets the same.
    async fn dial(
        &self,
        peer: &Arc<Peer>,
        hop: &PeerHop,
        loaded: &Loaded,
        cx: &AdapterContext,
    ) -> Result<mpsc::Sender<Parcel>, DeliveryError> {
        let lines = self.lines(&peer.domain);
        let mut failed = lines.dialling.lock().await;
        if let Some(open) = self.open(&peer.domain) {
            return Ok(open);
        }
        if let Some((at, why)) = &*failed
            && at.elapsed() < BACK_OFF
        {
            return Err(DeliveryError::transport(why.clone()));
        }
        let dialled = dial::dial(peer, hop, &loaded.settings.relay, &loaded.tls).await;
        let wire = match dialled {
            Ok(wire) => wire,
            Err(error) => {
                *failed = Some((Instant::now(), error.detail.clone()));
                return Err(error);
            }
        };
        let link = self.begin(Arc::clone(peer), Side::Client, wire, cx.clone());
        let link = link.ok_or_else(|| DeliveryError::transport("there are no links"))?;
        self.tasks.spawn(link.run());
        self.open(&peer.domain).ok_or_else(DeliveryError::out_of_contact)
    }
}

impl Loaded {
    fn load(settings: LinkSettings) -> Result<Self, BuildError> {
        let tls = tls::client(&settings.anchors, None, "irc")?;
        let peers = settings.peers.iter().cloned().map(|peer| Arc::new(Peer::new(peer, &settings.relay)));
        Ok(Self { peers: peers.collect(), tls, settings })
    }
}
