//! How long anything on the wire may be.

/// Octets of a line without its tags, CRLF included (RFC 1459 section 2.3; RFC 2812 section 2.3).
pub const LINE_OCTETS: usize = 512;

/// Octets of the tags of a line, from `@` to the space behind them (message-tags, "Size limit").
pub const TAGS_OCTETS: usize = 8_191;

/// Of these, what a client may send.
pub const CLIENT_TAGS_OCTETS: usize = 4_096;

/// Parameters of a line at most; the last one takes what follows it, with or without a colon (RFC 2812 section
/// 2.3.1).
pub const MAX_PARAMS: usize = 15;

/// What a reader accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadLimits {
    /// Octets of the tags, from `@` to the space behind them.
    pub tags_octets: usize,
    /// Octets of the rest, CRLF included.
    pub line_octets: usize,
}

impl ReadLimits {
    /// For a server, which reads what clients send.
    pub const SERVER: Self = Self { tags_octets: CLIENT_TAGS_OCTETS, line_octets: LINE_OCTETS };

    /// For a client, which reads what servers send. Some send a little more than 512 octets where they put a
    /// long host before a long text; what they send was theirs to judge.
    pub const CLIENT: Self = Self { tags_octets: TAGS_OCTETS, line_octets: 2 * LINE_OCTETS };
}
