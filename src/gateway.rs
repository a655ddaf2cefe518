//! The gateway as a process: put together, started, reloaded, drained.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::kept::Shelf;
use cpim_adapter::{AdapterContext, AdapterError, BuildError, Health, HealthReporter, Selector, Shutdown};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::admin::{self, AdminError, AdminState};
use crate::clock::UnixMs;
use crate::config::{Config, ConfigErrors, Durability, LogFormat};
use crate::inbox::Inbox;
use crate::logging::{Logging, LoggingError};
use crate::registry::{ROWS, Reload};
use crate::resolver::{Resolver, SetupError};
use crate::router::{GATEWAY, Policy, Port, Router, Stores};
use crate::store::{
    Completions, Journal, MemoryOptions, MemoryStore, Retention, SqliteOptions, SqliteStore, StoreError,
    StoreHealth,
};

/// How often what need not be kept any longer is forgotten.
const PRUNING: Duration = Duration::from_secs(20);

/// For how long an address that nobody serves any more is still known.
const KEEP_SEEN: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Operations that are remembered without a store.
const MEMORY_OPERATIONS: usize = 1_000_000;

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An adapter cannot listen, or is beyond repair.
    #[error("{adapter}: {source}")]
    Adapter {
        /// Which.
        adapter: &'static str,
        /// Why.
        source: AdapterError,
    },
    /// The admin interface cannot be opened.
    #[error("{0}")]
    Admin(#[from] AdminError),
    /// An adapter cannot be built from the configuration.
    #[error("{adapter}: {source}")]
    Build {
        /// Which.
        adapter: &'static str,
        /// Why.
        source: BuildError,
    },
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] ConfigErrors),
    /// The log cannot be started.
    #[error("log: {0}")]
    Logging(#[from] LoggingError),
    /// The parts of the configuration contradict each other.
    #[error("{0}")]
    Mapping(#[from] cpim_adapter::MappingError),
    /// The resolver cannot be set up.
    #[error("dns: {0}")]
    Resolver(#[from] SetupError),
    /// The signals of the process cannot be received.
    #[error("signals: {0}")]
    Signals(std::io::Error),
    /// The store cannot be opened.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How the gateway ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// In order: everything that is open is in the journal.
    Cleanly,
    /// With operations open that no journal holds, or that could not be written.
    WithLosses,
}

/// Runs the gateway that a file describes, until SIGTERM or SIGINT. Logs in `format`, or as the file says.
///
/// # Errors
/// [`StartError`] where it cannot start; then nothing has been accepted from anybody.
pub async fn run(file: &Path, format: Option<LogFormat>) -> Result<Ended, StartError> {
    let mut config = Config::load(file)?;
    config.log.format = format.unwrap_or(config.log.format);
    let logging = Logging::start(&config.log)?;
    // First, because without a handler each of them is the end: also one that comes while we start.
    let signals = Signals::listen().map_err(StartError::Signals)?;
    Ok(Gateway { format, ..Gateway::start(config, logging).await? }.until_stopped(signals).await)
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits to be told to stop. Cancel safe.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A running gateway.
struct Gateway {
    file: PathBuf,
    /// What is logged in, whatever the file says.
    format: Option<LogFormat>,
    config: Config,
    logging: Logging,
    router: Arc<Router>,
    stores: Stores,
    reloads: Reloads,
    kept: Arc<Shelf>,
    shutdown: Shutdown,
    adapters: TaskTracker,
    admin: admin::AdminHandle,
}

impl Gateway {
    async fn start(config: Config, logging: Logging) -> Result<Self, StartError> {
        let (mut ports, reloads) = build(&config)?;
        let inbox = Arc::new(Inbox::default());
        ports.push(Port { name: GATEWAY, selectors: Vec::new(), adapter: Arc::clone(&inbox) as _ });
        for port in &ports {
            let bound = port.adapter.bind().await;
            bound.map_err(|source| StartError::Adapter { adapter: port.name, source })?;
        }
        let (stores, done, sound) = open_stores(&config).await?;
        let room = config.limits.memory_octets;
        let router =
            Router::new(ports, Policy::new(&config)?, resolver(&config)?, stores.clone(), room).await?;
        inbox.attach(&router);
        let mut health = Vec::new();
        let reporters: Vec<HealthReporter> = router
            .ports()
            .iter()
            .map(|port| {
                let (reporter, states) = HealthReporter::new();
                health.push((port.name, states));
                reporter
            })
            .collect();
        let shutdown = Shutdown::default();
        let state =
            AdminState::new(Arc::clone(&router) as _, stores.journal.health(), health, shutdown.clone());
        let admin = admin::serve(&config.admin, state).await?;
        router.start(done, sound).await?;
        let adapters = TaskTracker::new();
        let kept = Arc::new(Shelf::new(router.memory(), (&config.kept).into()));
        for (at, reporter) in reporters.into_iter().enumerate() {
            let cx = AdapterContext::new(router.exchange(at), router.memory(), reporter, shutdown.clone())
                .with_shelf(Arc::clone(&kept));
            adapters.spawn(run_adapter(Arc::clone(&router), at, cx));
        }
        adapters.close();
        for store in stores.each() {
            tokio::spawn(prune(Arc::clone(store), retention(&config), shutdown.clone()));
            tokio::spawn(report_store(store.health()));
        }
        info!(relay = %config.relay_domain, "ready");
        let file = config.file.clone();
        Ok(Self {
            file,
            format: None,
            config,
            logging,
            router,
            stores,
            reloads,
            kept,
            shutdown,
            adapters,
            admin,
        })
    }

    async fn until_stopped(mut self, mut signals: Signals) -> Ended {
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => break,
                _ = signals.interrupt.recv() => break,
                _ = signals.hang_up.recv() => self.reload(),
            }
        }
        self.stop(signals).await
    }

    /// Takes a new configuration, whole or not at all, but for what needs a restart, which is said.
    fn reload(&mut self) {
        let mut config = match Config::load(&self.file) {
            Ok(config) => config,
            Err(errors) => {
                errors.iter().for_each(|wrong| error!("{wrong}"));
                return error!("the configuration stays as it was");
            }
        };
        config.log.format = self.format.unwrap_or(config.log.format);
        let difference = self.config.difference(&config);
        let (policy, resolver) = match (Policy::new(&config), resolver(&config)) {
            (Ok(policy), Ok(resolver)) => (policy, resolver),
            (Err(error), _) => return error!(%error, "the configuration stays as it was"),
            (_, Err(error)) => return error!(%error, "the configuration stays as it was"),
        };
        for (name, reload) in &self.reloads {
            match reload(&config) {
                Ok(restart) => {
                    restart.iter().for_each(|what| warn!(adapter = name, "{what}: only after a restart"))
                }
                Err(error) => return error!(adapter = name, %error, "the configuration stays as it was"),
            }
        }
        self.router.replace(policy, resolver);
        self.kept.set_limits((&config.kept).into());
        if let Err(error) = self.logging.reload(&config.log) {
            error!(%error, "the log stays as it was");
        }
        for key in &difference.restart {
            warn!(key, "changed, but holds only after a restart");
        }
        info!(changed = difference.at_once.join(", "), "configuration reloaded");
        self.config = config;
    }

    /// Drains: nothing new is accepted, what is open may be answered, then everything ends. A second signal
    /// ends the wait.
    async fn stop(self, mut signals: Signals) -> Ended {
        info!(in_flight = self.router.in_flight(), "stopping");
        self.router.begin_drain();
        let mut deadline = Instant::now() + self.config.limits.drain;
        tokio::select! {
            () = self.router.idle() => {}
            () = sleep_until(deadline) => {}
            () = signals.stop() => deadline = Instant::now(),
        }
        self.shutdown.begin_drain();
        let ended = tokio::select! {
            () = self.adapters.wait() => true,
            () = sleep_until(deadline.max(Instant::now() + LAST_WORDS)) => false,
            () = signals.stop() => false,
        };
        if !ended {
            self.shutdown.begin_force();
            if timeout_at(Instant::now() + LAST_WORDS, self.adapters.wait()).await.is_err() {
                warn!("an adapter did not stop in time");
            }
        }
        self.admin.stop().await;
        let open = self.router.in_flight();
        let mut closed = true;
        for store in self.stores.each() {
            if let Err(error) = store.close().await {
                closed = false;
                error!(%error, "the store");
            }
        }
        let durable = self.config.store.durability == Durability::Full && closed;
        info!(open, "stopped");
        if durable || open == 0 { Ended::Cleanly } else { Ended::WithLosses }
    }
}

/// What adapters get at least for taking leave of their peers.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How each adapter, by its name, is told of a new configuration.
type Reloads = Vec<(&'static str, Reload)>;

fn build(config: &Config) -> Result<(Vec<Port>, Reloads), StartError> {
    let (mut ports, mut reloads) = (Vec::new(), Vec::new());
    for row in ROWS {
        let built =
            (row.build)(config).map_err(|source| StartError::Build { adapter: row.section.name, source })?;
        let selectors: Vec<Selector> =
            row.selectors.iter().filter_map(|name| config.selectors.find(name).ok()).collect();
        ports.push(Port { name: row.section.name, selectors, adapter: built.adapter });
        reloads.push((row.section.name, built.reload));
    }
    Ok((ports, reloads))
}

/// The stores, which can be read, where each tells what it has done, and whether they are sound, which is being looked
/// into. Without durability, only operations are volatile.
async fn open_stores(
    config: &Config,
) -> Result<(Stores, Vec<Completions>, impl Future<Output = Result<(), StoreError>> + use<>), StartError> {
    let remembers_s = seconds(config.limits.remembers);
    let options = SqliteOptions {
        path: config.store.path.clone(),
        gateway: config.relay_domain.as_str().to_owned(),
        max_octets: config.store.max_octets,
        remembers_s,
    };
    let opening = blocking(move || SqliteStore::open_unchecked(&options, UnixMs::now().0));
    let (store, done, soundness) = opening.await?;
    let sound = blocking(move || soundness.wait());
    let state: Arc<dyn Journal> = Arc::new(store);
    if config.store.durability == Durability::Full {
        return Ok((state.into(), vec![done], sound));
    }
    let (journal, volatile) = MemoryStore::new(MemoryOptions {
        operations: MEMORY_OPERATIONS,
        octets: config.limits.memory_octets,
        remembers_s,
    });
    Ok((Stores { journal: Arc::new(journal), state }, vec![done, volatile], sound))
}

/// Begins at once, on a thread that may block, and can be awaited.
fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> impl Future<Output = Result<T, StoreError>> {
    let running = tokio::task::spawn_blocking(work);
    async { running.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string()))) }
}

