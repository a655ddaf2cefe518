//! How often somebody may ask: a bucket for each principal.

use std::collections::HashMap;
use std::time::Duration;

use cpim_adapter::Address;
use tokio::time::Instant;

/// Principals whose pace is watched, before those at rest are swept out.
const PRINCIPALS: usize = 8_192;

/// A pace: so much at once, and one more after each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) at_once: u32,
    pub(super) one_each: Duration,
}

/// Who asked when. Kept as the moment at which all that he may ask at once is there again.
#[derive(Debug, Default)]
pub(super) struct Paces(HashMap<Address, Instant>);

impl Paces {
    /// Whether somebody may ask once more now; where there is no room to remember him, he may not.
    pub(super) fn take(&mut self, who: &Address, pace: Pace, now: Instant) -> bool {
        if self.0.len() >= PRINCIPALS && !self.0.contains_key(who) {
            self.0.retain(|_, full| *full > now);
            if self.0.len() >= PRINCIPALS {
                return false;
            }
        }
        let full = self.0.get(who).copied().unwrap_or(now).max(now) + pace.one_each;
        let may = full <= now + pace.one_each * pace.at_once;
        if may {
            self.0.insert(who.clone(), full);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_after_the_other() {
        let pace = Pace { at_once: 3, one_each: Duration::from_secs(10) };
        let (mut paces, now) = (Paces::default(), Instant::now());
        let [fred, other] = ["im:fred@a.example", "im:x@a.example"].map(|uri| Address::parse(uri).unwrap());
        assert!((0..3).all(|_| paces.take(&fred, pace, now)));
        assert!(!paces.take(&fred, pace, now));
        assert!(paces.take(&other, pace, now), "nobody else is slowed down");
        let later = now + Duration::from_secs(10);
        assert!(paces.take(&fred, pace, later) && !paces.take(&fred, pace, later));
    }
}
