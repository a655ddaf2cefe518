//! A disk that is full, or does not take writes for a while: the process lives, nothing accepted is lost.

use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Bench, NOW, PATIENCE, RETENTION, acceptance, intent, options, settlement};
use crate::store::{Acceptance, Done, SqliteOptions, StoreError, StoreHealth, Verdict, Write};

async fn becomes_degraded(health: &mut watch::Receiver<StoreHealth>) {
    timeout(PATIENCE, health.wait_for(|health| *health != StoreHealth::Ok)).await.unwrap().unwrap();
}

async fn becomes_ok(health: &mut watch::Receiver<StoreHealth>) {
    timeout(PATIENCE, health.wait_for(|health| *health == StoreHealth::Ok)).await.unwrap().unwrap();
}

/// Something else that writes into the file, and does not stop.
fn intruder(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn a_full_store_refuses_operations_and_still_settles() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let limit = 2 << 20;
    let mut bench = Bench::open_with(&SqliteOptions { max_octets: Some(limit), ..options(&path) });
    let mut health = bench.journal.health();
    let filling = |number| Acceptance { content: vec![b'x'; 10_000].into(), ..acceptance(number) };

    let mut accepted = 0;
    loop {
        bench.write(Write::Accept(Box::new(filling(accepted + 1))));
        match bench.done().await {
            Done::Accepted { verdict: Verdict::New, .. } => accepted += 1,
            Done::Failed { number } => break assert_eq!(number, accepted + 1),
            other => panic!("{other:?}"),
        }
    }
    assert!((50..200).contains(&accepted), "{accepted} accepted");
    becomes_degraded(&mut health).await;

    for number in 1..=accepted {
        assert_eq!(bench.attempt(number, "out").await, Done::Attempted { number });
        assert_eq!(bench.settle(number, NOW).await, Done::Settled { number, first: true });
    }
    bench.write(Write::Accept(Box::new(filling(accepted + 1))));
    assert_eq!(bench.done().await, Done::Failed { number: accepted + 1 });

    // Settled: their content goes, there is room again, and the store says so without being asked.
    while bench.journal.prune(NOW, RETENTION).await.unwrap().more {}
    becomes_ok(&mut health).await;
    assert_eq!(bench.accept(filling(accepted + 1)).await, Verdict::New);
    assert_eq!(bench.journal.trace("out").await.unwrap().len() as i64, accepted.min(100));
    bench.journal.close().await.unwrap();
    assert!(path.metadata().unwrap().len() <= limit);
}

#[tokio::test]
async fn an_operation_too_large_for_the_file_does_not_stop_others() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut bench = Bench::open_with(&SqliteOptions { max_octets: Some(2 << 20), ..options(&path) });
    let large = Acceptance { content: vec![b'x'; 3 << 20].into(), ..acceptance(1) };
    bench.write(Write::Accept(Box::new(large)));
    bench.write(Write::Accept(Box::new(acceptance(2))));
    assert_eq!(bench.done().await, Done::Failed { number: 1 });
    assert_eq!(bench.done().await, Done::Accepted { number: 2, verdict: Verdict::New });
    assert_eq!(*bench.journal.health().borrow(), StoreHealth::Ok);
}

#[tokio::test]
async fn while_nothing_can_be_written_outcomes_wait() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut bench = Bench::open(&path);
    let mut health = bench.journal.health();
    bench.accept(acceptance(1)).await;
    bench.accept(acceptance(2)).await;

    let intruder = intruder(&path);
    bench.write(settlement(1, NOW));
    bench.write(Write::Accept(Box::new(acceptance(3))));
    bench.write(Write::Attempt { number: 2, intent: intent("out-2"), at: NOW });
    assert_eq!(bench.done().await, Done::Failed { number: 3 });
    becomes_degraded(&mut health).await;
    bench.write(Write::Accept(Box::new(acceptance(4))));
    assert_eq!(bench.done().await, Done::Failed { number: 4 });

    intruder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(bench.done().await, Done::Settled { number: 1, first: true });
    assert_eq!(bench.done().await, Done::Attempted { number: 2 });
    becomes_ok(&mut health).await;
    assert_eq!(bench.accept(acceptance(4)).await, Verdict::New);
    assert!(bench.story(3).await.is_none());
}

#[tokio::test]
async fn a_store_in_trouble_recovers_without_traffic() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut bench = Bench::open(&path);
    let mut health = bench.journal.health();
    let intruder = intruder(&path);
    bench.write(Write::Accept(Box::new(acceptance(1))));
    assert_eq!(bench.done().await, Done::Failed { number: 1 });
    becomes_degraded(&mut health).await;
    drop(intruder);
    becomes_ok(&mut health).await;
}

#[tokio::test]
async fn closing_gives_up_on_a_disk_that_takes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut bench = Bench::open(&path);
    bench.accept(acceptance(1)).await;
    let intruder = intruder(&path);
    bench.write(settlement(1, NOW));
    let error = bench.journal.close().await.unwrap_err();
    assert!(matches!(error, StoreError::NotFlushed { writes: 1, .. }), "{error}");
    drop(intruder);
    let bench = Bench::open(&path);
    assert_eq!(bench.numbers_unsettled().await, [1], "as after a crash");
}

#[tokio::test]
async fn nobody_has_to_take_the_completions_for_the_store_to_close() {
    let mut bench = Bench::sqlite();
    for number in 1..=200 {
        bench.accept(acceptance(number)).await;
    }
    // More groups than may wait: each is its own, for the writer is faster than the queue is filled.
    for number in 1..=200 {
        bench.write(settlement(number, NOW));
        bench.journal.queue(1).await.unwrap();
    }
    bench.journal.close().await.unwrap();
}
