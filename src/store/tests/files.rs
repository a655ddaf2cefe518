//! What stands where the store should be, and what is said about it. Nothing that is not ours is ever changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use super::{Bench, NOW, RETENTION, acceptance, options};
use crate::store::{Acceptance, Done, Journal, SqliteOptions, SqliteStore, StoreError, Verdict, Write};

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// Opens what is not a store, and sees that it is unchanged and named.
fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).ok();
    let error = SqliteStore::open(&options(path), NOW).unwrap_err();
    assert_eq!(fs::read(path).ok(), before, "{error}: the file was changed");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}: the file is not named");
    error
}

/// A store in which there is something, closed.
async fn filled(path: &Path) {
    let mut bench = Bench::open(path);
    for number in 1..=500 {
        bench.write(Write::Accept(Box::new(acceptance(number))));
    }
    bench.flush_all().await;
    bench.journal.close().await.unwrap();
}

#[tokio::test]
async fn a_store_is_made_private_and_opened_again() {
    let (folder, path) = place();
    filled(&path).await;
    assert!(!folder.path().join("store.db-wal").exists(), "closing carries the log over");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut bench = Bench::open(&path);
    assert_eq!(bench.journal.last_number().await.unwrap(), 500);
    assert_eq!(bench.accept(acceptance(501)).await, Verdict::New);
    let mut files = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        files += 1;
    }
    assert_eq!(files, 4, "the store, its log, the log's index, the lock");
}

