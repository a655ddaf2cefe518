//! What a presentity's presence is: what its sessions have said, put together.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use cpim_adapter::{Address, Basic, Class, Content, Presence, Tuple};

use crate::rules::closed_presence;

/// Presence as it is told: the draft's form, and the document it came with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct State {
    pub(crate) presence: Presence,
    pub(crate) document: Option<Content>,
}

impl State {
    /// Presence without a document.
    pub(crate) fn bare(presence: Presence) -> Self {
        Self { presence, document: None }
    }

    /// One tuple for the presentity's inbox, with these words in it.
    pub(crate) fn of_inbox(presentity: &Address, status: Basic, words: &str) -> Self {
        Self::bare(Presence::new(inbox_tuple(presentity, status, words), Vec::new()))
    }

    /// What is said of somebody who is out of contact.
    pub(crate) fn closed(presentity: &Address) -> Self {
        Self::bare(closed_presence(presentity))
    }

    /// A number by which two states are told apart.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.presence.entity_info().hash(&mut hasher);
        for tuple in self.presence.tuples() {
            (&tuple.destination, tuple.status, &tuple.markup, &tuple.namespaces).hash(&mut hasher);
        }
        self.document.hash(&mut hasher);
        // 0 stands for nothing told.
        hasher.finish().max(1)
    }
}

/// One tuple for a presentity's inbox.
fn inbox_tuple(presentity: &Address, status: Basic, words: &str) -> Tuple {
    Tuple::new(&presentity.with_class(Class::Im).to_string(), status).with_text(words)
}

/// What one session of a presentity has to do with its presence.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) session: u64,
    /// It takes messages for the presentity: until it publishes, that is open presence.
    pub(crate) reachable: bool,
    pub(crate) published: Option<Publication>,
}

/// What a session has published.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) state: Arc<State>,
    /// When it lapses, in Unix milliseconds.
    pub(crate) until: Option<i64>,
}

/// The presence that sessions, the newest last, make together (native-cpim.md, Presence over a session): all
/// their tuples, the newest session's first, with its document.
pub(crate) fn merged(presentity: &Address, sources: &[Source]) -> State {
    let mut tuples = Vec::new();
    let (mut document, mut entity_info, mut first) = (None, None, true);
    for source in sources.iter().rev() {
        match &source.published {
            Some(published) => {
                let State { presence, document: its } = &*published.state;
                tuples.extend(presence.tuples().iter().cloned());
                if std::mem::take(&mut first) {
                    document.clone_from(its);
                    entity_info = presence.entity_info().map(Arc::from);
                }
            }
            None if source.reachable => {
                first = false;
                tuples.push(inbox_tuple(presentity, Basic::Open, ""));
            }
            None => {}
        }
    }
    // Two sessions that only take messages are one way to reach their presentity.
    let mut once: Vec<Tuple> = Vec::with_capacity(tuples.len());
    for tuple in tuples {
        if !once.contains(&tuple) {
            once.push(tuple);
        }
    }
    match Presence::from_tuples(once) {
        Some(presence) => State { presence: presence.with_entity_info(entity_info), document },
        None => State::closed(presentity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fred() -> Address {
        Address::parse("pres:fred@a.example").unwrap()
    }

    fn said(session: u64, destination: &str, document: Option<&str>) -> Source {
        let tuple = Tuple {
            destination: destination.into(),
            status: Basic::Open,
            markup: "".into(),
            namespaces: Vec::new(),
        };
        let state =
            State { presence: Presence::new(tuple, Vec::new()), document: document.map(Content::text) };
        let published = Some(Publication { state: Arc::new(state), until: None });
        Source { session, reachable: true, published }
    }

    fn destinations(state: &State) -> Vec<&str> {
        state.presence.tuples().iter().map(|tuple| &*tuple.destination).collect()
    }

    #[test]
    fn nobody_is_closed_and_whoever_takes_messages_open() {
        assert_eq!(merged(&fred(), &[]), State::closed(&fred()));
        let silent = Source { session: 1, reachable: false, published: None };
        assert_eq!(merged(&fred(), &[silent]).presence.basic(), Basic::Closed);
        let reachable = |session| Source { session, reachable: true, published: None };
        let both = merged(&fred(), &[reachable(1), reachable(2)]);
        assert_eq!(both.presence.basic(), Basic::Open);
        assert_eq!(destinations(&both), ["im:fred@a.example"]);
    }

    #[test]
    fn the_newest_session_comes_first_with_its_document() {
        let state = merged(&fred(), &[said(1, "tel:1", Some("one")), said(2, "tel:2", Some("two"))]);
        assert_eq!(destinations(&state), ["tel:2", "tel:1"]);
        assert_eq!(state.document, Some(Content::text("two")));
        let state = merged(&fred(), &[said(1, "tel:1", Some("one")), said(2, "tel:2", None)]);
        assert_eq!(state.document, None, "the newest one's document, or none");
    }

    #[test]
    fn words_cannot_become_markup() {
        let state = State::of_inbox(&fred(), Basic::Closed, "<a>&");
        assert_eq!(&*state.presence.tuples()[0].markup, "&lt;a&gt;&amp;");
        assert_ne!(state.digest(), State::closed(&fred()).digest());
    }
}
