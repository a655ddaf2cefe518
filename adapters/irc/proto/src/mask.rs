//! Masks: `*!*@*.example.com`.

use crate::casemapping::Casemapping;

/// A mask over `nick!user@host`: `*` stands for any text, `?` for one character, a backslash takes the meaning of
/// either away (RFC 2812 section 2.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mask {
    pieces: Vec<Piece>,
    mapping: Casemapping,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Piece {
    Any,
    One,
    Exactly(char),
}

impl Mask {
    /// Reads a mask, which every text is.
    #[must_use]
    pub fn new(text: &str, mapping: Casemapping) -> Self {
        let folded = mapping.fold(text);
        let mut pieces = Vec::new();
        let mut original = text.chars().zip(folded.chars()).peekable();
        while let Some((c, folded)) = original.next() {
            let piece = match c {
                '*' if pieces.last() == Some(&Piece::Any) => continue,
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => match original.next_if(|(next, _)| matches!(next, '*' | '?')) {
                    Some((next, _)) => Piece::Exactly(next),
                    None => Piece::Exactly(folded),
                },
                _ => Piece::Exactly(folded),
            };
            pieces.push(piece);
        }
        Self { pieces, mapping }
    }

    /// Whether a name is meant, by the network's casemapping. Takes time in proportion to both lengths at most.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = self.mapping.fold(name).chars().collect();
        let (mut piece, mut at) = (0, 0);
        // Where the last `*` stands, and how much of the name it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while let Some(c) = name.get(at) {
            match self.pieces.get(piece) {
                Some(Piece::Any) => {
                    star = Some((piece, at));
                    piece += 1;
                }
                Some(Piece::One) => (piece, at) = (piece + 1, at + 1),
                Some(Piece::Exactly(wanted)) if wanted == c => (piece, at) = (piece + 1, at + 1),
                _ => match star.as_mut() {
                    Some((stood, taken)) => {
                        *taken += 1;
                        (piece, at) = (*stood + 1, *taken);
                    }
                    None => return false,
                },
            }
        }
        self.pieces.get(piece..).unwrap_or_default().iter().all(|piece| *piece == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        let mask = Mask::new(r"a\*b\?\c*", Casemapping::Ascii);
        assert!(mask.matches(r"a*b?\c") && mask.matches(r"a*b?\cdef"));
        assert!(!mask.matches(r"axb?\c") && !mask.matches(r"a*bx\c"));
        assert!(Mask::new("**", Casemapping::Ascii).matches(""));
        assert!(!Mask::new("?", Casemapping::Ascii).matches(""));
        assert!(Mask::new("NICK[*", Casemapping::Rfc1459).matches("nick{x"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let mask = Mask::new(&"*a".repeat(200), Casemapping::Ascii);
        assert!(!mask.matches(&"a".repeat(199)) && mask.matches(&"a".repeat(400)));
    }
}
