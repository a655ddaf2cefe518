//! What a watcher is shown of a presence.

use cpim_adapter::pidf::{self, Filtered};
use cpim_adapter::{Address, Basic, Class, Content, Presence, Tuple};
use tracing::debug;

/// What a watcher is shown of a presence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum View {
    /// What whoever is out of contact is seen as: for a watcher who is blocked politely.
    Absent,
    /// This status instead of what is published, with a note.
    Instead(Basic, Option<String>),
    /// The tuples whose destination begins with one of these.
    Only(Vec<String>),
    /// All of it.
    Whole,
}

impl View {
    /// The presence as it is shown. Of a document that may not be seen whole goes what may: where that cannot be
    /// told apart, none of it, for it would tell the rest.
    #[must_use]
    pub fn apply(
        &self,
        presentity: &Address,
        presence: &Presence,
        document: Option<&Content>,
    ) -> (Presence, Option<Content>) {
        match self {
            Self::Whole => (presence.clone(), document.cloned()),
            Self::Absent => (closed_presence(presentity), None),
            Self::Instead(basic, note) => (simple_presence(presentity, *basic, note.as_deref()), None),
            Self::Only(begins) => part(begins, presentity, presence, document),
        }
    }
}

/// The tuples whose destination begins with one of these, in either form.
fn part(
    begins: &[String],
    presentity: &Address,
    presence: &Presence,
    document: Option<&Content>,
) -> (Presence, Option<Content>) {
    let shows = |destination: &str| begins.iter().any(|begin| destination.starts_with(begin));
    let tuples = presence.tuples().iter().filter(|tuple| shows(&tuple.destination));
    let tuples: Vec<Tuple> = tuples.cloned().collect();
    let shown = match tuples.len() == presence.tuples().len() {
        true => presence.clone(),
        false => Presence::from_tuples(tuples).unwrap_or_else(|| closed_presence(presentity)),
    };
    let document = document.and_then(|document| match pidf::filter(document, presentity, shows) {
        Filtered::Whole => Some(document.clone()),
        Filtered::Part(part) => Some(part),
        Filtered::Withheld(why) => {
            debug!(%presentity, %why, "a document is not shown to a watcher who may not see all of it");
            None
        }
    });
    (shown, document)
}

/// The presence of whoever is out of contact: one tuple, his inbox, closed. There is no other way to make one, so that
/// polite blocking cannot be told from it.
#[must_use]
pub fn closed_presence(presentity: &Address) -> Presence {
    simple_presence(presentity, Basic::Closed, None)
}

/// The presence of whoever says no more than this of himself: one tuple, his inbox.
#[must_use]
pub fn simple_presence(presentity: &Address, status: Basic, note: Option<&str>) -> Presence {
    Presence::new(tuple(presentity, status, note), Vec::new())
}

fn tuple(presentity: &Address, status: Basic, note: Option<&str>) -> Tuple {
    let tuple = Tuple::new(&presentity.with_class(Class::Im).to_string(), status);
    match note {
        Some(note) => tuple.with_text(note),
        None => tuple,
    }
}
