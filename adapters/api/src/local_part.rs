//! The local-part of a mailbox: between its value and the two ways of writing it, dot-atom and quoted-string
//! (RFC 5322 section 3.4.1, RFC 5321 section 4.1.2, with the UTF-8 of RFC 6532).
//!
//! Equality is decided on the value, because the two ways of writing one value are equivalent.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::uri_error::UriError;

/// The value that `written`, already free of percent-encoding, stands for.
pub(crate) fn value(written: &str) -> Result<Cow<'_, str>, UriError> {
    match written.strip_prefix('"') {
        Some(rest) => unquote(rest).map(Cow::Owned),
        None => check_dot_atom(written).map(|()| Cow::Borrowed(written)),
    }
}

/// Writes `value` as it stands in a canonical URI: a dot-atom where the value allows it, else a
/// quoted-string, and what a URI must not hold percent-encoded with upper-case digits.
pub(crate) fn write_encoded(value: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_plain(value) {
        return f.write_str(value);
    }
    let quoted = check_dot_atom(value).is_err();
    if quoted {
        f.write_str("%22")?;
    }
    for (at, octet) in value.bytes().enumerate() {
        match octet {
            b'"' | b'\\' if quoted => write!(f, "%5C%{octet:02X}")?,
            // A path must not begin with a slash (RFC 2396 section 3, opaque_part).
            b'/' if at == 0 && !quoted => f.write_str("%2F")?,
            _ if stands_raw(octet) => f.write_char(char::from(octet))?,
            _ => write!(f, "%{octet:02X}")?,
        }
    }
    if quoted {
        f.write_str("%22")?;
    }
    Ok(())
}

/// Whether it is its own encoding, for reasons that need no second look: most values are.
fn is_plain(value: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'=' | b'~');
    !value.is_empty() && value.bytes().all(is_plain)
}

fn check_dot_atom(text: &str) -> Result<(), UriError> {
    if text.is_empty() {
        return Err(UriError::EmptyLocalPart);
    }
    if text.split('.').any(str::is_empty) {
        return Err(UriError::Dots);
    }
    match text.chars().find(|&c| c != '.' && !is_atext(c)) {
        Some(found) => Err(UriError::Unquoted { found }),
        None => Ok(()),
    }
}

/// What stands between the quotes; `rest` is all that follows the first.
fn unquote(rest: &str) -> Result<String, UriError> {
    let mut value = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    loop {
        match characters.next() {
            Some('"') => break,
            Some('\\') => match characters.next() {
                Some(escaped @ ' '..='~') => value.push(escaped),
                _ => return Err(UriError::QuotedPair),
            },
            Some(plain) => value.push(plain),
            None => return Err(UriError::Unclosed),
        }
    }
    if characters.next().is_some() {
        return Err(UriError::AfterQuote);
    }
    if value.is_empty() {
        return Err(UriError::EmptyLocalPart);
    }
    Ok(value)
}

/// `atext` of RFC 5322 section 3.2.3, widened by RFC 6532 section 3.2.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// What is left raw in a canonical URI: safe for readers of RFC 2396, 3986 and 6068, and with `=` and `/`
/// raw as RFC 3860 appendix B.2 prints them.
fn stands_raw(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~!$'*+=/".contains(&octet)
}
