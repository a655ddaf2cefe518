//! The store that lives as long as the process.

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use super::{
    AliasRow, Done, Journal, KeptAnswer, NotWritten, OwnerScope, Pruned, Recalled, Retention, StoreError,
    StoreHealth, Story, Unsettled, Write,
};

/// How much a [`MemoryStore`] may hold.
#[derive(Clone, Copy, Debug)]
pub struct MemoryOptions {
    /// The most operations, settled ones included: the oldest settled ones are forgotten for new ones.
    pub operations: usize,
    /// The most octets of content waiting.
    pub octets: usize,
    /// How long retransmissions are recognised after the answer, in seconds.
    pub remembers_s: u32,
}

/// The store for `durability = "none"`.
#[derive(Debug)]
pub struct MemoryStore {}

impl MemoryStore {
    /// An empty store, and the receiver of what it has done.
    pub fn new(_options: MemoryOptions) -> (Self, mpsc::Receiver<Vec<Done>>) {
        todo!()
    }
}

#[async_trait]
impl Journal for MemoryStore {
    fn write(&self, _: Write) -> Result<(), NotWritten> {
        todo!()
    }
    fn health(&self) -> watch::Receiver<StoreHealth> {
        todo!()
    }
    async fn recall(&self, _: &str, _: &str, _: &[u8; 32], _: i64) -> Result<Option<Recalled>, StoreError> {
        todo!()
    }
    async fn kept(&self, _: &[OwnerScope], _: i64, _: usize) -> Result<Vec<KeptAnswer>, StoreError> {
        todo!()
    }
    async fn unsettled(&self, _: i64) -> Result<Vec<Unsettled>, StoreError> {
        todo!()
    }
    async fn find_leg(&self, _: &str) -> Result<Vec<Story>, StoreError> {
        todo!()
    }
    async fn trace(&self, _: &str) -> Result<Vec<Story>, StoreError> {
        todo!()
    }
    async fn queue(&self, _: usize) -> Result<Vec<Story>, StoreError> {
        todo!()
    }
    async fn last_number(&self) -> Result<i64, StoreError> {
        todo!()
    }
    async fn alias_of(&self, _: &str, _: &str) -> Result<Option<AliasRow>, StoreError> {
        todo!()
    }
    async fn alias_named(&self, _: &str, _: &str) -> Result<Option<AliasRow>, StoreError> {
        todo!()
    }
    async fn aliases(&self, _: &str, _: &str, _: usize) -> Result<Vec<AliasRow>, StoreError> {
        todo!()
    }
    async fn seen(&self, _: &str) -> Result<bool, StoreError> {
        todo!()
    }
    async fn prune(&self, _: i64, _: Retention) -> Result<Pruned, StoreError> {
        todo!()
    }
    async fn close(&self) -> Result<(), StoreError> {
        todo!()
    }
}
