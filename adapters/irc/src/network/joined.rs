//! A network that was joined: what its seats share.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use cpim_adapter::{
    AdapterContext, AdapterError, Address, BuildError, Class, CommitPoint, DeliveryError, ForeignAddress,
    ImUri, Local, Mapper, Notify as News, OwnConnection, Shutdown,
};
use cpim_irc_proto::client::{Session, Watch};
use cpim_irc_proto::{Casemapping, NameKey, Nick};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::ClientConfig;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::config::{NetworkSettings, Transport};
use super::gate::Gate;
use super::inbound::Inbound;
use super::keep::keep;
use super::owners::{FINDINGS, Finding};
use super::people::People;
use super::relay::Inquiries;
use super::seat::Seat;
use super::{delivery, looks};
use crate::address::{IrcAddress, NetworkName};
use crate::health::HealthShare;
use crate::net::Network;
use crate::outgoing::Outgoing;
use crate::sync::lock;
use crate::tls;

/// Puppets that were barred and are kept in mind, so that nobody else writes for them.
const BARRED: usize = 1_024;

/// Nicks of a puppet that are tried first: one of them is free almost always, and the others need not be made.
const FIRST_NICKS: usize = 8;

/// A network that was joined.
pub(crate) struct Joined {
    pub(super) settings: NetworkSettings,
    /// How the relay speaks TLS, and how puppets do, which show no certificate: services would take whoever shows the
    /// relay's for the relay.
    tls: Option<[Arc<ClientConfig>; 2]>,
    live: OnceLock<Live>,
    pub(super) relay: Arc<Seat>,
    puppets: Mutex<HashMap<Address, Arc<Seat>>>,
    /// Our own nicks, so that nothing of ours is taken for somebody's.
    ours: Mutex<HashMap<NameKey, Address>>,
    facts: Mutex<Facts>,
    /// How the relay is there, in words.
    state: Mutex<String>,
    /// Whether the relay is on the network.
    up: watch::Sender<bool>,
    /// The administrator has changed something.
    retry: Notify,
    pub(super) gate: Arc<Gate>,
    pub(super) people: Mutex<People>,
    /// Nicks whose accounts have given the gateway commands.
    pub(super) owners: Mutex<HashSet<NameKey>>,
    /// Whom the relay watches, while it is on the network.
    pub(super) watch: Mutex<Option<Watch>>,
    pub(super) inquiries: Mutex<Inquiries>,
    pub(super) tasks: TaskTracker,
    /// Told when the presence of somebody is to be looked at.
    pub(super) settling: Notify,
}

/// What is there once the gateway runs.
pub(super) struct Live {
    pub(super) cx: AdapterContext,
    pub(super) inbound: Inbound,
    pub(super) findings: mpsc::Sender<Finding>,
    health: HealthShare,
}

/// What the network says of itself.
#[derive(Debug)]
struct Facts {
    mapping: Casemapping,
    nick_octets: usize,
}

impl Joined {
    /// # Errors
    /// [`BuildError`] names the key of whatever cannot be used.
    pub(crate) fn new(settings: NetworkSettings) -> Result<Arc<Self>, BuildError> {
        let key = format!("irc.network[{}]", settings.name);
        let tls = match &settings.transport {
            Transport::Plain => None,
            Transport::Tls { anchors, identity } => {
                Some([tls::client(anchors, identity.as_ref(), &key)?, tls::client(anchors, None, &key)?])
            }
        };
        let facts = Facts { mapping: settings.casemapping.unwrap_or_default(), nick_octets: 9 };
        Ok(Arc::new(Self {
            tls,
            live: OnceLock::new(),
            relay: Arc::new(Seat::new(None)),
            puppets: Mutex::default(),
            ours: Mutex::default(),
            facts: Mutex::new(facts),
            state: Mutex::new("connecting".into()),
            up: watch::Sender::new(false),
            retry: Notify::new(),
            gate: Gate::new(settings.connecting),
            people: Mutex::new(People::new(settings.settle)),
            owners: Mutex::default(),
            watch: Mutex::default(),
            inquiries: Mutex::default(),
            tasks: TaskTracker::new(),
            settling: Notify::new(),
            settings,
        }))
    }

    pub(crate) const fn settings(&self) -> &NetworkSettings {
        &self.settings
    }

    /// How a seat speaks TLS, where the network does.
    pub(super) fn tls_of(&self, seat: &Seat) -> Option<&Arc<ClientConfig>> {
        let [relays, puppets] = self.tls.as_ref()?;
        Some(if seat.is_relay() { relays } else { puppets })
    }

    pub(super) fn name(&self) -> &str {
        self.settings.name.as_str()
    }

