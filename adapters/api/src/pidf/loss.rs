//! What one form of presence has no place for.

use std::fmt;
use std::sync::Arc;

/// One thing that a conversion left behind, for the log and the trace.
///
/// It names the kind of thing and never what it said: presence is not everybody's to see.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Loss {
    /// A tuple had no `contact`; the entity's `im:` form stands for it.
    Contact,
    /// An element that the other form cannot hold: its name, with the namespace's in braces.
    Element(Arc<str>),
    /// A homepage of a tuple or a second one: `entityInfo` is one, and of the presentity.
    Homepage,
    /// A tuple's `id`.
    Id,
    /// The language of a note.
    Language,
    /// Which of several notes is which: they became one text.
    Notes,
    /// The priority of a contact.
    Priority,
    /// A status without `basic`: `closed` stands for it.
    Status,
    /// A timestamp.
    Timestamp,
    /// There was no tuple at all: one that is `closed` stands for it.
    Tuples,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contact => "no contact",
            Self::Element(name) => return write!(f, "element {name}"),
            Self::Homepage => "homepage",
            Self::Id => "tuple id",
            Self::Language => "language of a note",
            Self::Notes => "several notes",
            Self::Priority => "priority",
            Self::Status => "no basic status",
            Self::Timestamp => "timestamp",
            Self::Tuples => "no tuple",
        })
    }
}

/// Losses, each named once, in order.
#[derive(Debug, Default)]
pub(super) struct Losses(std::collections::BTreeSet<Loss>);

impl Losses {
    /// Extensions that are named one by one at most; a document may have any number.
    const MAX: usize = 32;

    pub(super) fn add(&mut self, loss: Loss) {
        if self.0.len() < Self::MAX {
            self.0.insert(loss);
        }
    }

    pub(super) fn add_if(&mut self, lost: bool, loss: Loss) {
        if lost {
            self.add(loss);
        }
    }

    /// An element by its namespace and local name.
    pub(super) fn element(&mut self, namespace: &str, local: &str) {
        // An honest name is short; a long one is not copied into every log.
        if namespace.len() + local.len() <= 200 {
            self.add(Loss::Element(format!("{{{namespace}}}{local}").into()));
        } else {
            self.add(Loss::Element("of a long name".into()));
        }
    }

    pub(super) fn into_vec(self) -> Vec<Loss> {
        self.0.into_iter().collect()
    }
}
