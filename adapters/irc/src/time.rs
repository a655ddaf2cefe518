//! Times as lines carry them.

use std::time::SystemTime;

/// `2026-11-25T15:00:00.000Z` (IRCv3 server-time).
pub(crate) fn rfc3339(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// `Wed, 25 Nov 2026 15:00:00 GMT`, for people.
pub(crate) fn for_people(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_in_utc() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_619_045_678);
        assert_eq!(rfc3339(at), "2026-11-25T15:04:05.678Z");
        assert_eq!(for_people(at), "Wed, 25 Nov 2026 15:04:05 GMT");
    }
}
