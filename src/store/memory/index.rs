//! An index: numbers of operations by a key that stands in the operation itself, and is not kept twice.

use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Numbers by what their keys hash to, with a key of this index's own: strangers choose what it is about. Others that
/// hash alike are found too; whoever looks compares.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Each with its hash, by which the table grows.
    numbers: HashTable<(u64, i64)>,
    hasher: RandomState,
}

impl Index {
    /// The numbers that may be under a key.
    pub(super) fn at<'s, K: Hash + ?Sized>(&'s self, key: &K) -> impl Iterator<Item = i64> + use<'s, K> {
        let hash = self.hasher.hash_one(key);
        self.numbers.iter_hash(hash).filter(move |(other, _)| *other == hash).map(|(_, number)| *number)
    }

    /// One more number under a key; the same twice is there twice.
    pub(super) fn insert<K: Hash + ?Sized>(&mut self, key: &K, number: i64) {
        let hash = self.hasher.hash_one(key);
        self.numbers.insert_unique(hash, (hash, number), |(hash, _)| *hash);
    }

    /// Takes a number out, where it is.
    pub(super) fn remove<K: Hash + ?Sized>(&mut self, key: &K, number: i64) {
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.numbers.find_entry(hash, |entry| *entry == (hash, number)) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn what_is_put_in_is_found_until_it_is_taken_out() {
        let mut index = Index::default();
        for number in 0..1_000_i64 {
            index.insert(&(number % 10), number);
        }
        index.remove(&3_i64, 13);
        index.remove(&3_i64, 14);
        let mut found: Vec<i64> = index.at(&3_i64).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            (0..100).map(|ten| 10 * ten + 3).filter(|number| *number != 13).collect::<Vec<_>>()
        );
        assert_eq!(index.at(&10_i64).next(), None);
    }
}
