//! Foreign addresses, as their own protocols spell them.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::selector::{Selector, SelectorError, Selectors};

/// An address of another protocol: its scheme, and what follows it, raw.
///
/// The value is never percent-decoded, folded or normalised here: whether it is an address at all, and which
/// others it equals, is for the adapter of its selector to say. `Display` puts the scheme back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignAddress {
    selector: Selector,
    value: Arc<str>,
}

impl ForeignAddress {
    /// Makes a foreign address of its parts: `example.com/fred` for `pepp://example.com/fred`.
    ///
    /// # Errors
    /// If the value is empty or holds a control character; no protocol has such an address.
    pub fn new(selector: Selector, value: &str) -> Result<Self, ForeignError> {
        if value.is_empty() {
            return Err(ForeignError::Empty { selector });
        }
        if let Some((at, found)) = value.char_indices().find(|(_, c)| c.is_control()) {
            return Err(ForeignError::Control { at, found });
        }
        Ok(Self { selector, value: value.into() })
    }

    /// Reads an address with its scheme: `pepp://example.com/fred`, `mailto:alice@example.org`.
    ///
    /// # Errors
    /// If its scheme is no selector of `selectors`, or it does not begin as the scheme's addresses do.
    pub fn parse(text: &str, selectors: &Selectors) -> Result<Self, ForeignError> {
        let (scheme, _) = text.split_once(':').ok_or(ForeignError::NoScheme)?;
        let selector = selectors.find(scheme)?;
        match text.get(scheme.len()..).and_then(|rest| rest.strip_prefix(selector.shape().separator())) {
            Some(value) => Self::new(selector, value),
            None => Err(ForeignError::NotHierarchical { selector }),
        }
    }

    /// The selector: the scheme it was read from.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// What follows `scheme://` or `scheme:`, raw.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Another address of the same scheme, such as this one's canonical form.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_value(&self, value: &str) -> Result<Self, ForeignError> {
        Self::new(self.selector.clone(), value)
    }
}

impl fmt::Display for ForeignAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.selector, self.selector.shape().separator(), self.value)
    }
}

/// Why something is not a foreign address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// A control character, which could end a line or a parameter of the foreign protocol.
    #[error("the control character {found:?} at octet {at} of the foreign address: none may be in one")]
    Control {
        /// Where, in octets from 0 after the scheme.
        at: usize,
        /// The character.
        found: char,
    },
    /// A scheme and nothing after it.
    #[error("nothing after `{selector}`: expected an address such as `{selector}{}example.com`", selector.shape().separator())]
    Empty {
        /// The selector.
        selector: Selector,
    },
    /// No scheme.
    #[error("a foreign address begins with its scheme, as in `mailto:alice@example.org`")]
    NoScheme,
    /// `scheme:` where `scheme://` belongs.
    #[error("an address of `{selector}` begins `{selector}://`")]
    NotHierarchical {
        /// The selector.
        selector: Selector,
    },
    /// The scheme is no selector of ours.
    #[error(transparent)]
    Selector(#[from] SelectorError),
}
