//! An envelope in several pieces, where a protocol's lines are short.
//!
//! A piece is `name.number.count.octets`: the name is the end of the proof, numbers count from 1. That all are there,
//! and in which order, is proven by the envelope as a whole.

use std::collections::VecDeque;

use super::MAX_OCTETS;

/// Pieces of one envelope at most: with the least room that is cut for, as much as the largest envelope.
const MAX_PIECES: usize = MAX_OCTETS / LEAST_ROOM;
/// Octets of an envelope in one piece at least; less is more form than content.
const LEAST_ROOM: usize = 64;
/// Octets of the name: enough to tell those apart that are under way at the same time.
const NAME: usize = 8;
/// Octets of a piece that are not the envelope's: the name, two numbers of up to four digits, three dots.
const FORM: usize = NAME + 2 * 4 + 3;

/// Cuts an envelope into pieces of at most `room` octets. `None` where there is less room than a piece needs.
#[must_use]
pub fn split(envelope: &str, room: usize) -> Option<Vec<String>> {
    let chunk = room.checked_sub(FORM).filter(|chunk| *chunk >= LEAST_ROOM)?;
    let name = envelope.get(envelope.len().checked_sub(NAME)?..)?;
    // An envelope is ASCII, so that every chunk is text.
    let chunks: Vec<&str> =
        envelope.as_bytes().chunks(chunk).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    let count = chunks.len();
    (count <= MAX_PIECES).then(|| {
        chunks.iter().enumerate().map(|(at, chunk)| format!("{name}.{}.{count}.{chunk}", at + 1)).collect()
    })
}

/// Puts pieces together that came in order, each line from the same sender.
#[derive(Debug, Default)]
pub struct Joiner {
    begun: VecDeque<Begun>,
}

#[derive(Debug)]
struct Begun {
    name: String,
    count: usize,
    /// The number of the piece that comes next.
    next: usize,
    text: String,
}

impl Joiner {
    /// Envelopes that may be under way from one sender; beyond that the oldest is given up.
    pub const MAX_BEGUN: usize = 4;

    /// Takes a piece; gives the envelope back with its last one. What does not fit is passed over, and with it what it
    /// would have been a piece of.
    pub fn push(&mut self, piece: &str) -> Option<String> {
        let (name, number, count, chunk) = parts(piece)?;
        if number == 1 {
            self.begun.retain(|begun| begun.name != name);
            if self.begun.len() >= Self::MAX_BEGUN {
                self.begun.pop_front();
            }
            self.begun.push_back(Begun { name: name.to_owned(), count, next: 1, text: String::new() });
        }
        let at = self.begun.iter().position(|begun| begun.name == name)?;
        let begun = self.begun.get_mut(at)?;
        let fits = begun.next == number
            && begun.count == count
            && begun.text.len().saturating_add(chunk.len()) <= MAX_OCTETS;
        if !fits {
            self.begun.remove(at);
            return None;
        }
        begun.text.push_str(chunk);
        begun.next += 1;
        if number < count {
            return None;
        }
        self.begun.remove(at).map(|begun| begun.text)
    }
}

fn parts(piece: &str) -> Option<(&str, usize, usize, &str)> {
    let mut parts = piece.splitn(4, '.');
    let (name, number, count, chunk) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (number, count) = (number.parse().ok()?, count.parse().ok()?);
    ((1..=count).contains(&number) && count <= MAX_PIECES && name.len() == NAME)
        .then_some((name, number, count, chunk))
}
