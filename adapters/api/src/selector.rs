//! Selectors: the names by which a source route says whose address it carries.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// How an address of a scheme begins, and so what a source route drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `scheme://`, with a host first (RFC 3986 section 3.2).
    Hierarchical,
    /// `scheme:`.
    Opaque,
}

impl Shape {
    /// What stands between a scheme and its address.
    #[must_use]
    pub fn separator(self) -> &'static str {
        match self {
            Self::Hierarchical => "://",
            Self::Opaque => ":",
        }
    }
}

/// A selector that a table knows: the lower-case name of a foreign scheme, and its shape.
///
/// Only [`Selectors`] gives one out, so that whoever holds one need not guess.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    name: Arc<str>,
    shape: Shape,
}

impl Selector {
    /// Octets in a name at most: half the local-part of a mail address (RFC 5321 section 4.5.3.1.1).
    pub const MAX_OCTETS: usize = 32;

    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// How its addresses begin.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// The selectors of this gateway. Anything else in a source route is an error, never a guess.
#[derive(Clone, Debug)]
pub struct Selectors(BTreeMap<Arc<str>, Shape>);

impl Selectors {
    /// Known without any configuration or adapter.
    const BUILT_IN: [(&str, Shape); 10] = [
        ("irc", Shape::Hierarchical),
        ("ircs", Shape::Hierarchical),
        ("pepp", Shape::Hierarchical),
        ("im", Shape::Opaque),
        ("mailto", Shape::Opaque),
        ("pres", Shape::Opaque),
        ("sip", Shape::Opaque),
        ("sips", Shape::Opaque),
        ("tel", Shape::Opaque),
        ("xmpp", Shape::Opaque),
    ];

    /// Our own (`alias`, `winfo`, and `b` of bounce keys), and those of the mail world that would be mistaken
    /// for ours or ours for them (BATV, SRS).
    const RESERVED: [&str; 6] = ["alias", "b", "prvs", "srs0", "srs1", "winfo"];

    /// Adds a selector. To add one again, with the same shape, changes nothing.
    ///
    /// # Errors
    /// If the name is no selector, is reserved, or is known with another shape.
    pub fn add(&mut self, name: &str, shape: Shape) -> Result<(), SelectorError> {
        let lower = name.to_ascii_lowercase();
        if !is_selector(&lower) {
            return Err(SelectorError::Malformed { name: name.to_owned() });
        }
        if Self::is_reserved(&lower) {
            return Err(SelectorError::Reserved { name: lower });
        }
        match self.0.get(&*lower) {
            Some(&known) if known != shape => Err(SelectorError::OtherShape { name: lower, known }),
            Some(_) => Ok(()),
            None => {
                self.0.insert(lower.into(), shape);
                Ok(())
            }
        }
    }

    /// Looks a name up, in any case (RFC 3191 section 2).
    ///
    /// # Errors
    /// If it is reserved, or unknown.
    pub fn find(&self, name: &str) -> Result<Selector, SelectorError> {
        let lower = name.to_ascii_lowercase();
        match self.0.get_key_value(&*lower) {
            Some((name, &shape)) => Ok(Selector { name: Arc::clone(name), shape }),
            None if Self::is_reserved(&lower) => Err(SelectorError::Reserved { name: lower }),
            None if !is_selector(&lower) => Err(SelectorError::Malformed { name: name.to_owned() }),
            None => Err(SelectorError::Unknown { name: lower, known: self.names() }),
        }
    }

    /// Every selector, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = Selector> {
        self.0.iter().map(|(name, &shape)| Selector { name: Arc::clone(name), shape })
    }

    fn is_reserved(lower: &str) -> bool {
        Self::RESERVED.contains(&lower)
    }

    fn names(&self) -> String {
        self.0.keys().map(|name| &**name).collect::<Vec<_>>().join(", ")
    }
}

impl Default for Selectors {
    /// Those that are known without any configuration.
    fn default() -> Self {
        Self(Self::BUILT_IN.into_iter().map(|(name, shape)| (name.into(), shape)).collect())
    }
}

/// Why a name is not to be used as a selector.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// Not of the form of a selector.
    #[error(
        "`{name}` is no selector: one is a letter, then letters, digits and `-`, {} in all at most",
        Selector::MAX_OCTETS
    )]
    Malformed {
        /// The name.
        name: String,
    },
    /// Known, and its addresses begin in another way.
    #[error("the selector `{name}` is known already, with addresses that begin `{name}{}`", known.separator())]
    OtherShape {
        /// The name.
        name: String,
        /// The shape it has.
        known: Shape,
    },
    /// Set aside for the gateway itself.
    #[error("the selector `{name}` is reserved, and carries no foreign address")]
    Reserved {
        /// The name.
        name: String,
    },
    /// Not in the table.
    #[error("the selector `{name}` is unknown: known are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names in the table.
        known: String,
    },
}

/// RFC 2846 appendix A, narrowed to what can be a URI scheme (RFC 3986 section 3.1), in lower case.
pub(crate) fn is_selector(lower: &str) -> bool {
    lower.starts_with(|c: char| c.is_ascii_lowercase())
        && lower.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
        && lower.len() <= Selector::MAX_OCTETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_found_in_any_case() {
        let selectors = Selectors::default();
        let pepp = selectors.find("PePP").unwrap();
        assert_eq!((pepp.as_str(), pepp.shape()), ("pepp", Shape::Hierarchical));
        assert_eq!(selectors.find("tel").unwrap().shape(), Shape::Opaque);
        assert!(
            matches!(selectors.find("zz"), Err(SelectorError::Unknown { known, .. }) if known.contains("irc"))
        );
        assert!(matches!(selectors.find(""), Err(SelectorError::Malformed { .. })));
    }

    #[test]
    fn configuration_adds_but_neither_changes_nor_takes_what_is_reserved() {
        let mut selectors = Selectors::default();
        selectors.add("Matrix", Shape::Opaque).unwrap();
        assert_eq!(selectors.find("matrix").unwrap().as_str(), "matrix");
        selectors.add("irc", Shape::Hierarchical).unwrap();
        assert!(matches!(
            selectors.add("irc", Shape::Opaque),
            Err(SelectorError::OtherShape { known: Shape::Hierarchical, .. })
        ));
        for reserved in ["alias", "winfo", "b", "prvs", "SRS0", "srs1"] {
            assert!(matches!(selectors.add(reserved, Shape::Opaque), Err(SelectorError::Reserved { .. })));
        }
        for malformed in ["", "9p", "a_b", "a=b", "-a", "é", &"a".repeat(33)] {
            assert!(matches!(selectors.add(malformed, Shape::Opaque), Err(SelectorError::Malformed { .. })));
        }
    }
}
