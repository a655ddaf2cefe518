//! Lines: a verb, and fields whose values are escaped. The same octets give the same lines however they are cut.

use bytes::BytesMut;

/// Octets of a line at most: the largest content, each octet escaped, and what goes with it.
pub(super) const MOST_OCTETS: usize = 2 << 20;

/// One line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Line {
    pub(super) verb: String,
    fields: Vec<(String, Vec<u8>)>,
}

impl Line {
    pub(super) fn new(verb: &str) -> Self {
        Self { verb: verb.to_owned(), fields: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn octets(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.octets(name)?).ok()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |(known, _)| known == name);
        named.filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    pub(super) fn all_fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    pub(super) fn write(&self) -> Vec<u8> {
        self.write_unescaped("")
    }

    /// As [`Self::write`], but the line ends of one field as they are: what a mutant does.
    pub(super) fn write_unescaped(&self, raw: &str) -> Vec<u8> {
        let mut octets = self.verb.clone().into_bytes();
        for (name, value) in &self.fields {
            octets.push(b' ');
            octets.extend_from_slice(name.as_bytes());
            octets.push(b'=');
            for octet in value {
                match octet {
                    b'\n' if name == raw => octets.push(b'\n'),
                    // What takes most room is left as it is.
                    b'!'..=b'~' if *octet != b'%' => octets.push(*octet),
                    other => octets.extend_from_slice(format!("%{other:02x}").as_bytes()),
                }
            }
        }
        octets.push(b'\n');
        octets
    }

    /// Reads a line without its end. Nothing where it is none.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let mut words = line.split(' ');
        let verb =
            words.next().filter(|verb| !verb.is_empty() && verb.bytes().all(|c| c.is_ascii_uppercase()))?;
        let mut read = Self::new(verb);
        for word in words {
            let (name, value) = word.split_once('=')?;
            read = read.with(name, unescaped(value)?);
        }
        Some(read)
    }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut octets = parts.next()?.as_bytes().to_vec();
    for part in parts {
        octets.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        octets.extend_from_slice(part.get(2..)?.as_bytes());
    }
    Some(octets)
}

/// Cuts lines out of a stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: BytesMut,
    /// How far the buffer was searched.
    searched: usize,
}

/// What is not of the protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Garbage;

impl Lines {
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next line, if it is whole.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Garbage> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.iter().position(|octet| *octet == b'\n') else {
            self.searched = self.buffer.len();
            return match self.buffer.len() > MOST_OCTETS {
                true => Err(Garbage),
                false => Ok(None),
            };
        };
        let mut line = self.buffer.split_to(self.searched + end + 1);
        self.searched = 0;
        line.truncate(line.len().saturating_sub(1));
        Line::read(&line).map(Some).ok_or(Garbage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_and_never_ends_a_line() {
        let every: Vec<u8> = (0..=255).collect();
        let line = Line::new("MESSAGE").with("content", &every).with("subject", "a b=c%\n").with("empty", "");
        let written = line.write();
        assert_eq!(written.iter().filter(|octet| **octet == b'\n').count(), 1);
        let mut lines = Lines::default();
        for octet in &written[..written.len() - 1] {
            lines.buffer().extend_from_slice(&[*octet]);
            assert_eq!(lines.next(), Ok(None));
        }
        lines.buffer().extend_from_slice(b"\nrest");
        assert_eq!(lines.next(), Ok(Some(line)));
        assert_eq!(lines.next(), Ok(None));
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for bad in ["", " a=b", "GET / HTTP/1.1", "V a=%4", "V a=%zz", "V a=%é", "v a=b"] {
            assert_eq!(Line::read(bad.as_bytes()), None, "{bad:?}");
        }
        let mut lines = Lines::default();
        lines.buffer().extend_from_slice(&vec![b'x'; MOST_OCTETS + 1]);
        assert_eq!(lines.next(), Err(Garbage));
    }
}
