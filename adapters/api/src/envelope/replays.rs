//! Envelopes that were there before.

use std::collections::{HashSet, VecDeque};

/// The proofs of the envelopes that came last, for operations that the journal does not keep.
///
/// It is for as long as the process; what is older than the window is refused by its time.
#[derive(Debug)]
pub struct Replays {
    known: HashSet<[u8; 32]>,
    in_order: VecDeque<[u8; 32]>,
    most: usize,
}

impl Replays {
    /// Remembers this many at most: above that, the oldest are forgotten. Only who can prove an envelope takes room.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { known: HashSet::new(), in_order: VecDeque::new(), most: most.max(1) }
    }

    /// Whether one with this proof was there.
    #[must_use]
    pub fn has(&self, proof: &[u8; 32]) -> bool {
        self.known.contains(proof)
    }

    /// Whether it is the first with this proof; it is remembered then.
    pub fn is_first(&mut self, proof: &[u8; 32]) -> bool {
        if !self.known.insert(*proof) {
            return false;
        }
        self.in_order.push_back(*proof);
        if self.in_order.len() > self.most
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
