//! `trace`: the whole story of an operation.

use std::fmt;

use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failed};
use super::gateway::{Gateway, escaped};
use super::out::{Out, printable};
use crate::admin::Operations;
use crate::clock::UnixMs;
use crate::router::{LegView, OperationView, Step};

/// Tells where an operation went, step by step, and what became of it
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway trace 01kcq3vtw5m7hq0zqd2f8r9a1b --config config/demo.toml
  cpim-gateway trace 1804289383 --socket demo.sock
  cpim-gateway trace 1804289383 --http http://127.0.0.1:8642 --token-file demo.token --json

Exit codes: 0 told, 1 no operation is known by this, 2 bad usage or configuration, 75 no gateway is running.")]
pub(super) struct Trace {
    /// An operation's id, or its transID on any leg
    id: String,
    #[command(flatten)]
    gateway: Gateway,
}

/// A story, told.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Story(OperationView);

impl Trace {
    pub(super) async fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let Operations { operations } =
            self.gateway.get(&format!("/v1/operations/{}", escaped(&self.id))).await?;
        for (nth, operation) in operations.into_iter().enumerate() {
            if nth > 0 && !out.is_json() {
                out.line(&"")?;
            }
            out.show(&Story(operation))?;
        }
        Ok(Exit::Done)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = &self.0;
        let mut fact = |name: &str, value: &str| match value.is_empty() {
            true => Ok(()),
            false => writeln!(f, "{name:<10}{}", printable(value)),
        };
        let leg = |leg: &LegView| format!("transID {} with {}", leg.trans_id, leg.with);
        fact("operation", &operation.id)?;
        fact("kind", &format!("{}, {} octets", operation.kind, operation.octets))?;
        fact(
            "from",
            &match operation.standing.as_str() {
                "" => operation.source.clone(),
                standing => format!("{} ({standing})", operation.source),
            },
        )?;
        fact("to", &operation.destination)?;
        fact("via", &operation.via.replace(',', ", "))?;
        fact("arrived", &leg(&operation.arrived))?;
        for (nth, departed) in operation.departed.iter().enumerate() {
            fact(if nth == 0 { "departed" } else { "then" }, &leg(departed))?;
        }
        fact("state", &operation.state)?;
        let mut tell = |at: UnixMs, what: &str, detail: &str| {
            let since = Offset { from: operation.accepted_at, to: at };
            let line = format!("{at}  {since:>12}  {what:<16} {detail}");
            writeln!(f, "  {}", printable(&line).trim_end().replace('\n', " "))
        };
        let mut steps = operation.steps.as_slice();
        while let Some(first) = steps.first() {
            let (length, times) = repetition(steps);
            let (told, rest) = steps.split_at(length * times);
            for step in told.iter().take(length) {
                tell(step.at, &step.what, &step.detail)?;
            }
            if times > 1 {
                let last = told.last().unwrap_or(first);
                let which = if length == 1 { "the same" } else { &format!("these {length}") };
                tell(last.at, which, &format!("{} times more, the last one then", times - 1))?;
            }
            steps = rest;
        }
        let outcome = operation.outcome.as_deref().unwrap_or("not known yet");
        let answer = match (&operation.outcome, operation.answered) {
            (None, _) => "",
            (Some(_), true) => "; its owner has the answer",
            (Some(_), false) => "; the answer waits for its owner",
        };
        write!(f, "{:<10}{}{answer}", "outcome", printable(outcome))
    }
}

/// Steps that come again and again, as those of one attempt do.
const LONGEST_REPETITION: usize = 4;

/// Times at least that are told as one: what came twice is told twice.
const FEWEST_TIMES: usize = 3;

/// How many steps at the beginning are one repetition, and how often it comes: once where nothing is repeated.
fn repetition(steps: &[Step]) -> (usize, usize) {
    let is_same = |(one, other): (&Step, &Step)| one.what == other.what && one.detail == other.detail;
    for length in 1..=LONGEST_REPETITION {
        let mut chunks = steps.chunks_exact(length);
        let Some(first) = chunks.next() else { break };
        let times = 1 + chunks.take_while(|chunk| first.iter().zip(*chunk).all(is_same)).count();
        if times >= FEWEST_TIMES {
            return (length, times);
        }
    }
    (1, 1)
}

/// How much later than the acceptance, in seconds.
struct Offset {
    from: UnixMs,
    to: UnixMs,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, span) = match self.to >= self.from {
            true => ('+', self.to.since(self.from)),
            false => ('-', self.from.since(self.to)),
        };
        f.pad(&format!("{sign}{}.{:03}", span.as_secs(), span.subsec_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_told_in_aligned_lines() {
        let step = |at, what: &str, detail: &str| Step {
            at: UnixMs(at),
            what: what.to_owned().into(),
            detail: detail.into(),
        };
        let mut story = Story(OperationView {
            id: "01k".into(),
            kind: "message".into(),
            source: "im:fred@a.example".into(),
            destination: "im:barney@b.example".into(),
            accepted_at: UnixMs(1_000),
            octets: 61,
            standing: "verified".into(),
            via: "gw1.example,gw2.example".into(),
            state: "settled".into(),
            arrived: LegView { with: "im:fred@a.example".into(), trans_id: "1".into() },
            departed: vec![LegView { with: "b.example".into(), trans_id: "77".into() }],
            outcome: Some("failure (refused: no\u{1b}[2J)".into()),
            answered: true,
            steps: vec![
                step(999, "received", ""),
                step(1_000, "accepted", ""),
                step(3_500, "answered", "two\nlines"),
            ],
        });
        let expected = "\
operation 01k
kind      message, 61 octets
from      im:fred@a.example (verified)
to        im:barney@b.example
via       gw1.example, gw2.example
arrived   transID 1 with im:fred@a.example
departed  transID 77 with b.example
state     settled
  1970-01-01T00:00:00.999Z        -0.001  received
  1970-01-01T00:00:01.000Z        +0.000  accepted
  1970-01-01T00:00:03.500Z        +2.500  answered         two lines
outcome   failure (refused: no\\u{1b}[2J); its owner has the answer";
        assert_eq!(story.to_string(), expected);
        story.0.outcome = None;
        assert!(story.to_string().ends_with("\noutcome   not known yet"));

        let tried = |at, why| [step(at, "attempt", "b.example"), step(at + 1, "not handed over", why)];
        story.0.steps = [
            vec![step(1_000, "accepted", "")],
            tried(1_000, "refused").into(),
            tried(1_100, "refused").into(),
        ]
        .concat();
        assert_eq!(story.to_string().matches("not handed over").count(), 2, "what came twice is told twice");
        story.0.steps.extend([1_300, 1_700].map(|at| tried(at, "refused")).concat());
        story.0.steps.extend(tried(2_500, "no word"));
        let expected = "\
  1970-01-01T00:00:01.000Z        +0.000  accepted
  1970-01-01T00:00:01.000Z        +0.000  attempt          b.example
  1970-01-01T00:00:01.001Z        +0.001  not handed over  refused
  1970-01-01T00:00:01.701Z        +0.701  these 2          3 times more, the last one then
  1970-01-01T00:00:02.500Z        +1.500  attempt          b.example
  1970-01-01T00:00:02.501Z        +1.501  not handed over  no word
";
        assert!(story.to_string().contains(expected), "{story}");
    }
}
