//! Casemappings: which nicks and channels are the same on a network.

use std::fmt;
use std::sync::Arc;

/// How a network folds names (RFC 2812 section 2.2; ISUPPORT `CASEMAPPING`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Casemapping {
    /// `A` to `Z` only.
    Ascii,
    /// Also `[ ] \ ~` to `{ } | ^`. What a network means that does not say.
    #[default]
    Rfc1459,
    /// As [`Self::Rfc1459`], without the pair of `~` and `^`.
    Rfc1459Strict,
}

impl Casemapping {
    /// Reads ISUPPORT's word for it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ascii, Self::Rfc1459, Self::Rfc1459Strict].into_iter().find(|mapping| mapping.as_str() == word)
    }

    /// ISUPPORT's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Rfc1459 => "rfc1459",
            Self::Rfc1459Strict => "rfc1459-strict",
        }
    }

    /// The one form of all names that are the same here.
    #[must_use]
    pub fn fold(self, name: &str) -> String {
        name.chars().map(|c| self.fold_char(c)).collect()
    }

    /// The key of a name: two are equal where the network means one and the same.
    #[must_use]
    pub fn key(self, name: &str) -> NameKey {
        NameKey(self.fold(name).into())
    }

    /// Whether two names are the same here.
    #[must_use]
    pub fn same(self, one: &str, other: &str) -> bool {
        let fold = |name: &str| name.chars().map(|c| self.fold_char(c)).collect::<Vec<_>>();
        one.len() == other.len() && fold(one) == fold(other)
    }

    const fn fold_char(self, c: char) -> char {
        match (self, c) {
            (_, 'A'..='Z') => c.to_ascii_lowercase(),
            (Self::Ascii, _) => c,
            (_, '[') => '{',
            (_, ']') => '}',
            (_, '\\') => '|',
            (Self::Rfc1459, '~') => '^',
            _ => c,
        }
    }
}

impl fmt::Display for Casemapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name, folded: only a [`Casemapping`] makes one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NameKey(Arc<str>);

impl NameKey {
    /// The folded name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Casemapping; 3] = [Casemapping::Ascii, Casemapping::Rfc1459, Casemapping::Rfc1459Strict];

    /// standards.md I08.
    #[test]
    fn each_folds_its_own() {
        assert_eq!(Casemapping::Rfc1459.fold(r"[A]\~Ä"), "{a}|^Ä");
        assert_eq!(Casemapping::Rfc1459Strict.fold(r"[A]\~"), "{a}|~");
        assert_eq!(Casemapping::Ascii.fold(r"[A]\~"), r"[a]\~");
        assert!(Casemapping::Rfc1459.same("nick[~]", "NICK{^}"));
        assert!(!Casemapping::Ascii.same("nick[", "nick{"));
        for mapping in ALL {
            assert_eq!(Casemapping::from_word(mapping.as_str()), Some(mapping));
        }
        assert_eq!(Casemapping::from_word("rfc7613"), None);
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in "\\PC{0,20}") {
            for mapping in ALL {
                let folded = mapping.fold(&name);
                prop_assert_eq!(mapping.fold(&folded), folded.clone());
                prop_assert!(mapping.same(&name, &folded));
            }
        }
    }
}