fn retention(config: &Config) -> Retention {
    Retention {
        history_s: seconds(config.store.history),
        keep_answers_s: seconds(config.store.keep_answers),
        keep_seen_s: seconds(KEEP_SEEN),
        remembers_s: seconds(config.limits.remembers),
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// The resolver that a configuration describes.
///
/// # Errors
/// [`SetupError`] where there is no server to ask, or a cap is too low.
pub fn resolver(config: &Config) -> Result<Resolver, SetupError> {
    Resolver::new(crate::resolver::Settings::new(config))
}

/// Runs an adapter until it is drained. One that ends beyond repair is told of in health; the others go on.
async fn run_adapter(router: Arc<Router>, at: usize, cx: AdapterContext) {
    let Some(port) = router.ports().get(at) else { return };
    let health = cx.health.clone();
    match port.adapter.run(cx).await {
        Ok(()) => health.set(Health::Stopped),
        Err(error) => {
            error!(adapter = port.name, %error, "the adapter ended");
            health.set(Health::Down(error.to_string()));
        }
    }
}

async fn prune(journal: Arc<dyn Journal>, retention: Retention, shutdown: Shutdown) {
    let mut ticks = interval(PRUNING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.draining() => return,
        }
        loop {
            match journal.prune(UnixMs::now().0, retention).await {
                Ok(pruned) if pruned.more => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => break warn!(%error, "the store could not be pruned"),
            }
        }
    }
}

/// Says in the log when the store is in trouble, and when it is well again.
async fn report_store(mut health: watch::Receiver<StoreHealth>) {
    while health.changed().await.is_ok() {
        match &*health.borrow_and_update() {
            StoreHealth::Ok => info!("the store is well again"),
            StoreHealth::Degraded(reason) => {
                error!(reason, "the store cannot be written: operations are answered busy")
            }
        }
    }
}
