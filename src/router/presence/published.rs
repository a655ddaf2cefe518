//! Publications, which outlive a crash: kept as notes in the store, one for a presentity.

use std::sync::Arc;

use bytes::Bytes;
use cpim_adapter::{Address, Basic, Content, Memory, Presence, Tuple};
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::super::Router;
use crate::presence::{HELD_OVER, Kind, Publication, State};
use crate::store::StoreError;

/// Where they are kept, by presentity.
const PUBLISHED: &str = "presence.published";

/// Notes that are read at once at the start.
const PAGE: usize = 1_000;

/// How long a publication is held for a presentity that has not come back after a start (DESIGN.md section 5), in
/// milliseconds.
const HELD_MS: i64 = 60_000;

/// A presence, as it is kept: this as a line of JSON, and behind it the octets of the document, where there is one.
#[derive(Deserialize, Serialize)]
struct PresenceNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity_info: Option<String>,
    tuples: Vec<TupleNote>,
    #[serde(default)]
    has_document: bool,
}

#[derive(Deserialize, Serialize)]
struct TupleNote {
    destination: String,
    open: bool,
    markup: String,
    namespaces: Vec<(String, String)>,
}

impl Router {
    /// Writes down what the presence of a presentity is. `false`: that cannot be done at present. Called in the lane
    /// of the presentity, so that what is newer is written later.
    pub(super) async fn note_presence(&self, presentity: &Address) -> bool {
        match self.presence.with(|book, _| book.worth_noting(presentity)) {
            None => true,
            Some(Some(state)) => self.write_presence(presentity, octets_of(&state)).await,
            Some(None) => {
                self.forget_presence(presentity).await;
                true
            }
        }
    }

    async fn write_presence(&self, presentity: &Address, octets: Bytes) -> bool {
        let written = self.memory.set_note(PUBLISHED, &presentity.to_string(), octets, None).await;
        written.inspect_err(|error| warn!(%presentity, %error, "presence cannot be written down")).is_ok()
    }

    async fn forget_presence(&self, presentity: &Address) {
        if let Err(error) = self.memory.forget(PUBLISHED, &presentity.to_string()).await {
            // It lapses once it was taken up at the next start.
            warn!(%presentity, %error, "presence cannot be forgotten");
        }
    }

    /// Takes up what was published before the last start, and holds it until its presentity is back. How many.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub(super) async fn recover_published(&self) -> Result<usize, StoreError> {
        let (mut published, mut after) = (0, String::new());
        loop {
            let page = self.memory.notes(PUBLISHED, &after, PAGE).await;
            let page = page.map_err(|error| StoreError::Failed(error.to_string()))?;
            let Some((last, _)) = page.last() else { return Ok(published) };
            after.clone_from(last);
            for (presentity, octets) in &page {
                match state_of(octets).zip(Address::parse(presentity).ok()) {
                    Some((state, presentity)) => self.hold_over(&presentity, state),
                    None => error!(presentity, "presence that was written down cannot be read"),
                }
                published += 1;
            }
        }
    }

    fn hold_over(&self, presentity: &Address, state: State) {
        self.presence.with(|book, now| {
            let name = book.presentity(presentity, Kind::Hosted);
            // What he has set by a command is there already, and lasts.
            let Some(state) = book.beside_commanded(name, state) else { return };
            let held = Publication { state: Arc::new(state), until: Some(now + HELD_MS) };
            book.publish(HELD_OVER, name, held);
            book.noted(name);
        });
    }
}

pub(super) fn octets_of(state: &State) -> Bytes {
    let tuples = state.presence.tuples().iter().map(|tuple| TupleNote {
        destination: tuple.destination.to_string(),
        open: tuple.status == Basic::Open,
        markup: tuple.markup.to_string(),
        namespaces: tuple.namespaces.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
    });
    let note = PresenceNote {
        entity_info: state.presence.entity_info().map(str::to_owned),
        tuples: tuples.collect(),
        has_document: state.document.is_some(),
    };
    let mut octets = serde_json::to_vec(&note).unwrap_or_default();
    if let Some(document) = &state.document {
        octets.push(b'\n');
        octets.extend_from_slice(document.octets());
    }
    octets.into()
}

pub(super) fn state_of(octets: &Bytes) -> Option<State> {
    let end = octets.iter().position(|octet| *octet == b'\n').unwrap_or(octets.len());
    let note: PresenceNote = serde_json::from_slice(octets.get(..end)?).ok()?;
    let begin = (end + 1).min(octets.len());
    let document = note.has_document.then(|| Content::new(octets.slice(begin..)));
    let tuples = note.tuples.into_iter().map(|tuple| Tuple {
        destination: tuple.destination.into(),
        status: if tuple.open { Basic::Open } else { Basic::Closed },
        markup: tuple.markup.into(),
        namespaces: tuple.namespaces.into_iter().map(|(a, b)| (a.into(), b.into())).collect(),
    });
    Some(State {
        presence: Presence::from_tuples(tuples.collect())?.with_entity_info(note.entity_info.map(Into::into)),
        document,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_read_back_as_it_was() {
        let tuple = |destination: &str| Tuple {
            destination: destination.into(),
            status: Basic::Open,
            markup: "<x:a xmlns:x='u'/>".into(),
            namespaces: vec![("y".into(), "v".into())],
        };
        let state = State {
            presence: Presence::new(tuple("im:a@b.example"), vec![tuple("tel:1")])
                .with_entity_info(Some("http://a.example/".into())),
            document: Some(Content::new(Bytes::from_static(b"X: y\r\n\r\n\0\xff\n"))),
        };
        assert_eq!(state_of(&octets_of(&state)).as_ref(), Some(&state));
        let bare = State { document: None, ..state };
        assert_eq!(state_of(&octets_of(&bare)), Some(bare));
    }
}
