//! xtext (RFC 3461 section 4) and base64 (RFC 4648), as far as commands use them.

/// Reads xtext: `+HH`, upper-case hex, for whatever does not stand for itself. `None` where it is none.
#[must_use]
pub fn xtext(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [octet, after @ ..] = rest {
        rest = match (octet, after) {
            (b'+', [high, low, behind @ ..]) => {
                octets.push(hex(*high)? << 4 | hex(*low)?);
                behind
            }
            (b'+' | b'=', _) => return None,
            (b'!'..=b'~', _) => {
                octets.push(*octet);
                after
            }
            // RFC 6533 section 3: addresses in UTF-8 stand as they are.
            (0x80.., _) => {
                octets.push(*octet);
                after
            }
            _ => return None,
        };
    }
    String::from_utf8(octets).ok()
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Reads base64 with its padding; nothing else is accepted.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let mut octets = Vec::with_capacity(digits.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            octets.push((bits >> held & 0xff) as u8);
        }
    }
    (bits & ((1 << held) - 1) == 0).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_read_exactly() {
        assert_eq!(xtext("a+2Bb+3Dc+20d").as_deref(), Some("a+b=c d"));
        assert_eq!(xtext("").as_deref(), Some(""));
        for bad in ["a+2", "a+2b", "a=b", "a b", "+FF", "+"] {
            assert_eq!(xtext(bad), None, "{bad}");
        }
    }

    #[test]
    fn base64_is_read_exactly() {
        assert_eq!(base64("AGFsaWNlAHNlY3JldA==").unwrap(), b"\0alice\0secret");
        assert_eq!(base64("").unwrap(), b"");
        assert_eq!(base64("YWI=").unwrap(), b"ab");
        for bad in ["A", "AGF", "AG=F", "A===", "AGF*", "YWJ=", "YR=="] {
            assert_eq!(base64(bad), None, "{bad}");
        }
    }
}
