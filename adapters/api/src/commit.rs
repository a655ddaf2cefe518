//! The commit point: the moment after which an operation cannot be called back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

/// Passing the point was refused: the operation must not be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the operation is no longer to be sent")]
pub struct Withdrawn;

/// Where the gateway notes that an operation is about to leave.
#[async_trait]
pub trait CommitLog: Send + Sync {
    /// Makes the intent durable. `recall`: for how long the next hop recognises a retransmission,
    /// counted from now; absent, the operation must never be sent again.
    ///
    /// # Errors
    /// [`Withdrawn`] where the operation was settled in the meantime.
    async fn commit(&self, recall: Option<Duration>) -> Result<(), Withdrawn>;
}

/// Passed by an adapter just before the first octet that cannot be called back.
///
/// A delivery that is cut off after it is `indeterminant`, never `failure`, and is sent again only to a
/// next hop that recognises retransmissions.
///
/// The gateway starts the next operation of the pair once the point is passed, but not before the delivery
/// that passed it comes to its next await: what is queued without one keeps its place.
pub struct CommitPoint {
    log: Box<dyn CommitLog>,
    passed: AtomicBool,
}

impl CommitPoint {
    /// A commit point that is noted in `log`.
    #[must_use]
    pub fn new(log: impl CommitLog + 'static) -> Self {
        Self { log: Box::new(log), passed: AtomicBool::new(false) }
    }

    /// Passes the point. Passing it again changes nothing.
    ///
    /// # Errors
    /// [`Withdrawn`] where the operation is no longer to be sent.
    ///
    /// # Cancel safety
    /// Cancelled, the point may have been noted or not; it then counts as not passed, and nothing may be
    /// sent.
    pub async fn pass(&self, recall: Option<Duration>) -> Result<(), Withdrawn> {
        if !self.passed() {
            self.log.commit(recall).await?;
            self.passed.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Whether the point was passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.passed.load(Ordering::Acquire)
    }
}
