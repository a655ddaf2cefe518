//! What a watcher is shown of a presence.

use cpim_adapter::{Address, Basic, Class, Content, Presence, Tuple};

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
    /// The presence as it is shown. Where not all of it is, a document is withheld: it would tell the rest.
    #[must_use]
    pub fn apply(
        &self,
        presentity: &Address,
        presence: &Presence,
        document: Option<&Content>,
    ) -> (Presence, Option<Content>) {
        let shown = match self {
            Self::Whole => return (presence.clone(), document.cloned()),
            Self::Absent => closed_presence(presentity),
            Self::Instead(basic, note) => simple_presence(presentity, *basic, note.as_deref()),
            Self::Only(destinations) => {
                let is_shown =
                    |tuple: &&Tuple| destinations.iter().any(|begin| tuple.destination.starts_with(begin));
                let tuples: Vec<Tuple> = presence.tuples().iter().filter(is_shown).cloned().collect();
                if tuples.len() == presence.tuples().len() {
                    return (presence.clone(), document.cloned());
                }
                Presence::from_tuples(tuples).unwrap_or_else(|| closed_presence(presentity))
            }
        };
        (shown, None)
    }
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
    Tuple {
        destination: presentity.with_class(Class::Im).to_string().into(),
        status,
        markup: note.map(escaped).unwrap_or_default().into(),
        namespaces: Vec::new(),
    }
}

/// A text as it stands between tags.
fn escaped(text: &str) -> String {
    let mut markup = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            // What XML 1.0 cannot say at all.
            c if c.is_control() && !['\t', '\n'].contains(&c) || ['\u{fffe}', '\u{ffff}'].contains(&c) => {}
            c => markup.push(c),
        }
    }
    markup
}
