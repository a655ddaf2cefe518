//! The text of a mail as it stands on the wire (RFC 5321 sections 4.1.1.4 and 4.5.2): ended by CR LF . CR LF and by
//! nothing that looks like it, with the dots that were added at the start of lines taken away.

use bytes::{Bytes, BytesMut};

/// Reads one mail, octet by octet, however they arrive.
#[derive(Debug)]
pub(super) struct DataReader {
    mail: BytesMut,
    at: At,
    /// Octets of the line so far.
    line: usize,
    line_limit: usize,
    mail_limit: usize,
    excess: Option<Excess>,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// At the start of a line; the first is one too.
    Start,
    /// Behind a dot at the start of a line.
    Dot,
    /// Behind a dot at the start of a line, and CR.
    DotCr,
    /// In a line.
    Middle,
    /// Behind CR in a line.
    Cr,
}

/// What there was too much of. The rest is read and dropped, so that the reply comes where it is awaited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Excess {
    /// Octets in one line.
    Line,
    /// Octets in all.
    Mail,
}

/// What the reader came to.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Read {
    /// Not the end yet.
    More,
    /// The end, after so many octets of what was given.
    End(usize),
    /// A CR without LF, or a LF without CR: somebody may take it for the end of the mail, and what follows for
    /// commands.
    Bare,
}

impl DataReader {
    pub(super) fn new(line_limit: usize, mail_limit: usize) -> Self {
        Self { mail: BytesMut::new(), at: At::Start, line: 0, line_limit, mail_limit, excess: None }
    }

    pub(super) fn read(&mut self, octets: &[u8]) -> Read {
        let mut rest = octets;
        while let [octet, after @ ..] = rest {
            rest = after;
            self.at = match (self.at, octet) {
                (At::DotCr, b'\n') => return Read::End(octets.len() - rest.len()),
                (At::Cr, b'\n') => {
                    self.line = 0;
                    self.push(b"\r\n");
                    At::Start
                }
                (At::DotCr | At::Cr, _) | (_, b'\n') => return Read::Bare,
                (At::Dot, b'\r') => At::DotCr,
                (At::Start | At::Middle, b'\r') => At::Cr,
                (At::Start, b'.') => At::Dot,
                (At::Start | At::Dot | At::Middle, octet) => {
                    let ends = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
                    let (run, behind) = rest.split_at(ends.unwrap_or(rest.len()));
                    self.text(std::slice::from_ref(octet));
                    self.text(run);
                    rest = behind;
                    At::Middle
                }
            };
        }
        Read::More
    }

    fn text(&mut self, octets: &[u8]) {
        self.line += octets.len();
        if self.line > self.line_limit {
            self.excess = self.excess.or(Some(Excess::Line));
        }
        self.push(octets);
    }

    fn push(&mut self, octets: &[u8]) {
        if self.mail.len() + octets.len() > self.mail_limit {
            self.excess = self.excess.or(Some(Excess::Mail));
        }
        match self.excess {
            None => self.mail.extend_from_slice(octets),
            Some(_) => self.mail = BytesMut::new(),
        }
    }

    /// The mail, once its end was read.
    pub(super) fn finish(self) -> Result<Bytes, Excess> {
        self.excess.map_or_else(|| Ok(self.mail.freeze()), Err)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(wire: &[u8]) -> (Read, Result<Bytes, Excess>) {
        let mut reader = DataReader::new(20, 100);
        let read = reader.read(wire);
        (read, reader.finish())
    }

    #[test]
    fn dots_are_taken_away_where_they_were_added() {
        for (wire, mail) in [
            ("..\r\n..hidden\r\na.b\r\n.\r\n", ".\r\n.hidden\r\na.b\r\n"),
            (".\r\n", ""),
            ("\r\n.\r\n", "\r\n"),
            (".x\r\n.\r\n", "x\r\n"),
            ("....\r\n.\r\n", "...\r\n"),
        ] {
            let (read, octets) = whole(wire.as_bytes());
            assert_eq!(read, Read::End(wire.len()), "{wire:?}");
            assert_eq!(octets.unwrap(), mail.as_bytes(), "{wire:?}");
        }
    }

    #[test]
    fn nothing_but_the_one_end_ends_it() {
        for smuggled in [
            "a\n.\r\n",
            "a\r.\r\n",
            "a\n.\n",
            "a\r\n.\n",
            "a\r\n.\r",
            "a\r\r\n.\r\n",
            "a\r\n.\rx",
            "\n",
            ".\n",
        ] {
            let (read, _) = whole(smuggled.as_bytes());
            assert!(matches!(read, Read::Bare | Read::More), "{smuggled:?}: {read:?}");
        }
        assert_eq!(whole(b"a\r\n. \r\n").0, Read::More);
    }

    #[test]
    fn too_much_is_read_to_its_end_and_refused() {
        let long = format!("{}\r\nb\r\n.\r\n", "a".repeat(21));
        assert_eq!(whole(long.as_bytes()), (Read::End(long.len()), Err(Excess::Line)));
        let many = format!("{}.\r\n", "aaaaaaaa\r\n".repeat(11));
        assert_eq!(whole(many.as_bytes()), (Read::End(many.len()), Err(Excess::Mail)));
    }

    proptest! {
        #[test]
        fn however_it_is_cut(wire in "(\\.{0,2}[ab]{0,3}(\r\n){1,2}|\r|\n|\\.){0,9}\\.\r\n", cut in 1_usize..5) {
            let once = whole(wire.as_bytes());
            let mut reader = DataReader::new(20, 100);
            let mut taken = 0;
            let mut read = Read::More;
            for piece in wire.as_bytes().chunks(cut) {
                read = reader.read(piece);
                match read {
                    Read::More => taken += piece.len(),
                    Read::End(octets) => { read = Read::End(taken + octets); break }
                    Read::Bare => break,
                }
            }
            prop_assert_eq!((read, reader.finish()), once);
        }
    }
}
