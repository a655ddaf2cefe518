//! Opening the file: is it free, is it ours, is it sound; then its format, and the fence.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::SqliteOptions;
use super::log::Log;
use crate::store::StoreError;

/// The numbered steps from an empty file to the present format. Forward only: one that was released is never
/// edited.
pub(super) const MIGRATIONS: [&str; 5] = [
    include_str!("../migrations/0001_journal.sql"),
    include_str!("../migrations/0002_notes.sql"),
    include_str!("../migrations/0003_leases.sql"),
    include_str!("../migrations/0004_legs.sql"),
    include_str!("../migrations/0005_attempt_legs.sql"),
];

/// SQLite's `application_id` of our files: "CPIM".
pub(super) const APPLICATION_ID: i32 = 0x4350_494D;

/// How every SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The write-ahead log is cut back to this many octets after it had to grow beyond it.
const LOG_OCTETS: i64 = 64 << 20;

/// How long a write waits for a person who looks into the file with a tool that locks it.
const LOCK_WAIT: Duration = Duration::from_millis(250);

/// Statements kept prepared by the reader; more than it has.
const READER_STATEMENTS: usize = 32;

/// A file that is ours and locked, of which is not known yet whether it is sound.
#[derive(Debug)]
pub(super) struct Found {
    /// Held for as long as the store is open.
    pub(super) lock: File,
    /// What can be read meanwhile; `None` where the file must be written to before there is anything to read.
    pub(super) readable: Option<(Connection, i64)>,
}

/// A file that is sound, of the present format, and can be written to.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) writer: Connection,
    pub(super) log: Log,
    /// This gateway's row, and the fence that this start raised.
    pub(super) gateway: i64,
    pub(super) fence: i64,
}

/// Takes the lock and makes sure that there is a file and that it is ours. Changes nothing in one that is there.
pub(super) fn find(options: &SqliteOptions) -> Result<Found, StoreError> {
    let path = options.path.as_path();
    let lock = lock(path)?;
    let mut readable = None;
    if has_begun(path)? && inspect(path)? {
        let name = |error| named(path, error);
        let reader = connect_reader(path).map_err(name)?;
        let row = "SELECT gateway FROM gateway WHERE name = ?1";
        let gateway = reader.query_row(row, [&options.gateway], |row| row.get(0)).optional().map_err(name)?;
        readable = gateway.map(|gateway| (reader, gateway));
    }
    Ok(Found { lock, readable })
}

/// Reads the whole file to see whether it is sound, and only then writes to it: its format, and the fence.
pub(super) fn prepare(options: &SqliteOptions, now: i64) -> Result<Ready, StoreError> {
    let path = options.path.as_path();
    check(path)?;
    make_private(path).map_err(|source| unwritable(path, source))?;
    let name = |error| named(path, error);
    let mut writer = connect_writer(path).map_err(name)?;
    migrate(&mut writer).map_err(name)?;
    if let Some(octets) = options.max_octets {
        limit(&writer, octets).map_err(name)?;
    }
    let (gateway, fence) = raise_fence(&mut writer, &options.gateway, now).map_err(name)?;
    let carrier = connect_carrier(path).map_err(name)?;
    let file = OpenOptions::new().write(true).open(beside(path, "-wal"));
    let log = file.and_then(|file| Log::new(&mut writer, carrier, file));
    let log = log.map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(Ready { writer, log, gateway, fence })
}

/// For those who only look: it cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    connect_reader(path).map_err(|error| named(path, error))
}

/// How long a lock is waited for: whoever let go of it may just be starting a program, and a child has all open files until
/// it has become that.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// Between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Takes the lock that says that the store is in use: on a file of its own, because closing any handle of the
/// store's file would let go of SQLite's own locks.
fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = beside(path, "-lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&beside)
        .map_err(|source| unwritable(path, source))?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::park_timeout(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: path.into(), holder: holder(&file) });
            }
            Err(TryLockError::Error(source)) => return Err(unwritable(path, source)),
        }
    }
    let sign = |file: &mut File| {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{}", std::process::id())
    };
    sign(&mut file).map_err(|source| unwritable(path, source))?;
    Ok(file)
}

/// Who holds the lock, as far as it can be read.
fn holder(mut file: &File) -> String {
    let mut text = [0; 16];
    let process = file.read(&mut text).ok().and_then(|octets| {
        let text = str::from_utf8(text.get(..octets)?).ok()?;
        text.trim().parse::<u32>().ok()
    });
    process.map(|process| format!(" (process {process})")).unwrap_or_default()
}

