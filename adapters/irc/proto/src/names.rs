//! What can stand in a line: types that cannot hold what IRC cannot carry. What cannot be sent cannot be built.

use std::fmt;

use crate::limits::LINE_OCTETS;

/// Something that cannot stand where it was meant to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("empty")]
    Empty,
    /// A character that it may not hold, or not there.
    #[error("{character:?} at octet {at} is not accepted in {what}")]
    Character {
        /// What was meant to be built.
        what: &'static str,
        /// Octets before it.
        at: usize,
        /// The character.
        character: char,
    },
    /// Longer than it may be.
    #[error("{octets} octets; {most} are accepted")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        most: usize,
    },
}

/// Checks every character, given with whether it is the first.
fn check(
    what: &'static str,
    text: &str,
    most: usize,
    accepted: impl Fn(bool, char) -> bool,
) -> Result<(), NameError> {
    if text.len() > most {
        return Err(NameError::TooLong { octets: text.len(), most });
    }
    match text.char_indices().find(|(at, c)| !accepted(*at == 0, *c)) {
        Some((at, character)) => Err(NameError::Character { what, at, character }),
        None => Ok(()),
    }
}

const fn ends_a_line(c: char) -> bool {
    matches!(c, '\0' | '\r' | '\n')
}

macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

/// A parameter that is not the last: without spaces, and no colon first (RFC 2812 section 2.3.1, `middle`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Param(Box<str>);

text_type!(Param);

impl Param {
    /// Takes a text.
    ///
    /// # Errors
    /// [`NameError`] where it cannot stand there.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let accepted = |first: bool, c: char| !ends_a_line(c) && c != ' ' && !(first && c == ':');
        check("a parameter", text, LINE_OCTETS, accepted)?;
        Ok(Self(text.into()))
    }

    /// What of a text can stand in a parameter: every other character becomes `_`, and nothing becomes `*`.
    /// For naming things back to people only.
    #[must_use]
    pub fn lossy(text: &str) -> Self {
        let mut kept: String = text
            .chars()
            .map(|c| if ends_a_line(c) || c == ' ' { '_' } else { c })
            .take(LINE_OCTETS)
            .collect();
        if kept.starts_with(':') {
            kept.replace_range(..1, "_");
        }
        Self(if kept.is_empty() { "*".into() } else { kept.into() })
    }
}

impl From<&Nick> for Param {
    fn from(nick: &Nick) -> Self {
        Self(nick.0.clone())
    }
}

/// A last parameter: any text on one line (RFC 2812 section 2.3.1, `trailing`).
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Trailing(Box<str>);

text_type!(Trailing);

impl Trailing {
    /// Takes a text.
    ///
    /// # Errors
    /// [`NameError`] where it holds CR, LF or NUL. How long it may be, its line says.
    pub fn new(text: &str) -> Result<Self, NameError> {
        check("a line", text, usize::MAX, |_, c| !ends_a_line(c))?;
        Ok(Self(text.into()))
    }

    /// A text with a space for each CR, LF and NUL: for words to people only, never for content.
    #[must_use]
    pub fn lossy(text: &str) -> Self {
        match text.contains(ends_a_line) {
            true => Self(text.replace(ends_a_line, " ").into()),
            false => Self(text.into()),
        }
    }
}

/// A nick. Servers differ in what they accept; this refuses what no server can, because it would be read as
/// something else (RFC 2812 section 2.3.1; modern IRC, "Clients").
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Nick(Box<str>);

text_type!(Nick);

impl Nick {
    /// Octets at most. Networks allow 9 to 64.
    pub const MAX_OCTETS: usize = 64;

