//! Presence that somebody has set by a command: it belongs to no session, and so it stays until he sets another.

use std::sync::Arc;

use cpim_adapter::{Address, Memory};
use tracing::{error, warn};

use super::super::Router;
use super::published::{octets_of, state_of};
use crate::presence::{BY_COMMAND, Kind, Publication, State};
use crate::store::StoreError;

/// Where it is kept, by presentity.
const COMMANDED: &str = "presence.commanded";

/// Notes that are read at once at the start.
const PAGE: usize = 1_000;

impl Router {
    /// Writes down what a presentity has set by a command; nothing: that he has taken it back. `false`: that cannot be
    /// done at present.
    pub(super) async fn note_commanded(&self, presentity: &Address, state: Option<&State>) -> bool {
        let key = presentity.to_string();
        let written = match state {
            Some(state) => self.memory.set_note(COMMANDED, &key, octets_of(state), None).await,
            None => self.memory.forget(COMMANDED, &key).await,
        };
        written.inspect_err(|error| warn!(%presentity, %error, "presence cannot be written down")).is_ok()
    }

    /// Takes up what was set before the last start.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub(super) async fn recover_commanded(&self) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = self.memory.notes(COMMANDED, &after, PAGE).await;
            let page = page.map_err(|error| StoreError::Failed(error.to_string()))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (presentity, octets) in &page {
                let Some((state, presentity)) = state_of(octets).zip(Address::parse(presentity).ok()) else {
                    error!(presentity, "presence that was set by a command cannot be read");
                    continue;
                };
                self.presence.with(|book, _| {
                    let name = book.presentity(&presentity, Kind::Hosted);
                    book.publish(BY_COMMAND, name, Publication { state: Arc::new(state), until: None });
                });
            }
        }
    }
}
