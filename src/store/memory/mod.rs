//! The store that lives as long as the process: the same answers to the same questions, and nothing after a crash.

mod index;
mod leases;
mod names;
mod row;
mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use self::state::{State, Work};
use super::{
    AliasRow, Completions, Done, Journal, KeptAnswer, LeaseRow, NotWritten, OwnerScope, Pruned, Recalled,
    Retention, STORIES, StoreError, StoreHealth, Story, Unsettled, Write,
};

/// Completions there is room for beside those of the operations in flight: more than sessions are open, each of which may
/// begin something at once.
pub(super) const COMPLETIONS: usize = 16_384;

/// Completions that one operation in flight can be owed at a time: acceptance, attempt, outcome.
const COMPLETIONS_EACH: usize = 3;

/// How much a [`MemoryStore`] may hold.
#[derive(Clone, Copy, Debug)]
pub struct MemoryOptions {
    /// The most operations. For new ones the oldest settled ones are forgotten, even before
    /// [`remembers_s`](Self::remembers_s), and those whose answers still wait last; open ones never: when all
    /// are open, new ones are refused.
    pub operations: usize,
    /// The most octets of open operations.
    pub octets: usize,
    /// How long retransmissions are recognised after the answer, in seconds.
    pub remembers_s: u32,
}

impl Default for MemoryOptions {
    /// About 100 MiB at the most, and what the native binding promises its peers.
    fn default() -> Self {
        Self { operations: 65_536, octets: 64 << 20, remembers_s: 3_600 }
    }
}

/// The store for `durability = "none"`.
#[derive(Debug)]
pub struct MemoryStore {
    shared: Mutex<Shared>,
    health: watch::Sender<StoreHealth>,
}

/// The sender is inside the lock so that completions come in the order of the writes; it is gone once closed.
#[derive(Debug)]
struct Shared {
    state: State,
    done: Option<mpsc::Sender<Vec<Done>>>,
}

impl MemoryStore {
    /// An empty store, and the receiver of what it has done.
    #[must_use]
    pub fn new(options: MemoryOptions) -> (Self, Completions) {
        let owed = options.operations.saturating_mul(COMPLETIONS_EACH).saturating_add(COMPLETIONS);
        let (done, completions) = mpsc::channel(owed);
        let shared = Mutex::new(Shared { state: State::new(options), done: Some(done) });
        (Self { shared, health: watch::Sender::new(StoreHealth::Ok) }, completions.into())
    }

    /// Every write is complete before the lock is let go, so a panic elsewhere cannot have left one half done.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        let shared = self.lock();
        if shared.done.is_some() { Ok(read(&shared.state)) } else { Err(StoreError::Closed) }
    }
}

#[async_trait]
impl Journal for MemoryStore {
    fn write(&self, write: Write) -> Result<(), NotWritten> {
        let may_be_refused = write.may_be_refused();
        // Before the lock, for which everybody waits.
        let work = Work::new(write);
        let mut shared = self.lock();
        let Shared { state, done } = &mut *shared;
        let done = done.as_ref().ok_or(NotWritten::Closed)?;
        let taken = done.max_capacity() - done.capacity();
        if may_be_refused && (taken >= COMPLETIONS || !state.has_room_for(&work)) {
            return Err(NotWritten::Full);
        }
        if let Some(one) = state.perform(work)
            && let Err(mpsc::error::TrySendError::Full(lost)) = done.try_send(vec![one])
        {
            tracing::error!(?lost, "more completions are owed than operations in flight can be");
        }
        Ok(())
    }

    fn health(&self) -> watch::Receiver<StoreHealth> {
        self.health.subscribe()
    }

    async fn recall(
        &self,
        owner: &str,
        trans_id: &str,
        digest: &[u8; 32],
        now: i64,
    ) -> Result<Option<Recalled>, StoreError> {
        self.read(|state| state.recall(owner, trans_id, digest, now))
    }

    async fn kept(
        &self,
        scopes: &[OwnerScope],
        after: i64,
        limit: usize,
    ) -> Result<Vec<KeptAnswer>, StoreError> {
        self.read(|state| state.kept(scopes, after, limit))
    }

    async fn unsettled(&self, after: i64) -> Result<Vec<Unsettled>, StoreError> {
        self.read(|state| state.unsettled(after))
    }

    async fn find_leg(&self, leg: &str) -> Result<Vec<Story>, StoreError> {
        self.read(|state| state.find_leg(leg, STORIES))
    }

    async fn trace(&self, text: &str) -> Result<Vec<Story>, StoreError> {
        self.read(|state| state.trace(text, STORIES))
    }

    async fn story(&self, number: i64) -> Result<Option<Story>, StoreError> {
        self.read(|state| state.story(number))
    }

    async fn queue(&self, limit: usize) -> Result<Vec<Story>, StoreError> {
        self.read(|state| state.queue(limit))
    }

    async fn last_number(&self) -> Result<i64, StoreError> {
        self.read(State::last_number)
    }

    async fn alias_of(&self, space: &str, address: &str) -> Result<Option<AliasRow>, StoreError> {
        self.read(|state| state.names.alias_of(space, address))
    }

    async fn alias_named(&self, space: &str, name: &str) -> Result<Option<AliasRow>, StoreError> {
        self.read(|state| state.names.alias_named(space, name))
    }

    async fn aliases(&self, space: &str, name: &str, limit: usize) -> Result<Vec<AliasRow>, StoreError> {
        self.read(|state| state.names.aliases(space, name, limit))
    }

    async fn note(&self, space: &str, key: &str, now: i64) -> Result<Option<Bytes>, StoreError> {
        self.read(|state| state.names.note(space, key, now))
    }

    async fn notes(
        &self,
        space: &str,
        after: &str,
        limit: usize,
        now: i64,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        self.read(|state| state.names.notes(space, after, limit, now))
    }

    async fn lease(&self, watcher: &str, presentity: &str) -> Result<Option<LeaseRow>, StoreError> {
        self.read(|state| state.leases.lease(watcher, presentity))
    }

    async fn leases(&self, after: i64, limit: usize) -> Result<Vec<(i64, LeaseRow)>, StoreError> {
        self.read(|state| state.leases.leases(after, limit))
    }

    async fn leases_held(&self) -> Result<usize, StoreError> {
        self.read(|state| state.leases.held())
    }

    async fn seen(&self, address: &str) -> Result<bool, StoreError> {
        self.read(|state| state.names.seen(address))
    }

    async fn prune(&self, now: i64, retention: Retention) -> Result<Pruned, StoreError> {
        let mut shared = self.lock();
        if shared.done.is_none() {
            return Err(StoreError::Closed);
        }
        Ok(shared.state.prune(now, retention))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.lock().done = None;
        Ok(())
    }
}
