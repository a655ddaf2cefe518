//! What an adapter must still know after a restart: names that stand for addresses, and small notes.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::Address;

/// What an adapter must still know after a restart.
///
/// A write resolves once it is as durable as leases are. A *space* is an adapter's own, or one network's of it:
/// its name begins with the adapter's (`irc.accounts`, `irc.nicks.irc.example.net`), but for those that several
/// share, which their own modules name.
///
/// Every future is cancel safe: what was begun is finished, and only its result is lost.
#[async_trait]
pub trait Memory: Send + Sync {
    /// The name of an address in a space: the one that it has, else the first candidate that is free, which is
    /// its own from then on. Nothing where every candidate is taken.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say, or cannot take it.
    async fn alias(
        &self,
        space: &str,
        address: &Address,
        candidates: Vec<String>,
    ) -> Result<Option<String>, MemoryError>;

    /// The name that an address has in a space.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say.
    async fn alias_of(&self, space: &str, address: &Address) -> Result<Option<String>, MemoryError>;

    /// The address that a name stands for in a space.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say.
    async fn alias_named(&self, space: &str, name: &str) -> Result<Option<Address>, MemoryError>;

    /// Forgets a name, because a real user took it.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot take it.
    async fn unalias(&self, space: &str, name: &str) -> Result<(), MemoryError>;

    /// What was noted under a key, and has not expired.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say.
    async fn note(&self, space: &str, key: &str) -> Result<Option<Bytes>, MemoryError>;

    /// Notes a value of at most [`MAX_NOTE_OCTETS`] under a key, instead of what was there; `keep`: for how long,
    /// absent: for ever.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot take it.
    async fn set_note(
        &self,
        space: &str,
        key: &str,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), MemoryError>;

    /// Notes a value as [`Self::set_note`] does, but only where nothing is noted under the key. `false`: something is,
    /// and stays. The write is under way as soon as the future is polled.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot take it.
    async fn add_note(
        &self,
        space: &str,
        key: &str,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<bool, MemoryError>;

    /// The notes of a space with keys after `after`, by key, at most `limit`.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say.
    async fn notes(
        &self,
        space: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, MemoryError>;

    /// Forgets a note.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot take it.
    async fn forget(&self, space: &str, key: &str) -> Result<(), MemoryError>;

    /// Forgets a note without haste: nobody waits until that is durable. After a crash it may be there again.
    fn forget_soon(&self, space: &str, key: &str);
}

/// Largest note, in octets: room for the largest content that is commonly configured, and what goes with it.
pub const MAX_NOTE_OCTETS: usize = 4 << 20;

/// Something could not be looked up or kept.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MemoryError {
    /// The store cannot say, or cannot take it, at present.
    #[error("the store: {0}")]
    Store(String),
    /// Too large to be kept.
    #[error("{octets} octets; {MAX_NOTE_OCTETS} are kept")]
    TooLarge {
        /// How large it is.
        octets: usize,
    },
}

/// A memory that lasts as long as its process: for tests of adapters.
#[derive(Debug, Default)]
pub struct VolatileMemory(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// By space and name.
    names: HashMap<(String, String), Address>,
    /// By space and key; and until when.
    notes: BTreeMap<(String, String), (Bytes, Option<SystemTime>)>,
}

impl VolatileMemory {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_current(until: Option<SystemTime>) -> bool {
    until.is_none_or(|until| SystemTime::now() < until)
}

fn pair(space: &str, name: &str) -> (String, String) {
    (space.to_owned(), name.to_owned())
}

impl Held {
    fn name_of(&self, space: &str, address: &Address) -> Option<String> {
        let known = self.names.iter().find(|((of, _), named)| of == space && *named == address);
        known.map(|((_, name), _)| name.clone())
    }
}

#[async_trait]
impl Memory for VolatileMemory {
    async fn alias(
        &self,
        space: &str,
        address: &Address,
        candidates: Vec<String>,
    ) -> Result<Option<String>, MemoryError> {
        let mut held = self.lock();
        if let Some(name) = held.name_of(space, address) {
            return Ok(Some(name));
        }
        let free = candidates.into_iter().find(|name| !held.names.contains_key(&pair(space, name)));
        if let Some(name) = &free {
            held.names.insert(pair(space, name), address.clone());
        }
        Ok(free)
    }

