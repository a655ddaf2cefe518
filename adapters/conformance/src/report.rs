//! Results, for people and as JUnit XML.

use std::fmt;
use std::time::Duration;

use crate::case::{Case, Failed};
use crate::subject::Said;

/// What became of one case.
#[derive(Clone)]
pub struct Ended {
    /// Which case.
    pub case: Case,
    /// Passed, or what happened instead of what should.
    pub verdict: Result<(), Failed>,
    /// Where it failed, what the processes under test have said.
    pub said: Vec<Said>,
    /// How long it took.
    pub took: Duration,
}

/// What became of a suite.
#[derive(Clone)]
pub struct Results {
    /// The adapter.
    pub subject: String,
    /// Each case, in the order of the suite.
    pub ended: Vec<Ended>,
}

impl Results {
    /// Whether every case passed, and there was one.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.ended.is_empty() && self.failures().next().is_none()
    }

    /// The cases that failed, and what happened in them.
    pub fn failures(&self) -> impl Iterator<Item = (&Case, &Failed)> {
        self.ended.iter().filter_map(|ended| Some((&ended.case, ended.verdict.as_ref().err()?)))
    }

    /// The results in the form that CI systems read.
    #[must_use]
    pub fn junit(&self) -> String {
        let failures = self.failures().count();
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" \
             failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n",
            escaped(&self.subject),
            self.ended.len(),
        );
        for Ended { case, verdict, said, took } in &self.ended {
            xml.push_str(&format!(
                "<testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escaped(&self.subject),
                escaped(case.name),
                took.as_secs_f64(),
            ));
            match verdict {
                Ok(()) => xml.push_str("/>\n"),
                Err(failed) => {
                    xml.push_str(&format!(
                        "><failure message=\"{}\">{}</failure>",
                        escaped(&failed.0),
                        escaped(&format!("should: {} ({})", case.should, case.clause)),
                    ));
                    if !said.is_empty() {
                        let lines: Vec<String> =
                            said.iter().flat_map(told).map(|line| escaped(&line)).collect();
                        xml.push_str(&format!("<system-err>{}</system-err>", lines.join("\n")));
                    }
                    xml.push_str("</testcase>\n");
                }
            }
        }
        xml.push_str("</testsuite>\n</testsuites>\n");
        xml
    }
}

/// For people: failures say what should have happened, by which clause, and what did.
impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Ended { case, verdict, said, .. } in &self.ended {
            match verdict {
                Ok(()) => writeln!(f, "ok      {}", case.name)?,
                Err(failed) => {
                    writeln!(f, "FAILED  {}", case.name)?;
                    writeln!(f, "        should: {}", case.should)?;
                    writeln!(f, "        clause: {}", case.clause)?;
                    writeln!(f, "        instead: {}", failed.0.replace('\n', "\n          "))?;
                    for line in said.iter().flat_map(told) {
                        writeln!(f, "        {line}")?;
                    }
                }
            }
        }
        let failed = self.failures().count();
        let passed = self.ended.len().saturating_sub(failed);
        write!(f, "{}: {passed} passed, {failed} failed", self.subject)
    }
}

/// What a process has said, in lines.
fn told(said: &Said) -> Vec<String> {
    let ended = said.ended.as_ref().map_or_else(|| "runs".to_owned(), |how| format!("ended with {how}"));
    let words = if said.lines.is_empty() { ", and has said nothing" } else { "; its last words:" };
    let lines = said.lines.iter().map(|line| format!("  | {line}"));
    std::iter::once(format!("{} {ended}{words}", said.who)).chain(lines).collect()
}

/// Text as XML takes it, in an attribute too; a character that XML cannot hold becomes `?`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite;

    #[test]
    fn results_are_for_people_and_for_machines() {
        let case = *suite().first().unwrap();
        let ended = |verdict| Ended { case, verdict, said: Vec::new(), took: Duration::from_millis(1_500) };
        let lines = vec!["Traceback:".to_owned(), "1 < 2".to_owned()];
        let said = vec![Said { who: "the adapter".into(), ended: Some("exit code 1".into()), lines }];
        let failed = Ended { said, ..ended(Err(Failed("\"<a&b>\"\u{1}".into()))) };
        let results = Results { subject: "toy".into(), ended: vec![ended(Ok(())), failed] };
        assert!(!results.passed());
        let people = results.to_string();
        assert!(people.contains("FAILED") && people.ends_with("toy: 1 passed, 1 failed"), "{people}");
        let words = "        the adapter ended with exit code 1; its last words:\n          | Traceback:\n";
        assert!(people.contains(words), "{people}");
        let xml = results.junit();
        assert!(xml.contains("its last words:\n  | Traceback:\n  | 1 &lt; 2</system-err>"), "{xml}");
        assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
        assert!(xml.contains("message=\"&quot;&lt;a&amp;b&gt;&quot;?\""), "{xml}");
        assert!(xml.contains("time=\"1.500\"/>"), "{xml}");
        assert!(
            !Results { subject: "toy".into(), ended: Vec::new() }.passed(),
            "nothing run is nothing shown"
        );
    }
}
