//! The store: what the gateway must still know after a crash.
//!
//! [`Journal`] is the contract. [`SqliteStore`] keeps it in one file and makes every write durable before it
//! reports it done; [`MemoryStore`] keeps it for as long as the process lives (`durability = "none"`).
//!
//! The store knows rows, not meaning: addresses, identifiers and codes are texts that the router made from its
//! types and turns back into them. It has no clock: every time is given to it, in milliseconds since
//! 1970-01-01T00:00:00Z. No SQL stands outside this folder.

mod completions;
mod error;
mod leases;
mod memory;
mod queue;
mod retention;
mod rows;
mod sqlite;
#[cfg(test)]
mod tests;
mod write;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

pub use self::completions::Completions;
pub use self::error::{NotWritten, StoreError, StoreHealth};
pub use self::leases::LeaseRow;
pub use self::memory::{MemoryOptions, MemoryStore};
pub use self::retention::{Pruned, Retention};
pub use self::rows::{AliasRow, Attempt, KeptAnswer, OwnerScope, Recalled, Settled, Story, Unsettled};
pub use self::sqlite::{Soundness, SqliteOptions, SqliteStore};
pub use self::write::{Acceptance, Done, Intent, Kept, Label, Outcome, Verdict, Write};

/// What the router asks of a store.
///
/// Writes are performed in the order in which they were given, in groups; the [`Done`]s of a group come in the
/// same order, in one vector, on the receiver that was returned when the store was opened, and only once the
/// group is as durable as the store can make it. Whoever holds that receiver must go on reading: a store whose
/// completions are not taken stands still.
///
/// Whatever is asked sees every write that was reported done. Questions fail with [`StoreError::Closed`] or
/// [`StoreError::Failed`]. All futures are cancel safe: what was begun is finished, and only its result is lost.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Takes one write. Never blocks.
    ///
    /// # Errors
    /// [`NotWritten::Full`] when there is no room for another acceptance, alias or seen address (the router
    /// answers `busy`). Writes about an operation that was accepted are never refused for lack of room: their
    /// number is bounded by the operations in flight. [`NotWritten::Closed`] after [`close`](Self::close).
    fn write(&self, write: Write) -> Result<(), NotWritten>;

    /// Whether writes become durable at present.
    fn health(&self) -> watch::Receiver<StoreHealth>;

    /// The operation of which this would be a retransmission, if it is remembered at `now`.
    async fn recall(
        &self,
        owner: &str,
        trans_id: &str,
        digest: &[u8; 32],
        now: i64,
    ) -> Result<Option<Recalled>, StoreError>;

    /// Answers not yet handed over to owners within `scopes`, with numbers above `after`, in the order of their
    /// numbers, at most `limit`. To get all, ask again after the last one until none comes.
    async fn kept(
        &self,
        scopes: &[OwnerScope],
        after: i64,
        limit: usize,
    ) -> Result<Vec<KeptAnswer>, StoreError>;

    /// The next page of the operations that were accepted and not settled, with numbers above `after`, in the
    /// order of their numbers, content included. An empty page is the end. A page holds at most
    /// [`PAGE_ROWS`] operations, and no further one once it holds [`PAGE_OCTETS`] of content.
    async fn unsettled(&self, after: i64) -> Result<Vec<Unsettled>, StoreError>;

    /// The operations that went out, or were about to, under this transID (the newest [`STORIES`]), oldest
    /// first. A transID is unique only among what is outstanding with one next hop: compare [`Intent::hop`] before believing it.
    async fn find_leg(&self, leg: &str) -> Result<Vec<Story>, StoreError>;

    /// The whole stories of the operations that have this id, or this transID on either leg (the newest
    /// [`STORIES`]), oldest first.
    async fn trace(&self, text: &str) -> Result<Vec<Story>, StoreError>;

    /// The whole story of the operation with this number.
    async fn story(&self, number: i64) -> Result<Option<Story>, StoreError>;

    /// The first `limit` operations that were accepted and not settled, oldest first.
    async fn queue(&self, limit: usize) -> Result<Vec<Story>, StoreError>;

    /// The highest number ever given to an operation here; 0 when there was none. It never goes back.
    async fn last_number(&self) -> Result<i64, StoreError>;

    /// The alias of `address` in `space`.
    async fn alias_of(&self, space: &str, address: &str) -> Result<Option<AliasRow>, StoreError>;

    /// The alias called `name` in `space`.
    async fn alias_named(&self, space: &str, name: &str) -> Result<Option<AliasRow>, StoreError>;

    /// The aliases of all spaces that come after this space and name, by both, at most `limit`.
    async fn aliases(&self, space: &str, name: &str, limit: usize) -> Result<Vec<AliasRow>, StoreError>;

    /// What was noted under `key` in `space`, and has not expired at `now`.
    async fn note(&self, space: &str, key: &str, now: i64) -> Result<Option<Bytes>, StoreError>;

    /// The notes of `space` with keys after `after` that have not expired at `now`, by key, at most `limit`.
    async fn notes(
        &self,
        space: &str,
        after: &str,
        limit: usize,
        now: i64,
    ) -> Result<Vec<(String, Bytes)>, StoreError>;

    /// The subscription of this pair, or what is remembered of it.
    async fn lease(&self, watcher: &str, presentity: &str) -> Result<Option<LeaseRow>, StoreError>;

    /// The subscriptions that this gateway holds, with numbers above `after`, in the order of their numbers, at most
    /// `limit`; those that ended and are not forgotten yet included. For starts: what asked for them is left out.
    async fn leases(&self, after: i64, limit: usize) -> Result<Vec<(i64, LeaseRow)>, StoreError>;

    /// About how many there are of those.
    async fn leases_held(&self) -> Result<usize, StoreError>;

    /// Whether this address was served here before.
    async fn seen(&self, address: &str) -> Result<bool, StoreError>;

    /// Forgets what need not be kept any longer at `now`: a bounded piece of it. Call it again while
    /// [`Pruned::more`]; otherwise at least once a minute.
    async fn prune(&self, now: i64, retention: Retention) -> Result<Pruned, StoreError>;

    /// Makes everything that was taken durable, and closes.
    ///
    /// # Errors
    /// [`StoreError::NotFlushed`] when some of it could not be made durable; it is as if the process had
    /// crashed before it.
    async fn close(&self) -> Result<(), StoreError>;
}

/// The most operations in one page of [`Journal::unsettled`].
pub const PAGE_ROWS: usize = 256;

/// Octets of content at which a page of [`Journal::unsettled`] ends: a page is at most this and one message.
pub const PAGE_OCTETS: usize = 8 << 20;

/// The most stories that [`Journal::find_leg`] and [`Journal::trace`] return; a person reads no more.
pub const STORIES: usize = 100;
