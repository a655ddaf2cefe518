//! The adapter itself: finds the network that an address names, and the link that leads to a peer gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, AdapterError, BadAddress, BuildError, Capabilities, Code, CommitPoint, Delivery,
    DeliveryError, Feature, ForeignAddress, Health, NextHop, Outcome, OwnConnection, PresenceSupport,
    Support,
};
use tokio::task::JoinSet;

use crate::address::{IrcAddress, NetworkName};
use crate::config::Settings;
use crate::health::HealthShare;
use crate::link::Links;
use crate::listener::Server;
use crate::net::Network;
use crate::network::{Joined, JoinedNetwork};
use crate::outgoing;

/// The IRC adapter.
pub struct IrcAdapter {
    server: Option<Arc<Server>>,
    joined: Vec<Arc<Joined>>,
    networks: Vec<Arc<dyn Network>>,
    health: HealthShare,
    links: Arc<Links>,
}

impl IrcAdapter {
    /// Builds the adapter; nothing is listened at or connected to yet.
    ///
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        let health = HealthShare::default();
        let links = Links::new(settings.link)?;
        let server = settings.server.map(|server| Server::new(server, Arc::clone(&links))).transpose()?;
        let joined: Vec<Arc<Joined>> =
            settings.networks.into_iter().map(Joined::new).collect::<Result<_, _>>()?;
        let own = server.iter().map(|server| Arc::clone(server) as Arc<dyn Network>);
        let others = joined
            .iter()
            .map(|joined| Arc::new(JoinedNetwork(Arc::clone(joined), health.clone())) as Arc<dyn Network>);
        let networks = own.chain(others).collect();
        Ok(Self { server, joined, networks, links, health })
    }

    /// The TCP addresses that are bound and not yet run, in the order of the settings, with the ports that were found
    /// free.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.server.as_ref().map(|server| server.local_addrs()).unwrap_or_default()
    }

    /// Goes by other settings from now on, for every connection that comes about afterwards. Gives back what takes a
    /// restart, in words for the administrator.
    ///
    /// # Errors
    /// [`BuildError`]; then everything stays as it was.
    pub fn reconfigure(&self, settings: Settings) -> Result<Vec<String>, BuildError> {
        self.links.reconfigure(settings.link)?;
        let mut restart = match (&self.server, settings.server) {
            (Some(server), Some(settings)) => server.reconfigure(settings)?,
            (None, None) => Vec::new(),
            (Some(_), None) | (None, Some(_)) => vec!["irc.name".to_owned()],
        };
        // What is different takes a restart. But whoever asks for a reload has done something, and a network that let
        // nobody in may do so now.
        if !settings.networks.iter().eq(self.joined.iter().map(|joined| joined.settings())) {
            restart.push("irc.network".to_owned());
        }
        self.joined.iter().for_each(|joined| joined.try_again());
        Ok(restart)
    }

    fn network(&self, name: &NetworkName) -> Option<&Arc<dyn Network>> {
        self.networks.iter().find(|network| network.name() == name)
    }

    /// The network and the target that an address means.
    fn find(&self, foreign: &ForeignAddress) -> Result<(&Arc<dyn Network>, String), String> {
        let address = IrcAddress::parse(foreign)?;
        let Some(network) = self.network(&address.network) else {
            let known: Vec<&str> = self.networks.iter().map(|network| network.name().as_str()).collect();
            return Err(format!("no network `{}` here; known are {}", address.network, known.join(", ")));
        };
        Ok((network, network.canonicalise(&address.target)?))
    }

    fn found(&self, foreign: &ForeignAddress) -> Result<(&Arc<dyn Network>, String), DeliveryError> {
        self.find(foreign).map_err(|what| DeliveryError::refused(Code::BadAddress, what))
    }
}

/// What the adapter claims as the server of its own network.
#[must_use]
pub const fn capabilities() -> Capabilities {
    claims(support)
}

/// What it claims on a network that others run, which is no more.
#[must_use]
pub const fn network_capabilities() -> Capabilities {
    claims(network_support)
}

