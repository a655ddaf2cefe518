//! What adapters must still know after a restart, kept in the store: [`Memory`] as the contract has it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cpim_adapter::{Address, MAX_NOTE_OCTETS, Memory, MemoryError};
use tokio::sync::oneshot;

use crate::clock::UnixMs;
use crate::store::{AliasRow, Done, Journal, Kept, NotWritten, StoreError, Write};
use crate::sync::lock;

/// The memory of every adapter, in one store.
pub struct Keeper {
    store: Arc<dyn Journal>,
    last_ticket: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// Who waits for a write.
#[derive(Default)]
struct Waiting {
    notes: HashMap<u64, oneshot::Sender<Kept>>,
    /// By space and address.
    aliases: HashMap<(String, String), Vec<oneshot::Sender<Option<Name>>>>,
}

/// The name that an alias came to, where any candidate was free.
type Name = Option<String>;

impl Keeper {
    /// A memory in this store. Whoever takes what the store has done passes it to [`Self::on_done`].
    #[must_use]
    pub fn new(store: Arc<dyn Journal>) -> Self {
        Self { store, last_ticket: AtomicU64::new(0), waiting: Mutex::default() }
    }

    /// A write was performed. Whatever is no note and no alias is passed over.
    pub fn on_done(&self, done: &Done) {
        match done {
            Done::Noted { ticket, kept } => {
                // Whoever asked may have stopped waiting.
                let _gone = lock(&self.waiting).notes.remove(ticket).map(|waiter| waiter.send(*kept));
            }
            Done::Aliased { space, address, name } => self.named(space, address, Some(name.clone())),
            Done::AliasFailed { space, address } => self.named(space, address, None),
            _ => {}
        }
    }

    fn named(&self, space: &str, address: &str, name: Option<Name>) {
        let waiters = lock(&self.waiting).aliases.remove(&(space.to_owned(), address.to_owned()));
        for waiter in waiters.unwrap_or_default() {
            let _gone = waiter.send(name.clone());
        }
    }

    async fn write_note(
        &self,
        space: &str,
        key: &str,
        value: Option<Bytes>,
        keep: Option<Duration>,
    ) -> Result<(), MemoryError> {
        fits(value.as_ref().map_or(0, Bytes::len))?;
        let (space, key) = (space.to_owned(), key.to_owned());
        let expires_at = keep.map(|keep| UnixMs::now().plus(keep).0);
        self.confirmed(|ticket| Write::Note { ticket, space, key, value, expires_at }).await
    }

    /// Performs a write that is answered by [`Done::Noted`], and waits until it is durable.
    ///
    /// # Errors
    /// [`MemoryError`] where it could not be taken.
    ///
    /// # Cancel safety
    /// Cancelled, it is performed all the same.
    pub(crate) async fn confirmed(&self, write: impl FnOnce(u64) -> Write) -> Result<(), MemoryError> {
        match self.performed(write).await? {
            Kept::Now => Ok(()),
            Kept::Before | Kept::Not => Err(takes_nothing()),
        }
    }

    /// As [`Self::confirmed`], for a write that leaves alone what is there.
    async fn performed(&self, write: impl FnOnce(u64) -> Write) -> Result<Kept, MemoryError> {
        let ticket = self.last_ticket.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, kept) = oneshot::channel();
        lock(&self.waiting).notes.insert(ticket, sender);
        let written = self.store.write(write(ticket));
        if let Err(error) = written {
            lock(&self.waiting).notes.remove(&ticket);
            return Err(not_written(error));
        }
        match kept.await {
            Ok(kept @ (Kept::Now | Kept::Before)) => Ok(kept),
            Ok(Kept::Not) | Err(_) => Err(takes_nothing()),
        }
    }
}

fn fits(octets: usize) -> Result<(), MemoryError> {
    if octets > MAX_NOTE_OCTETS { Err(MemoryError::TooLarge { octets }) } else { Ok(()) }
}

fn takes_nothing() -> MemoryError {
    MemoryError::Store("it takes nothing at present".into())
}

fn not_written(error: NotWritten) -> MemoryError {
    MemoryError::Store(error.to_string())
}

fn unread(error: StoreError) -> MemoryError {
    MemoryError::Store(error.to_string())
}

fn address(row: &AliasRow) -> Result<Address, MemoryError> {
    Address::parse(&row.address).map_err(|_| MemoryError::Store(format!("{} is no address", row.address)))
}

#[async_trait]
impl Memory for Keeper {
    async fn alias(
        &self,
        space: &str,
        address: &Address,
        candidates: Vec<String>,
    ) -> Result<Option<String>, MemoryError> {
        let address = address.to_string();
        let (sender, name) = oneshot::channel();
        let key = (space.to_owned(), address.clone());
        // Told in one with every other that asks for it meanwhile: an address has one name.
        lock(&self.waiting).aliases.entry(key.clone()).or_default().push(sender);
        let at = UnixMs::now().0;
        let written = self.store.write(Write::Alias { space: space.to_owned(), address, candidates, at });
        if let Err(error) = written {
            self.named(&key.0, &key.1, None);
            return Err(not_written(error));
        }
        match name.await {
            Ok(Some(name)) => Ok(name),
            Ok(None) | Err(_) => Err(takes_nothing()),
        }
    }

