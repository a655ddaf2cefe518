//! What is measured as it grows: a line is printed as soon as it is known, and kept whatever happens to the next.

use std::io;
use std::path::Path;

use crate::report::{self, Row};

/// The lines so far, and texts that are no rows.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<String>,
    texts: Vec<String>,
}

impl Table {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: &Row) {
        self.line(row.line());
    }

    /// Says what could not be measured, and why.
    pub(crate) fn not_run(&mut self, what: &str, error: &io::Error) {
        let why = error.to_string().replace(['\n', '\r', '|'], " ");
        let why = why.strip_prefix("NOT RUN: ").unwrap_or(&why);
        self.line(format!("| {what} | NOT RUN: {why} | | | | |"));
    }

    /// Adds a text under its title.
    pub(crate) fn text(&mut self, title: &str, text: &str) {
        let text = format!("### {title}\n```text\n{text}\n```");
        println!("{text}");
        self.texts.push(text);
    }

    /// Puts what there is on a page.
    ///
    /// # Errors
    /// Where it cannot be written, or has no place for it.
    pub(crate) fn write(&self, page: &Path) -> io::Result<()> {
        if !self.lines.is_empty() {
            report::write(page, "figures", &format!("{}\n{}", report::HEAD, self.lines.join("\n")))?;
        }
        if !self.texts.is_empty() {
            report::write(page, "profile", &self.texts.join("\n\n"))?;
        }
        Ok(())
    }

    fn line(&mut self, line: String) {
        if self.lines.is_empty() {
            println!("{}", report::HEAD);
        }
        println!("{line}");
        self.lines.push(line);
    }
}
