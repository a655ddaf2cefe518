//! Presence information: tuples, and whatever richer document came with them.
//!
//! The draft's own form (its section 8) and a richer document such as PIDF (RFC 3863) travel side by
//! side; neither is derived from the other here.

use std::fmt;
use std::sync::Arc;

/// Whether an instant message would be accepted now (RFC 2778 section 2.1, STATUS).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Basic {
    /// It would.
    Open,
    /// It would not.
    Closed,
}

impl Basic {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// Reads the word on the wire, exactly.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Closed].into_iter().find(|basic| basic.as_str() == word)
    }
}

impl fmt::Display for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One way to reach a presentity, and its status (RFC 2778 section 2.3, PRESENCE TUPLE).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tuple {
    /// The communication address: any URI, kept as it was written.
    pub destination: Arc<str>,
    /// Whether it accepts messages now.
    pub status: Basic,
    /// Text and elements within the tuple: well-formed XML, octet for octet as it came.
    pub markup: Arc<str>,
    /// Namespaces, as prefix (empty: the default) and name, that the markup relies on and does not declare
    /// itself. They are each tuple's own, so that tuples of several sessions can be put together.
    pub namespaces: Vec<(Arc<str>, Arc<str>)>,
}

/// What a presentity tells its watchers: at least one tuple.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presence {
    entity_info: Option<Arc<str>>,
    tuples: Vec<Tuple>,
}

impl Presence {
    /// Presence of these tuples: one, and any more.
    #[must_use]
    pub fn new(first: Tuple, more: Vec<Tuple>) -> Self {
        let mut tuples = Vec::with_capacity(1 + more.len());
        tuples.push(first);
        tuples.extend(more);
        Self { entity_info: None, tuples }
    }

    /// Presence of these tuples, or nothing where there are none.
    #[must_use]
    pub fn from_tuples(tuples: Vec<Tuple>) -> Option<Self> {
        match tuples.is_empty() {
            true => None,
            false => Some(Self { entity_info: None, tuples }),
        }
    }

    /// With a URI that tells more of the presentity (the draft's `entityInfo`).
    #[must_use]
    pub fn with_entity_info(mut self, uri: Option<Arc<str>>) -> Self {
        self.entity_info = uri;
        self
    }

    /// A URI that tells more of the presentity.
    #[must_use]
    pub fn entity_info(&self) -> Option<&str> {
        self.entity_info.as_deref()
    }

    /// The tuples: one at least.
    #[must_use]
    pub fn tuples(&self) -> &[Tuple] {
        &self.tuples
    }

    /// Open where any tuple is.
    #[must_use]
    pub fn basic(&self) -> Basic {
        match self.tuples.iter().any(|tuple| tuple.status == Basic::Open) {
            true => Basic::Open,
            false => Basic::Closed,
        }
    }
}
