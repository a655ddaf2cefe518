//! Presence that came before in the same envelope: remembered over a restart for as long as such an envelope is believed,
//! because whoever has kept the mail may send it again at any moment. Of messages the journal remembers it.

use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{Memory, MemoryError};
use cpim_smtp_proto::mail::Peers;

const SPACE: &str = "smtp.replays";

/// Twice as long as such an envelope is believed, whose clock may be ahead of ours.
const KEEP: Duration = Duration::from_secs(2 * 3_600);

/// Notes read at once.
const PAGE: usize = 1_000;

/// Remembers that what this proves was accepted.
pub(super) async fn note(peers: &Peers, proof: &[u8; 32], memory: &dyn Memory) {
    peers.note(proof);
    let key: String = proof.iter().map(|octet| format!("{octet:02x}")).collect();
    if let Err(error) = memory.set_note(SPACE, &key, Bytes::new(), Some(KEEP)).await {
        tracing::warn!(%error, "that a peer's presence came could not be noted");
    }
}

/// Remembers what was noted before the last start.
///
/// # Errors
/// The memory cannot be read.
pub(crate) async fn recall(peers: &Peers, memory: &dyn Memory) -> Result<(), MemoryError> {
    let mut after = String::new();
    loop {
        let page = memory.notes(SPACE, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        page.iter().filter_map(|(key, _)| proof_of(key)).for_each(|proof| peers.note(&proof));
    }
}

fn proof_of(key: &str) -> Option<[u8; 32]> {
    let mut proof = [0; 32];
    for (at, octet) in proof.iter_mut().enumerate() {
        *octet = u8::from_str_radix(key.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(proof)
}
