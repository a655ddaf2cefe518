//! Bodies: which can be sent as they are, and encodings for those that cannot (RFC 2045 section 6).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::MAX_LINE_OCTETS;

/// Characters in an encoded line at most (RFC 2045 section 6.7 and 6.8).
const ENCODED_LINE: usize = 76;

/// Whether the octets can be sent without encoding: lines of at most 998 octets that end in CRLF and nothing else, no
/// NUL, and nothing beyond ASCII unless `eight_bit` (RFC 6152) is offered.
pub(super) fn is_plain(body: &[u8], eight_bit: bool) -> bool {
    let mut line = 0;
    let mut octets = body.iter().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' if octets.next() == Some(&b'\n') => line = 0,
            b'\r' | b'\n' | 0 => return false,
            beyond if !beyond.is_ascii() && !eight_bit => return false,
            _ => line += 1,
        }
        if line > MAX_LINE_OCTETS {
            return false;
        }
    }
    true
}

/// Base64 in lines (RFC 2045 section 6.8).
pub(super) fn base64_lines(octets: &[u8]) -> String {
    let mut lines = String::with_capacity(octets.len() * 3 / 2);
    for line in octets.chunks(ENCODED_LINE / 4 * 3) {
        STANDARD.encode_string(line, &mut lines);
        lines.push_str("\r\n");
    }
    lines
}

/// Quoted-printable (RFC 2045 section 6.7): CRLF stays a line end, and every other octet comes back as it is.
pub(crate) fn quoted_printable(octets: &[u8]) -> String {
    let mut encoded = String::with_capacity(octets.len() + octets.len() / 8);
    let mut line = 0;
    let mut rest = octets;
    while let Some((octet, after)) = rest.split_first() {
        if let Some(next) = rest.strip_prefix(b"\r\n") {
            encoded.push_str("\r\n");
            (line, rest) = (0, next);
            continue;
        }
        let ends_line = after.is_empty() || after.starts_with(b"\r\n");
        let plain = match octet {
            // A dot alone, and the word that mailboxes are cut at, are left to nobody's care.
            b'.' | b'F' => line > 0,
            b'=' => false,
            b' ' | b'\t' => !ends_line,
            octet => octet.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 };
        // One column is for the mark of a soft line end.
        if line + width > ENCODED_LINE - 1 {
            encoded.push_str("=\r\n");
            line = 0;
        }
        match plain {
            true => encoded.push(char::from(*octet)),
            // Writing to a String cannot fail.
            false => drop(write!(encoded, "={octet:02X}")),
        }
        line += width;
        rest = after;
    }
    encoded
}

/// The octets that a body stands for by its `Content-Transfer-Encoding`. Nothing where it is not so encoded.
pub(super) fn decoded(body: &[u8], encoding: &str) -> Option<Bytes> {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let text: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
            STANDARD.decode(text).ok().map(Bytes::from)
        }
        "quoted-printable" => unquoted(body).map(Bytes::from),
        _ => None,
    }
}

fn unquoted(body: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((octet, after)) = rest.split_first() {
        if *octet != b'=' {
            octets.push(*octet);
            rest = after;
        } else if let Some(next) = after.strip_prefix(b"\r\n") {
            rest = next;
        } else {
            let (digits, next) = after.split_at_checked(2)?;
            octets.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = next;
        }
    }
    Some(octets)
}

const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn octets() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"From \r\n.\r\n. = \t\r\n".to_vec()),
            "[ -~]{0,120}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_plain_and_comes_back(octets in octets()) {
            for (encoded, name) in [(base64_lines(&octets), "BASE64"), (quoted_printable(&octets), "quoted-printable")] {
                prop_assert!(is_plain(encoded.as_bytes(), false));
                prop_assert!(encoded.split("\r\n").all(|line| line.len() <= 76 && line != "."));
                prop_assert_eq!(decoded(encoded.as_bytes(), name).unwrap(), octets.clone());
            }
        }

        #[test]
        fn whatever_comes_is_decoded_or_not(octets in octets()) {
            let _decoded = (decoded(&octets, "base64"), decoded(&octets, "quoted-printable"));
        }
    }

    #[test]
    fn only_what_every_server_takes_is_plain() {
        let long = [b'a'; MAX_LINE_OCTETS + 1];
        for (body, plain) in [
            (&b"a\r\nb\r\n"[..], true),
            (b"", true),
            (&long[1..], true),
            (&long, false),
            (b"a\rb", false),
            (b"a\nb", false),
            (b"a\r", false),
            (b"a\0", false),
            (b"\xc3\xa9", false),
        ] {
            assert_eq!(is_plain(body, false), plain, "{body:?}");
        }
        assert!(is_plain(b"\xc3\xa9", true));
    }
}
