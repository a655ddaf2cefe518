//! What happened lately: a bounded set that forgets the oldest.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, RandomState};

/// The last `MOST` different things; `S` hashes them.
#[derive(Debug)]
pub(super) struct Recent<T, const MOST: usize, S = RandomState> {
    all: HashSet<T, S>,
    in_order: VecDeque<T>,
}

impl<T, const MOST: usize, S: Default> Default for Recent<T, MOST, S> {
    fn default() -> Self {
        Self { all: HashSet::default(), in_order: VecDeque::new() }
    }
}

impl<T: Clone + Eq + Hash, const MOST: usize, S: BuildHasher> Recent<T, MOST, S> {
    pub(super) fn note(&mut self, thing: T) {
        if !self.all.insert(thing.clone()) {
            return;
        }
        self.in_order.push_back(thing);
        if self.in_order.len() > MOST
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, thing: &T) -> bool {
        self.all.contains(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut recent = Recent::<_, 2>::default();
        for thing in [1, 2, 2, 3] {
            recent.note(thing);
        }
        assert_eq!([1, 2, 3].map(|thing| recent.contains(&thing)), [false, true, true]);
    }
}
