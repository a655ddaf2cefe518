//! The reader: octets in, lines out, however the octets were cut.

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::ReadLimits;

/// A line that cannot be read. What follows it can.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LineFault {
    /// Tags or line are longer than the limit; all of it was passed over (numeric 417).
    #[error("a line is too long")]
    TooLong,
    /// It holds a NUL, which no line may (RFC 1459 section 2.3.1).
    #[error("a line holds a NUL")]
    Nul,
}

/// Takes lines off the front of a buffer.
///
/// It holds no octets itself: whoever calls it lets the buffer grow by one read at a time, and a line without an
/// end is thrown away as it comes. CR and LF each end a line, and empty lines are passed over, so that there is no
/// octet by which two readers could see different lines.
#[derive(Debug)]
pub struct LineReader {
    limits: ReadLimits,
    /// Octets of the buffer that are known to hold no end.
    scanned: usize,
    /// The line was found too long, and its end is still to come.
    skipping: bool,
}

impl LineReader {
    /// A reader at the start of a connection.
    #[must_use]
    pub const fn new(limits: ReadLimits) -> Self {
        Self { limits, scanned: 0, skipping: false }
    }

    /// Takes the next line, without its end, once all of it is there; `None` asks for more octets.
    pub fn read(&mut self, input: &mut BytesMut) -> Option<Result<Bytes, LineFault>> {
        loop {
            let tail = input.get(self.scanned..).unwrap_or_default();
            let Some(end) = tail.iter().position(|octet| matches!(octet, b'\r' | b'\n')) else {
                return self.without_end(input);
            };
            let line = input.split_to(self.scanned + end).freeze();
            input.advance(1);
            self.scanned = 0;
            if std::mem::take(&mut self.skipping) || line.is_empty() {
                continue;
            }
            return Some(if self.too_long(&line) {
                Err(LineFault::TooLong)
            } else if line.contains(&0) {
                Err(LineFault::Nul)
            } else {
                Ok(line)
            });
        }
    }

    fn without_end(&mut self, input: &mut BytesMut) -> Option<Result<Bytes, LineFault>> {
        if self.skipping || self.too_long(input) {
            input.clear();
            self.scanned = 0;
            return (!std::mem::replace(&mut self.skipping, true)).then_some(Err(LineFault::TooLong));
        }
        self.scanned = input.len();
        None
    }

    /// Whether a line that begins so is too long already.
    fn too_long(&self, line: &[u8]) -> bool {
        let tags = match line.first() {
            Some(b'@') => match line.iter().position(|octet| *octet == b' ') {
                Some(space) => space + 1,
                None => line.len(),
            },
            _ => 0,
        };
        tags > self.limits.tags_octets || line.len() - tags > self.limits.line_octets.saturating_sub(2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Lines = Vec<Result<Vec<u8>, LineFault>>;

    /// What is read when the octets come in pieces of these lengths, over and over.
    fn read(octets: &[u8], pieces: &[usize]) -> Lines {
        let (mut reader, mut input) = (LineReader::new(ReadLimits::SERVER), BytesMut::new());
        let (mut lines, mut rest) = (Vec::new(), octets);
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            input.extend_from_slice(now);
            while let Some(line) = reader.read(&mut input) {
                lines.push(line.map(|line| line.to_vec()));
            }
            assert!(input.len() <= CAP, "no more is held than one line may have");
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        lines
    }

    const CAP: usize = crate::limits::CLIENT_TAGS_OCTETS + crate::limits::LINE_OCTETS;

    #[test]
    fn ends_in_any_form_and_empty_lines() {
        let lines = read(b"\r\n\nA b\r\nC\nD\rE\r\n\r\nleft", &[100]);
        let expected: Lines =
            ["A b", "C", "D", "E"].iter().map(|line| Ok(line.as_bytes().to_vec())).collect();
        assert_eq!(lines, expected);
    }

    /// RFC 1459 section 2.3: 510 octets and CRLF; message-tags: 4094 octets of tags, `@` and a space.
    #[test]
    fn limits_are_exact_and_a_long_line_is_told_once() {
        let line =
            |tags: usize, rest: usize| format!("@{} {}\r\nNEXT\r\n", "t".repeat(tags), "x".repeat(rest));
        for (tags, rest, fits) in [
            (4_094, 510, true),
            (4_095, 10, false),
            (10, 511, false),
            (10, 100_000, false),
            (100_000, 1, false),
        ] {
            for pieces in [&[1_usize, 7][..], &[1_000_000]] {
                let lines = read(line(tags, rest).as_bytes(), pieces);
                assert_eq!(lines.len(), 2, "{tags} {rest}");
                assert_eq!(lines[0].is_ok(), fits, "{tags} {rest}");
                assert_eq!(lines[1], Ok(b"NEXT".to_vec()));
            }
        }
        assert_eq!(read(b"a\0b\r\n", &[1]), [Err(LineFault::Nul)]);
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(
            lines in prop::collection::vec(prop_oneof![
                prop::collection::vec(prop::sample::select(b"@ ;=ab\0\r\n".to_vec()), 0..40),
                (500_usize..520, any::<bool>()).prop_map(|(octets, tags)| {
                    let mut line = vec![b'x'; octets];
                    if tags { line[0] = b'@'; }
                    line
                }),
            ], 0..8),
            pieces in prop::collection::vec(1_usize..300, 1..5),
        ) {
            let octets = lines.join(&b"\r\n"[..]);
            prop_assert_eq!(read(&octets, &pieces), read(&octets, &[octets.len().max(1)]));
        }
    }
}
