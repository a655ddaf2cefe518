//! The table as it grows: a line is printed as soon as it is known, and kept whatever happens to the next.

use std::io;

use crate::report::Row;

/// The lines so far.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<String>,
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

    /// Every line.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    fn line(&mut self, line: String) {
        println!("{line}");
        self.lines.push(line);
    }
}
