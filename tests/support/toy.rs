//! A trivial adapter for a protocol that exists nowhere, and a house around it: the gateway's core without
//! any real protocol, which is the proof that it knows none.
//!
//! The adapter keeps what it is told to deliver until the test answers it. Its selector is `pepp`.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, Address, Answer, Arrival, Authority, BadAddress, Capabilities,
    CommitPoint, Content, Delivery, DeliveryError, Domain, ForeignAddress, HealthReporter, ImUri, Inlet,
    LegRef, Mapper, Message, Metadata, NextHop, Operation, Outcome, PresenceSupport, Report, Response, Scope,
    SessionFacts, Shutdown, Standing, Support, TransId, Word,
};
use cpim_gateway::config::Action;
use cpim_gateway::resolver::{Resolver, Settings};
use cpim_gateway::router::{Limits, Policy, Port, PresenceLimits, Router, Rules, Terms};
use cpim_gateway::rules::{Defaults, Names, Standard};
use cpim_gateway::store::{Completions, Journal, MemoryOptions, MemoryStore};
use tokio::sync::mpsc;

/// How the toy takes a delivery.
#[derive(Clone)]
pub enum Manner {
    /// Passes the commit point towards a next hop that recognises retransmissions for so long, or not at all,
    /// and leaves the answer to the test.
    Pend(Option<Duration>),
    /// Answers at once, behind the commit point.
    Say(Outcome),
    /// Refuses to take it, before the commit point.
    Refuse(fn() -> DeliveryError),
    /// Hangs before the commit point.
    Hang,
}

/// What the toy says when it is asked to observe.
type Observing = fn() -> Result<(), DeliveryError>;

/// The toy adapter.
pub struct Toy {
    manner: Mutex<Manner>,
    delivered: mpsc::Sender<Delivery>,
    /// How it takes the wish to observe somebody; absent, it knows no presence.
    observes: Mutex<Option<Observing>>,
    observed: Mutex<Vec<ForeignAddress>>,
}

impl Toy {
    /// From now on it observes whom it is asked to, if this is so.
    pub fn observes(&self, how: Observing) {
        *self.observes.lock().unwrap() = Some(how);
    }

    /// Whom it observes.
    pub fn observed(&self) -> Vec<ForeignAddress> {
        self.observed.lock().unwrap().clone()
    }
}

#[async_trait]
impl Adapter for Toy {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            support: |_| Support::Full,
            presence: match *self.observes.lock().unwrap() {
                Some(_) => PresenceSupport::Observe,
                None => PresenceSupport::None,
            },
            max_content_octets: None,
        }
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        if foreign.value().contains(' ') {
            let what = "no spaces in a toy's address".into();
            return Err(BadAddress { address: foreign, what });
        }
        Ok(foreign)
    }

    fn recalls(&self, _hop: &NextHop) -> Option<Duration> {
        match *self.manner.lock().unwrap() {
            Manner::Pend(recall) => recall,
            _ => None,
        }
    }

    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        cx.shutdown.draining().await;
        Ok(())
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        let how = *self.observes.lock().unwrap();
        how.map_or_else(|| Err(DeliveryError::out_of_contact()), |how| how())?;
        self.observed.lock().unwrap().push(presentity);
        Ok(())
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        self.observed.lock().unwrap().retain(|other| other != presentity);
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        let manner = self.manner.lock().unwrap().clone();
        let taken = self.delivered.clone();
        match manner {
            Manner::Pend(recall) => {
                commit.pass(recall).await.map_err(|_| DeliveryError::transport("withdrawn"))?;
                taken.send(delivery).await.unwrap();
                Ok(Outcome::Pending)
            }
            Manner::Say(outcome) => {
                commit.pass(None).await.map_err(|_| DeliveryError::transport("withdrawn"))?;
                taken.send(delivery).await.unwrap();
                Ok(outcome)
            }
            Manner::Refuse(why) => {
                taken.send(delivery).await.unwrap();
                Err(why())
            }
            Manner::Hang => {
                taken.send(delivery).await.unwrap();
                std::future::pending().await
            }
        }
    }
}

/// The core with the toy in it.
pub struct House {
    pub router: Arc<Router>,
    pub cx: AdapterContext,
    pub toy: Arc<Toy>,
    pub delivered: mpsc::Receiver<Delivery>,
}

/// What the tests' gateway lets through: everything, at relay domain gw.example, without DNS.
pub fn policy() -> Policy {
    let mapper =
        Arc::new(Mapper::new(Domain::parse("gw.example").unwrap(), cpim_adapter::Selectors::default()));
    Policy {
        names: Names::unfolded(Arc::clone(&mapper)),
        mapper,
        hosted_domains: [Domain::parse("hosted.example").unwrap()].into(),
        hosted_addresses: [].into(),
        peer_domains: [Domain::parse("peer.example").unwrap()].into(),
        rules: Rules { rules: Vec::new(), default: Action::Allow },
        principals: Defaults { subscribe: Standard::Allow, fetch: Standard::Allow, ..Defaults::default() },
        limits: Limits {
            hops: 128,
            pair_backlog: 1_024,
            remembers: Duration::from_secs(3_600),
            terms: Terms {
                retry_horizon: Duration::from_secs(300),
                max_wait: Duration::from_secs(600),
                plain: false,
            },
        },
        presence: PresenceLimits::default(),
        routes: Vec::new(),
    }
}

/// Without DNS.
fn resolver() -> Resolver {
    Resolver::new(Settings { enabled: false, ..Settings::default() }).unwrap()
}

