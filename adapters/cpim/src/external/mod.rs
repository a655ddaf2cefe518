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

/// What external adapters claim, by selector; each as it said last.
#[derive(Debug, Default)]
pub(crate) struct Externals(Mutex<HashMap<Selector, Arc<Description>>>);

impl Externals {
    /// What the adapter of a selector claims; of one that never came, what one claims that says nothing.
    pub(crate) fn of(&self, selector: &Selector) -> Arc<Description> {
        self.lock().get(selector).cloned().unwrap_or_default()
    }

    /// An adapter is there, and says what it claims.
    pub(crate) async fn arrived(
        &self,
        serves: &[Scope],
        description: &Arc<Description>,
        extensions: &str,
        memory: &dyn Memory,
    ) {
        for scope in serves {
            let Scope::Selector(selector) = scope else { continue };
            let before = self.lock().insert(selector.clone(), Arc::clone(description));
            if before.as_ref() == Some(description) {
                continue;
            }
            let said = Bytes::copy_from_slice(extensions.as_bytes());
            if let Err(error) = memory.set_note(SPACE, selector.as_str(), said, None).await {
                // After a restart its addresses are then compared as they are written, until it comes again.
                tracing::warn!(%selector, %error, "the claims of an external adapter cannot be kept");
            }
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
            let said = std::str::from_utf8(&said).unwrap_or_default();
            if let Ok(Some(description)) = Description::find(said) {
                self.lock().entry(selector.clone()).or_insert_with(|| Arc::new(description));
            }
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Selector, Arc<Description>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The selectors that the configuration gives away.
pub(crate) fn selectors(settings: &Settings) -> Vec<Selector> {
    let covers = settings.applications.iter().flat_map(|application| &application.covers);
    covers
        .filter_map(|scope| match scope {
            Scope::Selector(selector) => Some(selector.clone()),
            Scope::Address(_) | Scope::Any | Scope::Domain(_) | Scope::Under(_) => None,
        })
        .collect()
}
