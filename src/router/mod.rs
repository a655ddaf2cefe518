//! The path of one operation, from the adapter that brings it to the adapter that takes it away.
//!
//! ```text
//! submit ─► checks ─► journal: accept ─► lane of its pair ─► attempt ─► journal: attempt ─► deliver
//!                                                                                              │
//! answer ◄─ journal: settle ◄─ settle ◄───────────────────── outcome, report, deadline ◄───────┘
//! ```
//!
//! The router knows no protocol: adapters are numbered ports. It holds no lock across an await, and has
//! one task for each pair of source and destination that has something to send, not one for each operation.

mod attempt;
mod canonical;
mod checks;
mod contacts;
mod counters;
mod flight;
mod look;
mod newcomer;
mod own;
mod owner;
mod policy;
mod presence;
mod recent;
mod recover;
mod refusal;
mod route;
mod routes;
mod rows;
mod say;
mod settle;
mod step;
mod submit;
mod table;
mod target;
mod word;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use cpim_adapter::{
    Adapter, Address, Answer, AnswerSlot, Arrival, BadAddress, Exchange, ForeignAddress, Mapper, Observation,
    Report, Selector, SessionFacts,
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use self::contacts::{Contact, Contacts};
use self::counters::Counters;
use self::look::Refusals;
use self::owner::Owner;
use self::routes::Routes;
use self::table::Table;
use crate::memory::Keeper;
use crate::resolver::Resolver;
use crate::rules::{Fold, Names, RuleBook};
use crate::store::{Completions, Done, Journal, StoreError};
use crate::sync::lock;

pub use self::look::{AliasView, LegView, OperationView, SessionView};
pub use self::policy::{Limits, Policy, PresenceLimits, Rules, Terms, scope_of};
pub use self::presence::{SubscriptionView, WatcherView};
pub use self::say::GATEWAY;
pub use self::step::Step;

/// The space of aliases at the relay domain, in the store.
pub const ALIASES: &str = cpim_adapter::ALIAS_SPACE;

/// Late words that are looked up in the journal at once: a flood of them must not hold up anything else.
const LOOK_UPS: usize = 16;

/// An adapter in its place.
#[derive(Clone)]
pub struct Port {
    /// Its name in the registry.
    pub name: &'static str,
    /// The selectors whose foreign addresses are its.
    pub selectors: Vec<Selector>,
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
}

/// Where the router keeps what it must not forget.
#[derive(Clone)]
pub struct Stores {
    /// Operations and their outcomes: volatile where the configuration chose that.
    pub journal: Arc<dyn Journal>,
    /// Everything else, which is always durable: names, notes, addresses once seen. May be the same store.
    pub state: Arc<dyn Journal>,
}

impl Stores {
    /// Each store once.
    #[must_use]
    pub fn each(&self) -> Vec<&Arc<dyn Journal>> {
        match Arc::ptr_eq(&self.journal, &self.state) {
            true => vec![&self.journal],
            false => vec![&self.journal, &self.state],
        }
    }
}

impl From<Arc<dyn Journal>> for Stores {
    fn from(store: Arc<dyn Journal>) -> Self {
        Self { journal: Arc::clone(&store), state: store }
    }
}

/// Accepts operations, brings each to its next hop, and answers each once.
pub struct Router {
    ports: Vec<Port>,
    policy: RwLock<Arc<Policy>>,
    /// How often the policy was replaced.
    policies: AtomicU64,
    resolver: RwLock<Arc<Resolver>>,
    journal: Arc<dyn Journal>,
    state: Arc<dyn Journal>,
    memory: Arc<Keeper>,
    /// What principals have said about themselves.
    book: Arc<RuleBook>,
    contacts: Contacts,
    table: Mutex<Table>,
    refusals: Mutex<Refusals>,
    routes: Routes,
    /// For whom something was kept since the last tick.
    offers: Mutex<HashSet<Owner>>,
    /// Late words that are looked up at once; more are dropped.
    looking: Arc<Semaphore>,
    /// Octets of content that may be held at once.
    room: Arc<Semaphore>,
    /// The number of the last operation. Locked while one is given to the journal, so that numbers and writes are in
    /// one order.
    last_number: Mutex<i64>,
    draining: AtomicBool,
    counters: OnceLock<Counters>,
    presence: presence::Service,
    tasks: TaskTracker,
}

impl Router {
    /// A router on this journal, which continues its numbers. Nothing moves before [`Router::start`].
    ///
    /// # Errors
    /// [`StoreError`] where the journal cannot be read.
    pub async fn new(
        ports: Vec<Port>,
        mut policy: Policy,
        resolver: Resolver,
        stores: impl Into<Stores>,
        room_octets: usize,
    ) -> Result<Arc<Self>, StoreError> {
        let Stores { journal, state } = stores.into();
        let last_number = journal.last_number().await?;
        let memory = Arc::new(Keeper::new(Arc::clone(&state)));
        policy.names = Names::new(Arc::clone(&policy.mapper), fold(&ports));
        let book = RuleBook::load(Arc::clone(&memory) as _, policy.names.clone(), policy.principals).await;
        let book = book.map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Arc::new(Self {
            ports,
            policy: RwLock::new(Arc::new(policy)),
            policies: AtomicU64::new(0),
            resolver: RwLock::new(Arc::new(resolver)),
            journal,
            memory,
            book,
            state,
            contacts: Contacts::default(),
            table: Mutex::default(),
            refusals: Mutex::default(),
            routes: Routes::default(),
            offers: Mutex::default(),
            looking: Arc::new(Semaphore::new(LOOK_UPS)),
            room: Arc::new(Semaphore::new(room_octets.min(Semaphore::MAX_PERMITS))),
            last_number: Mutex::new(last_number),
            draining: AtomicBool::new(false),
            counters: OnceLock::new(),
            presence: presence::Service::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Takes up what the journal holds unsettled, and begins to listen to the stores, by what each has done, and
    /// to the clock. Reads while it is not known yet whether the stores are sound, and does nothing else before
    /// `sound` says so.
    ///
    /// # Errors
    /// [`StoreError`] where the journal cannot be read, or is not sound.
    pub async fn start(
        self: &Arc<Self>,
        done: impl IntoIterator<Item = Completions>,
        sound: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        for done in done {
            self.tasks.spawn(Arc::clone(self).watch_store(done));
        }
        self.tasks.spawn(Arc::clone(self).watch_deadlines());
        let (sound, read) = tokio::join!(sound, self.recover_presence());
        // First, because it explains what could not be read.
        sound?;
        read?;
        self.tasks.spawn(Arc::clone(self).tell_watchers());
        self.tasks.spawn(Arc::clone(self).watch_presence());
        self.tasks.spawn(Arc::clone(self).follow_rules());
        self.recover().await
    }

    /// The gateway as the adapter at this port sees it.
    #[must_use]
    pub fn exchange(self: &Arc<Self>, port: usize) -> Arc<dyn Exchange> {
        Arc::new(PortExchange { router: Arc::clone(self), port })
    }

    /// What adapters must still know after a restart.
    #[must_use]
    pub fn memory(&self) -> Arc<Keeper> {
        Arc::clone(&self.memory)
    }

    /// What principals have said about themselves.
    #[must_use]
    pub fn book(&self) -> Arc<RuleBook> {
        Arc::clone(&self.book)
    }

    /// The adapters, in their places.
    #[must_use]
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// Replaces what the configuration says, for every operation from now on.
    pub fn replace(self: &Arc<Self>, mut policy: Policy, resolver: Resolver) {
        policy.names = Names::new(Arc::clone(&policy.mapper), fold(&self.ports));
        self.book.replace(policy.names.clone(), policy.principals);
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        *self.resolver.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(resolver);
        self.policies.fetch_add(1, Ordering::AcqRel);
        self.routes.forget_all();
        self.all_rules_changed();
    }

    /// Accepts nothing from now on; what is accepted goes on.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether nothing new is accepted any more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Operations in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        lock(&self.table).len()
    }

    /// Resolves once nothing is in flight any more. Cancel safe.
    pub async fn idle(&self) {
        while self.in_flight() > 0 {
            tokio::time::sleep(word::TICK).await;
        }
    }

    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn resolver(&self) -> Arc<Resolver> {
        Arc::clone(&self.resolver.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn port_for(&self, selector: &Selector) -> Option<usize> {
        port_of(&self.ports, selector)
    }

    fn adapter(&self, port: usize) -> Option<&Arc<dyn Adapter>> {
        self.ports.get(port).map(|port| &port.adapter)
    }

    /// The adapter of this name.
    pub(crate) fn adapter_named(&self, name: &str) -> Option<&Arc<dyn Adapter>> {
        self.ports.iter().find(|port| port.name == name).map(|port| &port.adapter)
    }

    fn canonical(&self, port: usize, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        match self.adapter(port) {
            Some(adapter) => adapter.canonicalise(foreign),
            None => Ok(foreign),
        }
    }

    async fn watch_store(self: Arc<Self>, mut done: Completions) {
        while let Some(group) = done.recv().await {
            for done in group {
                self.on_done(done);
            }
        }
    }

    fn on_done(self: &Arc<Self>, done: Done) {
        match done {
            Done::Accepted { number, verdict } => self.on_accepted(number, verdict),
            Done::Failed { number } => self.on_not_accepted(number),
            Done::Attempted { number } => self.on_attempted(number),
            Done::Settled { number, .. } => self.on_settled(number),
            Done::Lost { number } => self.on_lost(number),
            Done::Aliased { .. } | Done::AliasFailed { .. } | Done::Noted { .. } => {
                self.memory.on_done(&done)
            }
        }
    }
}

/// The adapter for a selector. What the configuration gives to an external one is for nobody else.
fn port_of(ports: &[Port], selector: &Selector) -> Option<usize> {
    let external = ports.iter().position(|port| port.adapter.carries(selector));
    external.or_else(|| ports.iter().position(|port| port.selectors.contains(selector)))
}

/// How the adapters at these ports fold their addresses.
fn fold(ports: &[Port]) -> Fold {
    let ports: Vec<Port> = ports.to_vec();
    Arc::new(move |foreign| match port_of(&ports, foreign.selector()).and_then(|port| ports.get(port)) {
        Some(port) => port.adapter.canonicalise(foreign),
        None => Ok(foreign),
    })
}

/// The router, as one adapter sees it.
struct PortExchange {
    router: Arc<Router>,
    port: usize,
}

impl Exchange for PortExchange {
    fn open(&self, facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64 {
        self.router.open(self.port, facts, answers)
    }

    fn open_briefly(&self, facts: SessionFacts, answers: mpsc::Sender<Answer>) -> u64 {
        let facts = Arc::new(facts);
        self.router.contacts.open_briefly(Contact { port: self.port, facts, answers })
    }

    fn close(&self, session: u64) {
        let contact = self.router.contacts.close(session);
        self.router.presence_close(session, contact.as_ref());
        if let Some(contact) = contact {
            self.router.links_gone(session, &contact);
        }
    }

    fn submit(&self, session: u64, arrival: Arrival, slot: AnswerSlot) {
        let arrival = Arrival { operation: self.router.canonical_operation(arrival.operation), ..arrival };
        self.router.submit(session, arrival, slot);
    }

    fn report(&self, report: Report) {
        self.router.report(report);
    }

    fn report_and_tell(&self, report: Report, done: oneshot::Sender<()>) {
        self.router.report_and_tell(report, done);
    }

    fn observed(&self, observation: Observation) {
        self.router.observed(self.port, observation);
    }

    fn newcomer(&self, address: &Address, done: oneshot::Sender<()>) {
        let (router, address) = (Arc::clone(&self.router), address.clone());
        self.router.tasks.spawn(async move {
            if router.begin_anew(&address).await {
                // Whoever asked may have stopped waiting.
                let _gone = done.send(());
            }
        });
    }

    fn departed(&self, number: u64) {
        if presence::is_ours(number) {
            self.router.tell_behind(number);
        }
    }

    fn receipt(&self, number: u64, handed_over: bool) {
        self.router.receipt(number, handed_over);
    }

    fn mapper(&self) -> Arc<Mapper> {
        Arc::clone(&self.router.policy().mapper)
    }
}
