//! The pace of a client: how fast it may send, so that no server ever has cause to call it a flood.

use std::time::{Duration, Instant};

/// A message timer as servers keep one (RFC 1459 section 8.10): each line puts it ahead of the clock, and a client
/// whose timer would be too far ahead waits.
///
/// A line costs `line`, or half of it and as much for each 200 octets where that is more, as the
/// servers that count octets have it. Since the server's timer counts the same or less, it never runs ahead of this one.
#[derive(Clone, Debug)]
pub struct Pace {
    line: Duration,
    ahead: Duration,
    timer: Instant,
}

impl Pace {
    /// A pace whose lines cost so much, and that lets the timer be so far ahead.
    #[must_use]
    pub const fn new(line: Duration, ahead: Duration, now: Instant) -> Self {
        Self { line, ahead, timer: now }
    }

    /// What a line of so many octets costs; never more than may be had at once.
    fn cost(&self, octets: usize) -> Duration {
        let octets = u32::try_from(octets.min(65_536)).unwrap_or(u32::MAX);
        self.line.max(self.line / 2 + self.line * octets / 200).min(self.ahead)
    }

    /// When a line of so many octets may go.
    #[must_use]
    pub fn ready_at(&self, octets: usize) -> Instant {
        let ahead = self.ahead.saturating_sub(self.cost(octets));
        self.timer.checked_sub(ahead).unwrap_or(self.timer)
    }

    /// A line of so many octets goes now.
    pub fn spend(&mut self, octets: usize, now: Instant) {
        self.timer = self.timer.max(now) + self.cost(octets);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn five_short_lines_at_once_and_then_one_each_two_seconds() {
        let begin = Instant::now();
        let mut pace = Pace::new(2 * SECOND, 10 * SECOND, begin);
        let mut sent = Vec::new();
        let mut now = begin;
        for _ in 0..8 {
            now = now.max(pace.ready_at(40));
            pace.spend(40, now);
            sent.push((now - begin).as_secs());
        }
        assert_eq!(sent, [0, 0, 0, 0, 0, 2, 4, 6]);
    }

    proptest! {
        /// A server that counts by RFC 1459, or a second and one for each hundred octets, never sees the timer beyond
        /// ten seconds.
        #[test]
        fn no_server_sees_a_flood(lines in prop::collection::vec((20_usize..512, 0_u64..5_000), 1..60)) {
            let begin = Instant::now();
            let mut pace = Pace::new(2 * SECOND, 10 * SECOND, begin);
            let (mut now, mut plain, mut counting) = (begin, begin, begin);
            for (octets, idle) in lines {
                now = (now + Duration::from_millis(idle)).max(pace.ready_at(octets));
                pace.spend(octets, now);
                plain = plain.max(now) + 2 * SECOND;
                counting = counting.max(now) + SECOND + SECOND * u32::try_from(octets).unwrap() / 100;
                prop_assert!(plain <= now + 10 * SECOND && counting <= now + 10 * SECOND);
            }
        }
    }
}
