//! Command lines, exactly: only CR LF ends one (RFC 5321 section 2.3.8).

/// What stands at the beginning of a buffer.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// A line of so many octets, and its CR LF behind it.
    Line(usize),
    /// Not yet a whole one.
    Incomplete,
    /// A CR without LF, or a LF without CR: what others may take for a line end, and we never do.
    Bare,
    /// More octets than a line may have.
    TooLong,
}

/// Looks for the first line; `limit` counts its line end.
pub(super) fn find(buffer: &[u8], limit: usize) -> Found {
    let seen = buffer.get(..limit).unwrap_or(buffer);
    match seen.iter().position(|octet| matches!(octet, b'\r' | b'\n')) {
        Some(at) => match (buffer.get(at), buffer.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) if at + 2 <= limit => Found::Line(at),
            (Some(b'\r'), Some(b'\n')) => Found::TooLong,
            (Some(b'\r'), None) => Found::Incomplete,
            _ => Found::Bare,
        },
        None if buffer.len() >= limit => Found::TooLong,
        None => Found::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cr_lf_ends_a_line() {
        assert_eq!(find(b"NOOP\r\nQUIT\r\n", 99), Found::Line(4));
        assert_eq!(find(b"\r\n", 99), Found::Line(0));
        assert_eq!(find(b"NOOP", 99), Found::Incomplete);
        assert_eq!(find(b"NOOP\r", 99), Found::Incomplete);
        for bare in [&b"NOOP\n"[..], b"NOOP\rQUIT\r\n", b"NOOP\r\r\n", b"\n"] {
            assert_eq!(find(bare, 99), Found::Bare, "{bare:?}");
        }
    }

    #[test]
    fn the_limit_counts_the_line_end() {
        assert_eq!(find(b"NOOP\r\n", 6), Found::Line(4));
        assert_eq!(find(b"NOOPS\r\n", 6), Found::TooLong);
        assert_eq!(find(b"NOOPSX", 6), Found::TooLong);
        assert_eq!(find(b"NOOPS", 6), Found::Incomplete);
    }
}
