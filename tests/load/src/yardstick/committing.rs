//! The *committing* yardstick: two rows of 300 octets plus the content per operation into SQLite, with full sync, in
//! groups of up to 100 rows; nothing else.

use std::io;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};

use crate::stats::quantile;

/// Octets of a row beside the content.
const ROW: usize = 300;

/// Rows of one commit.
const GROUP: usize = 100;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Operations a second.
    pub(crate) per_s: f64,
    /// Seconds of processor time of an operation.
    pub(crate) cpu_s: f64,
    /// Seconds of one commit of one row, in the middle.
    pub(crate) commit_s: f64,
}

/// Commits this many operations with contents of this many octets, then some rows one by one.
///
/// # Errors
/// Where SQLite cannot.
pub(crate) fn run(folder: &Path, operations: usize, content: usize) -> io::Result<Figures> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut database = open(&folder.path().join("committing.db")).map_err(io::Error::other)?;
    let row = vec![b'x'; ROW + content / 2];
    let (start, cpu) = (Instant::now(), own_cpu_s());
    for _ in 0..(2 * operations).div_ceil(GROUP) {
        commit(&mut database, &row, GROUP).map_err(io::Error::other)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = operations as f64;
    let (elapsed, cpu) = (start.elapsed().as_secs_f64(), own_cpu_s() - cpu);
    let mut single = Vec::new();
    for _ in 0..2000 {
        let start = Instant::now();
        commit(&mut database, &row, 1).map_err(io::Error::other)?;
        single.push(start.elapsed().as_secs_f64());
    }
    Ok(Figures { per_s: count / elapsed, cpu_s: cpu / count, commit_s: quantile(&single, 0.5) })
}

/// Commits two rows after each other for each operation of a stream of `rate` a second, groups as they come: the
/// seconds from when an operation was due until its second row was on the disk, for each.
///
/// # Errors
/// Where SQLite cannot.
pub(crate) fn at_rate(folder: &Path, rate: f64, for_s: f64, content: usize) -> io::Result<Vec<f64>> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut database = open(&folder.path().join("committing.db")).map_err(io::Error::other)?;
    let row = vec![b'x'; ROW + content / 2];
    let start = Instant::now();
    let (mut taken, mut second, mut latencies) = (0_u32, Vec::new(), Vec::new());
    while start.elapsed().as_secs_f64() < for_s || !second.is_empty() {
        // The first rows of what has become due, and the second ones of what had its first in the last commit.
        let mut first = Vec::new();
        while first.len() + second.len() < GROUP
            && f64::from(taken) / rate < start.elapsed().as_secs_f64().min(for_s)
        {
            first.push(f64::from(taken) / rate);
            taken += 1;
        }
        if first.is_empty() && second.is_empty() {
            std::thread::yield_now();
            continue;
        }
        commit(&mut database, &row, first.len() + second.len()).map_err(io::Error::other)?;
        let now = start.elapsed().as_secs_f64();
        latencies.extend(second.drain(..).map(|due| now - due));
        second = first;
    }
    Ok(latencies)
}

fn own_cpu_s() -> f64 {
    crate::process::threads_cpu_s(std::process::id())
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, octets BLOB)",
    )?;
    Ok(database)
}

fn commit(database: &mut Connection, row: &[u8], rows: usize) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    {
        let mut insert = transaction.prepare_cached("INSERT INTO rows (octets) VALUES (?1)")?;
        for _ in 0..rows {
            insert.execute(params![row])?;
        }
    }
    transaction.commit()
}
