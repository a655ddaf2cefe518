//! Header fields that we write: nothing that is put into one can end it (RFC 5322 section 2.2, RFC 2047).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

use crate::address::Mailbox;

/// Octets of text in one encoded-word: 75 characters at most (RFC 2047 section 2), less `=?utf-8?B?` and `?=`.
const WORD_OCTETS: usize = 45;
/// Words that are longer go into encoded-words, which can be folded anywhere.
const PLAIN_OCTETS: usize = 200;

/// A header that is being written.
#[derive(Debug, Default)]
pub(crate) struct Header(String);

impl Header {
    /// A field whose value is made of what we wrote ourselves.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push_str(": ");
        self.0.extend(value.chars().filter(|c| !c.is_control()));
        self.0.push_str("\r\n");
    }

    /// A field of somebody's words.
    pub(crate) fn words(&mut self, name: &str, words: &str) {
        let words = one_line(words);
        match is_plain(&words) {
            true => self.put(name, &words),
            false => self.folded(name, &encoded_words(&words)),
        }
    }

    /// A field with a mailbox, and a name in front where it has one.
    pub(crate) fn party(&mut self, field: &str, name: Option<&str>, mailbox: &Mailbox) {
        let Some(name) = name.map(one_line).filter(|name| !name.is_empty()) else {
            return self.put(field, &format!("<{mailbox}>"));
        };
        match is_plain(&name) {
            true => {
                let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
                self.folded(field, &[format!("\"{escaped}\""), format!("<{mailbox}>")]);
            }
            false => {
                let mut words = encoded_words(&name);
                words.push(format!("<{mailbox}>"));
                self.folded(field, &words);
            }
        }
    }

    /// A field of several words, each on a line of its own.
    pub(crate) fn folded(&mut self, name: &str, words: &[String]) {
        self.0.push_str(name);
        self.0.push(':');
        for (at, word) in words.iter().enumerate() {
            self.0.push_str(if at == 0 { " " } else { "\r\n " });
            self.0.extend(word.chars().filter(|c| !c.is_control()));
        }
        self.0.push_str("\r\n");
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

fn one_line(words: &str) -> String {
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

/// Whether words can stand as they are: ASCII, short, and nothing that would be taken for an encoded-word.
fn is_plain(words: &str) -> bool {
    words.len() <= PLAIN_OCTETS
        && words.bytes().all(|octet| (b' '..=b'~').contains(&octet))
        && !words.contains("=?")
}

fn encoded_words(words: &str) -> Vec<String> {
    let mut chunks = vec![String::new()];
    for c in words.chars() {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + c.len_utf8() <= WORD_OCTETS => chunk.push(c),
            _ => chunks.push(c.to_string()),
        }
    }
    chunks.iter().map(|chunk| format!("=?utf-8?B?{}?=", STANDARD.encode(chunk))).collect()
}

/// Date and time of a mail (RFC 5322 section 3.3) from those of RFC 3339. Nothing where they are none.
pub(crate) fn date(rfc_3339: &str) -> Option<String> {
    let pieces = Pieces::parse(rfc_3339).ok()?;
    let offset = pieces.to_numeric_offset()?;
    let civil = pieces.date().to_datetime(pieces.time()?);
    let zoned = civil.to_zoned(TimeZone::fixed(offset)).ok()?;
    Some(zoned.strftime(DATE).to_string())
}

/// The same, from seconds since 1970.
pub(crate) fn date_of(now_s: u64) -> String {
    let now = i64::try_from(now_s).ok().and_then(|now| Timestamp::from_second(now).ok()).unwrap_or_default();
    now.to_zoned(TimeZone::UTC).strftime(DATE).to_string()
}

const DATE: &str = "%a, %d %b %Y %H:%M:%S %z";

/// Whether a text is a message id that mail programs will take (RFC 5322 section 3.6.4).
pub(crate) fn is_message_id(text: &str) -> bool {
    let inside = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    inside.is_some_and(|inside| {
        inside.len() <= super::MAX_LINE_OCTETS / 2
            && inside.contains('@')
            && inside.bytes().all(|octet| octet.is_ascii_graphic() && !b"<>".contains(&octet))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_mail() {
        assert_eq!(date("2026-11-20T12:00:05Z").as_deref(), Some("Fri, 20 Nov 2026 12:00:05 +0000"));
        assert_eq!(date("2026-11-20T12:00:05.5-03:30").as_deref(), Some("Fri, 20 Nov 2026 12:00:05 -0330"));
        for text in ["", "2026-11-20", "2026-11-20T12:00:00", "2026-13-20T12:00:00Z", "x\r\nBcc: y"] {
            assert_eq!(date(text), None, "{text}");
        }
        assert_eq!(date_of(0), "Thu, 01 Jan 1970 00:00:00 +0000");
    }

    #[test]
    fn message_ids_are_single_words_in_brackets() {
        assert!(is_message_id("<1.a@b.example>"));
        for text in ["1@b", "<1>", "<1 2@b>", "<1@b>\r\n", "<>1@b>", "<a\r\nX:@b>"] {
            assert!(!is_message_id(text), "{text}");
        }
    }
}
