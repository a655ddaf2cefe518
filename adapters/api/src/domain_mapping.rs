//! Domain mappings: a domain of ours that stands for a whole foreign network, so that nobody has to type a
//! source route.

use thiserror::Error;

use crate::domain::Domain;
use crate::foreign::ForeignAddress;
use crate::selector::{Selector, SelectorError, Shape};
use crate::source_route::{RouteError, escape, unescaped};

/// A domain of ours, and the foreign addresses that its local-parts stand for.
///
/// With the selector `irc` and the prefix `irc.demo.example/`, `alice@irc.gw.example` stands for
/// `irc://irc.demo.example/alice`; with `mailto` and the suffix `@mail.example`, `bob@mail.gw.example` for
/// `mailto:bob@mail.example`. What is between prefix and suffix is escaped as in a
/// [source route](crate::source_route), so the mapping is a bijection between the local-parts it writes and
/// the foreign addresses it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainMapping {
    domain: Domain,
    selector: Selector,
    prefix: String,
    suffix: String,
}

impl DomainMapping {
    /// Makes a mapping. Prefix and suffix may be empty.
    ///
    /// # Errors
    /// If a prefix of a hierarchical selector does not end with `/`, or a suffix of an opaque one does not
    /// begin with `@`: `irc.example` would cover `irc.example.org` as well.
    pub fn new(domain: Domain, selector: Selector, prefix: &str, suffix: &str) -> Result<Self, MappingError> {
        if [prefix, suffix].iter().any(|fixed| fixed.contains(char::is_control)) {
            return Err(MappingError::Control);
        }
        match selector.shape() {
            Shape::Hierarchical if !(prefix.is_empty() || prefix.ends_with('/')) => {
                Err(MappingError::OpenPrefix { prefix: prefix.to_owned() })
            }
            Shape::Opaque if !(suffix.is_empty() || suffix.starts_with('@')) => {
                Err(MappingError::OpenSuffix { suffix: suffix.to_owned() })
            }
            _ => Ok(Self { domain, selector, prefix: prefix.to_owned(), suffix: suffix.to_owned() }),
        }
    }

    /// The domain of ours.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The selector of the addresses that it covers.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// The local-part at this domain that stands for `foreign`; `None` if the mapping does not cover it.
    #[must_use]
    pub fn local_of(&self, foreign: &ForeignAddress) -> Option<String> {
        if *foreign.selector() != self.selector {
            return None;
        }
        let between = foreign.value().strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        let local = escape(between, false);
        match local.strip_prefix('/') {
            // At the start, where a source route has its selector, relays may refuse or drop a slash.
            Some(rest) => Some(format!("~2f{rest}")),
            None => (!local.is_empty()).then_some(local),
        }
    }

    /// The foreign address that a local-part at this domain stands for.
    ///
    /// # Errors
    /// If the local-part is empty, or has an escape that is none.
    pub fn foreign_of(&self, local: &str) -> Result<ForeignAddress, RouteError> {
        let between = ForeignAddress::new(self.selector.clone(), &unescaped(local)?)?;
        Ok(between.with_value(&format!("{}{}{}", self.prefix, between.value(), self.suffix))?)
    }

    /// Octets of prefix and suffix: of two mappings that cover an address, the longer says more.
    pub(crate) fn fixed_octets(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }
}

/// Why a domain mapping cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A control character in the prefix or suffix.
    #[error("a control character in the prefix or suffix: no foreign address has any")]
    Control,
    /// The domain is a relay domain, or has a mapping.
    #[error("`{domain}` is a relay domain or mapped already: a mapping needs a domain of its own")]
    DomainTaken {
        /// The domain.
        domain: Domain,
    },
    /// A prefix that ends within a host or segment.
    #[error("the prefix `{prefix}` must end with `/`, as in `irc.example.net/`")]
    OpenPrefix {
        /// The prefix.
        prefix: String,
    },
    /// A suffix that begins within a domain.
    #[error("the suffix `{suffix}` must begin with `@`, as in `@mail.example`")]
    OpenSuffix {
        /// The suffix.
        suffix: String,
    },
    /// The selector is not one of this gateway's.
    #[error(transparent)]
    Selector(#[from] SelectorError),
}
