//! WATCHER INFORMATION (RFC 2778 section 2.4): who watches or has watched a presentity, in the text of a tuple.
//!
//! The information is a presentity like another, one tuple for each watcher: the destination is the watcher's URI, the
//! status is open while the subscription runs, and the text is this:
//!
//! ```text
//! since 2026-11-25T14:00:00Z, until 2026-11-25T15:00:00Z, by subscribe
//! ```

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::{Basic, PresUri, Presence, Tuple};

/// How a watcher came to its information, or how that ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum How {
    /// It asked once (RFC 2778: FETCHER).
    Fetch,
    /// Its subscription runs (RFC 2778: SUBSCRIBER).
    Subscribe,
    /// It ended its subscription.
    Unsubscribe,
    /// Its subscription ran out.
    Expiry,
    /// The presentity's rules ended the subscription.
    Rules,
}

impl How {
    const ALL: [Self; 5] = [Self::Fetch, Self::Subscribe, Self::Unsubscribe, Self::Expiry, Self::Rules];

    /// The word in the text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Expiry => "expiry",
            Self::Rules => "rules",
        }
    }

    /// Whether the subscription runs.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Subscribe)
    }
}

/// What is told of one watcher.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WatcherInfo {
    /// When it asked.
    pub since: Timestamp,
    /// When the subscription ends, or ended; for a fetch the moment of it.
    pub until: Timestamp,
    /// How it came to be, or ended.
    pub how: How,
}

impl WatcherInfo {
    /// The tuple that tells of this watcher.
    #[must_use]
    pub fn tuple(&self, watcher: &PresUri) -> Tuple {
        let status = if self.how.is_running() { Basic::Open } else { Basic::Closed };
        Tuple::new(watcher.spelled(), status).with_text(&self.to_string())
    }

    /// The information that nobody watches: one tuple, the presentity's own, closed.
    #[must_use]
    pub fn nobody(presentity: &PresUri) -> Presence {
        Presence::new(Tuple::new(presentity.spelled(), Basic::Closed), Vec::new())
    }
}

/// To whole seconds, as leases are.
impl fmt::Display for WatcherInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { since, until, how } = self;
        write!(f, "since {}, until {}, by {}", seconds(*since), seconds(*until), how.as_str())
    }
}

/// Why a text tells of no watcher.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected the form `since 2026-11-25T14:00:00Z, until 2026-11-25T15:00:00Z, by subscribe`")]
pub struct WatcherInfoError;

impl FromStr for WatcherInfo {
    type Err = WatcherInfoError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (since, rest) = text.strip_prefix("since ")?.split_once(", until ")?;
            let (until, how) = rest.split_once(", by ")?;
            let how = How::ALL.into_iter().find(|known| known.as_str() == how)?;
            Some(Self { since: since.parse().ok()?, until: until.parse().ok()?, how })
        };
        read().ok_or(WatcherInfoError)
    }
}

fn seconds(timestamp: Timestamp) -> Timestamp {
    Timestamp::from_second(timestamp.as_second()).unwrap_or(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_back() {
        let watcher = PresUri::parse("pres:wilma@b.example").unwrap();
        for how in How::ALL {
            let info = WatcherInfo {
                since: "2026-11-25T14:00:00Z".parse().unwrap(),
                until: "2026-11-25T15:00:00.25Z".parse().unwrap(),
                how,
            };
            let tuple = info.tuple(&watcher);
            assert_eq!(&*tuple.destination, "pres:wilma@b.example");
            assert_eq!(tuple.status == Basic::Open, how == How::Subscribe);
            let text = tuple.text().unwrap();
            assert_eq!(
                text,
                format!("since 2026-11-25T14:00:00Z, until 2026-11-25T15:00:00Z, by {}", how.as_str())
            );
            let until = "2026-11-25T15:00:00Z".parse().unwrap();
            assert_eq!(text.parse(), Ok(WatcherInfo { until, ..info }));
        }
        for text in ["", "since x, until y, by fetch", "since 2026-11-25T14:00:00Z, by fetch"] {
            assert_eq!(text.parse::<WatcherInfo>(), Err(WatcherInfoError), "{text}");
        }
    }

    #[test]
    fn nobody_is_the_presentity_itself_and_closed() {
        let nobody = WatcherInfo::nobody(&PresUri::parse("pres:fred@a.example").unwrap());
        let [tuple] = nobody.tuples() else { panic!("{nobody:?}") };
        assert_eq!((&*tuple.destination, tuple.status), ("pres:fred@a.example", Basic::Closed));
    }
}
