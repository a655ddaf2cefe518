//! The loss matrix: what crosses from any of this build's adapters to any other, by what each of them claims.
//!
//! `tests/matrix` holds the claims against what really arrives; `cpim-gateway matrix` and docs/loss-matrix.md show it.

use std::collections::BTreeMap;

use cpim_adapter::{Capabilities, Feature, PresenceSupport, Support};
use serde::Serialize;

use crate::registry;

/// One way in which an adapter takes part, as a place to come from or to go to.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// How it is called.
    pub name: &'static str,
    /// What it claims.
    pub claims: Capabilities,
    /// What its users can say themselves.
    pub says: fn(Feature) -> bool,
}

/// The adapters of this build, with this as the largest content of the native protocol, in octets.
#[must_use]
pub fn sides(content_octets: usize) -> Vec<Side> {
    let side = |way: &registry::Way| Side {
        name: way.name,
        claims: (way.capabilities)(content_octets),
        says: way.says,
    };
    registry::ROWS.iter().flat_map(|row| row.ways).map(side).collect()
}

/// What becomes of something on the way.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what", content = "how")]
pub enum Crossing {
    /// It arrives as it was.
    Whole,
    /// It arrives in another form.
    Changed(&'static str),
    /// The operation arrives without it, and the loss is recorded.
    Lost,
    /// The operation is refused.
    Refused,
    /// Whoever writes from there has no way to say it.
    Unsaid,
}

impl Crossing {
    /// What becomes of a feature of a message or of presence.
    #[must_use]
    pub fn of(feature: Feature, from: &Side, to: &Side) -> Self {
        match (to.claims.support)(feature) {
            _ if !(from.says)(feature) => Self::Unsaid,
            Support::Full => Self::Whole,
            Support::Degraded(how) => Self::Changed(how),
            Support::Dropped => Self::Lost,
            Support::Rejected => Self::Refused,
        }
    }

    /// What becomes of a subscription to somebody there.
    #[must_use]
    pub const fn of_subscription(to: &Side) -> Self {
        match to.claims.presence {
            PresenceSupport::PassThrough => Self::Whole,
            PresenceSupport::Observe => Self::Changed("the gateway observes, and keeps the subscriptions"),
            PresenceSupport::None => Self::Refused,
        }
    }
}

/// One cell of the matrix.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cell {
    /// By which it comes.
    pub from: &'static str,
    /// By which it leaves.
    pub to: &'static str,
    /// What crosses.
    pub feature: &'static str,
    /// What becomes of it.
    #[serde(flatten)]
    pub crossing: Crossing,
}

/// The name of the line for subscriptions.
const SUBSCRIBE: &str = "subscribe to somebody there";

/// Every cell, pair by pair.
#[must_use]
pub fn cells(sides: &[Side]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for from in sides {
        for to in sides {
            let cell = |feature, crossing| Cell { from: from.name, to: to.name, feature, crossing };
            cells.extend(Feature::ALL.map(|feature| cell(feature.name(), Crossing::of(feature, from, to))));
            cells.push(cell(SUBSCRIBE, Crossing::of_subscription(to)));
        }
    }
    cells
}

/// The matrix as tables in Markdown, one for each adapter that something comes by, with the other forms named below.
#[must_use]
pub fn tables(sides: &[Side]) -> String {
    let cells = cells(sides);
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in &cells {
        if let Crossing::Changed(how) = cell.crossing {
            let next = notes.len() + 1;
            notes.entry(how).or_insert(next);
        }
    }
    let mut lines = Vec::new();
    for from in sides {
        let names: Vec<&str> = sides.iter().map(|to| to.name).collect();
        lines.push(format!("## From {}\n\n| | to {} |", from.name, names.join(" | to ")));
        lines.push(format!("|---|{}", "---|".repeat(sides.len())));
        for feature in Feature::ALL.map(Feature::name).into_iter().chain([SUBSCRIBE]) {
            let of_pair = cells.iter().filter(|cell| cell.from == from.name && cell.feature == feature);
            let words: Vec<String> = of_pair.map(|cell| word(cell.crossing, &notes)).collect();
            lines.push(format!("| {feature} | {} |", words.join(" | ")));
        }
        lines.push(String::new());
    }
    let mut notes: Vec<(usize, &str)> = notes.into_iter().map(|(how, number)| (number, how)).collect();
    notes.sort_unstable();
    lines.extend(notes.into_iter().map(|(number, how)| format!("{number}. {how}")));
    lines.join("\n").trim_end().to_owned()
}

fn word(crossing: Crossing, notes: &BTreeMap<&str, usize>) -> String {
    match crossing {
        Crossing::Whole => "whole".to_owned(),
        Crossing::Changed(how) => format!("changed ({})", notes.get(how).copied().unwrap_or_default()),
        Crossing::Lost => "lost".to_owned(),
        Crossing::Refused => "refused".to_owned(),
        Crossing::Unsaid => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn side(support: fn(Feature) -> Support, presence: PresenceSupport) -> Side {
        let claims = Capabilities { support, presence, max_content_octets: None };
        Side { name: "x", claims, says: |feature| matches!(feature, Feature::Subject) }
    }

    #[test]
    fn what_can_be_said_crosses_as_the_far_side_takes_it() {
        let full = side(|_| Support::Full, PresenceSupport::PassThrough);
        let changed = side(|_| Support::Degraded("as a line"), PresenceSupport::Observe);
        let dropped = side(|_| Support::Dropped, PresenceSupport::None);
        let rejected = side(|_| Support::Rejected, PresenceSupport::None);
        let of = |from, to| Crossing::of(Feature::Subject, from, to);
        assert_eq!(of(&full, &full), Crossing::Whole);
        assert_eq!(of(&full, &changed), Crossing::Changed("as a line"));
        assert_eq!(of(&changed, &full), Crossing::Whole);
        assert_eq!(of(&full, &dropped), Crossing::Lost);
        assert_eq!(of(&full, &rejected), Crossing::Refused);
        assert_eq!(Crossing::of(Feature::Date, &full, &full), Crossing::Unsaid);
        assert_eq!(Crossing::of_subscription(&dropped), Crossing::Refused);
    }

    #[test]
    fn every_pair_has_every_feature() {
        let sides = sides(1);
        assert_eq!(cells(&sides).len(), sides.len() * sides.len() * (Feature::ALL.len() + 1));
        assert_eq!(tables(&sides).matches("\n| ").count(), sides.len() * (Feature::ALL.len() + 2));
    }
}