    /// Reads a nick.
    ///
    /// # Errors
    /// [`NameError`] where it can be none anywhere.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        check("a nick", text, Self::MAX_OCTETS, |first, c| {
            let never = c.is_control() || c.is_whitespace() || ",*?!@.".contains(c);
            // Digits and `-` come first on no network, and the others mark channels, statuses and what follows.
            !never && !(first && (c.is_ascii_digit() || "-$:#&~%+=".contains(c)))
        })?;
        Ok(Self(text.into()))
    }

    /// A nick for whoever has none (RFC 2812 section 5.1 calls an unregistered client `*`).
    #[must_use]
    pub fn anybody() -> Self {
        Self("anybody".into())
    }

    /// Whether it is one by the letter of RFC 2812 section 2.3.1, its length aside.
    #[must_use]
    pub fn is_rfc2812(&self) -> bool {
        self.0.chars().all(|c| c.is_ascii_alphanumeric() || "[]\\`_^{|}-".contains(c))
    }
}

/// A user name: what stands between `!` and `@` (RFC 2812 section 2.3.1, `user`).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct User(Box<str>);

text_type!(User);

impl User {
    /// Reads a user name.
    ///
    /// # Errors
    /// [`NameError`] where it cannot be one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let accepted = |first: bool, c: char| {
            let never = c.is_control() || c.is_whitespace() || "!@".contains(c);
            !(never || first && c == ':')
        };
        check("a user name", text, 256, accepted)?;
        Ok(Self(text.into()))
    }

    /// A user name for who has none that can stand there.
    #[must_use]
    pub fn anybody() -> Self {
        Self("someone".into())
    }
}

/// A host as it stands behind `@`, which may be a cloak: `fred.a.example`, `gateway/web/x`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Host(Box<str>);

text_type!(Host);

impl Host {
    /// Octets at most (RFC 2812 section 2.3.1, `host`).
    pub const MAX_OCTETS: usize = 63;

    /// Reads a host.
    ///
    /// # Errors
    /// [`NameError`] where it cannot be one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        check("a host", text, Self::MAX_OCTETS, |first, c| {
            (c.is_ascii_alphanumeric() || ".-_/:".contains(c)) && !(first && c == ':')
        })?;
        Ok(Self(text.into()))
    }
}

/// Whoever says a line that we write as a server: a server's name, or somebody in full.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A server.
    Server(Host),
    /// A person.
    Person {
        /// The nick.
        nick: Nick,
        /// The user name.
        user: User,
        /// The host, cloaked.
        host: Host,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(name) => name.fmt(f),
            Self::Person { nick, user, host } => write!(f, "{nick}!{user}@{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// standards.md I05 and I07.
    #[test]
    fn nothing_ends_a_line_from_inside() {
        for bad in ["a\r\nQUIT :x", "a\nb", "a\rb", "a\0b"] {
            assert!(Param::new(bad).is_err() && Trailing::new(bad).is_err(), "{bad:?}");
            assert!(Nick::parse(bad).is_err() && User::parse(bad).is_err() && Host::parse(bad).is_err());
        }
        assert!(Param::new("a b").is_err() && Param::new(":a").is_err() && Param::new("").is_err());
        assert_eq!(Trailing::new(":x").unwrap().as_str(), ":x");
        assert_eq!(Param::lossy(":a b").as_str(), "_a_b");
    }

    #[test]
    fn nicks() {
        for good in ["alice", "[a]\\`_^{|}", "zoë", "a-1", "_1"] {
            assert!(Nick::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", "1a", "-a", "a b", "a,b", "a*", "a?", "a!b", "a@b", "#a", "&a", ":a", "$a", "~a", "+a", "a.b",
        ] {
            assert!(Nick::parse(bad).is_err(), "{bad}");
        }
        assert!(Nick::parse(&"n".repeat(65)).is_err());
        assert!(!Nick::parse("zoë").unwrap().is_rfc2812());
    }

    proptest! {
        #[test]
        fn whatever_is_made_of_a_text_can_be_sent(text in "[: \r\n\0a-cü]{0,20}") {
            prop_assert!(Param::new(Param::lossy(&text).as_str()).is_ok());
            prop_assert!(Trailing::new(Trailing::lossy(&text).as_str()).is_ok());
        }
    }
}
