//! Rows of the table: what was measured, beside what, and whether that is what was asked.

use std::io;
use std::path::Path;

use crate::stats::Samples;

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
    /// At most so much, whatever the yardstick's.
    OursAtMost(f64),
    /// Told, and not asked.
    None,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) what: String,
    /// Ours, with its unit.
    pub(crate) ours: (Samples, &'static str),
    /// The yardstick's, where there is one, with its name.
    pub(crate) yardstick: Option<(Samples, &'static str)>,
    /// What the ratio of ours to the yardstick's should be; without a yardstick, what ours should be.
    pub(crate) goal: Goal,
}

impl Row {
    /// Ours as a part of the yardstick's; without one, ours. Not a number where the yardstick's is nothing or less: what
    /// memory moves by itself was more than what was to be measured.
    pub(crate) fn figure(&self) -> f64 {
        let ours = self.ours.0.median();
        let part = |beside: f64| if beside > 0.0 { ours / beside } else { f64::NAN };
        self.yardstick.as_ref().map_or(ours, |(samples, _)| part(samples.median()))
    }

    /// Whether the goal is reached; `None` without a goal, and where there is nothing to hold it against.
    pub(crate) fn is_reached(&self) -> Option<bool> {
        let figure = self.figure();
        match self.goal {
            Goal::AtLeast(least) if !figure.is_nan() => Some(figure >= least),
            Goal::AtMost(most) if !figure.is_nan() => Some(figure <= most),
            Goal::OursAtMost(most) => Some(self.ours.0.median() <= most),
            Goal::AtLeast(_) | Goal::AtMost(_) | Goal::None => None,
        }
    }

    /// What it costs at a size beside a hundredth and a tenth of it: level within a fifth, if it does not grow.
    pub(crate) fn grown(what: &str, unit: &'static str, costs: &[Samples]) -> Vec<Self> {
        let Some((whole, smaller)) = costs.split_last() else { return Vec::new() };
        let names = ["at a hundredth", "at a tenth"];
        let row = |(cost, name): (&Samples, &'static str)| Self {
            what: format!("growth: {what}"),
            ours: (whole.clone(), unit),
            yardstick: Some((cost.clone(), name)),
            goal: Goal::AtMost(1.2),
        };
        smaller.iter().zip(names).map(row).collect()
    }

    /// The line, for a table in Markdown; people can read it as it is.
    pub(crate) fn line(&self) -> String {
        let yardstick = match &self.yardstick {
            Some((samples, name)) => format!("{name}: {} | {}", spread(samples), number(self.figure())),
            None => " | ".to_owned(),
        };
        let goal = match self.goal {
            Goal::AtLeast(least) => format!("at least {}", number(least)),
            Goal::AtMost(most) => format!("at most {}", number(most)),
            Goal::OursAtMost(most) => format!("at most {} {}", number(most), self.ours.1),
            Goal::None => String::new(),
        };
        let word = self.is_reached().map_or("", |reached| if reached { "reached" } else { "NOT reached" });
        let (ours, unit) = (spread(&self.ours.0), self.ours.1);
        format!("| {} | {ours} {unit} | {yardstick} | {goal} | {word} |", self.what)
    }
}

/// The head of the table.
pub(crate) const HEAD: &str =
    "| what | ours: median (least to greatest) | yardstick | ratio | asked | |\n|---|---|---|---|---|---|";

/// Puts a text between `<!-- mark -->` and `<!-- end of mark -->` of a page.
///
/// # Errors
/// Where the page cannot be read or written, or has no such marks.
pub(crate) fn write(page: &Path, mark: &str, text: &str) -> io::Result<()> {
    let (begin, end) = (format!("<!-- {mark} -->"), format!("<!-- end of {mark} -->"));
    let old = std::fs::read_to_string(page)?;
    let parts = old.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let (head, tail) =
        parts.ok_or_else(|| io::Error::other(format!("{}: no {begin} in it", page.display())))?;
    std::fs::write(page, format!("{head}{begin}\n{text}\n{end}{tail}"))
}

fn spread(samples: &Samples) -> String {
    let (least, greatest) = samples.range();
    format!("{} ({} to {})", number(samples.median()), number(least), number(greatest))
}

/// Three digits that matter, thousands with a comma.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && digit.is_ascii_digit() && (whole.len() - index) % 3 == 0 && grouped != "-" {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (1_234_567.0, "1,234,567"),
            (999.6, "1,000"),
            (12.34, "12.3"),
            (0.5, "0.500"),
            (-1234.0, "-1,234"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_goal_is_for_the_ratio_where_there_is_a_yardstick() {
        let row = |goal| Row {
            what: "x".to_owned(),
            ours: ([50.0].into_iter().collect(), "/s"),
            yardstick: Some(([100.0].into_iter().collect(), "copying")),
            goal,
        };
        assert_eq!(row(Goal::AtLeast(0.5)).is_reached(), Some(true));
        assert_eq!(row(Goal::AtLeast(0.51)).is_reached(), Some(false));
        assert_eq!(row(Goal::AtMost(0.4)).is_reached(), Some(false));
        assert_eq!(row(Goal::OursAtMost(50.0)).is_reached(), Some(true));
        assert!(row(Goal::None).line().contains("copying: 100 (100 to 100) | 0.500"));
    }

    #[test]
    fn beside_nothing_there_is_no_verdict() {
        let costs = [-17_294.0, 18_039.0, 9_356.0].map(|cost| [cost].into_iter().collect());
        let rows = Row::grown("memory of a puppet", "octets", &costs);
        assert_eq!(rows.iter().map(Row::is_reached).collect::<Vec<_>>(), [None, Some(true)]);
        assert!(rows[0].line().ends_with("| ? | at most 1.20 |  |"), "{}", rows[0].line());
    }
}
