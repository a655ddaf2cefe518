//! `conform`: whether an adapter is right, by the conformance kit.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cpim_conformance::{Case, Results, Subject, Timing, run_cases, suite};
use serde::Serialize;

use super::exit::{Exit, Failed};
use super::out::Out;
use crate::registry::conform as registry;

/// Says of an adapter, case by case, whether it is right
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cpim-gateway conform smtp
  cpim-gateway conform irc --case 'out.*' --case order.out
  cpim-gateway conform cpim --junit results.xml
  cpim-gateway conform --list
  cpim-gateway conform toy --adapter './toy 127.0.0.1:{port}' --peer './toy-peer {port}'

The kit plays the gateway and a peer of the adapter's protocol, over loopback. Each failure says what
should have happened, by which clause, and what happened instead.
Exit codes: 0 every case passed, 1 one failed, 2 no such adapter or case.")]
pub(super) struct Conform {
    /// The adapter, by the name of its section in the configuration (`irc-network`: on a network that others run); with
    /// --adapter, its selector
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Only the cases of this name; `*` stands for anything
    #[arg(long = "case", value_name = "PATTERN")]
    cases: Vec<String>,
    /// Write the results as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Start this adapter, which claims the selector with CPIM_SERVER and CPIM_SECRET; `{port}` is a free port
    #[arg(long, value_name = "COMMAND", requires = "peer")]
    adapter: Option<String>,
    /// Start this peer of its protocol, told by JSON what to do (docs/adapters/conformance.md)
    #[arg(long, value_name = "COMMAND", requires = "adapter")]
    peer: Option<String>,
    /// Show the cases, and run none
    #[arg(long)]
    list: bool,
}

/// A case, as it is listed.
#[derive(Serialize)]
struct Listed {
    case: &'static str,
    should: &'static str,
    clause: &'static str,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:22} {} ({})", self.case, self.should, self.clause)
    }
}

/// What became of a case, for programs.
#[derive(Serialize)]
struct Ended<'a> {
    case: &'static str,
    passed: bool,
    should: &'static str,
    clause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    said: Vec<Words<'a>>,
    seconds: f64,
}

/// What a process has said.
#[derive(Serialize)]
struct Words<'a> {
    who: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'a str>,
    lines: &'a [String],
}

impl Conform {
    pub(super) fn run(&self, out: &mut Out) -> Result<Exit, Failed> {
        let cases = self.chosen()?;
        if self.list {
            for Case { name, should, clause, .. } in cases {
                out.show(&Listed { case: name, should, clause })?;
            }
            return Ok(Exit::Done);
        }
        let subject = self.subject()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(Failed::failure)?;
        let results = runtime.block_on(run_cases(subject, cases, &Timing::default()));
        runtime.shutdown_background();
        if let Some(file) = &self.junit {
            let written = std::fs::write(file, results.junit());
            written.map_err(|error| Failed::failure(format_args!("{}: {error}", file.display())))?;
        }
        show(out, &results)?;
        Ok(if results.passed() { Exit::Done } else { Exit::Failure })
    }

    /// The cases that were asked for, in the order of the suite.
    fn chosen(&self) -> Result<Vec<Case>, Failed> {
        let is_meant = |name: &str| self.cases.iter().any(|pattern| matches(pattern, name));
        if let Some(pattern) =
            self.cases.iter().find(|pattern| !suite().iter().any(|case| matches(pattern, case.name)))
        {
            let words = format!("no case `{pattern}`; `cpim-gateway conform --list` shows all");
            return Err(Failed::usage(words));
        }
        Ok(suite().into_iter().filter(|case| self.cases.is_empty() || is_meant(case.name)).collect())
    }

    fn subject(&self) -> Result<Arc<dyn Subject>, Failed> {
        let name = self.name.as_deref().unwrap_or_default();
        if let (Some(adapter), Some(peer)) = (&self.adapter, &self.peer) {
            return registry::external(name, adapter, peer).map_err(Failed::usage);
        }
        registry::subject(name).ok_or_else(|| {
            Failed::usage(format_args!("no adapter `{name}`; known are {}", registry::names().join(", ")))
        })
    }
}

fn show(out: &mut Out, results: &Results) -> Result<(), Failed> {
    if !out.is_json() {
        return out.line(results);
    }
    for ended in &results.ended {
        let instead = ended.verdict.as_ref().err().map(|failed| failed.0.as_str());
        out.object(&Ended {
            case: ended.case.name,
            passed: instead.is_none(),
            should: ended.case.should,
            clause: ended.case.clause,
            instead,
            said: ended
                .said
                .iter()
                .map(|said| Words { who: &said.who, ended: said.ended.as_deref(), lines: &said.lines })
                .collect(),
            seconds: ended.took.as_secs_f64(),
        })?;
    }
    Ok(())
}

/// Whether a name is of a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, is) in [
            ("out.message", "out.message", true),
            ("out.message", "out.messages", false),
            ("out.*", "out.message", true),
            ("*.message", "out.message", true),
            ("*", "out.message", true),
            ("o*.m*e", "out.message", true),
            ("in.*", "out.message", false),
            ("*.out", "order.out", true),
            ("*x*", "out.message", false),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }
}
