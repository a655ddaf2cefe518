//! The store in one SQLite file.

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::store::{
    AliasRow, Done, Journal, KeptAnswer, NotWritten, Pruned, Recalled, Retention, Scope, StoreError,
    StoreHealth, Story, Unsettled, Write,
};

use std::path::PathBuf;

/// Which file, and how it is used.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file; `-wal`, `-shm` and `-lock` stand beside it. Made where there is none (mode 0600); its folder is not.
    pub path: PathBuf,
    /// The name of this gateway among those that share the store: its relay domain.
    pub gateway: String,
    /// The most octets the file may have; operations are refused before the last eighth. `None`: the disk decides.
    pub max_octets: Option<u64>,
    /// How long retransmissions are recognised after the answer, in seconds.
    pub remembers_s: u32,
}

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {}

impl SqliteStore {
    /// Opens the store, makes it where there is none, and brings its format up to date. Blocks: it reads the whole file once to see that it is sound.
    ///
    /// # Errors
    /// Every [`StoreError`] but `Closed` and `NotFlushed`.
    pub fn open(_options: SqliteOptions, _now: i64) -> Result<(Self, mpsc::Receiver<Vec<Done>>), StoreError> {
        todo!()
    }
}

#[async_trait]
impl Journal for SqliteStore {
    fn write(&self, _: Write) -> Result<(), NotWritten> {
        todo!()
    }
    fn health(&self) -> watch::Receiver<StoreHealth> {
        todo!()
    }
    async fn recall(&self, _: &str, _: &str, _: &[u8; 32], _: i64) -> Result<Option<Recalled>, StoreError> {
        todo!()
    }
    async fn kept(&self, _: &[Scope], _: i64, _: usize) -> Result<Vec<KeptAnswer>, StoreError> {
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
