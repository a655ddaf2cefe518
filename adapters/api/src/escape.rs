//! Escapes of one mark and two hex digits: `%HH` in a URI, `~hh` in a source route.

/// Takes the escapes out of `text`, once; everything else stands for itself.
///
/// Either case of hex digit will do. The error is the offset, in octets, of the first `mark` that no two
/// hex digits follow.
pub(crate) fn unescape(text: &str, mark: u8) -> Result<Vec<u8>, usize> {
    let mut plain = Vec::with_capacity(text.len());
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        if octet == mark {
            let (high, low) = (octets.next().and_then(hex), octets.next().and_then(hex));
            plain.push(high.zip(low).map(|(high, low)| high << 4 | low).ok_or(at)?);
        } else {
            plain.push(octet);
        }
    }
    Ok(plain)
}

fn hex((_, octet): (usize, u8)) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_a_mark_and_two_hex_digits() {
        assert_eq!(unescape("a%40%2f%2F~40", b'%').unwrap(), b"a@//~40");
        assert_eq!(unescape("a%2540", b'%').unwrap(), b"a%40");
        for (text, at) in [("~", 0), ("ab~4", 2), ("~40~4g", 3), ("~~40", 0), ("~+1", 0)] {
            assert_eq!(unescape(text, b'~'), Err(at), "{text}");
        }
    }
}