    async fn alias_of(&self, space: &str, address: &Address) -> Result<Option<String>, MemoryError> {
        Ok(self.lock().name_of(space, address))
    }

    async fn alias_named(&self, space: &str, name: &str) -> Result<Option<Address>, MemoryError> {
        Ok(self.lock().names.get(&pair(space, name)).cloned())
    }

    async fn unalias(&self, space: &str, name: &str) -> Result<(), MemoryError> {
        self.lock().names.remove(&pair(space, name));
        Ok(())
    }

    async fn note(&self, space: &str, key: &str) -> Result<Option<Bytes>, MemoryError> {
        let held = self.lock();
        let note = held.notes.get(&pair(space, key)).filter(|(_, until)| is_current(*until));
        Ok(note.map(|(value, _)| value.clone()))
    }

    async fn set_note(
        &self,
        space: &str,
        key: &str,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), MemoryError> {
        if value.len() > MAX_NOTE_OCTETS {
            return Err(MemoryError::TooLarge { octets: value.len() });
        }
        let until = keep.and_then(|keep| SystemTime::now().checked_add(keep));
        self.lock().notes.insert(pair(space, key), (value, until));
        Ok(())
    }

    async fn add_note(
        &self,
        space: &str,
        key: &str,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<bool, MemoryError> {
        if self.note(space, key).await?.is_some() {
            return Ok(false);
        }
        self.set_note(space, key, value, keep).await.map(|()| true)
    }

    async fn notes(
        &self,
        space: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, MemoryError> {
        let held = self.lock();
        let following = held.notes.range((Excluded(pair(space, after)), Unbounded));
        Ok(following
            .take_while(|((of, _), _)| of == space)
            .filter(|(_, (_, until))| is_current(*until))
            .map(|((_, key), (value, _))| (key.clone(), value.clone()))
            .take(limit)
            .collect())
    }

    async fn forget(&self, space: &str, key: &str) -> Result<(), MemoryError> {
        self.forget_soon(space, key);
        Ok(())
    }

    fn forget_soon(&self, space: &str, key: &str) {
        self.lock().notes.remove(&pair(space, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_one_addresss_and_an_address_has_one_name() {
        let memory = VolatileMemory::default();
        let [fred, other] =
            ["im:fred@a.example", "im:fred@b.example"].map(|uri| Address::parse(uri).unwrap());
        let names = || vec!["fred".to_owned(), "fred2".to_owned()];
        assert_eq!(memory.alias("nicks", &fred, names()).await.unwrap().as_deref(), Some("fred"));
        assert_eq!(memory.alias("nicks", &other, names()).await.unwrap().as_deref(), Some("fred2"));
        assert_eq!(memory.alias("nicks", &fred, vec!["x".into()]).await.unwrap().as_deref(), Some("fred"));
        assert_eq!(memory.alias_named("nicks", "fred2").await.unwrap(), Some(other));
        memory.unalias("nicks", "fred").await.unwrap();
        assert_eq!(memory.alias_of("nicks", &fred).await.unwrap(), None);
    }

    #[tokio::test]
    async fn notes_are_of_their_space_and_time() {
        let memory = VolatileMemory::default();
        let value = |text: &'static str| Bytes::from_static(text.as_bytes());
        memory.set_note("a", "1", value("one"), None).await.unwrap();
        memory.set_note("a", "2", value("two"), Some(Duration::ZERO)).await.unwrap();
        memory.set_note("b", "3", value("three"), None).await.unwrap();
        assert_eq!(memory.note("a", "1").await.unwrap(), Some(value("one")));
        assert_eq!(memory.note("a", "2").await.unwrap(), None, "expired");
        assert_eq!(memory.notes("a", "", 9).await.unwrap(), [("1".to_owned(), value("one"))]);
        assert!(!memory.add_note("a", "1", value("again"), None).await.unwrap());
        assert!(memory.add_note("a", "2", value("two"), None).await.unwrap(), "the one before has expired");
        memory.forget("a", "1").await.unwrap();
        assert_eq!(memory.note("a", "1").await.unwrap(), None);
        let large = Bytes::from(vec![0; MAX_NOTE_OCTETS + 1]);
        assert!(memory.set_note("a", "1", large, None).await.is_err());
    }
}