    /// The gateway, once it runs.
    pub(super) fn live(&self) -> Option<&Live> {
        self.live.get()
    }

    pub(super) fn shutdown(&self) -> Shutdown {
        self.live().map(|live| live.cx.shutdown.clone()).unwrap_or_default()
    }

    pub(super) fn mapper(&self) -> Option<Arc<Mapper>> {
        self.live().map(|live| live.cx.mapper())
    }

    pub(super) fn relay_domain(&self) -> String {
        self.mapper().map(|mapper| mapper.relay_domain().to_string()).unwrap_or_default()
    }

    /// How the network folds names.
    pub(super) fn mapping(&self) -> Casemapping {
        lock(&self.facts).mapping
    }

    /// Octets of a nick at most.
    pub(super) fn nick_octets(&self) -> usize {
        lock(&self.facts).nick_octets
    }

    pub(super) fn key(&self, nick: &str) -> NameKey {
        self.mapping().key(nick)
    }

    /// The foreign address of somebody of the network.
    pub(super) fn foreign(&self, key: &NameKey) -> Option<ForeignAddress> {
        let target = key.as_str().to_owned();
        IrcAddress { network: self.settings.name.clone(), target }.to_foreign().ok()
    }

    /// The address of somebody of the network.
    pub(super) fn uri_of(&self, nick: &str) -> Option<ImUri> {
        let uri = self.mapper()?.map_foreign(&self.foreign(&self.key(nick))?, Class::Im).ok()?;
        ImUri::try_from(uri).ok()
    }

    /// Whether a nick is one of ours.
    pub(super) fn is_ours(&self, key: &NameKey) -> bool {
        *key == self.key(self.settings.nick.as_str()) || lock(&self.ours).contains_key(key)
    }

    /// Whether the relay is on the network.
    pub(super) fn is_in_sight(&self) -> bool {
        *self.up.borrow()
    }

    /// Resolves when the relay is on the network. Cancel safe.
    pub(super) async fn is_up(&self) {
        // The sender lives as long as this.
        let mut up = self.up.subscribe();
        let _up = up.wait_for(|up| *up).await;
    }

    /// Resolves when the administrator has changed something. Cancel safe.
    pub(super) async fn told_to_try(&self) {
        self.retry.notified().await;
    }

    /// Whoever was not let in may try again.
    pub(crate) fn try_again(&self) {
        self.retry.notify_waiters();
    }

    /// The nick of a foreign user: the same after a restart.
    pub(super) async fn nick_for(&self, address: &Address, octets: usize) -> Result<String, String> {
        let live = self.live().ok_or("the gateway is just starting")?;
        let space = format!("irc.puppets.{}", self.name());
        let (mapper, memory) = (live.cx.mapper(), &live.cx.memory);
        let address_of_inbox = address.clone().with_class(Class::Im);
        let mut nicks = looks::nicks(&address_of_inbox, &mapper, octets);
        let alias =
            async |nicks| memory.alias(&space, address, nicks).await.map_err(|error| error.to_string());
        let known = match alias(nicks.by_ref().take(FIRST_NICKS).collect()).await? {
            Some(known) => Some(known),
            None => alias(nicks.collect()).await?,
        };
        // Longer, it was given when the network let nicks be so.
        let last = || looks::nicks(&address_of_inbox, &mapper, octets).last();
        Ok(known.filter(|nick| nick.len() <= octets).or_else(last).unwrap_or_default())
    }

    /// The seat by which a source writes, and whether it is the source's own.
    ///
    /// # Errors
    /// The network does not let it in.
    pub(super) fn seat_for(self: &Arc<Self>, source: &ImUri) -> Result<(Arc<Seat>, bool), DeliveryError> {
        let is_gateway =
            |mapper: Arc<Mapper>| matches!(mapper.resident(source.address()), Ok(Some(Local::Gateway)));
        if let Some(why) = self.relay.barred() {
            return Err(delivery::barred(true, &why));
        }
        if self.settings.puppets == 0 || self.mapper().is_some_and(is_gateway) {
            return Ok((Arc::clone(&self.relay), false));
        }
        let mut puppets = lock(&self.puppets);
        if let Some(seat) = puppets.get(source.address()) {
            if let Some(why) = seat.barred() {
                return Err(delivery::barred(false, &why));
            }
            if !seat.mailbox.is_closed() {
                return Ok((Arc::clone(seat), true));
            }
        }
        let is_live = |seat: &Seat| seat.barred().is_none() && !seat.mailbox.is_closed();
        let live = puppets.values().filter(|seat| is_live(seat)).count();
        if live >= self.settings.puppets && !make_room(&mut puppets) {
            return Ok((Arc::clone(&self.relay), false));
        }
        if puppets.len() - live.min(puppets.len()) >= BARRED {
            puppets.retain(|_, seat| is_live(seat));
        }
        let seat = Arc::new(Seat::new(Some(source.clone())));
        seat.mailbox.touch();
        puppets.insert(source.address().clone(), Arc::clone(&seat));
        self.tasks.spawn(keep(Arc::clone(self), Arc::clone(&seat)));
        Ok((seat, true))
    }

