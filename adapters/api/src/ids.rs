//! Identifiers: compared and echoed, never taken apart.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not the identifier it was given as.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Nothing was there.
    #[error("empty; expected at least one character")]
    Empty,
    /// Longer than the identifier may be.
    #[error("too long; expected at most {max} characters")]
    TooLong {
        /// Largest length accepted.
        max: usize,
    },
    /// A character that the identifier cannot hold.
    #[error("character at position {at} is not allowed; expected {expected}")]
    Character {
        /// Position of the character, counted from 0.
        at: usize,
        /// What would have been accepted.
        expected: &'static str,
    },
}

fn check(text: &str, max: usize, allowed: fn(char) -> bool, expected: &'static str) -> Result<(), IdError> {
    let mut length = 0;
    for (at, c) in text.chars().enumerate() {
        if !allowed(c) {
            return Err(IdError::Character { at, expected });
        }
        length = at + 1;
    }
    match length {
        0 => Err(IdError::Empty),
        n if n > max => Err(IdError::TooLong { max }),
        _ => Ok(()),
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $max:expr, $allowed:expr, $expected:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Largest length, in characters.
            pub const MAX: usize = $max;

            /// Reads the identifier.
            ///
            /// # Errors
            /// [`IdError`] where the text is empty, too long, or holds a character it cannot hold.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text, $max, $allowed, $expected)?;
                Ok(Self(text.into()))
            }

            /// The identifier as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

identifier! {
    /// Names one transaction on one leg; echoed octet for octet and never compared with anything
    /// but another transID (RFC 3860 section 3.1; the draft's section 2.4).
    TransId, 255, |c| c == ' ' || !(c.is_control() || c.is_whitespace()), "printable characters"
}

identifier! {
    /// Names one operation end to end, over every gateway it crosses.
    OperationId, 64, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'), "A-Z a-z 0-9 - _ ."
}

identifier! {
    /// Names one subscription, unique over time (RFC 3859 section 3.1).
    SubscriptId, 40, |c| c.is_ascii_graphic(), "printable ASCII"
}

impl TransId {
    /// The draft's own form (its section 2.4, UNIQID): a decimal integer in 1..2147483647.
    ///
    /// `draw` is any 32 random bits; the draft wants the values to look unpredictable.
    #[must_use]
    pub fn from_draw(draw: u32) -> Self {
        let number = draw % (i32::MAX as u32 - 1) + 1;
        Self(number.to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trans_ids_are_texts_not_numbers() {
        let (seven, padded) = (TransId::parse("7").unwrap(), TransId::parse("007").unwrap());
        assert_ne!(seven, padded);
        assert_eq!(padded.as_str(), "007");
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(TransId::parse(&"é".repeat(255)).is_ok());
        assert_eq!(TransId::parse(&"é".repeat(256)), Err(IdError::TooLong { max: 255 }));
        assert_eq!(TransId::parse(""), Err(IdError::Empty));
        assert!(OperationId::parse(&"a".repeat(65)).is_err());
        assert!(SubscriptId::parse(&"a".repeat(41)).is_err());
    }

    #[test]
    fn what_cannot_be_printed_is_refused() {
        for text in ["a\u{7}", "a\n", "\u{85}"] {
            assert!(matches!(TransId::parse(text), Err(IdError::Character { .. })), "{text:?}");
        }
        assert!(matches!(OperationId::parse("a/b"), Err(IdError::Character { at: 1, .. })));
    }

    #[test]
    fn drawn_trans_ids_stay_in_the_draft_range() {
        for draw in [0, 1, 2_147_483_645, 2_147_483_646, 2_147_483_647, u32::MAX] {
            let number: i64 = TransId::from_draw(draw).as_str().parse().unwrap();
            assert!((1..=2_147_483_647).contains(&number), "{draw} gave {number}");
        }
    }
}
