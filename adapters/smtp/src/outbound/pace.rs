//! How often a person is told of one presentity by mail: the last state always, and no more than one mail in a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cpim_adapter::{Address, Delivery, DeliveryError, Outcome, Response, Retry};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info};

use super::Outbound;

/// Pairs of watcher and presentity that are paced at once. Above that, a notification is refused: a mailbox that is
/// flooded helps nobody.
const MOST: usize = 100_000;
/// The first pause before a notification is tried again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The space of when pairs may be told again, so that a restart tells nobody twice.
const PACES: &str = "smtp.paces";

/// Who is told, of whom.
type Pair = (Address, Address);

/// The pace of notifications.
pub(crate) struct Pace {
    interval: Duration,
    slots: Mutex<HashMap<Pair, Slot>>,
}

/// One pair's turn.
struct Slot {
    /// Not before.
    next_at: Instant,
    /// The newest state that was not told yet. While there is one, a task waits for its time.
    waiting: Option<Delivery>,
}

impl Pace {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, slots: Mutex::default() }
    }

    /// Takes a notification. What was not told yet of the same pair is replaced.
    ///
    /// # Errors
    /// Where too many wait.
    pub(super) fn tell(
        &self,
        outbound: &Arc<Outbound>,
        delivery: Delivery,
    ) -> Result<Outcome, DeliveryError> {
        let operation = &delivery.operation;
        let pair = (operation.goes_to().address().clone(), operation.speaks_for().address().clone());
        let now = Instant::now();
        let mut slots = self.lock();
        if slots.len() >= MOST {
            slots.retain(|_, slot| slot.waiting.is_some() || slot.next_at > now);
            if slots.len() >= MOST {
                return Err(DeliveryError::transport("too many notifications wait for their time"));
            }
        }
        let is_new = !slots.contains_key(&pair);
        let slot = slots.entry(pair.clone()).or_insert(Slot { next_at: now, waiting: None });
        let is_awaited = slot.waiting.replace(delivery).is_some();
        if !is_awaited {
            tokio::spawn(Arc::clone(outbound).tell_in_time(pair, slot.next_at, is_new));
        }
        Ok(Outcome::Delivered(Response::success()))
    }

    fn due(&self, pair: &Pair) -> Option<Delivery> {
        let mut slots = self.lock();
        let slot = slots.get_mut(pair)?;
        slot.next_at = Instant::now() + self.interval;
        slot.waiting.take()
    }

    /// Has a notification wait again. `false`: a newer one does already, and has a task of its own.
    fn put_back(&self, pair: &Pair, delivery: Delivery) -> bool {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(pair).filter(|slot| slot.waiting.is_none()) else { return false };
        slot.waiting = Some(delivery);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbound {
    /// Tells a pair's newest state once its time has come; where no server takes it, again, by the route's schedule.
    async fn tell_in_time(self: Arc<Self>, pair: Pair, mut next_at: Instant, is_new: bool) {
        if is_new {
            next_at += self.left_of_before(&pair).await;
        }
        let (mut pause, mut give_up) = (FIRST_PAUSE, None);
        loop {
            sleep_until(next_at).await;
            let Some(delivery) = self.pace.due(&pair) else { return };
            // Before it is told: killed in between, the gateway tells late rather than twice.
            self.note_told(&pair).await;
            let Err(error) = self.notify(&delivery).await else { return };
            let schedule = self.schedule(&delivery.hop);
            let give_up = *give_up.get_or_insert_with(|| Instant::now() + schedule.horizon);
            info!(to = %pair.0, of = %pair.1, %error, "a notification was not sent");
            next_at = Instant::now() + pause;
            if error.retry == Retry::Never || next_at > give_up || !self.pace.put_back(&pair, delivery) {
                return;
            }
            pause = (pause * 2).min(schedule.longest_pause);
        }
    }

    /// What is left of the time that somebody told before the restart must be left alone.
    async fn left_of_before(&self, pair: &Pair) -> Duration {
        let Some(running) = self.running.get() else { return Duration::ZERO };
        let noted = running.cx.memory.note(PACES, &key(pair)).await.ok().flatten();
        let until = noted
            .and_then(|noted| Some(Duration::from_millis(std::str::from_utf8(&noted).ok()?.parse().ok()?)));
        until.map_or(Duration::ZERO, |until| until.saturating_sub(now()).min(self.pace.interval))
    }

    async fn note_told(&self, pair: &Pair) {
        let interval = self.pace.interval;
        let Some(running) = self.running.get().filter(|_| !interval.is_zero()) else { return };
        let until = (now() + interval).as_millis().to_string();
        if let Err(error) = running.cx.memory.set_note(PACES, &key(pair), until.into(), Some(interval)).await
        {
            debug!(%error, "the pace of a notification is not kept over a restart");
        }
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A pair's name among the notes.
fn key(pair: &Pair) -> String {
    let digest = Sha256::digest(format!("{} {}", pair.0, pair.1));
    digest.iter().take(16).fold(String::new(), |key, octet| format!("{key}{octet:02x}"))
}
