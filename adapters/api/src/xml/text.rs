//! Text and attribute values: references resolved, white space as XML 1.0 wants it.

use std::borrow::Cow;

use super::XmlFault;
use super::chars::is_char;

/// The character that a reference stands for, and the octets it takes; `from` begins with `&`.
fn reference(from: &str) -> Option<(char, usize)> {
    let (name, _) = from.strip_prefix('&')?.split_once(';')?;
    let c = match name {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
            // from_str_radix would take a sign.
            if !digits.chars().all(|digit| digit.is_digit(radix)) {
                return None;
            }
            u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_char(*c))?
        }
    };
    Some((c, name.len() + 2))
}

/// Whether every `&` begins a reference that may stand there (section 4.1); else where it does not.
pub(super) fn check_references(raw: &str) -> Result<(), (XmlFault, usize)> {
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let from = rest.get(at..).unwrap_or_default();
        let Some((_, taken)) = reference(from) else {
            return Err((XmlFault::BadReference, raw.len() - from.len()));
        };
        rest = from.get(taken..).unwrap_or_default();
    }
    Ok(())
}

/// An attribute's value (section 3.3.3): raw white space becomes spaces, a CRLF one; what came by
/// reference stays what it is. References have been checked.
pub(super) fn attribute_value(raw: &str) -> Cow<'_, str> {
    resolve(raw, ['&', '\t', '\n', '\r'], " ")
}

/// Character data (sections 2.4 and 2.11): CRLF and CR become LF. References have been checked.
pub(super) fn character_data(raw: &str) -> Cow<'_, str> {
    resolve(raw, ['&', '\r', '\r', '\r'], "\n")
}

/// What a CDATA section holds: as text, but that nothing in it is a reference.
pub(super) fn cdata(raw: &str) -> Cow<'_, str> {
    resolve(raw, ['\r'; 4], "\n")
}

/// `raw` with its references resolved and every other `special` (a CRLF is one) replaced.
fn resolve<'a>(raw: &'a str, special: [char; 4], space: &str) -> Cow<'a, str> {
    let Some(first) = raw.find(special) else {
        return Cow::Borrowed(raw);
    };
    let (plain, mut rest) = raw.split_at_checked(first).unwrap_or((raw, ""));
    let mut value = String::with_capacity(raw.len());
    value.push_str(plain);
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '&' => {
                let (resolved, taken) = reference(rest).unwrap_or(('&', 1));
                value.push(resolved);
                taken
            }
            _ => {
                value.push_str(space);
                if rest.starts_with("\r\n") { 2 } else { c.len_utf8() }
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
        let (plain, after) =
            rest.split_at_checked(rest.find(special).unwrap_or(rest.len())).unwrap_or((rest, ""));
        value.push_str(plain);
        rest = after;
    }
    Cow::Owned(value)
}
