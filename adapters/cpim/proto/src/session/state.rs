//! What may come next.

use std::time::Instant;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Connecting,
    Listening,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// The other side must open the session.
    AwaitingOpen { until: Instant },
    /// The application must decide on the other side's `open`; nothing is read meanwhile.
    Deciding,
    /// Operations go both ways.
    Open,
    /// A `close` was sent or received: answers still go both ways.
    Closing { by: By, until: Instant },
    /// Over. What was queued may still be sent; without a time, no longer.
    Closed { until: Option<Instant> },
}

/// Who has closed a session in order, and what can still come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    /// The peer, or both: it waits for us to finish and hang up.
    Peer,
    /// The peer, and it sends nothing more.
    PeerSilently,
    /// We: the peer finishes and hangs up.
    Us,
}

impl State {
    /// Whether what the peer sends is read.
    pub(super) fn reads(self) -> bool {
        match self {
            Self::AwaitingOpen { .. } | Self::Open => true,
            Self::Closing { by, .. } => by != By::PeerSilently,
            Self::Deciding | Self::Closed { .. } => false,
        }
    }

    /// Whether responses go both ways.
    pub(super) const fn answers(self) -> bool {
        matches!(self, Self::Open | Self::Closing { .. })
    }
}
