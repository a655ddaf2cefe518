//! Tables for people: columns as wide as what is in them, two spaces between.

use serde::Serialize;

use super::exit::{Exit, Failed};
use super::out::{Out, printable};

/// Prints rows: with `--json` one object a line, else a table.
pub(super) fn list<T: Serialize, const COLUMNS: usize>(
    out: &mut Out,
    headings: [&str; COLUMNS],
    rows: &[T],
    cells: impl Fn(&T) -> [String; COLUMNS],
) -> Result<Exit, Failed> {
    if out.is_json() {
        rows.iter().try_for_each(|row| out.object(row))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(headings);
    for row in rows {
        table.row(cells(row).each_ref().map(String::as_str));
    }
    out.line(&table.text())?;
    Ok(Exit::Done)
}

/// What there may be, as a cell.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A table that is being filled.
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with these headings.
    pub(super) fn new(headings: [&str; COLUMNS]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    /// Adds a row. What a terminal could be steered by is shown instead.
    pub(super) fn row(&mut self, cells: [&str; COLUMNS]) {
        self.rows.push(cells.map(|cell| printable(cell).into_owned()));
    }

    /// The table, without the last line end.
    pub(super) fn text(&self) -> String {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let line: String =
                widths.iter().zip(row).map(|(width, cell)| format!("{cell:width$}  ")).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(["NAME", "OCTETS"]);
        table.row(["im:frédéric@a.example", "7"]);
        table.row(["im:x\u{1b}", ""]);
        assert_eq!(table.text(), "NAME                   OCTETS\nim:frédéric@a.example  7\nim:x\\u{1b}");
    }
}