    /// A seat is on the network.
    pub(super) fn enters(self: &Arc<Self>, seat: &Arc<Seat>, session: &Session) {
        self.is_called(seat, Some(session.nick().clone()));
        self.begins_to_hear(seat);
        if seat.is_relay() {
            let said = session.isupport();
            {
                let mut facts = lock(&self.facts);
                facts.nick_octets = said.nick_octets;
                if self.settings.casemapping.is_none() {
                    facts.mapping = said.casemapping;
                }
            }
            self.shows_joined(session.nick(), said.casemapping);
            self.begin_watching(session);
            self.up.send_replace(true);
        } else {
            seat.show();
            self.follows(seat, true);
        }
        let (seat, nick) = (seat.label(), session.nick().as_str());
        tracing::info!(network = self.name(), seat, nick, "on the network");
    }

    /// A seat has another nick, or none.
    pub(super) fn is_called(&self, seat: &Seat, nick: Option<Nick>) {
        let new = nick.as_ref().map(|nick| self.key(nick.as_str()));
        let old = seat.set_nick(nick);
        let mut ours = lock(&self.ours);
        if let Some(old) = old {
            ours.remove(&self.key(old.as_str()));
        }
        let of = seat.principal.as_ref().map(|uri| uri.address().clone());
        let of = of.or_else(|| self.mapper()?.address_of(&Local::Gateway, Class::Im).ok());
        if let (Some(new), Some(of)) = (new, of) {
            ours.insert(new, of);
        }
    }

    /// A seat is off the network.
    pub(super) fn leaves(&self, seat: &Seat) {
        self.is_called(seat, None);
        seat.mailbox.forget_lines();
        if seat.is_relay() {
            self.up.send_replace(false);
            *lock(&self.watch) = None;
            lock(&self.inquiries).give_up();
            lock(&self.people).lost_sight(Instant::now());
            self.settling.notify_one();
        }
    }

    /// A seat will be tried again.
    pub(super) fn is_out(&self, seat: &Seat, why: &str) {
        if seat.is_relay() {
            self.shows(Some(why.to_owned()), &format!("out of reach: {why}"));
        }
    }

    /// The network does not let a seat in.
    pub(super) fn is_barred(&self, seat: &Seat, why: &str) {
        tracing::error!(network = self.name(), seat = seat.label(), why, "not let in; nothing more is tried");
        seat.bar(Some(why.to_owned()));
        seat.mailbox.close();
        // Of a puppet, the others are on the network, which is what counts.
        if seat.is_relay() {
            self.shows(Some(format!("not let in: {why}")), &format!("not let in: {why}"));
        }
    }

    /// The administrator has changed something.
    pub(super) fn may_try_again(&self, seat: &Seat) {
        seat.bar(None);
        seat.mailbox.reopen();
    }

    /// A seat will not come back by itself.
    pub(super) fn gives_up(&self, seat: &Arc<Seat>) {
        let Some(principal) = &seat.principal else { return };
        let mut puppets = lock(&self.puppets);
        // Another may have come in its place.
        let is_last = puppets.get(principal.address()).is_none_or(|other| Arc::ptr_eq(other, seat));
        if is_last && seat.barred().is_none() {
            puppets.remove(principal.address());
            drop(puppets);
            self.follows(seat, false);
        }
    }

    fn shows_joined(&self, nick: &Nick, said: Casemapping) {
        let mapping = self.mapping();
        let trouble = (said != mapping)
            .then(|| format!("it folds names by {said}, and the configuration says {mapping}"));
        self.shows(trouble.clone(), &trouble.unwrap_or_else(|| format!("joined as {nick}")));
    }

    /// Shows the state of the network to whoever looks at the gateway.
    fn shows(&self, trouble: Option<String>, state: &str) {
        if let Some(live) = self.live() {
            live.health.set(self.name(), trouble);
        }
        state.clone_into(&mut lock(&self.state));
    }

    /// The relay, and each puppet, as an administrator sees them.
    fn connections(&self) -> Vec<OwnConnection> {
        let shown = |state: &str, seat: &Seat| OwnConnection {
            label: format!("{}: {state}", self.name()),
            speaks: seat.principal.as_ref().map(|principal| principal.address().clone()),
        };
        let relay = shown(&lock(&self.state), &self.relay);
        let mut puppets: Vec<_> =
            lock(&self.puppets).values().map(|seat| shown(&seat.state(), seat)).collect();
        puppets.sort_by(|one, other| one.label.cmp(&other.label));
        std::iter::once(relay).chain(puppets).collect()
    }

