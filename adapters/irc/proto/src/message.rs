//! A line that was read, taken apart.

use std::borrow::Cow;

use bytes::Bytes;

use crate::limits::MAX_PARAMS;
use crate::numeric::Numeric;
use crate::source::Source;
use crate::tags::Tags;

/// A line that cannot be taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MessageFault {
    /// Nothing is said: blanks only, or tags and a source without a command.
    #[error("a line holds no command")]
    NoCommand,
    /// The command is neither letters nor three digits (RFC 2812 section 2.3.1).
    #[error("a line's command is none")]
    Command,
    /// More tags than anybody sends.
    #[error("a line has more than {} tags", Tags::MAX)]
    Tags,
}

/// One line: `@tags :source COMMAND params :last`. Its parts share the line's octets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Its tags, unescaped.
    pub tags: Tags,
    /// Who says it, where that is said.
    pub source: Option<Source>,
    command: Bytes,
    params: Vec<Bytes>,
}

impl Message {
    /// Takes a line apart, given without its end (RFC 2812 section 2.3.1). Any number of spaces separate its parts
    /// (RFC 1459 section 2.3).
    ///
    /// # Errors
    /// [`MessageFault`] says what is wrong.
    pub fn parse(line: &Bytes) -> Result<Self, MessageFault> {
        let mut rest = line.clone();
        let mut tags = Tags::default();
        let mut source = None;
        if rest.first() == Some(&b'@') {
            tags = Tags::parse(&word(&mut rest).slice(1..)).ok_or(MessageFault::Tags)?;
        }
        blanks(&mut rest);
        if rest.first() == Some(&b':') {
            source = Some(Source::new(word(&mut rest).slice(1..)));
        }
        blanks(&mut rest);
        let command = word(&mut rest);
        if command.is_empty() {
            return Err(MessageFault::NoCommand);
        }
        let digits = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
        if !digits && !command.iter().all(u8::is_ascii_alphabetic) {
            return Err(MessageFault::Command);
        }
        Ok(Self { tags, source, command, params: params(rest) })
    }

    /// The command as it was written.
    #[must_use]
    pub fn command(&self) -> &str {
        // Only ASCII was let in.
        std::str::from_utf8(&self.command).unwrap_or_default()
    }

    /// Whether it is this command, in any case.
    #[must_use]
    pub fn is(&self, command: &str) -> bool {
        self.command.eq_ignore_ascii_case(command.as_bytes())
    }

    /// The numeric, where the command is one.
    #[must_use]
    pub fn numeric(&self) -> Option<Numeric> {
        Numeric::from_word(self.command())
    }

    /// The parameters, without the colon of the last.
    #[must_use]
    pub fn params(&self) -> &[Bytes] {
        &self.params
    }

    /// A parameter, counted from 0.
    #[must_use]
    pub fn param(&self, index: usize) -> Option<&Bytes> {
        self.params.get(index)
    }

    /// A parameter, counted from 0, where it is there and UTF-8.
    #[must_use]
    pub fn str(&self, index: usize) -> Option<&str> {
        std::str::from_utf8(self.params.get(index)?).ok()
    }

    /// The last parameter as text for people; what is not UTF-8 in it is marked.
    #[must_use]
    pub fn words(&self) -> Cow<'_, str> {
        self.params.last().map_or(Cow::Borrowed(""), |last| String::from_utf8_lossy(last))
    }
}

fn params(mut rest: Bytes) -> Vec<Bytes> {
    let mut params = Vec::new();
    loop {
        blanks(&mut rest);
        match rest.first() {
            None => return params,
            Some(b':') => {
                params.push(rest.slice(1..));
                return params;
            }
            Some(_) if params.len() + 1 == MAX_PARAMS => {
                params.push(rest);
                return params;
            }
            Some(_) => params.push(word(&mut rest)),
        }
    }
}

/// Takes what stands before the next space.
fn word(rest: &mut Bytes) -> Bytes {
    let end = rest.iter().position(|octet| *octet == b' ').unwrap_or(rest.len());
    rest.split_to(end)
}

/// Takes spaces away.
fn blanks(rest: &mut Bytes) {
    let end = rest.iter().position(|octet| *octet != b' ').unwrap_or(rest.len());
    *rest = rest.split_off(end);
}

/// Text that was typed: UTF-8, or else what Windows-1252 means by the octets, as IRC clients have always guessed.
#[must_use]
pub fn decode(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(octets.iter().map(|octet| windows_1252(*octet)).collect()),
    }
}

/// Windows-1252 by the WHATWG's table: Latin-1, but for 0x80 to 0x9f.
fn windows_1252(octet: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match octet {
        0x80..=0x9f => HIGH.get(usize::from(octet - 0x80)).copied().unwrap_or('\u{fffd}'),
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_message_is_refused() {
        let parse = |line: &'static str| Message::parse(&Bytes::from_static(line.as_bytes()));
        for nothing in ["", "   ", ":source", "@tag", "@tag :source", "@tag :source  "] {
            assert_eq!(parse(nothing), Err(MessageFault::NoCommand), "{nothing:?}");
        }
        for bad in ["12", "0011", "PRIV-MSG a", "\u{1}a", "PRÍV"] {
            assert_eq!(parse(bad), Err(MessageFault::Command), "{bad:?}");
        }
    }

    /// RFC 2812 section 2.3.1: fourteen middles, and a last that needs no colon.
    #[test]
    fn the_fifteenth_parameter_is_the_last() {
        let message =
            Message::parse(&Bytes::from_static(b"C 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 :17")).unwrap();
        assert_eq!(message.params().len(), MAX_PARAMS);
        assert_eq!(message.str(14), Some("15 16 :17"));
    }

    #[test]
    fn what_is_not_utf8_is_windows_1252() {
        assert_eq!(decode("grün".as_bytes()), "grün");
        assert_eq!(decode(b"gr\xfcn \x80 \x9f"), "grün € Ÿ");
    }

    proptest! {
        #[test]
        fn no_octets_are_too_much(line in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(message) = Message::parse(&line.into()) {
                prop_assert!(message.params().len() <= MAX_PARAMS);
            }
        }
    }
}
