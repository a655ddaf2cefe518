//! The escapes of a header's value (RFC 3862 sections 2.3 and 2.3.1).

use std::borrow::Cow;

/// An escaped half of a surrogate pair without its other half: no character, so the value has no meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct UnpairedSurrogate;

/// What a text within quotes, or without, is written as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Within {
    /// A header's value.
    Value,
    /// A string between double quotes.
    Quotes,
}

/// Appends `text` with what must be escaped, and nothing else, escaped.
pub(super) fn escape(out: &mut String, text: &str, within: Within) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str(r"\\"),
            '"' if within == Within::Quotes => out.push_str("\\\""),
            '\u{8}' => out.push_str(r"\b"),
            '\t' => out.push_str(r"\t"),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            control if control.is_ascii_control() => out.push_str(&format!("\\u{:04X}", u32::from(control))),
            plain => out.push(plain),
        }
    }
}

/// Reads every escape: `\x` for an unknown `x` means `x`, a backslash with nothing behind it means nothing.
pub(super) fn unescape(text: &str) -> Result<Cow<'_, str>, UnpairedSurrogate> {
    if !text.contains('\\') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escaped.chars();
        let c = chars.next();
        rest = chars.as_str();
        match c {
            None => {}
            Some('b') => out.push('\u{8}'),
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('u') => match unit(rest) {
                None => out.push('u'),
                Some((first, after)) => {
                    let (c, after) = character(first, after)?;
                    out.push(c);
                    rest = after;
                }
            },
            Some(other) => out.push(other),
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The text up to the closing double quote, still escaped, and what follows the quote.
pub(super) fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    let (inside, rest) = text.split_at(end);
    Some((inside, rest.strip_prefix('"')?))
}

/// The character that begins with `first`, the second half of a pair taken from `after`.
fn character(first: u16, after: &str) -> Result<(char, &str), UnpairedSurrogate> {
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Ok((c, after));
    }
    let (second, after) = after.strip_prefix(r"\u").and_then(unit).ok_or(UnpairedSurrogate)?;
    match char::decode_utf16([first, second]).next() {
        Some(Ok(c)) => Ok((c, after)),
        _ => Err(UnpairedSurrogate),
    }
}

/// Four hexadecimal digits: one UTF-16 code unit.
fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    // from_str_radix alone would take a sign.
    digits.bytes().all(|octet| octet.is_ascii_hexdigit()).then_some(())?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads() {
        for (escaped, text) in [
            (r"back\\slash \u0007 \q end\", "back\\slash \u{7} q end"),
            (r"\u00e9\u00E9", "éé"),
            (r"\b\t\n\r\'\q", "\u{8}\t\n\r'q"),
            ("\\\"", "\""),
            (r"\uD83D\uDE00", "😀"),
            (r"\u12", "u12"),
            (r"\u+123", "u+123"),
            (r"\U0041", "U0041"),
            (r"\\u0041", r"\u0041"),
            (r"\é\u0000", "é\0"),
            (r"\", ""),
        ] {
            assert_eq!(unescape(escaped).as_deref(), Ok(text), "{escaped:?}");
        }
    }

    #[test]
    fn refuses_half_a_pair() {
        for escaped in [r"\uD83D", r"\uD83D x", r"\uDE00", r"\uDE00\uD83D", r"\uD83D\u0041", r"\uD83D\n"] {
            assert_eq!(unescape(escaped), Err(UnpairedSurrogate), "{escaped:?}");
        }
    }

    /// RFC 3862 section 2.3.1: the short forms, `\u` for other controls and DEL, and nothing else.
    #[test]
    fn writes_no_escape_too_many() {
        let mut out = String::new();
        escape(&mut out, "a\\b\u{8}\t\n\r\0\u{1f}\u{7f}\"'é\u{80}😀", Within::Value);
        assert_eq!(out, "a\\\\b\\b\\t\\n\\r\\u0000\\u001F\\u007F\"'é\u{80}😀");
        out.clear();
        escape(&mut out, "\"'\\", Within::Quotes);
        assert_eq!(out, r#"\"'\\"#);
    }

    #[test]
    fn finds_the_closing_quote() {
        assert_eq!(split_quoted(r#"a"b"#), Some(("a", "b")));
        assert_eq!(split_quoted(r#"a\"b" c"#), Some((r#"a\"b"#, " c")));
        assert_eq!(split_quoted(r#"a\\"b"#), Some((r"a\\", "b")));
        assert_eq!(split_quoted(r#"a\"b"#), None);
    }

    proptest! {
        #[test]
        fn unescape_undoes_escape(text in any::<String>()) {
            for within in [Within::Value, Within::Quotes] {
                let mut escaped = String::new();
                escape(&mut escaped, &text, within);
                prop_assert!(!escaped.contains(|c: char| c.is_ascii_control()));
                prop_assert_eq!(unescape(&escaped), Ok(Cow::Borrowed(text.as_str())));
            }
        }

        #[test]
        fn unescape_takes_anything(text in r"[\\uD8E0-9a-f]{0,24}") {
            if let Ok(read) = unescape(&text) {
                prop_assert!(read.len() <= text.len());
            }
        }
    }
}
