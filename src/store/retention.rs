//! How long what is kept. Pure policy, the same for every store.

/// How long to keep what, in seconds. The longest that applies wins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// A settled operation whose answer was handed over stays for `trace` and against loops for this long.
    pub history_s: u32,
    /// An answer that could not be handed over waits for its owner for this long.
    pub keep_answers_s: u32,
    /// An address that was not served for this long is no longer known.
    pub keep_seen_s: u32,
    /// Retransmissions are recognised for this long after the answer.
    pub remembers_s: u32,
}

impl Retention {
    /// Whether an operation settled at `settled_at` may be forgotten at `now` (Unix milliseconds).
    pub(super) fn may_forget(&self, settled_at: i64, handed_over: bool, now: i64) -> bool {
        let mut keep = self.history_s.max(self.remembers_s);
        if !handed_over {
            keep = keep.max(self.keep_answers_s);
        }
        now.saturating_sub(settled_at) >= i64::from(keep) * 1_000
    }

    /// The latest acceptance (Unix milliseconds) that [`may_forget`](Self::may_forget) can allow at `now`.
    pub(super) fn horizon(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.history_s.max(self.remembers_s)) * 1_000)
    }

    /// Addresses last seen before this (Unix milliseconds) are forgotten.
    pub(super) fn seen_horizon(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.keep_seen_s) * 1_000)
    }
}

/// Whether a settled operation still stops its retransmissions at `now` (Unix milliseconds). One whose answer
/// has not reached its owner always does: the retransmission is how it will.
pub(super) fn is_remembered(settled_at: i64, handed_over: bool, remembers_s: u32, now: i64) -> bool {
    !handed_over || now.saturating_sub(settled_at) < i64::from(remembers_s) * 1_000
}

/// What one call of [`prune`](super::Journal::prune) did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// Settled operations whose content was wiped.
    pub wiped: usize,
    /// Operations forgotten.
    pub forgotten: usize,
    /// Addresses forgotten.
    pub unseen: usize,
    /// Whether there was more than one call may do.
    pub more: bool,
}

/// An address seen again is written again only when this much time has passed since (milliseconds): a day, so
/// that a client that comes and goes costs nothing.
pub(super) const SEEN_AGAIN_MS: i64 = 24 * 3_600 * 1_000;

/// The most rows of each sort that one call of [`prune`](super::Journal::prune) examines: a few milliseconds.
pub(super) const PRUNE_ROWS: usize = 1_000;
