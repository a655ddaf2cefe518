//! Everybody's rules.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use cpim_adapter::{Address, Memory, MemoryError, Standing};
use tokio::sync::broadcast;
use tracing::error;

use super::{Ask, Decision, Defaults, Forward, Names, Sheet, View, note};
use crate::clock::UnixMs;

/// The space of rules among the notes: one note for each principal who has any, by the address of his inbox.
pub const SPACE: &str = "rules";

/// Principals who may have rules: with one rule each they take some 30 MiB of memory.
pub const MAX_PRINCIPALS: usize = 100_000;

/// Octets of all sheets together, as they are kept. In memory they take about twice that.
pub const MAX_RULES_OCTETS: usize = 64 << 20;

/// Octets of one sheet: [`super::MAX_ENTRIES`] of commonly long addresses.
const MAX_SHEET_OCTETS: usize = 128 << 10;

/// Sheets that are read at once at the start.
const PAGE: usize = 1_000;

/// Changes that whoever listens may be behind by; further behind, all is to be looked at again.
const BEHIND: usize = 1_024;

/// Why a rule was not set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RuleError {
    /// There is no room for the rules of one more principal.
    #[error("the gateway has no room for more rules; its administrator can tell why")]
    Full,
    /// The store cannot take it.
    #[error("it could not be written down: {0}")]
    Memory(#[from] MemoryError),
    /// One principal has too many.
    #[error("these are too many rules; take some away, or use a wildcard")]
    TooMany,
}

/// Everybody's rules: decided in memory, kept in the store.
pub struct RuleBook {
    memory: Arc<dyn Memory>,
    terms: RwLock<Arc<Terms>>,
    sheets: RwLock<Sheets>,
    /// One change after the other: each is made to what the one before has left.
    changing: tokio::sync::Mutex<()>,
    changes: broadcast::Sender<Address>,
    /// How often anything changed that it decides by.
    changed: AtomicU64,
}

/// What the configuration says.
struct Terms {
    names: Names,
    defaults: Defaults,
}

#[derive(Default)]
struct Sheets {
    /// By the inbox of their principal; each with its octets.
    by_owner: HashMap<Address, (Arc<Sheet>, usize)>,
    octets: usize,
}

impl Sheets {
    fn put(&mut self, owner: Address, sheet: Sheet, octets: usize) {
        self.octets = self.octets.saturating_add(octets);
        let before = match octets {
            0 => self.by_owner.remove(&owner),
            _ => self.by_owner.insert(owner, (Arc::new(sheet), octets)),
        };
        self.octets = self.octets.saturating_sub(before.map_or(0, |(_, octets)| octets));
    }

    fn has_room(&self, owner: &Address, octets: usize) -> bool {
        let known = self.by_owner.get(owner).map(|(_, octets)| *octets);
        let principals = self.by_owner.len() + usize::from(known.is_none());
        let total = self.octets.saturating_sub(known.unwrap_or(0)).saturating_add(octets);
        // Whoever makes his shorter always may.
        octets <= known.unwrap_or(0) || principals <= MAX_PRINCIPALS && total <= MAX_RULES_OCTETS
    }
}

impl RuleBook {
    /// Reads the rules that were set.
    ///
    /// # Errors
    /// [`MemoryError`] where the store cannot be read: without the rules nobody could be let through.
    pub async fn load(
        memory: Arc<dyn Memory>,
        names: Names,
        defaults: Defaults,
    ) -> Result<Arc<Self>, MemoryError> {
        let mut sheets = Sheets::default();
        let mut after = String::new();
        loop {
            let page = memory.notes(SPACE, &after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for (owner, octets) in page {
                let (sheet, why) = note::read(&octets);
                if let Some(why) = why {
                    error!(%owner, why, "rules cannot be read: nobody may anything of their owner until they are set anew");
                }
                match Address::parse(&owner) {
                    Ok(owner) => sheets.put(owner, sheet, octets.len()),
                    Err(error) => error!(%owner, %error, "rules of nobody"),
                }
            }
        }
        metrics::gauge!("cpim_rules_principals")
            .set(f64::from(u32::try_from(sheets.by_owner.len()).unwrap_or(u32::MAX)));
        Ok(Arc::new(Self {
            memory,
            terms: RwLock::new(Arc::new(Terms { names, defaults })),
            sheets: RwLock::new(sheets),
            changing: tokio::sync::Mutex::default(),
            changes: broadcast::Sender::new(BEHIND),
            changed: AtomicU64::new(0),
        }))
    }

    /// Replaces what the configuration says. Whoever follows the [changes](Self::changes) is told nothing: the one who
    /// reloads looks at everything again.
    pub fn replace(&self, names: Names, defaults: Defaults) {
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Terms { names, defaults });
        self.changed.fetch_add(1, Ordering::AcqRel);
    }

