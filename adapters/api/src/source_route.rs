//! Source routes: a foreign address as the local-part of one of ours, and back (RFC 3860 appendix B.2).
//!
//! `selector=` and then the foreign address, with every octet outside `A-Z a-z 0-9 - _ . /` written `~hh`.
//! Also escaped are a dot that a dot-atom or a path could not keep, and a slash at the end, which software
//! that follows RFC 2846 may drop. The result is a plain ASCII dot-atom that means the same in a URI, in mail
//! and in SIP, and is no different after percent-encoding or the normalisation of RFC 3986 section 6.2.2.
//!
//! [`encode`] and [`decode`] are inverse to each other on every foreign address that a [`ForeignAddress`]
//! can hold, that is, every non-empty one without control characters (C0, DEL, C1), after any selector of the
//! table. [`decode`] reads more than [`encode`] writes: upper-case digits, escapes that were not needed,
//! characters that should have been escaped, a selector in capitals, one slash more at either end. To encode
//! what was decoded gives the one canonical form. Neither folds case.

use std::fmt::Write as _;

use thiserror::Error;

use crate::domain::Domain;
use crate::escape::unescape;
use crate::foreign::{ForeignAddress, ForeignError};
use crate::selector::{SelectorError, Selectors, is_selector};
use crate::uri_error::UriError;

/// The mark of an escape. Unreserved in a URI, plain in mail and in SIP, and left alone by mail relays.
const MARK: u8 = b'~';

/// The local-part that carries `foreign`: `mailto=alice~40example.org`.
#[must_use]
pub fn encode(foreign: &ForeignAddress) -> String {
    format!("{}={}", foreign.selector(), escape(foreign.value(), false))
}

/// As [`encode`], with capitals escaped too, for legs that do not keep them apart: XMPP, much of mail.
///
/// It still decodes to `foreign` after every letter has been made lower-case. It is not the canonical form.
#[must_use]
pub fn encode_case_safe(foreign: &ForeignAddress) -> String {
    format!("{}={}", foreign.selector(), escape(foreign.value(), true))
}

/// The foreign address that a local-part carries.
///
/// # Errors
/// If it is no source route, its selector is not in the table, or what it carries is broken or empty or
/// holds control characters. A `~` that begins no escape is an error, not a tilde.
pub fn decode(local: &str, selectors: &Selectors) -> Result<ForeignAddress, RouteError> {
    let (name, escaped) = split(local).ok_or(RouteError::NoSelector)?;
    Ok(ForeignAddress::new(selectors.find(name)?, &unescaped(escaped)?)?)
}

/// Cuts a local-part at the `=` behind its selector, without one optional slash at each end (RFC 2846
/// section 5.4, appendix A). `None` if what stands before the `=` has not the form of a selector.
pub(crate) fn split(local: &str) -> Option<(&str, &str)> {
    let local = local.strip_prefix('/').unwrap_or(local);
    let (name, value) = local.split_once('=')?;
    is_selector(&name.to_ascii_lowercase()).then(|| (name, value.strip_suffix('/').unwrap_or(value)))
}

/// The escape profile alone, on what follows a selector.
pub(crate) fn escape(value: &str, case_safe: bool) -> String {
    let mut escaped = String::with_capacity(value.len());
    let mut before = None;
    let mut octets = value.bytes().peekable();
    while let Some(octet) = octets.next() {
        let after = octets.peek().copied();
        let raw = match octet {
            b'.' => keeps_dot(before, after),
            b'/' => after.is_some(),
            b'A'..=b'Z' => !case_safe,
            _ => octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'),
        };
        if raw {
            escaped.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            write!(escaped, "{}{octet:02x}", char::from(MARK)).ok();
        }
        before = Some(octet);
    }
    escaped
}

/// Whether a dot between these octets may stand: not first, last or after another, where no dot-atom has one,
/// nor alone between slashes, where the normalisation of a path removes it.
fn keeps_dot(before: Option<u8>, after: Option<u8>) -> bool {
    match (before, after) {
        (None | Some(b'.'), _) | (_, None) | (Some(b'/'), Some(b'/')) => false,
        (Some(_), Some(_)) => true,
    }
}

/// The inverse of [`escape`], and total on what else can be understood.
pub(crate) fn unescaped(escaped: &str) -> Result<String, RouteError> {
    let octets = unescape(escaped, MARK).map_err(|at| RouteError::BadEscape { at })?;
    String::from_utf8(octets).map_err(|_| RouteError::NotUtf8)
}

/// Why a local-part at our domain carries nothing that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// `alias=` and something that is no alias.
    #[error("no alias: expected `alias=` and 26 characters of `a` to `z` and `2` to `7`")]
    BadAlias,
    /// A `~` without its digits.
    #[error("the `~` at octet {at} has not two hex digits after it: a tilde itself is `~7e`")]
    BadEscape {
        /// Where, in octets from 0 after the selector.
        at: usize,
    },
    /// What was decoded is no foreign address.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// An `im:`, `pres:` or watched address inside that is none.
    #[error("the address inside: {0}")]
    Inner(#[source] Box<UriError>),
    /// No `selector=` at the start.
    #[error("no source route: expected such as `pepp=example.com/fred`")]
    NoSelector,
    /// Escapes that are not UTF-8.
    #[error("the escaped octets are not UTF-8")]
    NotUtf8,
    /// The selector is not to be used.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// A domain of ours inside: the operation would come back.
    #[error("`{domain}` inside is this gateway itself: give the address without the detour")]
    SelfLoop {
        /// The domain of ours.
        domain: Domain,
    },
    /// Too many routes within each other.
    #[error("more than {limit} source routes within each other")]
    TooDeep {
        /// How many there may be.
        limit: usize,
    },
}
