//! Sources: whoever stands before a line, `nick!user@host` or a server's name.

use bytes::Bytes;

/// A source that was read. Servers put all manner of octets there, and nothing is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source(Bytes);

impl Source {
    /// Takes what stood behind the colon.
    #[must_use]
    pub const fn new(octets: Bytes) -> Self {
        Self(octets)
    }

    /// All of it.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The nick, or a server's name: what stands before `!` or `@`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.split().0
    }

    /// The nick, or a server's name, where it is UTF-8.
    #[must_use]
    pub fn name_str(&self) -> Option<&str> {
        std::str::from_utf8(self.name()).ok()
    }

    /// The user, where there is one.
    #[must_use]
    pub fn user(&self) -> Option<&[u8]> {
        self.split().1
    }

    /// The host, where there is one.
    #[must_use]
    pub fn host(&self) -> Option<&[u8]> {
        self.split().2
    }

    fn split(&self) -> (&[u8], Option<&[u8]>, Option<&[u8]>) {
        let (rest, host) = cut(&self.0, b'@');
        let (name, user) = cut(rest, b'!');
        (name, user, host)
    }
}

/// What stands before and behind the first `mark`.
fn cut(octets: &[u8], mark: u8) -> (&[u8], Option<&[u8]>) {
    match octets.iter().position(|octet| *octet == mark).and_then(|at| octets.split_at_checked(at)) {
        Some((before, behind)) => (before, behind.get(1..)),
        None => (octets, None),
    }
}

/// Whether a name is one that a host may have on IRC: labels of letters, digits and inner `-`, two at least, so that
/// it is never taken for a nick (RFC 1123 section 2.1; ircdocs' vectors).
#[must_use]
pub fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
