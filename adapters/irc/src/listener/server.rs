//! The server of one network: what its connections share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use async_trait::async_trait;
use cpim_adapter::{
    AdapterContext, AdapterError, BuildError, Class, CommitPoint, DeliveryError, ForeignAddress, Mapper,
    Notify, Uri,
};
use cpim_irc_proto::{Host, Origin};
use rustls::ServerConfig;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::accept::{Bound, Strangers};
use super::accounts::Accounts;
use super::aliases::Aliases;
use super::asked::Asked;
use super::delivery;
use super::nick::{fold, is_nick};
use super::owners;
use super::presence;
use super::users::Users;
use crate::address::{IrcAddress, NetworkName};
use crate::config::ServerSettings;
use crate::link::Links;
use crate::net::Network;
use crate::outgoing::Outgoing;
use crate::sync::lock;
use crate::tls;

/// The server of one network.
pub(crate) struct Server {
    name: NetworkName,
    origin: Origin,
    loaded: RwLock<Arc<Loaded>>,
    users: Users,
    links: Arc<Links>,
    asked: Asked,
    bound: Mutex<Vec<Bound>>,
    pub(super) strangers: Strangers,
    pub(super) places: Arc<Semaphore>,
    pub(super) tasks: TaskTracker,
    live: OnceLock<Arc<Live>>,
    /// Held while presence is told.
    pub(super) telling: Mutex<()>,
    /// When it began, for those who ask.
    pub(super) began: SystemTime,
}

/// What is configured, with everything loaded that can be wrong. Replaced as a whole.
pub(crate) struct Loaded {
    pub(crate) settings: ServerSettings,
    tls: HashMap<SocketAddr, Arc<ServerConfig>>,
}

/// What is there once the gateway runs.
pub(crate) struct Live {
    pub(crate) cx: AdapterContext,
    pub(crate) accounts: Accounts,
    pub(crate) aliases: Aliases,
}

impl Loaded {
    fn load(settings: ServerSettings) -> Result<Self, BuildError> {
        let mut tls = HashMap::new();
        for listener in &settings.listeners {
            let key = format!("irc.listener[{}]", listener.address);
            match &listener.identity {
                Some(identity) => {
                    tls.insert(listener.address, tls::server(identity, &key)?);
                }
                None if !listener.plain && !listener.address.ip().to_canonical().is_loopback() => {
                    return Err(BuildError {
                        key,
                        what: "plain TCP beyond loopback: give it a `certificate` and `key`, or say plain = \
                               \"unencrypted-over-the-network\""
                            .into(),
                    });
                }
                None => {}
            }
        }
        for account in &settings.accounts {
            if !is_nick(&account.name) {
                let what = format!("`{}` is no nick, which an account's name must be", account.name);
                return Err(BuildError { key: "irc.account".into(), what });
            }
        }
        Ok(Self { settings, tls })
    }

    /// The TLS of the listener at this address, where it speaks TLS.
    pub(super) fn tls(&self, address: &SocketAddr) -> Option<&Arc<ServerConfig>> {
        self.tls.get(address)
    }
}