    /// The puppet of a foreign user, where he has one.
    pub(super) fn puppet_of(&self, address: &Address) -> Option<Arc<Seat>> {
        lock(&self.puppets).get(address).cloned()
    }
}

/// Has the puppet leave that was not used for longest, where one is not in use.
fn make_room(puppets: &mut HashMap<Address, Arc<Seat>>) -> bool {
    let idle = puppets
        .iter()
        .filter(|(_, seat)| seat.barred().is_none() && !seat.mailbox.is_waited_for())
        .filter(|(_, seat)| seat.mailbox.used().is_none_or(|used| used.elapsed() >= delivery::IDLE))
        .min_by_key(|(_, seat)| seat.mailbox.used())
        .map(|(address, _)| address.clone());
    let left = idle.and_then(|address| puppets.remove(&address));
    if let Some(seat) = &left {
        seat.mailbox.close();
    }
    left.is_some()
}

/// From 0 to 1, never the same.
pub(super) fn draw() -> f64 {
    let mut octets = [0; 4];
    // Without randomness everybody waits as long: a pity, and no harm.
    let _drawn = SystemRandom::new().fill(&mut octets);
    f64::from(u32::from_be_bytes(octets)) / f64::from(u32::MAX)
}

/// The network, as the adapter sees it.
pub(crate) struct JoinedNetwork(pub(crate) Arc<Joined>, pub(crate) HealthShare);

#[async_trait]
impl Network for JoinedNetwork {
    fn name(&self) -> &NetworkName {
        &self.0.settings.name
    }

    fn canonicalise(&self, target: &str) -> Result<String, String> {
        if target.starts_with(['#', '&', '+', '!']) {
            return Err(format!(
                "`{target}` is a channel, which the gateway does not join; a nick is accepted"
            ));
        }
        let nick = Nick::parse(target).map_err(|error| format!("`{target}` is no nick: {error}"))?;
        Ok(self.0.mapping().fold(nick.as_str()))
    }

    async fn bind(&self) -> Result<(), AdapterError> {
        Ok(())
    }

    /// Keeps the relay on the network, and whatever else is needed there.
    async fn run(self: Arc<Self>, cx: AdapterContext) -> Result<(), AdapterError> {
        let joined = &self.0;
        let shutdown = cx.shutdown.clone();
        let (inbound, answers) = Inbound::open(&cx, &joined.settings)?;
        let (findings, found) = mpsc::channel(FINDINGS);
        let live = Live { cx, inbound, findings, health: self.1.clone() };
        if joined.live.set(live).is_err() {
            return Err(AdapterError::Internal("the network runs already".into()));
        }
        joined.remember_mapping().await;
        joined.recall_owners().await;
        joined.shows(Some("connecting".into()), "connecting");
        joined.tasks.spawn(keep(Arc::clone(joined), Arc::clone(&joined.relay)));
        let telling = Arc::clone(joined);
        tokio::select! {
            () = shutdown.draining() => {}
            () = joined.answer(answers) => {}
            () = telling.tell() => {}
            () = joined.succeed(found) => {}
        }
        joined.tasks.close();
        let _late = timeout(joined.settings.drain, joined.tasks.wait()).await;
        Ok(())
    }

    async fn letter(
        &self,
        target: &str,
        letter: Outgoing<'_>,
        commit: &CommitPoint,
    ) -> Result<(), DeliveryError> {
        delivery::letter(&self.0, target, letter, commit).await
    }

    async fn news(&self, target: &str, notify: &News, commit: &CommitPoint) -> Result<(), DeliveryError> {
        delivery::news(&self.0, target, notify, commit).await
    }

    async fn observe(&self, target: &str) -> Result<(), DeliveryError> {
        self.0.observe(target)
    }

    async fn unobserve(&self, target: &str) {
        self.0.unobserve(target);
    }

    fn connections(&self) -> Vec<OwnConnection> {
        self.0.connections()
    }
}

impl Joined {
    /// How the network folded names when it was last seen, where the configuration does not say: addresses must be the
    /// same before it is seen again.
    async fn remember_mapping(&self) {
        let Some(live) = self.live().filter(|_| self.settings.casemapping.is_none()) else { return };
        let note = live.cx.memory.note("irc.casemapping", self.name()).await.ok().flatten();
        let known = note.and_then(|note| Casemapping::from_word(std::str::from_utf8(&note).ok()?));
        if let Some(mapping) = known {
            lock(&self.facts).mapping = mapping;
        }
    }
}