const fn claims(support: fn(Feature) -> Support) -> Capabilities {
    Capabilities { support, presence: PresenceSupport::Observe, max_content_octets: None }
}

/// What a network that others run can carry.
const fn network_support(feature: Feature) -> Support {
    match feature {
        // The real name of a puppet is its user's address.
        Feature::DisplayNames => Support::Dropped,
        Feature::Outcome => {
            Support::Degraded("indeterminant where the network's server says only that it took it")
        }
        other => support(other),
    }
}

/// What the gateway's own network can carry.
const fn support(feature: Feature) -> Support {
    match feature {
        Feature::AnyContent => Support::Degraded("shown as text; the whole is kept and offered"),
        Feature::Date => Support::Dropped,
        Feature::DisplayNames => Support::Degraded("as the real name of whoever writes"),
        Feature::MultiLine => Support::Degraded("one message for each line, in order"),
        Feature::Outcome => Support::Full,
        Feature::RichPresence => Support::Degraded("away as AWAY, words as text"),
        Feature::Subject => Support::Degraded("in brackets before the text"),
        Feature::Threads => Support::Dropped,
        Feature::Unicode => Support::Full,
    }
}

#[async_trait]
impl Adapter for IrcAdapter {
    /// What each of its networks keeps.
    fn capabilities(&self) -> Capabilities {
        match self.joined.is_empty() {
            true => capabilities(),
            false => network_capabilities(),
        }
    }

    fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        let canonical = self.find(&foreign).and_then(|(network, target)| {
            IrcAddress { network: network.name().clone(), target }.to_foreign()
        });
        canonical.map_err(|what| BadAddress { address: foreign, what })
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        for network in &self.networks {
            network.bind().await?;
        }
        Ok(())
    }

    /// Runs every network until it is drained. One that ends beyond repair does not end the others.
    async fn run(&self, cx: AdapterContext) -> Result<(), AdapterError> {
        self.health.begin(cx.health.clone());
        let mut running = JoinSet::new();
        let (links, links_cx) = (Arc::clone(&self.links), cx.clone());
        running.spawn(async move { links.run(links_cx).await });
        for network in &self.networks {
            let (network, cx, health) = (Arc::clone(network), cx.clone(), self.health.clone());
            running.spawn(async move {
                if let Err(error) = Arc::clone(&network).run(cx).await {
                    tracing::error!(network = network.name().as_str(), %error, "the network ended");
                    health.set(network.name().as_str(), Some(error.to_string()));
                }
            });
        }
        while running.join_next().await.is_some() {}
        cx.shutdown.draining().await;
        cx.health.set(Health::Stopped);
        Ok(())
    }

    async fn deliver(&self, delivery: Delivery, commit: &CommitPoint) -> Result<Outcome, DeliveryError> {
        let NextHop::Foreign(foreign) = &delivery.hop else {
            return self.links.deliver(delivery, commit).await;
        };
        if delivery.again {
            return Err(DeliveryError::refused(Code::Internal, "nobody on IRC recognises retransmissions"));
        }
        let (network, target) = self.found(foreign)?;
        outgoing::deliver(&**network, &target, delivery, commit).await
    }

    async fn observe(&self, presentity: ForeignAddress) -> Result<(), DeliveryError> {
        let (network, target) = self.found(&presentity)?;
        network.observe(&target).await
    }

    async fn manage(&self, words: &[String], secret: Option<&str>) -> Result<Vec<String>, String> {
        match &self.server {
            Some(server) => server.manage(words, secret).await,
            None => Err("there is no network here whose accounts could be managed".to_owned()),
        }
    }

    fn connections(&self) -> Vec<OwnConnection> {
        self.networks.iter().flat_map(|network| network.connections()).collect()
    }

    async fn unobserve(&self, presentity: &ForeignAddress) {
        if let Ok((network, target)) = self.find(presentity) {
            network.unobserve(&target).await;
        }
    }
}