    async fn alias_of(&self, space: &str, address: &Address) -> Result<Option<String>, MemoryError> {
        let row = self.store.alias_of(space, &address.to_string()).await.map_err(unread)?;
        Ok(row.map(|row| row.name))
    }

    async fn alias_named(&self, space: &str, name: &str) -> Result<Option<Address>, MemoryError> {
        let row = self.store.alias_named(space, name).await.map_err(unread)?;
        row.as_ref().map(address).transpose()
    }

    async fn unalias(&self, space: &str, name: &str) -> Result<(), MemoryError> {
        let write = Write::Unalias { space: space.to_owned(), name: name.to_owned() };
        self.store.write(write).map_err(not_written)
    }

    async fn note(&self, space: &str, key: &str) -> Result<Option<Bytes>, MemoryError> {
        self.store.note(space, key, UnixMs::now().0).await.map_err(unread)
    }

    async fn set_note(
        &self,
        space: &str,
        key: &str,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), MemoryError> {
        self.write_note(space, key, Some(value), keep).await
    }

    async fn add_note(
        &self,
        space: &str,
        key: &str,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<bool, MemoryError> {
        fits(value.len())?;
        let (space, key, now) = (space.to_owned(), key.to_owned(), UnixMs::now());
        let expires_at = keep.map(|keep| now.plus(keep).0);
        let add = |ticket| Write::AddNote { ticket, space, key, value, expires_at, at: now.0 };
        Ok(self.performed(add).await? == Kept::Now)
    }

    async fn notes(
        &self,
        space: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, MemoryError> {
        self.store.notes(space, after, limit, UnixMs::now().0).await.map_err(unread)
    }

    async fn forget(&self, space: &str, key: &str) -> Result<(), MemoryError> {
        self.write_note(space, key, None, None).await
    }

    fn forget_soon(&self, space: &str, key: &str) {
        let forget = Write::Forget { space: space.to_owned(), key: key.to_owned() };
        if let Err(error) = self.store.write(forget) {
            tracing::debug!(%error, space, "a note stays until its time is over");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{SqliteOptions, SqliteStore};

    fn open(folder: &tempfile::TempDir) -> Arc<Keeper> {
        let options = SqliteOptions {
            path: folder.path().join("store.db"),
            gateway: "gw.example".into(),
            max_octets: None,
            remembers_s: 60,
        };
        let (store, mut done) = SqliteStore::open(&options, UnixMs::now().0).unwrap();
        let keeper = Arc::new(Keeper::new(Arc::new(store)));
        let told = Arc::clone(&keeper);
        tokio::spawn(async move {
            while let Some(group) = done.recv().await {
                group.iter().for_each(|done| told.on_done(done));
            }
        });
        keeper
    }

    #[tokio::test]
    async fn it_is_there_after_a_restart() {
        let folder = tempfile::TempDir::new().unwrap();
        let fred = Address::parse("im:fred@a.example").unwrap();
        let value = Bytes::from_static(b"\0\xff");
        {
            let keeper = open(&folder);
            let name = keeper.alias("irc.nicks.x", &fred, vec!["fred".into()]).await.unwrap();
            assert_eq!(name.as_deref(), Some("fred"));
            keeper.set_note("irc.accounts", "alice", value.clone(), None).await.unwrap();
            keeper.set_note("irc.accounts", "bob", value.clone(), Some(Duration::ZERO)).await.unwrap();
            keeper.set_note("irc.accounts", "carol", value.clone(), None).await.unwrap();
            keeper.forget("irc.accounts", "carol").await.unwrap();
            keeper.store.close().await.unwrap();
        }
        let keeper = open(&folder);
        assert_eq!(keeper.alias_named("irc.nicks.x", "fred").await.unwrap(), Some(fred.clone()));
        assert_eq!(keeper.alias_of("irc.nicks.x", &fred).await.unwrap().as_deref(), Some("fred"));
        assert_eq!(keeper.note("irc.accounts", "alice").await.unwrap(), Some(value.clone()));
        assert_eq!(keeper.notes("irc.accounts", "", 9).await.unwrap(), [("alice".to_owned(), value)]);
    }

    #[tokio::test]
    async fn two_who_ask_for_one_name_at_once_are_told_the_same() {
        let folder = tempfile::TempDir::new().unwrap();
        let keeper = open(&folder);
        let fred = Address::parse("im:fred@a.example").unwrap();
        let ask = |name: &str| {
            let (keeper, fred, name) = (Arc::clone(&keeper), fred.clone(), name.to_owned());
            async move { keeper.alias("s", &fred, vec![name]).await.unwrap().unwrap() }
        };
        let (one, other) = tokio::join!(ask("fred"), ask("freddy"));
        assert_eq!(one, other);
    }
}