/// A store that forgets everything at the end of the test.
pub fn memory() -> (Arc<dyn Journal>, Completions) {
    let (store, done) =
        MemoryStore::new(MemoryOptions { operations: 10_000, octets: 1 << 26, remembers_s: 3_600 });
    (Arc::new(store), done)
}

impl House {
    pub async fn new() -> Self {
        Self::with(policy(), memory()).await
    }

    pub async fn with(policy: Policy, store: (Arc<dyn Journal>, Completions)) -> Self {
        Self::with_ports(policy, store, Vec::new()).await
    }

    /// With these ports behind the toy's.
    pub async fn with_ports(
        policy: Policy,
        (journal, done): (Arc<dyn Journal>, Completions),
        more: Vec<Port>,
    ) -> Self {
        let selectors = policy.mapper.selectors().clone();
        let (sender, delivered) = mpsc::channel(10_000);
        let toy = Arc::new(Toy {
            manner: Mutex::new(Manner::Pend(None)),
            delivered: sender,
            observes: Mutex::default(),
            observed: Mutex::default(),
        });
        let port = Port {
            name: "toy",
            selectors: vec![selectors.find("pepp").unwrap()],
            adapter: Arc::clone(&toy) as Arc<dyn Adapter>,
        };
        let ports = std::iter::once(port).chain(more).collect();
        let router = Router::new(ports, policy, resolver(), journal, 1 << 28).await.unwrap();
        router.start([done], async { Ok(()) }).await.unwrap();
        let (health, _) = HealthReporter::new();
        let cx = AdapterContext::new(router.exchange(0), router.memory(), health, Shutdown::default());
        Self { router, cx, toy, delivered }
    }

    /// The configuration was read again.
    pub fn reloaded(&self, policy: Policy) {
        self.router.replace(policy, resolver());
    }

    pub fn manner(&self, manner: Manner) {
        *self.toy.manner.lock().unwrap() = manner;
    }

    /// A connection that serves these, and may speak for them.
    pub fn session(&self, uris: &[&str]) -> Session {
        let authority = speaking_for(uris);
        let scopes = authority.scopes.clone();
        self.open(authority, scopes)
    }

    /// Somebody who may speak for these, and is there for what he brings alone.
    pub fn briefly(&self, uris: &[&str]) -> Session {
        let (authority, (sender, answers)) = (Arc::new(speaking_for(uris)), mpsc::channel(4_096));
        Session { inlet: self.cx.open_briefly(Arc::clone(&authority), &sender), answers, authority }
    }

    /// A connection of a configured peer gateway.
    pub fn peer(&self, domain: &str, scopes: Vec<Scope>, serves: Vec<Scope>) -> Session {
        let peer = Some(Domain::parse(domain).unwrap());
        self.open(Authority { peer, scopes, standing: Standing::Verified, label: domain.into() }, serves)
    }

    pub fn open(&self, authority: Authority, serves: Vec<Scope>) -> Session {
        let authority = Arc::new(authority);
        let facts = SessionFacts { authority: Arc::clone(&authority), serves, home: false };
        let (inlet, answers) = self.cx.open(facts, 4_096);
        Session { inlet, answers, authority }
    }

    /// The next delivery.
    pub async fn next(&mut self) -> Delivery {
        in_time(self.delivered.recv()).await.expect("the toy is there")
    }

    /// Tells the core a word on a leg.
    pub fn word(&self, delivery: &Delivery, word: Word) {
        self.cx.report(Report { leg: LegRef::Number(delivery.leg), word });
    }

    pub fn answer(&self, delivery: &Delivery, response: Response) {
        self.word(delivery, Word::Answered(response));
    }
}

fn speaking_for(uris: &[&str]) -> Authority {
    let scopes = uris.iter().map(|uri| Scope::Address(Address::parse(uri).unwrap())).collect();
    Authority { peer: None, scopes, standing: Standing::Verified, label: "toy".into() }
}

/// One connection of the toy.
pub struct Session {
    pub inlet: Inlet,
    pub answers: mpsc::Receiver<Answer>,
    pub authority: Arc<Authority>,
}

impl Session {
    pub fn send(&self, trans_id: &str, from: &str, to: &str, text: &str) {
        self.submit(arrival(trans_id, from, to, text));
    }

    pub fn submit(&self, arrival: Arrival) {
        self.inlet.try_reserve().expect("room for the answer").submit(arrival);
    }

    /// The next answer, handed over.
    pub async fn answer(&mut self) -> (String, Response) {
        let answer = in_time(self.answers.recv()).await.expect("the core is there");
        if let Some(receipt) = answer.receipt {
            receipt.handed_over();
        }
        (answer.trans_id.to_string(), answer.response)
    }
}

/// A message as it arrives.
pub fn arrival(trans_id: &str, from: &str, to: &str, text: &str) -> Arrival {
    let mapper = policy().mapper;
    let uri = |text: &str| ImUri::try_from(mapper.read(text, cpim_adapter::Class::Im).unwrap()).unwrap();
    Arrival {
        operation: Operation::Message(Message {
            source: uri(from),
            destination: uri(to),
            content: Content::text(text),
            metadata: Metadata::default(),
        }),
        trans_id: TransId::parse(trans_id).unwrap(),
        hops: None,
        via: Vec::new(),
        id: None,
        wait: None,
        standing: None,
        held: false,
    }
}

/// Longer than anything here may take, on the tests' paused clock: a test that waits in vain fails.
async fn in_time<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3_600), wait)
        .await
        .expect("something should have happened by now")
}
