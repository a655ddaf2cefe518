//! Message tags: keys with values, before a line (IRCv3 message-tags).

use std::fmt;

use bytes::Bytes;

/// The tags of a line that was read. Of a key that is there twice, the last counts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags(Vec<(Bytes, Box<[u8]>)>);

impl Tags {
    /// Most tags that are kept of one line: 8191 octets have no room for more that mean anything.
    pub const MAX: usize = 128;

    /// Reads what stands between `@` and the first space. Total: every octet string is a list of tags.
    ///
    /// `None` where there are more than [`Tags::MAX`].
    #[must_use]
    pub fn parse(text: &Bytes) -> Option<Self> {
        let mut tags: Vec<(Bytes, Box<[u8]>)> = Vec::new();
        for tag in text.split(|octet| *octet == b';').filter(|tag| !tag.is_empty()) {
            let (key, value) = match tag.iter().position(|octet| *octet == b'=') {
                Some(at) => (tag.get(..at).unwrap_or_default(), tag.get(at + 1..).unwrap_or_default()),
                None => (tag, &b""[..]),
            };
            let value = unescape(value);
            if let Some((_, known)) = tags.iter_mut().find(|(known, _)| known == key) {
                *known = value;
            } else if tags.len() == Self::MAX {
                return None;
            } else {
                tags.push((text.slice_ref(key), value));
            }
        }
        Some(Self(tags))
    }

    /// The value of a tag, which is UTF-8 as message-tags demands. Without a value it is empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == key.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    /// Every key and value, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value as it was meant: `\:` is `;`, `\s` a space, `\r` and `\n` what they say; any other octet behind a
/// backslash stands for itself, and a backslash at the end for nothing.
fn unescape(value: &[u8]) -> Box<[u8]> {
    let mut plain = Vec::with_capacity(value.len());
    let mut octets = value.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' => match octets.next() {
                Some(b':') => plain.push(b';'),
                Some(b's') => plain.push(b' '),
                Some(b'r') => plain.push(b'\r'),
                Some(b'n') => plain.push(b'\n'),
                Some(other) => plain.push(*other),
                None => {}
            },
            other => plain.push(*other),
        }
    }
    plain.into()
}

/// A value as it is written. What it cannot hold is NUL, and a [`TagValue`] has none.
pub(crate) fn escape(value: &str, into: &mut String) {
    for c in value.chars() {
        match c {
            ';' => into.push_str("\\:"),
            ' ' => into.push_str("\\s"),
            '\\' => into.push_str("\\\\"),
            '\r' => into.push_str("\\r"),
            '\n' => into.push_str("\\n"),
            other => into.push(other),
        }
    }
}

/// Something that is no key, or no value, of a tag.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TagError {
    /// Letters, digits and `-`, with `+` before and a vendor's host and `/` in front where there is one.
    #[error("`{0}` is no key of a tag")]
    Key(String),
    /// A value may be any text without NUL.
    #[error("the value of a tag holds a NUL")]
    Value,
}

/// A tag's key: `msgid`, `+draft/reply`, `+example.com/source`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TagKey(Box<str>);

impl TagKey {
    /// Reads a key (message-tags, "Format").
    ///
    /// # Errors
    /// [`TagError::Key`] where it is none.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let bare = text.strip_prefix('+').unwrap_or(text);
        let (vendor, name) =
            bare.rsplit_once('/').map_or((None, bare), |(vendor, name)| (Some(vendor), name));
        let good = |text: &str, also: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        match good(name, "-") && vendor.is_none_or(|vendor| good(vendor, "-.")) {
            true => Ok(Self(text.into())),
            false => Err(TagError::Key(text.to_owned())),
        }
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether clients speak to each other by it (`+`), so that servers hand it on untouched.
    #[must_use]
    pub fn is_client_only(&self) -> bool {
        self.0.starts_with('+')
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag's value: any text without NUL.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TagValue(Box<str>);

impl TagValue {
    /// Takes a text.
    ///
    /// # Errors
    /// [`TagError::Value`] where it holds a NUL.
    pub fn new(text: &str) -> Result<Self, TagError> {
        match text.contains('\0') {
            true => Err(TagError::Value),
            false => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str) -> Option<String> {
        Some(Tags::parse(&Bytes::copy_from_slice(text.as_bytes()))?.get("k")?.to_owned())
    }

    /// standards.md I02; message-tags, "Escaping values".
    #[test]
    fn escapes_are_undone_one_by_one() {
        assert_eq!(value(r"k=test\"), Some("test".into()));
        assert_eq!(value(r"k=\b"), Some("b".into()));
        assert_eq!(value(r"k=\\n"), Some(r"\n".into()));
        assert_eq!(value("k=1;j=2;k=3"), Some("3".into()));
        assert_eq!(value("k="), value("k"));
        assert_eq!(value("j"), None);
    }

    #[test]
    fn keys() {
        for good in ["msgid", "+typing", "+draft/reply", "example.com/a-b", "+example.com/source"] {
            assert_eq!(TagKey::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "+", "a b", "a=b", "a;b", "/a", "a/", "a\r\nQUIT", "ä"] {
            assert!(TagKey::parse(bad).is_err(), "{bad:?}");
        }
        assert!(TagValue::new("a\0").is_err());
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "[;= \\\\\r\n:a-cü\u{1}]{0,40}") {
            let mut written = String::from("k=");
            escape(&text, &mut written);
            prop_assert!(!written.contains([' ', '\r', '\n']));
            prop_assert_eq!(value(&written), Some(text));
        }
    }
}
