//! How often a person is told of one presentity by mail: the last state always, and no more than one mail in a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpim_adapter::{Address, Delivery, DeliveryError, Outcome, Response};
use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::Outbound;

/// Pairs of watcher and presentity that are paced at once. Above that, a notification is refused: a mailbox that is
/// flooded helps nobody.
const MOST: usize = 100_000;

/// The pace of notifications.
pub(crate) struct Pace {
    interval: Duration,
    slots: Mutex<HashMap<(Address, Address), Slot>>,
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
        let slot = slots.entry(pair.clone()).or_insert(Slot { next_at: now, waiting: None });
        let is_awaited = slot.waiting.replace(delivery).is_some();
        if !is_awaited {
            let (outbound, next_at) = (Arc::clone(outbound), slot.next_at);
            tokio::spawn(async move {
                sleep_until(next_at).await;
                outbound.tell_now(pair).await;
            });
        }
        Ok(Outcome::Delivered(Response::success()))
    }

    fn due(&self, pair: &(Address, Address)) -> Option<Delivery> {
        let mut slots = self.lock();
        let slot = slots.get_mut(pair)?;
        slot.next_at = Instant::now() + self.interval;
        slot.waiting.take()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Address, Address), Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbound {
    async fn tell_now(self: Arc<Self>, pair: (Address, Address)) {
        let Some(delivery) = self.pace.due(&pair) else { return };
        if let Err(error) = self.notify(&delivery).await {
            info!(to = %pair.0, of = %pair.1, %error, "a notification was not sent");
        }
    }
}
