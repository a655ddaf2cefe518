//! Internet domains, in the one form in which they are compared.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use thiserror::Error;

/// A domain as lower-case A-labels, without a trailing dot.
///
/// An internationalised name is taken in either form and kept as its A-labels (IDNA2008, RFC 5890), so that
/// two spellings of one domain are equal. A single label is a domain: whether it resolves is another matter.
/// Address literals are not, since RFC 3861 section 3 resolves names only. Cloning copies a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Octets in a domain at most (RFC 1035 section 2.3.4: 255 on the wire, less the length and the root).
    pub const MAX_OCTETS: usize = 253;
    /// Octets in one label at most (RFC 1035 section 2.3.4).
    pub const MAX_LABEL_OCTETS: usize = 63;
    /// Octets that are looked at before conversion: each octet of the result came from at most one UTF-8
    /// sequence of four. More can be no domain, and is not worth converting.
    const MAX_INPUT_OCTETS: usize = 4 * Self::MAX_OCTETS;

    /// Reads a domain in any spelling: upper case, A-labels or U-labels.
    ///
    /// # Errors
    /// Names the label and the rule of RFC 1123 section 2.1, RFC 5890 or RFC 5321 section 4.1.2 that it breaks.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        if is_plain(text) {
            return Ok(Self(text.into()));
        }
        Self::convert(text)
    }

    fn convert(text: &str) -> Result<Self, DomainError> {
        if text.is_empty() {
            return Err(DomainError::Empty);
        }
        if text.starts_with('[') {
            return Err(DomainError::Literal);
        }
        if text.len() > Self::MAX_INPUT_OCTETS {
            return Err(DomainError::TooLong { octets: text.len() });
        }
        // Before conversion, because afterwards a hyphen at the edge of a U-label can no longer be seen.
        text.split('.').try_for_each(check_edges)?;
        let ascii = Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast, DnsLength::Ignore)
            .map_err(|_| DomainError::Idna)?;
        // And after it, because a dot, a hyphen or a length may be its result.
        ascii.split('.').try_for_each(check_label)?;
        if ascii.len() > Self::MAX_OCTETS {
            return Err(DomainError::TooLong { octets: ascii.len() });
        }
        if ascii.rsplit('.').next().is_some_and(|top| top.bytes().all(|octet| octet.is_ascii_digit())) {
            return Err(DomainError::Literal);
        }
        Ok(Self(ascii.into()))
    }

    /// The domain as lower-case A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `other` or a subdomain of it, counted in whole labels.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        match self.0.strip_suffix(&*other.0) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        }
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({self})")
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Domain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Why a text is not a [`Domain`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DomainError {
    /// A character outside letters, digits and hyphen (RFC 1123 section 2.1).
    #[error("{found:?} in the label `{label}`: a label is made of letters, digits and `-`")]
    Character {
        /// The label, as A-label where it was converted.
        label: String,
        /// The character.
        found: char,
    },
    /// Nothing at all.
    #[error("the domain is empty: expected a name such as `example.com`")]
    Empty,
    /// A dot at the start or the end, or two together.
    #[error("a label is empty: a domain neither begins nor ends with a dot, and has no two together")]
    EmptyLabel,
    /// A hyphen at the edge of a label.
    #[error("the label `{label}` begins or ends with `-`: a label begins and ends with a letter or digit")]
    Hyphen {
        /// The label.
        label: String,
    },
    /// A U-label or A-label that IDNA does not permit.
    #[error("not a valid internationalised name: each label must be a U-label or A-label of RFC 5890")]
    Idna,
    /// A label over [`Domain::MAX_LABEL_OCTETS`].
    #[error("a label of {octets} octets: it may have {}", Domain::MAX_LABEL_OCTETS)]
    LabelTooLong {
        /// The length of its A-label.
        octets: usize,
    },
    /// An address in brackets or in dotted-decimal form.
    #[error("an address literal: expected a name, whose last label is not a number")]
    Literal,
    /// A domain over [`Domain::MAX_OCTETS`].
    #[error("a domain of {octets} octets: it may have {}", Domain::MAX_OCTETS)]
    TooLong {
        /// The length.
        octets: usize,
    },
}

/// Whether a text is a domain in the form that conversion would give it: such as most are, told at a glance.
fn is_plain(text: &str) -> bool {
    let is_plain_label = |label: &str| {
        let octets = label.as_bytes();
        let edge = |octet: Option<&u8>| octet.is_some_and(|octet| *octet != b'-');
        octets.len() <= Domain::MAX_LABEL_OCTETS
            && octets.iter().all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && edge(octets.first())
            && edge(octets.last())
            // What has hyphens here is an A-label, or meant to be another such form.
            && octets.get(2..4) != Some(b"--")
    };
    let has_letter = |label: &str| label.bytes().any(|octet| !octet.is_ascii_digit());
    text.len() <= Domain::MAX_OCTETS
        && text.split('.').all(is_plain_label)
        && text.rsplit('.').next().is_some_and(has_letter)
}

fn check_edges(label: &str) -> Result<(), DomainError> {
    if label.is_empty() {
        return Err(DomainError::EmptyLabel);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(DomainError::Hyphen { label: label.to_owned() });
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), DomainError> {
    check_edges(label)?;
    if let Some(found) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
        return Err(DomainError::Character { label: label.to_owned(), found });
    }
    if label.len() > Domain::MAX_LABEL_OCTETS {
        return Err(DomainError::LabelTooLong { octets: label.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_of_a_domain_is_one_domain() {
        assert_eq!(domain("EXAMPLE.com").as_str(), "example.com");
        assert_eq!(domain("exämple.com"), domain("XN--EXMPLE-CUA.com"));
        assert_eq!(domain("relay-domain").as_str(), "relay-domain");
        assert_eq!(domain("r3---sn.example").as_str(), "r3---sn.example");
    }

    #[test]
    fn what_is_no_domain_is_refused_by_its_rule() {
        let long = "a".repeat(Domain::MAX_LABEL_OCTETS + 1);
        let of_octets = |octets: usize| "a.".repeat(octets / 2) + "a";
        let longer = of_octets(Domain::MAX_OCTETS + 2);
        assert_eq!(domain(&of_octets(Domain::MAX_OCTETS)).as_str().len(), Domain::MAX_OCTETS);
        for (text, expected) in [
            ("", DomainError::Empty),
            (".", DomainError::EmptyLabel),
            ("example.com.", DomainError::EmptyLabel),
            ("example.com。", DomainError::EmptyLabel),
            (".example", DomainError::EmptyLabel),
            ("a..b", DomainError::EmptyLabel),
            ("-example.com", DomainError::Hyphen { label: "-example".to_owned() }),
            ("example-.com", DomainError::Hyphen { label: "example-".to_owned() }),
            ("exam_ple.com", DomainError::Character { label: "exam_ple".to_owned(), found: '_' }),
            ("xn--zzzzzzz-.com", DomainError::Hyphen { label: "xn--zzzzzzz-".to_owned() }),
            ("xn--a.com", DomainError::Idna),
            ("[192.0.2.1]", DomainError::Literal),
            ("192.0.2.1", DomainError::Literal),
            (&long, DomainError::LabelTooLong { octets: 64 }),
            (&longer, DomainError::TooLong { octets: 255 }),
        ] {
            assert_eq!(Domain::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn within_counts_whole_labels() {
        assert!(domain("example.com").is_within(&domain("example.com")));
        assert!(domain("a.b.example.com").is_within(&domain("example.com")));
        assert!(!domain("badexample.com").is_within(&domain("example.com")));
        assert!(!domain("example.com").is_within(&domain("a.example.com")));
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_at_a_glance_is_what_conversion_says(
            text in "([a-c0-9A\\-]{0,5}\\.){0,3}(xn--)?[a-c0-9ä\\-]{0,4}(--)?[a0]{0,2}"
        ) {
            if is_plain(&text) {
                proptest::prop_assert_eq!(Domain::convert(&text), Ok(Domain(text.as_str().into())));
            }
        }
    }
}
