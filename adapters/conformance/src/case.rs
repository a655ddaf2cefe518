//! A case: what should happen, by which clause, and how that is tried.

use std::future::Future;
use std::pin::Pin;

use crate::bench::Bench;
use crate::cases;
use crate::subject::PeerError;
use crate::words::InWords;

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name: `group.what`.
    pub name: &'static str,
    /// What should happen.
    pub should: &'static str,
    /// Where that is written: `contract` is `docs/adapters/contract.md`.
    pub clause: &'static str,
    pub(crate) run: Run,
}

pub(crate) type Run = for<'a> fn(&'a mut Bench) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// What a case comes to.
pub(crate) type Verdict = Result<(), Failed>;

/// What happened instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

impl From<PeerError> for Failed {
    fn from(error: PeerError) -> Self {
        Self(error.to_string())
    }
}

/// Fails unless it is so.
pub(crate) fn ensure(is: bool, instead: impl FnOnce() -> String) -> Verdict {
    match is {
        true => Ok(()),
        false => Err(Failed(instead())),
    }
}

/// Fails unless the two are equal.
pub(crate) fn same<T: PartialEq + InWords + ?Sized>(what: &str, came: &T, wanted: &T) -> Verdict {
    ensure(came == wanted, || format!("{what}: {}, not {}", brief(came), brief(wanted)))
}

/// A value for the report: enough to see what it is.
pub(crate) fn brief(value: &(impl InWords + ?Sized)) -> String {
    const MOST: usize = 300;
    let text = value.in_words();
    match text.get(..text.floor_char_boundary(MOST)) {
        Some(head) if head.len() < text.len() => format!("{head}... ({} characters)", text.len()),
        _ => text,
    }
}

macro_rules! case {
    ($name:literal, $run:path, $should:literal, $clause:literal) => {
        $crate::case::Case {
            name: $name,
            should: $should,
            clause: $clause,
            run: |bench| Box::pin($run(bench)),
        }
    };
}
pub(crate) use case;

/// The beginning and the end of the table of cases in `docs/adapters/conformance.md`.
const BEGIN: &str = "<!-- CASES: generated from the suite, checked by a test -->";
const END: &str = "<!-- /CASES -->";

/// Every case as a table in Markdown, for the page on the kit.
#[must_use]
pub fn cases_table() -> String {
    let mut table = format!("{BEGIN}\n| case | should | clause |\n|---|---|---|\n");
    for Case { name, should, clause, .. } in suite() {
        table.push_str(&format!("| `{name}` | {should} | {clause} |\n"));
    }
    table.push_str(END);
    table
}

/// Every case, in the order in which they are run.
#[must_use]
pub fn suite() -> Vec<Case> {
    cases::all()
}
