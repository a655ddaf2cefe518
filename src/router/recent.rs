//! What happened lately: a bounded set that forgets the oldest.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// The last `MOST` different things.
#[derive(Debug)]
pub(super) struct Recent<T, const MOST: usize> {
    all: HashSet<T>,
    in_order: VecDeque<T>,
}

impl<T, const MOST: usize> Default for Recent<T, MOST> {
    fn default() -> Self {
        Self { all: HashSet::new(), in_order: VecDeque::new() }
    }
}

impl<T: Clone + Eq + Hash, const MOST: usize> Recent<T, MOST> {
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
