//! Subscriptions, as the memory store holds them.

use std::collections::BTreeMap;

use crate::store::LeaseRow;

/// The most subscriptions.
const LEASES: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Leases {
    /// By watcher and presentity, each with its number.
    rows: BTreeMap<(String, String), (i64, LeaseRow)>,
    last_number: i64,
}

impl Leases {
    pub(super) fn has_room_for(&self, lease: &LeaseRow) -> bool {
        self.rows.len() < LEASES || self.rows.contains_key(&(lease.watcher.clone(), lease.presentity.clone()))
    }

    pub(super) fn set(&mut self, mut lease: LeaseRow) {
        let key = (lease.watcher.clone(), lease.presentity.clone());
        let before = self.rows.get(&key);
        let same = before.filter(|(_, before)| before.since == lease.since);
        lease.told = same.and_then(|(_, before)| before.told);
        lease.asked = lease.asked.or_else(|| same.and_then(|(_, before)| before.asked.clone()));
        let number = before.map_or(self.last_number + 1, |(number, _)| *number);
        self.last_number = self.last_number.max(number);
        self.rows.insert(key, (number, lease));
    }

    pub(super) fn told(&mut self, watcher: String, presentity: String, digest: i64) {
        if let Some((_, lease)) = self.rows.get_mut(&(watcher, presentity)) {
            lease.told = Some(digest);
        }
    }

    pub(super) fn lease(&self, watcher: &str, presentity: &str) -> Option<LeaseRow> {
        let (_, lease) = self.rows.get(&(watcher.to_owned(), presentity.to_owned()))?;
        Some(lease.clone())
    }

    /// Looks at all of them: for starts.
    pub(super) fn leases(&self, after: i64, limit: usize) -> Vec<(i64, LeaseRow)> {
        let mut rows: Vec<_> = self.rows.values().filter(|(number, _)| *number > after).cloned().collect();
        rows.sort_unstable_by_key(|(number, _)| *number);
        rows.truncate(limit);
        rows.iter_mut().for_each(|(_, lease)| lease.asked = None);
        rows
    }

    pub(super) fn held(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn prune(&mut self, now: i64) {
        self.rows.retain(|_, (_, lease)| lease.forget_at > now);
    }
}