/// Whether there is anything in the file; makes it where there is none. Changes nothing in one that is there.
fn has_begun(path: &Path) -> Result<bool, StoreError> {
    let mut start = Vec::with_capacity(MAGIC.len());
    // Opened for writing, because SQLite falls back to reading without a word.
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => {
            io::copy(&mut file.take(MAGIC.len() as u64), &mut start)
                .map_err(|source| unwritable(path, source))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path).map_err(|source| unwritable(path, source))?;
        }
        Err(source) => return Err(unwritable(path, source)),
    }
    if !start.is_empty() && start != MAGIC {
        let detail = "it does not begin as an SQLite file does".to_owned();
        return Err(StoreError::NotOurs { path: path.into(), detail });
    }
    Ok(!start.is_empty())
}

/// Whether a file is of the present format, by way of a connection that cannot write.
fn inspect(path: &Path) -> Result<bool, StoreError> {
    let name = |error| named(path, error);
    let connection = connect_reader(path).map_err(name)?;
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id").map_err(name)?;
    let found = number("PRAGMA user_version").map_err(name)?;
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(name)?;
    if application == 0 && found == 0 && tables == 0 {
        return Ok(false); // A crash came between making the file and its first format.
    }
    if application != i64::from(APPLICATION_ID) {
        let detail = format!("an SQLite file with application_id {application}, not {APPLICATION_ID}");
        return Err(StoreError::NotOurs { path: path.into(), detail });
    }
    if found > KNOWN {
        return Err(StoreError::Newer { path: path.into(), found, known: KNOWN });
    }
    Ok(found == KNOWN)
}

/// Looks through the whole file, by way of a connection that cannot write.
fn check(path: &Path) -> Result<(), StoreError> {
    let name = |error| named(path, error);
    let connection = connect_reader(path).map_err(name)?;
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(name)?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: path.into(), detail: verdict }) }
}

/// Makes an empty file, so durably that it cannot vanish under what is written into it.
fn create(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// What is in the store concerns nobody but the gateway. Side files that SQLite makes later get the same
/// mode.
fn make_private(path: &Path) -> io::Result<()> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match fs::metadata(&file) {
            Ok(metadata) if metadata.permissions().mode() & 0o777 != 0o600 => {
                fs::set_permissions(&file, Permissions::from_mode(0o600))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn connect_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is wiped shall not be read from free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_OCTETS)?;
    Ok(connection)
}

/// For the log alone, which is durable in the file before it begins anew.
fn connect_carrier(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "synchronous", "full")?;
    // It knows of the log once it has read.
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?;
    Ok(connection)
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(READER_STATEMENTS);
    Ok(connection)
}

/// The latest format known here.
const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Each step is one transaction together with its number, so a crash leaves one format or the other.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (version, step) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn limit(connection: &Connection, octets: u64) -> rusqlite::Result<()> {
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = i64::try_from(octets).unwrap_or(i64::MAX).checked_div(page).unwrap_or(1).max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

/// Raises this gateway's fence, and takes over what an earlier run of it left open.
fn raise_fence(connection: &mut Connection, name: &str, now: i64) -> rusqlite::Result<(i64, i64)> {
    let transaction = connection.transaction()?;
    let (gateway, fence) = transaction.query_row(
        "INSERT INTO gateway (name, fence, started_at) VALUES (?1, 1, ?2)
         ON CONFLICT (name) DO UPDATE SET fence = fence + 1, started_at = excluded.started_at
         RETURNING gateway, fence",
        params![name, now],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    transaction.execute(
        "UPDATE operation SET fence = ?2
         WHERE held_by = ?1 AND number IN (SELECT number FROM body)
           AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.number = operation.number)",
        params![gateway, fence],
    )?;
    transaction.commit()?;
    Ok((gateway, fence))
}

/// Turns what SQLite says while opening into what a person can act on.
fn named(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { path: path.into(), detail: error.to_string() }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            unwritable(path, io::Error::other(error))
        }
        _ => StoreError::Failed(format!("{}: {error}", path.display())),
    }
}

fn unwritable(path: &Path, source: io::Error) -> StoreError {
    StoreError::Unwritable { path: path.into(), source }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
