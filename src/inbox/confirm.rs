//! Confirmations: whoever only claims to be somebody must show that he reads what is sent there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{Address, Memory, MemoryError};
use serde::{Deserialize, Serialize};

use crate::ids;

/// The space of confirmations among the notes, by their words.
const SPACE: &str = "inbox.confirm";

/// For how long a word is good: a mail may take its time, and its reader too.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3_600);

/// What waits to be confirmed, or was.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Note {
    owner: String,
    lines: Vec<String>,
    /// The operation that confirmed it: once more by the same one, after a crash, it is done again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// What a word stands for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// These commands.
    Commands(Vec<String>),
    /// Commands that were confirmed before.
    Done,
    /// Nothing, for this owner.
    Unknown,
}

/// Commands that wait for a word.
pub(super) struct Confirmations {
    memory: Arc<dyn Memory>,
    /// One after the other, so that a word is good once.
    turn: tokio::sync::Mutex<()>,
}

impl Confirmations {
    pub(super) fn new(memory: Arc<dyn Memory>) -> Self {
        Self { memory, turn: tokio::sync::Mutex::default() }
    }

    /// A word for these commands of an owner, once it is durable.
    pub(super) async fn ask(&self, owner: &Address, lines: Vec<String>) -> Result<String, MemoryError> {
        let word = ids::word();
        self.write(&word, &Note { owner: owner.to_string(), lines, by: None }).await?;
        Ok(word)
    }

    /// What a word stands for that an owner has sent back. Only his own are found.
    pub(super) async fn find(
        &self,
        owner: &Address,
        word: &str,
        operation: &str,
    ) -> Result<Found, MemoryError> {
        let _turn = self.turn.lock().await;
        let note = self.memory.note(SPACE, word).await?;
        let Some(mut note) = note.and_then(|note| serde_json::from_slice::<Note>(&note).ok()) else {
            return Ok(Found::Unknown);
        };
        if note.owner != owner.to_string() {
            return Ok(Found::Unknown);
        }
        match &note.by {
            Some(by) if by != operation => return Ok(Found::Done),
            Some(_) => {}
            None => {
                note.by = Some(operation.to_owned());
                self.write(word, &note).await?;
            }
        }
        Ok(Found::Commands(note.lines))
    }

    async fn write(&self, word: &str, note: &Note) -> Result<(), MemoryError> {
        let octets = serde_json::to_vec(note).map_err(|error| MemoryError::Store(error.to_string()))?;
        self.memory.set_note(SPACE, word, Bytes::from(octets), Some(GOOD_FOR)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpim_adapter::VolatileMemory;

    #[tokio::test]
    async fn a_word_is_good_once_and_for_its_owner() {
        let memory = Arc::new(VolatileMemory::default());
        let [fred, other] = ["im:fred@a.example", "im:x@a.example"].map(|uri| Address::parse(uri).unwrap());
        let lines = vec!["block *".to_owned()];
        let before = Confirmations::new(Arc::clone(&memory) as _);
        let word = before.ask(&fred, lines.clone()).await.unwrap();
        // Also after a restart.
        let all = Confirmations::new(memory);
        assert_eq!(all.find(&other, &word, "1").await.unwrap(), Found::Unknown);
        assert_eq!(all.find(&fred, "000000000000", "1").await.unwrap(), Found::Unknown);
        assert_eq!(all.find(&fred, &word, "2").await.unwrap(), Found::Commands(lines.clone()));
        assert_eq!(all.find(&fred, &word, "2").await.unwrap(), Found::Commands(lines), "by the same");
        assert_eq!(all.find(&fred, &word, "3").await.unwrap(), Found::Done);
    }
}