    /// How often anything changed that it decides by, the time aside.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Acquire)
    }

    /// What `owner` says to what `other`, known this well, asks of him.
    ///
    /// One's own is always one's own, but for publishing only if proven. Else the most exact entry of the owner's list
    /// that fits holds: one address before a foreign wildcard, before a domain, before what is below one (the longer
    /// first), before everybody; then the one that says how the other is known, then the one about this very thing;
    /// of two that are still equal, block before polite before allow. Without any, the administrator's default.
    #[must_use]
    pub fn decide(&self, ask: Ask, owner: &Address, other: &Address, standing: Standing) -> Decision {
        let terms = self.terms();
        let (owner, other) = (terms.names.principal(owner), terms.names.somebody(other));
        if owner == other.principal {
            return match (ask, standing) {
                (_, Standing::Verified) => Decision::Allow,
                (Ask::Publish, _) | (_, Standing::Anonymous) => Decision::Deny,
                _ => Decision::Allow,
            };
        }
        let said = self.sheet(&owner).and_then(|sheet| sheet.decide(ask, &other, standing));
        let decision = said.unwrap_or_else(|| terms.defaults.decide(ask, standing));
        if decision != Decision::Allow {
            metrics::counter!("cpim_rules_blocked_total", "says" => decision.as_str()).increment(1);
        }
        decision
    }

    /// What a watcher is shown, who watches for a time or looks once; nothing where he may not.
    #[must_use]
    pub fn view(
        &self,
        ask: Ask,
        presentity: &Address,
        watcher: &Address,
        standing: Standing,
    ) -> Option<View> {
        let terms = self.terms();
        let (owner, other) = (terms.names.principal(presentity), terms.names.somebody(watcher));
        if owner == other.principal {
            return Some(View::Whole);
        }
        let sheet = self.sheet(&owner);
        let said = sheet.as_ref().and_then(|sheet| sheet.decide(ask, &other, standing));
        match said.unwrap_or_else(|| terms.defaults.decide(ask, standing)) {
            Decision::Polite => Some(View::Absent),
            Decision::Allow => Some(sheet.map_or(View::Whole, |sheet| sheet.view(&other))),
            Decision::Deny => None,
        }
    }

    /// Whether a watcher lets `asker` learn that it watches `presentity`. That one, and the watcher, always do.
    #[must_use]
    pub fn shows_watcher(&self, watcher: &Address, presentity: &Address, asker: &Address) -> bool {
        let terms = self.terms();
        let (watcher, asker) = (terms.names.principal(watcher), terms.names.somebody(asker));
        asker.principal == watcher
            || asker.principal == terms.names.principal(presentity)
            || self.sheet(&watcher).is_none_or(|sheet| sheet.shows_itself_to(&asker))
    }

    /// Where an inbox is forwarded at this moment.
    #[must_use]
    pub fn forward_of(&self, inbox: &Address, now: UnixMs) -> Option<Forward> {
        let principal = self.terms().names.principal(inbox);
        let forward = self.sheet(&principal)?.forward(now).cloned()?;
        // To oneself it goes anyway.
        (self.terms().names.principal(&forward.to) != principal).then_some(forward)
    }

    /// Who may publish for a presentity, besides itself (RFC 2779 section 2.3.4).
    #[must_use]
    pub fn delegates(&self, presentity: &Address) -> Vec<Address> {
        self.sheet(&self.principal(presentity)).map_or_else(Vec::new, |sheet| sheet.delegates().to_vec())
    }

    /// The rules of a principal, where he has any.
    #[must_use]
    pub fn rules_of(&self, owner: &Address) -> Option<Arc<Sheet>> {
        self.sheet(&self.principal(owner))
    }

    /// Principals who have rules, after one and in the order of their addresses.
    #[must_use]
    pub fn owners(&self, after: Option<&Address>, limit: usize) -> Vec<Address> {
        let sheets = self.sheets.read().unwrap_or_else(PoisonError::into_inner);
        let mut owners: Vec<Address> = sheets
            .by_owner
            .keys()
            .filter(|owner| after.is_none_or(|after| *owner > after))
            .cloned()
            .collect();
        drop(sheets);
        owners.sort_unstable();
        owners.truncate(limit);
        owners
    }

    /// Changes a principal's rules. They hold once they are durable, and not before.
    ///
    /// # Errors
    /// What `change` returns, and then nothing is changed; [`RuleError`] where there is no room, or the store fails.
    ///
    /// # Cancel safety
    /// What was begun is finished, and only its result is lost.
    pub async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        owner: &Address,
        change: impl FnOnce(&mut Sheet) -> Result<T, RuleError> + Send + 'static,
    ) -> Result<T, RuleError> {
        let (book, owner) = (Arc::clone(self), self.principal(owner));
        let changed = tokio::spawn(async move { book.change_now(owner, change).await });
        changed.await.unwrap_or_else(|error| Err(MemoryError::Store(error.to_string()).into()))
    }

    async fn change_now<T>(
        &self,
        owner: Address,
        change: impl FnOnce(&mut Sheet) -> Result<T, RuleError>,
    ) -> Result<T, RuleError> {
        let _one_at_a_time = self.changing.lock().await;
        let before = self.sheet(&owner);
        // What could not be read is begun anew.
        let mut sheet = before.as_deref().filter(|sheet| !sheet.sealed).cloned().unwrap_or_default();
        let result = change(&mut sheet)?;
        if before.as_deref() == Some(&sheet) || before.is_none() && sheet.is_empty() {
            return Ok(result);
        }
        let octets = note::write(&sheet).unwrap_or_default();
        let count = octets.len();
        if count > MAX_SHEET_OCTETS {
            return Err(RuleError::TooMany);
        }
        if !self.sheets.read().unwrap_or_else(PoisonError::into_inner).has_room(&owner, count) {
            return Err(RuleError::Full);
        }
        let key = owner.to_string();
        match count {
            0 => self.memory.forget(SPACE, &key).await?,
            _ => self.memory.set_note(SPACE, &key, Bytes::from(octets), None).await?,
        }
        self.sheets.write().unwrap_or_else(PoisonError::into_inner).put(owner.clone(), sheet, count);
        self.changed.fetch_add(1, Ordering::AcqRel);
        metrics::counter!("cpim_rules_changes_total").increment(1);
        // Nobody may be listening.
        let _told = self.changes.send(owner);
        Ok(result)
    }

    /// Whose rules change, as the address of his inbox. Whoever has lagged behind looks at everything again.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Address> {
        self.changes.subscribe()
    }

    /// The principal behind an address, as [`Names::principal`] says.
    #[must_use]
    pub fn principal(&self, address: &Address) -> Address {
        self.terms().names.principal(address)
    }

    /// How addresses are read and compared.
    #[must_use]
    pub fn names(&self) -> Names {
        self.terms().names.clone()
    }

    fn terms(&self) -> Arc<Terms> {
        Arc::clone(&self.terms.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn sheet(&self, principal: &Address) -> Option<Arc<Sheet>> {
        let sheets = self.sheets.read().unwrap_or_else(PoisonError::into_inner);
        sheets.by_owner.get(principal).map(|(sheet, _)| Arc::clone(sheet))
    }
}
