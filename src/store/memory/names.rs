//! Aliases, and addresses once seen, as the memory store holds them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use bytes::Bytes;

use crate::store::AliasRow;

/// The most aliases, the most notes, and the most addresses seen.
const NAMES: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Names {
    /// By space and name.
    aliases: BTreeMap<(String, String), AliasRow>,
    /// The names, by space and address.
    by_address: HashMap<(String, String), String>,
    /// By space and key: the value, and when it expires.
    notes: BTreeMap<(String, String), (Bytes, Option<i64>)>,
    /// When each address was seen last, in Unix milliseconds.
    seen: HashMap<String, i64>,
}

impl Names {
    pub(super) fn has_room_for_alias(&self, space: &str, address: &str) -> bool {
        self.aliases.len() < NAMES || self.alias_of(space, address).is_some()
    }

    pub(super) fn has_room_for_seen(&self, address: &str) -> bool {
        self.seen.len() < NAMES || self.seen(address)
    }

    /// The alias that the address has, or the first candidate that is free.
    pub(super) fn assign(
        &mut self,
        space: &str,
        address: &str,
        candidates: Vec<String>,
        at: i64,
    ) -> Option<String> {
        let by_address = (space.to_owned(), address.to_owned());
        if let Some(name) = self.by_address.get(&by_address) {
            if let Some(row) = self.aliases.get_mut(&(space.to_owned(), name.clone())) {
                row.last_used = row.last_used.max(at);
            }
            return Some(name.clone());
        }
        for name in candidates {
            if let Entry::Vacant(free) = self.aliases.entry((space.to_owned(), name.clone())) {
                free.insert(AliasRow {
                    space: space.to_owned(),
                    name: name.clone(),
                    address: address.to_owned(),
                    first_used: at,
                    last_used: at,
                });
                self.by_address.insert(by_address, name.clone());
                return Some(name);
            }
        }
        None
    }

    pub(super) fn unassign(&mut self, space: String, name: String) {
        if let Some(row) = self.aliases.remove(&(space, name)) {
            self.by_address.remove(&(row.space, row.address));
        }
    }

    pub(super) fn alias_of(&self, space: &str, address: &str) -> Option<AliasRow> {
        let name = self.by_address.get(&(space.to_owned(), address.to_owned()))?;
        self.alias_named(space, name)
    }

    pub(super) fn alias_named(&self, space: &str, name: &str) -> Option<AliasRow> {
        self.aliases.get(&(space.to_owned(), name.to_owned())).cloned()
    }

    pub(super) fn aliases(&self, space: &str, name: &str, limit: usize) -> Vec<AliasRow> {
        let start = Excluded((space.to_owned(), name.to_owned()));
        self.aliases.range((start, Unbounded)).map(|(_, row)| row).take(limit).cloned().collect()
    }

    pub(super) fn has_room_for_note(&self, space: &str, key: &str) -> bool {
        self.notes.len() < NAMES || self.notes.contains_key(&(space.to_owned(), key.to_owned()))
    }

    pub(super) fn set_note(
        &mut self,
        space: String,
        key: String,
        value: Option<Bytes>,
        expires_at: Option<i64>,
    ) {
        match value {
            Some(value) => self.notes.insert((space, key), (value, expires_at)),
            None => self.notes.remove(&(space, key)),
        };
    }

    pub(super) fn note(&self, space: &str, key: &str, now: i64) -> Option<Bytes> {
        let (value, expires_at) = self.notes.get(&(space.to_owned(), key.to_owned()))?;
        expires_at.is_none_or(|at| at > now).then(|| value.clone())
    }

    pub(super) fn notes(&self, space: &str, after: &str, limit: usize, now: i64) -> Vec<(String, Bytes)> {
        let start = Excluded((space.to_owned(), after.to_owned()));
        let of_space = self.notes.range((start, Unbounded)).take_while(|((of, _), _)| of == space);
        let current = of_space.filter(|(_, (_, expires_at))| expires_at.is_none_or(|at| at > now));
        current.map(|((_, key), (value, _))| (key.clone(), value.clone())).take(limit).collect()
    }

    /// Forgets the notes that have expired.
    pub(super) fn forget_notes(&mut self, now: i64) {
        self.notes.retain(|_, (_, expires_at)| expires_at.is_none_or(|at| at > now));
    }

    pub(super) fn see(&mut self, address: String, at: i64) {
        self.seen.insert(address, at);
    }

    pub(super) fn seen(&self, address: &str) -> bool {
        self.seen.contains_key(address)
    }

    /// Forgets the addresses last seen before this. Returns how many.
    pub(super) fn unsee(&mut self, before: i64) -> usize {
        let known = self.seen.len();
        self.seen.retain(|_, at| *at >= before);
        known - self.seen.len()
    }
}
