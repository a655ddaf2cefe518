//! What a resolution comes to.

use std::fmt;
use std::net::SocketAddr;
use std::slice;
use std::time::Duration;

use serde::Serialize;

use super::{Protocol, Step};

/// How a domain is reached.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Resolution {
    /// What is spoken there.
    pub protocol: Protocol,
    /// Where, in the order to try. Empty where a route leaves that to the protocol's adapter.
    pub candidates: Vec<Candidate>,
    /// How it was found.
    pub steps: Vec<Step>,
}

/// One place to try.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Candidate {
    /// The host as it was named, for people. A certificate is for the domain that was wanted, not for this.
    pub host: String,
    /// Its address and port.
    pub address: SocketAddr,
    /// The priority of its SRV record; for pinned hosts their place in the list.
    pub priority: u16,
    /// The weight of its SRV record; 0 where there is none.
    pub weight: u16,
}

impl Resolution {
    /// The candidates one by one, each with the time that may be spent on it.
    #[must_use]
    pub fn attempts(&self) -> Attempts<'_> {
        Attempts { untried: self.candidates.iter() }
    }
}

/// Gives candidates so that at least two of them get their turn, however slow the first is
/// (the draft's section 2.2.1).
#[derive(Clone, Debug)]
pub struct Attempts<'a> {
    untried: slice::Iter<'a, Candidate>,
}

impl<'a> Attempts<'a> {
    /// The next candidate, and how much of the time that is `left` for all may be spent on it: half, and all
    /// of it for the last.
    pub fn next_within(&mut self, left: Duration) -> Option<(&'a Candidate, Duration)> {
        let candidate = self.untried.next()?;
        let share = if self.untried.len() == 0 { left } else { left / 2 };
        Some((candidate, share))
    }
}

impl fmt::Display for Resolution {
    /// A line for each step, then one for each candidate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        if self.candidates.is_empty() {
            return write!(f, "{:<10}as its adapter finds it", self.protocol);
        }
        let line = |candidate: &Candidate| format!("{:<10}{candidate}", self.protocol);
        let lines: Vec<_> = self.candidates.iter().map(line).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, priority, weight } = self;
        write!(f, "{address} ({host}, priority {priority}, weight {weight})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_first_candidate_leaves_time_for_the_second() {
        let candidate = |port| Candidate {
            host: "host.example".to_owned(),
            address: SocketAddr::from(([192, 0, 2, 1], port)),
            priority: 0,
            weight: 0,
        };
        let candidates = (1..=3).map(candidate).collect();
        let resolution = Resolution { protocol: Protocol::native(), candidates, steps: Vec::new() };
        let mut attempts = resolution.attempts();
        let mut left = Duration::from_secs(20);
        let mut shares = Vec::new();
        while let Some((candidate, share)) = attempts.next_within(left) {
            shares.push((candidate.address.port(), share.as_secs()));
            left -= share;
        }
        assert_eq!(shares, [(1, 10), (2, 5), (3, 5)]);
    }
}
