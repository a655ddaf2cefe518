//! Presence, both ways: people of the network for watchers elsewhere, and foreign users as their puppets look.

use std::sync::Arc;

use cpim_adapter::{
    Basic, Class, Code, DeliveryError, Notify, Observation, Operation, PresUri, Presence, Subscribe, Tuple,
    Unsubscribe, Uri,
};
use cpim_irc_proto::{LineBuilder, NameKey, Trailing, Verb};
use tokio::time::{Instant, sleep_until};

use super::joined::Joined;
use super::people::Seen;
use super::seat::Seat;
use crate::sync::lock;

/// Seconds that are asked for with a subscription; the gateway renews what is held.
const LEASE_SECONDS: u32 = 3_600;

impl Joined {
    /// Begins to observe somebody.
    pub(super) fn observe(self: &Arc<Self>, target: &str) -> Result<(), DeliveryError> {
        if let Some(why) = self.relay.barred() {
            return Err(super::delivery::barred(true, &why));
        }
        if self.relay.nick().is_none() {
            return Err(DeliveryError::transport("the network is out of reach"));
        }
        let key = self.key(target);
        if self.is_ours(&key) {
            let words = "that nick is this gateway's own there; ask for the address behind it";
            return Err(DeliveryError::refused(Code::Loop, words));
        }
        let forgotten = {
            let mut people = lock(&self.people);
            let (_, forgotten) = people.meet(&key, std::time::SystemTime::now(), Instant::now());
            people.observe(&key);
            forgotten
        };
        self.watches(&key, true, forgotten.as_ref());
        self.told(&key);
        Ok(())
    }

    /// Ends that.
    pub(super) fn unobserve(&self, target: &str) {
        lock(&self.people).unobserve(&self.key(target));
    }

    /// Tells the gateway of somebody's presence, where it is something new.
    pub(super) fn told(&self, key: &NameKey) {
        let news = {
            let mut people = lock(&self.people);
            // One after the other, so that the last that is told is the last that was true.
            people.news(key, Instant::now()).and_then(|seen| self.observation(key, &seen))
        };
        if let (Some(observation), Some(live)) = (news, self.live()) {
            live.cx.observed(observation);
        }
        self.settling.notify_one();
    }

    fn observation(&self, key: &NameKey, seen: &Seen) -> Option<Observation> {
        let presentity = self.foreign(key)?;
        let destination = self.mapper()?.map_foreign(&presentity, Class::Im).ok()?;
        let status = match seen {
            // Away takes messages as well, and says so by its words.
            Seen::Here | Seen::Away(_) => Basic::Open,
            Seen::Gone => Basic::Closed,
        };
        // Whoever is gone looks like whoever hides.
        let destination = match seen {
            Seen::Gone => destination.address().to_string(),
            Seen::Here | Seen::Away(_) => destination.to_string(),
        };
        let mut tuple = Tuple::new(&destination, status);
        if let Seen::Away(words) = seen {
            tuple = tuple.with_text(if words.is_empty() { "away" } else { words }).away();
        }
        Some(Observation { presentity, presence: Presence::new(tuple, Vec::new()), document: None })
    }

    /// Tells of whoever has been gone for long enough, as long as the gateway runs.
    pub(super) async fn tell(self: &Arc<Self>) {
        loop {
            let settled = lock(&self.people).settled(Instant::now());
            settled.iter().for_each(|key| self.told(key));
            let next = lock(&self.people).settles();
            tokio::select! {
                () = self.settling.notified() => {}
                () = async {
                    match next {
                        Some(next) => sleep_until(next).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }

    /// Has the gateway tell how a foreign user is whose puppet came, or tell it no longer. The relay watches him, by his
    /// rules as anybody else; where they do not let it, his puppet looks as if he were always there.
    pub(super) fn follows(&self, seat: &Seat, begins: bool) {
        if !self.settings.shows_presence {
            return;
        }
        let Some(operation) = self.following(seat, begins) else { return };
        if let Some(live) = self.live() {
            live.inbound.ask(operation);
        }
    }

    fn following(&self, seat: &Seat, begins: bool) -> Option<Operation> {
        let target = Uri::from(seat.principal.as_ref()?.address().with_class(Class::Pres));
        let target = PresUri::try_from(target).ok()?;
        let relay = self.foreign(&self.key(self.settings.nick.as_str()))?;
        let watcher = PresUri::try_from(self.mapper()?.map_foreign(&relay, Class::Pres).ok()?).ok()?;
        Some(match begins {
            true => {
                let duration = LEASE_SECONDS;
                Operation::Subscribe(Subscribe { watcher, target, duration, subscript_id: None })
            }
            false => Operation::Unsubscribe(Unsubscribe { watcher, target }),
        })
    }

    /// How a foreign user's puppet is to look from now on.
    pub(super) fn shows_presence(&self, notify: &Notify) {
        let address = notify.target.address().with_class(Class::Im);
        let Some(seat) = self.puppet_of(&address) else { return };
        let presence = &notify.presence;
        let words = presence.tuples().iter().find_map(Tuple::text);
        let line = match presence.basic() {
            Basic::Open if !presence.is_away() => LineBuilder::new(Verb::AWAY).end(),
            basic => {
                let otherwise = if basic == Basic::Open { "away".to_owned() } else { basic.to_string() };
                let words = words.unwrap_or(otherwise);
                let words: String = words.chars().take(200).collect();
                LineBuilder::new(Verb::AWAY).last(&Trailing::lossy(&words))
            }
        };
        if let Ok(line) = line {
            seat.set_away(line);
        }
    }
}
