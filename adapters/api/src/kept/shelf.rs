//! Where content is kept, and how much of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::note::{self, Entry};
use super::{KeepError, Kept, KeptId, KeptLimits, KeptLine, Offer};
use crate::{Address, Memory, MemoryError, Message, OperationId};

/// The space of what is kept among the notes, by its name.
const SPACE: &str = "kept";

/// The space of what is known of each, by the same name.
const INDEX: &str = "kept.index";

/// Things kept for one reader: more are no list that anybody reads.
const MAX_PER_OWNER: usize = 200;

/// Things kept at all: what is known of them takes some 30 MiB of memory.
const MAX_ITEMS: usize = 100_000;

/// Entries that are read at once.
const PAGE: usize = 1_000;

/// Where content is kept for its readers. One for all adapters of a gateway.
pub struct Shelf {
    memory: Arc<dyn Memory>,
    limits: Mutex<KeptLimits>,
    /// What there is, once it was read.
    index: tokio::sync::Mutex<Option<Index>>,
}

#[derive(Default)]
struct Index {
    entries: HashMap<KeptId, Entry>,
    by_owner: HashMap<Address, Vec<KeptId>>,
    octets: usize,
}

impl Index {
    fn put(&mut self, id: KeptId, entry: Entry) {
        self.remove(&id);
        self.octets = self.octets.saturating_add(entry.octets);
        self.by_owner.entry(entry.owner.clone()).or_default().push(id.clone());
        self.entries.insert(id, entry);
    }

    fn remove(&mut self, id: &KeptId) {
        let Some(entry) = self.entries.remove(id) else { return };
        self.octets = self.octets.saturating_sub(entry.octets);
        if let Some(ids) = self.by_owner.get_mut(&entry.owner) {
            ids.retain(|known| known != id);
            if ids.is_empty() {
                self.by_owner.remove(&entry.owner);
            }
        }
    }

    fn forget_expired(&mut self, now: SystemTime) {
        let over: Vec<KeptId> =
            self.entries.iter().filter(|(_, entry)| entry.until <= now).map(|(id, _)| id.clone()).collect();
        over.iter().for_each(|id| self.remove(id));
    }

    /// What an owner has, in the order in which it was kept.
    fn of<'a>(&'a self, owner: &Address) -> impl Iterator<Item = (&'a KeptId, &'a Entry)> {
        let ids = self.by_owner.get(owner).into_iter().flatten();
        ids.filter_map(|id| Some((id, self.entries.get(id)?)))
    }

    fn has_room(&self, entry: &Entry, limits: &KeptLimits) -> bool {
        let (mut count, mut octets) = (0_usize, 0_usize);
        for (_, known) in self.of(&entry.owner) {
            count += 1;
            octets = octets.saturating_add(known.octets);
        }
        count < MAX_PER_OWNER
            && octets.saturating_add(entry.octets) <= limits.octets_per_owner
            && self.entries.len() < MAX_ITEMS
            && self.octets.saturating_add(entry.octets) <= limits.octets
    }
}

impl Shelf {
    /// A shelf in this memory.
    #[must_use]
    pub fn new(memory: Arc<dyn Memory>, limits: KeptLimits) -> Self {
        Self { memory, limits: Mutex::new(limits), index: tokio::sync::Mutex::default() }
    }

