//! Adapters in processes of their own, each for a selector: what they claim, and what follows from it.
//!
//! An external adapter is a session that serves a selector, which only the configuration can give away. What it claims
//! is kept over its sessions and over restarts, so that its addresses are compared in one and the same form also while
//! it is out of contact.

mod fit;
mod observe;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cpim_adapter::{BadAddress, ForeignAddress, Memory, PresenceSupport, Scope, Selector};
use cpim_native_proto::Description;

use crate::config::Settings;

pub(crate) use fit::fitted;
pub(crate) use observe::{observation, observe, unobserve};

/// What is noted of external adapters: by selector, the extensions of the last `open`.
const SPACE: &str = "cpim.adapters";

/// External adapters that are read from memory at most: selectors are few, since each is configured.
const MOST: usize = 256;

/// What external adapters claim, by selector.
#[derive(Debug, Default)]
pub(crate) struct Externals(Mutex<HashMap<Selector, Known>>);

/// What is known of one selector's adapter. Of several sessions the newest counts, as it does for what is delivered.
#[derive(Debug, Default)]
struct Known {
    /// What those that are there claim, the newest last.
    there: Vec<Claimed>,
    /// What counts: the newest of them, or what was claimed by the last that was there.
    counts: Claimed,
}

/// What one session claims, and as it was said, for the notes. Each session has a description of its own, by which it is
/// known again.
#[derive(Clone, Debug, Default)]
struct Claimed {
    description: Arc<Description>,
    said: Bytes,
}

impl Known {
    /// After a change of who is there: what has to be noted, if anything.
    fn changed(&mut self) -> Option<Bytes> {
        let newest = self.there.last()?.clone();
        let before = std::mem::replace(&mut self.counts, newest);
        (before.description != self.counts.description).then(|| self.counts.said.clone())
    }
}

impl Externals {
    /// What the adapter of a selector claims; of one that never came, what one claims that says nothing.
    pub(crate) fn of(&self, selector: &Selector) -> Arc<Description> {
        self.lock().get(selector).map(|known| Arc::clone(&known.counts.description)).unwrap_or_default()
    }

    /// An adapter is there, and says what it claims.
    pub(crate) async fn arrived(
        &self,
        serves: &[Scope],
        description: &Arc<Description>,
        extensions: &str,
        memory: &dyn Memory,
    ) {
        let said = Bytes::copy_from_slice(extensions.as_bytes());
        let claimed = Claimed { description: Arc::clone(description), said };
        for selector in selectors_of(serves) {
            let noted = {
                let mut all = self.lock();
                let known = all.entry(selector.clone()).or_default();
                if known.there.last().is_some_and(|other| other.description != *description) {
                    tracing::warn!(%selector, "two sessions claim otherwise: the newer one counts as long as it is there");
                }
                known.there.push(claimed.clone());
                known.changed()
            };
            note(selector, noted, memory).await;
        }
    }

    /// An adapter is gone: what another claims that is still there counts again.
    pub(crate) async fn left(&self, serves: &[Scope], description: &Arc<Description>, memory: &dyn Memory) {
        for selector in selectors_of(serves) {
            let noted = self.lock().get_mut(selector).and_then(|known| {
                known.there.retain(|claimed| !Arc::ptr_eq(&claimed.description, description));
                known.changed()
            });
            note(selector, noted, memory).await;
        }
    }

    /// Takes up what was noted before the last start.
    pub(crate) async fn recover(&self, selectors: &[Selector], memory: &dyn Memory) {
        let notes = match memory.notes(SPACE, "", MOST).await {
            Ok(notes) => notes,
            Err(error) => return tracing::warn!(%error, "the claims of external adapters cannot be read"),
        };
        for (name, said) in notes {
            let Some(selector) = selectors.iter().find(|selector| selector.as_str() == name) else {
                continue;
            };
            let Ok(Some(description)) = Description::find(std::str::from_utf8(&said).unwrap_or_default())
            else {
                continue;
            };
            let counts = Claimed { description: Arc::new(description), said };
            self.lock().entry(selector.clone()).or_insert_with(|| Known { there: Vec::new(), counts });
        }
    }

    /// The canonical form of an address, as its adapter says.
    ///
    /// # Errors
    /// [`BadAddress`] where its system has no such address.
    pub(crate) fn canonicalise(&self, foreign: ForeignAddress) -> Result<ForeignAddress, BadAddress> {
        let grammar = &self.of(foreign.selector()).grammar;
        let canonical = grammar
            .canonical(foreign.value())
            .and_then(|value| foreign.with_value(&value).map_err(|error| error.to_string()));
        canonical.map_err(|what| BadAddress { address: foreign, what })
    }

    /// How the system behind a selector knows presence.
    pub(crate) fn presence(&self, selector: &Selector) -> PresenceSupport {
        self.of(selector).presence
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Selector, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn note(selector: &Selector, said: Option<Bytes>, memory: &dyn Memory) {
    let Some(said) = said else { return };
    if let Err(error) = memory.set_note(SPACE, selector.as_str(), said, None).await {
        // After a restart its addresses are then compared as they are written, until it comes again.
        tracing::warn!(%selector, %error, "the claims of an external adapter cannot be kept");
    }
}

/// The selectors that the configuration gives away.
pub(crate) fn selectors(settings: &Settings) -> Vec<Selector> {
    let covers = settings.applications.iter().flat_map(|application| &application.covers);
    selectors_of(covers).cloned().collect()
}

fn selectors_of<'s>(scopes: impl IntoIterator<Item = &'s Scope>) -> impl Iterator<Item = &'s Selector> {
    scopes.into_iter().filter_map(|scope| match scope {
        Scope::Selector(selector) => Some(selector),
        Scope::Address(_) | Scope::Any | Scope::Domain(_) | Scope::Under(_) => None,
    })
}