impl Server {
    /// Builds a server; nothing is listened at yet.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub(crate) fn new(settings: ServerSettings, links: Arc<Links>) -> Result<Arc<Self>, BuildError> {
        let name = settings.name.clone();
        let host = Host::parse(name.as_str())
            .map_err(|error| BuildError { key: "irc.name".into(), what: error.to_string() })?;
        let places = Semaphore::new(settings.limits.clients.min(Semaphore::MAX_PERMITS));
        Ok(Arc::new(Self {
            name,
            origin: Origin::Server(host),
            strangers: Strangers::new(settings.limits.strangers),
            places: Arc::new(places),
            loaded: RwLock::new(Arc::new(Loaded::load(settings)?)),
            users: Users::default(),
            links,
            asked: Asked::default(),
            bound: Mutex::default(),
            tasks: TaskTracker::new(),
            live: OnceLock::new(),
            telling: Mutex::default(),
            began: SystemTime::now(),
        }))
    }

    /// Goes by other settings from now on, for every connection that comes about afterwards. Gives back what takes a
    /// restart.
    ///
    /// # Errors
    /// [`BuildError`]; then everything stays as it was.
    pub(crate) fn reconfigure(&self, settings: ServerSettings) -> Result<Vec<String>, BuildError> {
        let mut new = Loaded::load(settings)?;
        let old = self.loaded();
        let mut restart = Vec::new();
        let addresses = |loaded: &Loaded| -> Vec<SocketAddr> {
            loaded.settings.listeners.iter().map(|listener| listener.address).collect()
        };
        if addresses(&new) != addresses(&old) {
            restart.push("irc.listener".to_owned());
            new.settings.listeners.clone_from(&old.settings.listeners);
            new.tls.clone_from(&old.tls);
        }
        if new.settings.name != old.settings.name {
            restart.push("irc.name".to_owned());
            new.settings.name = old.settings.name.clone();
        }
        if new.settings.limits.clients != old.settings.limits.clients {
            restart.push("limits.sessions".to_owned());
        }
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(restart)
    }

    /// The addresses that are bound and not yet run, with the ports that were found free.
    pub(crate) fn local_addrs(&self) -> Vec<SocketAddr> {
        lock(&self.bound).iter().filter_map(Bound::local_addr).collect()
    }

    /// Its name, which is every user's host.
    pub(crate) fn name(&self) -> &NetworkName {
        &self.name
    }

    /// As whom it writes itself.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What is configured now.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who is on the network.
    pub(crate) fn users(&self) -> &Users {
        &self.users
    }

    /// Links with other gateways, which log in here.
    pub(crate) fn links(&self) -> &Arc<Links> {
        &self.links
    }

    /// Who asked about whom lately.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The gateway, once it runs.
    pub(super) fn live(&self) -> Option<&Arc<Live>> {
        self.live.get()
    }

    /// The foreign address of a person of this network.
    pub(super) fn foreign(&self, person: &str) -> Option<ForeignAddress> {
        IrcAddress { network: self.name.clone(), target: person.to_owned() }.to_foreign().ok()
    }

    /// The URI of a person of this network.
    pub(super) fn uri_of(&self, person: &str, class: Class, mapper: &Mapper) -> Option<Uri> {
        mapper.map_foreign(&self.foreign(person)?, class).ok()
    }

    /// The person of this network that an address means, where it means one.
    pub(super) fn person_at(&self, address: &cpim_adapter::Address, mapper: &Mapper) -> Option<String> {
        let foreign = mapper.unmap(address).ok()?;
        let parsed = IrcAddress::parse(&foreign).ok()?;
        (parsed.network == self.name).then(|| fold(&parsed.target))
    }
}

#[async_trait]
impl Network for Server {
    fn name(&self) -> &NetworkName {
        &self.name
    }

    fn canonicalise(&self, target: &str) -> Result<String, String> {
        match target {
            channel if channel.starts_with(['#', '&', '+', '!']) => {
                Err(format!("`{channel}` is a channel, and there are none here; a nick is accepted"))
            }
            nick if is_nick(nick) => Ok(fold(nick)),
            other => Err(format!("`{other}` is no nick (RFC 2812 section 2.3.1)")),
        }
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        let loaded = self.loaded();
        let mut bound = Vec::new();
        for listener in &loaded.settings.listeners {
            bound.push(Bound::bind(listener.address).await?);
        }
        *lock(&self.bound) = bound;
        Ok(())
    }

    async fn run(self: Arc<Self>, cx: AdapterContext) -> Result<(), AdapterError> {
        let live = Arc::new(Live {
            accounts: Accounts::new(Arc::clone(&cx.memory), self.name.as_str()),
            aliases: Aliases::new(Arc::clone(&cx.memory), self.name.as_str()),
            cx: cx.clone(),
        });
        if self.live.set(Arc::clone(&live)).is_err() {
            return Err(AdapterError::Internal("the server runs already".into()));
        }
        for account in &self.loaded().settings.accounts {
            if let Err(error) = owners::for_account(&self, &live, account.name.as_str()).await {
                return Err(AdapterError::Internal(error.to_string()));
            }
        }
        let bound = std::mem::take(&mut *lock(&self.bound));
        for bound in bound {
            self.tasks.spawn(bound.run(Arc::clone(&self), Arc::clone(&live)));
        }
        cx.shutdown.draining().await;
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            // Every connection heeds it itself; this is for whoever waits.
            () = cx.shutdown.forced() => {}
        }
        Ok(())
    }

    async fn letter(
        &self,
        target: &str,
        letter: Outgoing<'_>,
        commit: &CommitPoint,
    ) -> Result<(), DeliveryError> {
        let live = self.live().ok_or_else(|| DeliveryError::transport("the server does not run yet"))?;
        delivery::letter(self, live, target, letter, commit).await
    }

    async fn news(&self, target: &str, notify: &Notify, commit: &CommitPoint) -> Result<(), DeliveryError> {
        delivery::news(self, target, notify, commit).await
    }

    async fn observe(&self, target: &str) -> Result<(), DeliveryError> {
        self.users.observe(target);
        presence::tell(self, &[target.to_owned()]);
        Ok(())
    }

    async fn unobserve(&self, target: &str) {
        self.users.unobserve(target);
    }
}