    /// For how long and how much is kept from now on; what is kept already stays until its own time.
    pub fn set_limits(&self, limits: KeptLimits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// Keeps a message for the inbox that it is addressed to. Resolves once it is durable; an operation that is kept
    /// again, because its first delivery was given up, has the name that it had.
    ///
    /// # Errors
    /// [`KeepError`] where there is no room, or the store cannot take it.
    ///
    /// # Cancel safety
    /// Cancelled, it may be kept or not; kept again, it is kept once.
    pub async fn keep(&self, message: &Message, operation: &OperationId) -> Result<Offer, KeepError> {
        let note = note::write(message)?;
        let limits = *self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        let entry = Entry {
            owner: message.destination.as_uri().address().clone(),
            operation: operation.clone(),
            octets: note.len(),
            until: now.checked_add(limits.keep).unwrap_or(now),
        };
        let id = self.reserve(&entry, &limits, now).await?;
        // First what is known of it: whatever takes room is counted, whenever the process ends.
        let written = match self.memory.set_note(INDEX, id.as_str(), entry.write(), Some(limits.keep)).await {
            Ok(()) => self.memory.set_note(SPACE, id.as_str(), note, Some(limits.keep)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            self.forget(&id).await.unwrap_or_default();
            return Err(error.into());
        }
        let content = &message.content;
        let media_type = content.media_type().map(|media_type| media_type.essence().to_owned());
        Ok(Offer { id, octets: content.len(), media_type, until: entry.until, called: None })
    }

    async fn reserve(
        &self,
        entry: &Entry,
        limits: &KeptLimits,
        now: SystemTime,
    ) -> Result<KeptId, KeepError> {
        let mut index = self.index.lock().await;
        let index = self.loaded(&mut index).await?;
        let again = index.of(&entry.owner).find(|(_, known)| known.operation == entry.operation);
        if let Some(id) = again.map(|(id, _)| id.clone()) {
            index.put(id.clone(), entry.clone());
            return Ok(id);
        }
        if !index.has_room(entry, limits) {
            index.forget_expired(now);
        }
        if !index.has_room(entry, limits) {
            return Err(KeepError::Full);
        }
        let id = KeptId::draw().ok_or_else(|| MemoryError::Store("no randomness from the system".into()))?;
        index.put(id.clone(), entry.clone());
        Ok(id)
    }

    /// What is kept under a name, until its time is over. Whose it is, and who may have it, is the caller's to ask.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say.
    pub async fn read(&self, id: &KeptId) -> Result<Option<Kept>, MemoryError> {
        let Some(entry) = self.memory.note(INDEX, id.as_str()).await?.and_then(|line| Entry::read(&line))
        else {
            return Ok(None);
        };
        let message = self.memory.note(SPACE, id.as_str()).await?.and_then(|note| note::read(&note));
        Ok(message.map(|message| Kept { message, until: entry.until }))
    }

    /// What is kept for an inbox, the oldest first.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot say.
    pub async fn of(&self, owner: &Address) -> Result<Vec<KeptLine>, MemoryError> {
        let mut index = self.index.lock().await;
        let index = self.loaded(&mut index).await?;
        let now = SystemTime::now();
        let lines = index.of(owner).filter(|(_, entry)| now < entry.until).map(|(id, entry)| KeptLine {
            id: id.clone(),
            owner: entry.owner.clone(),
            octets: entry.octets,
            until: entry.until,
        });
        let mut lines: Vec<KeptLine> = lines.collect();
        lines.sort_by_key(|line| line.until);
        Ok(lines)
    }

    /// Forgets something.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot take it.
    pub async fn forget(&self, id: &KeptId) -> Result<(), MemoryError> {
        if let Some(index) = self.index.lock().await.as_mut() {
            index.remove(id);
        }
        self.memory.forget(SPACE, id.as_str()).await?;
        self.memory.forget(INDEX, id.as_str()).await
    }

    async fn loaded<'a>(&self, index: &'a mut Option<Index>) -> Result<&'a mut Index, MemoryError> {
        if index.is_none() {
            *index = Some(self.load().await?);
        }
        Ok(index.get_or_insert_default())
    }

    async fn load(&self) -> Result<Index, MemoryError> {
        let (mut index, mut after) = (Index::default(), String::new());
        loop {
            let page = self.memory.notes(INDEX, &after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(index) };
            after.clone_from(last);
            for (id, line) in &page {
                if let (Some(id), Some(entry)) = (KeptId::parse(id), Entry::read(line)) {
                    index.put(id, entry);
                }
            }
        }
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("limits", &self.limits).finish_non_exhaustive()
    }
}
