//! The presence service at work: what arrives is done in the [`Book`], what must last is written down, and what is
//! to be told is brought to its watchers.
//!
//! ```text
//! subscribe, unsubscribe, publish ─► lane of its pair ─► place ─► rules ─► book ─► ledger ─► response
//!                                                                                       │
//! notify to the watcher ◄─ deliver ◄─ view ◄─ ready ◄─ change, renewal, return ◄────────┘ (receipt)
//! ```
//!
//! Operations of one pair are done one after the other, in a task that lasts as long as there are any. There is no
//! task and no timer for a subscription.

mod ask;
mod beyond;
mod commanded;
mod contact;
mod lanes;
mod ledger;
mod newcomer;
mod notified;
mod observe;
mod place;
mod publish;
mod published;
mod say;
mod subscribe;
mod take_up;
mod tell;
mod tick;
mod views;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use cpim_adapter::Word;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

pub use self::views::{SubscriptionView, WatcherView};

use self::ask::Rates;
use self::lanes::Lanes;
use self::tell::Stuck;
use super::Router;
use super::flight::Pair;
use crate::clock::UnixMs;
use crate::presence::{Book, LeaseKey, Once};
use crate::sync::lock;

/// By this bit the numbers of presence are told from those of the journal's operations: legs, and answers that
/// something follows.
const OURS: u64 = 1 << 63;

/// What presence keeps in memory.
pub(super) struct Service {
    book: Mutex<Book>,
    clock: Clock,
    /// There is something to tell.
    ready: Notify,
    lanes: Lanes,
    last_number: AtomicU64,
    /// Legs that have no word yet.
    legs: Mutex<HashMap<u64, LegOut>>,
    /// What comes behind an answer that is about to be handed over.
    behind: Mutex<HashMap<u64, Behind>>,
    rates: Mutex<Rates>,
    stuck: Mutex<Stuck>,
}

/// A leg that has no word yet.
enum LegOut {
    /// Something asked of another server.
    Asked(oneshot::Sender<Word>),
    /// A notification, and the digest of what it tells.
    Told(LeaseKey, u64),
}

/// What comes behind an answer.
enum Behind {
    /// The first notification of a subscription, or the one after its renewal.
    Lease(LeaseKey),
    /// The one notification of a look that another server answers.
    Look(Pair),
    /// The one notification of a look.
    Once(Box<Once>),
}

impl Service {
    pub(super) fn new() -> Self {
        Self {
            book: Mutex::default(),
            clock: Clock::start(),
            ready: Notify::new(),
            lanes: Lanes::default(),
            last_number: AtomicU64::new(0),
            legs: Mutex::default(),
            behind: Mutex::default(),
            rates: Mutex::default(),
            stuck: Mutex::default(),
        }
    }

    fn number(&self) -> u64 {
        OURS | (self.last_number.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Does something to the book, and has told what is to be told now.
    fn with<T>(&self, does: impl FnOnce(&mut Book, i64) -> T) -> T {
        let now = self.clock.now();
        let result = does(&mut lock(&self.book), now);
        self.ready.notify_one();
        result
    }
}

/// Unix time that goes on as the monotonic clock does, whatever is done to the machine's.
struct Clock {
    wall: i64,
    start: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { wall: UnixMs::now().0, start: Instant::now() }
    }

    /// In Unix milliseconds.
    fn now(&self) -> i64 {
        UnixMs(self.wall).plus(self.start.elapsed()).0
    }
}

/// Whether a number is presence's.
pub(super) const fn is_ours(number: u64) -> bool {
    number & OURS != 0
}

impl Router {
    /// An answer is on its way, was handed over, or came back: what follows it may go now, whichever is heard first.
    /// Where the connection is gone, that finds its own way.
    pub(super) fn tell_behind(&self, number: u64) {
        let Some(behind) = lock(&self.presence.behind).remove(&number) else { return };
        self.presence.with(|book, _| match behind {
            Behind::Lease(key) => book.release(key),
            Behind::Look(pair) => book.look_answered(&pair.source, &pair.destination),
            Behind::Once(once) => book.once(*once),
        });
    }
}