#[tokio::test]
async fn the_log_begins_anew_while_it_is_written_to() {
    let (folder, path) = place();
    let mut bench = Bench::open(&path);
    let large = |number| Acceptance { content: vec![b'x'; 65_536].into(), ..acceptance(number) };
    let (mut number, mut octets, mut unchanged) = (0, 0, 0);
    // Each takes more than its content: that the log does not grow for so many means that it began anew.
    while unchanged < 50 {
        number += 1;
        assert!(number < 4_000, "the log has {octets} octets");
        assert_eq!(bench.accept(large(number)).await, Verdict::New);
        let now = fs::metadata(folder.path().join("store.db-wal")).unwrap().len();
        unchanged = if now == octets { unchanged + 1 } else { 0 };
        octets = now;
    }
    assert_eq!(bench.numbers_unsettled().await.len() as i64, number);
    // As after a crash.
    let copy = TempDir::new().unwrap();
    for file in ["store.db", "store.db-wal"] {
        fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let bench = Bench::open(&copy.path().join("store.db"));
    assert_eq!(bench.numbers_unsettled().await.len() as i64, number);
}

#[tokio::test]
async fn a_start_takes_over_what_the_gateway_held() {
    let (_folder, path) = place();
    filled(&path).await;
    let mut bench = Bench::open(&path);
    assert_eq!(bench.numbers_unsettled().await.len(), 500);
    assert_eq!(bench.settle(7, NOW).await, Done::Settled { number: 7, first: true });
    bench.journal.close().await.unwrap();

    let other = SqliteOptions { gateway: "gw-other.example".to_owned(), ..options(&path) };
    let mut bench = Bench::open_with(&other);
    assert_eq!(bench.numbers_unsettled().await, [0; 0], "held by another gateway");
    assert_eq!(bench.settle(8, NOW).await, Done::Lost { number: 8 });
    bench.journal.close().await.unwrap();

    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE operation SET fence = fence + 1 WHERE number = 9", []).unwrap();
    connection.execute("UPDATE gateway SET fence = fence + 7 WHERE name = 'gw.example'", []).unwrap();
    drop(connection);
    let mut bench = Bench::open(&path);
    assert_eq!(bench.settle(9, NOW).await, Done::Settled { number: 9, first: true }, "under a higher fence");
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE operation SET fence = fence + 1 WHERE number = 10", []).unwrap();
    assert_eq!(bench.settle(10, NOW).await, Done::Lost { number: 10 }, "taken over meanwhile");
}

#[tokio::test]
async fn what_is_forgotten_leaves_nothing_behind() {
    let (_folder, path) = place();
    let mut bench = Bench::open(&path);
    for number in 1..=50 {
        // Within a page, and over several.
        let content = format!("confidential {number} ").repeat(usize::try_from(number).unwrap() * 20);
        bench.accept(Acceptance { content: content.into(), ..acceptance(number) }).await;
        bench.attempt(number, "out").await;
        bench.settle(number, NOW).await;
        bench.write(Write::HandedOver { number });
    }
    bench.flush().await;
    let wiped = bench.journal.prune(NOW, RETENTION).await.unwrap();
    assert_eq!((wiped.wiped, wiped.forgotten), (50, 0));
    bench.journal.close().await.unwrap();
    let file = fs::read(&path).unwrap();
    let readable = file.windows(12).filter(|octets| octets == b"confidential").count();
    assert_eq!(readable, 0, "free pages still hold content");

    let bench = Bench::open(&path);
    bench.journal.prune(NOW + 1_000_000_000, RETENTION).await.unwrap();
    bench.journal.close().await.unwrap();
    let connection = Connection::open(&path).unwrap();
    for table in ["operation", "attempt", "outcome"] {
        let numbers = format!("SELECT count(*), max(number) FROM {table}");
        let left: (i64, i64) =
            connection.query_row(&numbers, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(left, (1, 50), "{table}: but the newest, so that numbers never go back");
    }
}

#[tokio::test]
async fn one_store_serves_one_gateway() {
    let (_folder, path) = place();
    let bench = Bench::open(&path);
    let error = refused(&path);
    let holder = format!("(process {})", std::process::id());
    assert!(matches!(&error, StoreError::InUse { .. }) && error.to_string().contains(&holder), "{error}");
    bench.journal.close().await.unwrap();
    Bench::open(&path);
}

#[test]
fn another_sort_of_file_is_not_touched() {
    let (_folder, path) = place();
    fs::write(&path, "relay-domain = \"gw.example\"\n").unwrap();
    assert!(matches!(refused(&path), StoreError::NotOurs { .. }));
    fs::write(&path, "x").unwrap();
    assert!(matches!(refused(&path), StoreError::NotOurs { .. }));
}

#[test]
fn another_programs_database_is_not_touched() {
    let (_folder, path) = place();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(connection);
    assert!(matches!(refused(&path), StoreError::NotOurs { .. }));
}

#[tokio::test]
async fn a_later_format_is_not_touched() {
    let (_folder, path) = place();
    filled(&path).await;
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    connection.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(connection);
    let error = refused(&path);
    assert!(matches!(error, StoreError::Newer { found: 1_000, .. }), "{error}");
}

#[tokio::test]
async fn damage_is_found_and_left_as_it_is() {
    let (_folder, path) = place();
    filled(&path).await;
    let sound = fs::read(&path).unwrap();
    let pages = sound.len() / 4_096;
    assert!(pages > 10);

    let mut overwritten = sound.clone();
    overwritten[4_096 * 2..4_096 * 5].fill(b'Z');
    fs::write(&path, &overwritten).unwrap();
    assert!(matches!(refused(&path), StoreError::Corrupt { .. }));

    fs::write(&path, &sound[..4_096 * (pages / 2)]).unwrap();
    assert!(matches!(refused(&path), StoreError::Corrupt { .. }));

    let mut schema = sound.clone();
    schema[100..400].fill(0xFF);
    fs::write(&path, &schema).unwrap();
    assert!(matches!(refused(&path), StoreError::Corrupt { .. }));

    fs::write(&path, &sound).unwrap();
    Bench::open(&path);
}

#[tokio::test]
async fn nothing_is_written_while_the_file_may_be_damaged() {
    let (_folder, path) = place();
    filled(&path).await;
    let sound = fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    let pages = sound.len() / 4_096;
    damaged[4_096 * (pages - 3)..4_096 * (pages - 2)].fill(b'Z');
    fs::write(&path, &damaged).unwrap();

    let (store, mut done, soundness) = SqliteStore::open_unchecked(&options(&path), NOW).unwrap();
    assert_eq!(store.last_number().await.unwrap(), 500, "what can be read is read");
    store.write(Write::Accept(Box::new(acceptance(501)))).unwrap();
    assert!(matches!(soundness.wait(), Err(StoreError::Corrupt { .. })));
    assert!(done.recv().await.is_none(), "nothing was done");
    store.close().await.unwrap();
    assert!(fs::read(&path).unwrap() == damaged, "the file was changed");

    fs::write(&path, &sound).unwrap();
    let (store, mut done, soundness) = SqliteStore::open_unchecked(&options(&path), NOW).unwrap();
    store.write(Write::Accept(Box::new(acceptance(501)))).unwrap();
    soundness.wait().unwrap();
    assert!(done.recv().await.is_some(), "what came early is written once the file is known to be sound");
    assert_eq!(store.last_number().await.unwrap(), 501);
}

#[test]
fn an_empty_file_is_a_new_store() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    drop(Bench::open(&path));
    let (_folder, path) = place();
    // A crash came between making the file and its first format.
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    drop(connection);
    assert!(path.metadata().unwrap().len() > 0);
    Bench::open(&path);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (folder, path) = place();
    let missing = folder.path().join("no-such-folder/store.db");
    assert!(matches!(refused(&missing), StoreError::Unwritable { .. }));

    fs::write(&path, "").unwrap();
    assert!(matches!(refused(&path.join("store.db")), StoreError::Unwritable { .. }));

    // Permissions bind everybody but the superuser, for whom there is /proc.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let shut = folder.path().join("other.db");
    let superuser = fs::write(&shut, "").is_ok();
    let shut = if superuser { Path::new("/proc/store.db") } else { &shut };
    assert!(matches!(refused(shut), StoreError::Unwritable { .. }));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
