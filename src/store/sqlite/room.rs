//! How much room is left in a file whose size is bounded.

use rusqlite::{Connection, Result, Statement};

/// The part of the file that operations leave free for their outcomes: one in this many pages.
const RESERVE: i64 = 8;

/// Octets that an operation takes beside what it is made of: index entries, and pages that are never quite full.
const OVERHEAD: i64 = 1_024;

/// The room in the file.
pub(super) struct Room<'c> {
    pages: Statement<'c>,
    free: Statement<'c>,
    page_octets: i64,
    max_pages: i64,
    /// Octets that operations may still take.
    left: i64,
    short: bool,
}

impl<'c> Room<'c> {
    /// The room in a file whose `max_page_count` is set.
    pub(super) fn new(connection: &'c Connection) -> Result<Self> {
        let number = |sql| connection.query_row(sql, [], |row| row.get(0));
        Ok(Self {
            pages: connection.prepare("PRAGMA page_count")?,
            free: connection.prepare("PRAGMA freelist_count")?,
            page_octets: number("PRAGMA page_size")?,
            max_pages: number("PRAGMA max_page_count")?,
            left: 0,
            short: false,
        })
    }

    /// Measures anew, at the begin of a group.
    pub(super) fn measure(&mut self) -> Result<()> {
        let used: i64 = self.pages.query_row([], |row| row.get(0))?;
        let free: i64 = self.free.query_row([], |row| row.get(0))?;
        let pages = self.max_pages - self.max_pages / RESERVE - used + free;
        self.left = pages.saturating_mul(self.page_octets);
        // An operation that did not fit made it short; it ends when a small one would fit.
        self.short &= self.left < self.page_octets;
        Ok(())
    }

    /// Takes room for an operation of this many octets, if there is that much.
    pub(super) fn take(&mut self, octets: usize) -> bool {
        let octets = i64::try_from(octets).unwrap_or(i64::MAX);
        let left = self.left.saturating_sub(octets.saturating_add(octets / 4).saturating_add(OVERHEAD));
        let fits = left >= 0;
        if fits {
            self.left = left;
        }
        self.short = !fits;
        fits
    }

    /// Whether an operation was refused for want of room, and there is none yet.
    pub(super) fn is_short(&self) -> bool {
        self.short
    }
}
