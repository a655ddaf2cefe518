//! The character classes of RFC 3862 section 3.6, and the types that keep to them.

use std::fmt;
use std::sync::Arc;

/// A header name or namespace prefix: one or more letters, digits and ``! # $ % & ' * + - ^ _ ` | ~``.
///
/// Names are compared exactly, case and all (RFC 3862 section 2.2).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Arc<str>);

impl Name {
    /// Takes `text` if every character of it may stand in a name, and there is one at least.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.into()))
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An absolute URI without fragment, kept as it was written (RFC 3862 section 3.6, RFC 3986 section 4.3).
///
/// Compared as a string, which is right for namespaces (section 3.4). Addresses have their own rules:
/// compare those as the `im:` or `pres:` URIs that they are.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AbsoluteUri(Arc<str>);

impl AbsoluteUri {
    /// Takes `text` if it is a scheme, a colon and something behind it, in the characters of a URI, without `#`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let scheme_holds = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        (scheme_holds && is_uri_rest(rest)).then(|| Self(text.into()))
    }

    /// The URI as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same octets, shared.
    pub(super) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for AbsoluteUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every character reserved or unreserved but `#`, every `%` followed by two hexadecimal digits.
fn is_uri_rest(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?[]@!$&'()*+,;=".contains(c);
    let mut pieces = text.split('%');
    !text.is_empty()
        && pieces.next().is_some_and(|first| first.chars().all(plain))
        && pieces.all(|piece| {
            piece.split_at_checked(2).is_some_and(|(hex, rest)| {
                hex.bytes().all(|octet| octet.is_ascii_hexdigit()) && rest.chars().all(plain)
            })
        })
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_name_char)
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

pub(super) const fn is_name_char(c: char) -> bool {
    matches!(c, '!' | '#'..='\'' | '*' | '+' | '-' | '^'..='`' | '|' | '~') || c.is_ascii_alphanumeric()
}

pub(super) const fn is_token_char(c: char) -> bool {
    is_name_char(c) || c == '.' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["From", "Top&Tail", "x-a_b", "!#$%&'*+-^_`|~", "9"] {
            assert!(is_name(good), "{good:?}");
        }
        for bad in ["", "a.b", "a b", "a:b", "a;b", "a\"b", "a(b", "a,b", "a/b", "a=b", "é", "a\\b", "{", "@"]
        {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn absolute_uris() {
        for good in
            ["im:a@x.example", "mid:f@id", "urn:ietf:params:imdn", "http://id.acme.example/w/", "a+b:%41?q"]
        {
            assert!(AbsoluteUri::parse(good).is_some(), "{good:?}");
        }
        for bad in [
            "",
            "im",
            "im:",
            ":a",
            "1a:b",
            "a_b:c",
            "/rel",
            "http://x/#f",
            "im:a b",
            "im:%4",
            "im:%zz",
            "im:é",
            "im:<a>",
            "im:a\"",
            "im:a\\b",
            "im:%é1",
        ] {
            assert!(AbsoluteUri::parse(bad).is_none(), "{bad:?}");
        }
    }
}
