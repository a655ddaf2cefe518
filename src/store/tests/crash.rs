//! `kill -9` while it writes: everything acknowledged is there afterwards, and nothing is there twice.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Bench, NOW, acceptance, intent, outcome};
use crate::store::{Done, Verdict, Write};

/// Names the store to the child, which is this test binary once more.
const CHILD: &str = "CPIM_GATEWAY_TEST_CRASH_STORE";

/// How often the child is killed.
const ROUNDS: usize = 8;

/// Operations begun at a time: enough for groups to form and to overlap with settlements.
const BURST: i64 = 40;

/// What the child was told was durable.
#[derive(Debug, Default)]
struct Acknowledged {
    accepted: BTreeSet<i64>,
    attempted: BTreeSet<i64>,
    settled: BTreeSet<i64>,
}

/// Not a test: the process that is killed. It writes for as long as it lives, and says what it was told.
#[tokio::test]
async fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let mut bench = Bench::open(Path::new(&path));
    let mut out = std::io::stdout().lock();
    let mut number = bench.journal.last_number().await.unwrap();
    loop {
        for _ in 0..BURST {
            number += 1;
            // Some content needs several pages, so that a write torn in the middle would show.
            let content = vec![b'x'; usize::try_from(number % 7).unwrap() * 3_000];
            let mut acceptance = acceptance(number);
            acceptance.content = content.into();
            acceptance.intent = (number % 2 == 0).then(|| intent(&format!("out-{number}")));
            bench.write(Write::Accept(Box::new(acceptance)));
        }
        let mut outstanding = BURST;
        while outstanding > 0 {
            match bench.done().await {
                Done::Accepted { number, verdict: Verdict::New } => {
                    writeln!(out, "accepted {number}").unwrap();
                    if number % 2 == 0 {
                        bench.write(super::settlement(number, NOW));
                    } else {
                        bench.write(Write::Attempt {
                            number,
                            intent: intent(&format!("out-{number}")),
                            at: NOW,
                        });
                    }
                }
                Done::Attempted { number } => {
                    writeln!(out, "attempted {number}").unwrap();
                    // Every fifth stays open.
                    if number % 5 == 0 {
                        outstanding -= 1;
                    } else {
                        bench.write(super::settlement(number, NOW));
                    }
                }
                Done::Settled { number, first: true } => {
                    writeln!(out, "settled {number}").unwrap();
                    bench.write(Write::HandedOver { number });
                    outstanding -= 1;
                }
                other => panic!("{other:?}"),
            }
        }
        bench.journal.prune(NOW, super::RETENTION).await.unwrap();
    }
}

/// Lets a child write, kills it after about `lines` acknowledgements, and collects all it gave.
fn run_and_kill(path: &Path, lines: usize, acknowledged: &mut Acknowledged) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::crash::child", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((what, number)) = line.split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse() else { continue };
        let new = match what {
            "accepted" => acknowledged.accepted.insert(number),
            "attempted" => acknowledged.attempted.insert(number),
            "settled" => acknowledged.settled.insert(number),
            _ => continue,
        };
        assert!(new, "told twice: {line}");
        seen += 1;
        if seen == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(seen >= lines, "the child ended by itself after {seen} lines");
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut acknowledged = Acknowledged::default();
    for round in 0..ROUNDS {
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        let lines = 1 + usize::from(u16::from_le_bytes(random)) % 1_000;
        run_and_kill(&path, lines, &mut acknowledged);
        let mut bench = Bench::open(&path);
        verify(&mut bench, &acknowledged, &format!("round {round}, killed after {lines} lines")).await;
        bench.journal.close().await.unwrap();
    }
    assert!(acknowledged.settled.len() > ROUNDS, "{} settled", acknowledged.settled.len());
}

async fn verify(bench: &mut Bench, acknowledged: &Acknowledged, when: &str) {
    let unsettled = bench.numbers_unsettled().await;
    assert!(unsettled.is_sorted_by(|one, next| one < next), "{when}: each once, in order");
    for number in &acknowledged.accepted {
        // Panics when there are two.
        let story = bench.story(*number).await.unwrap_or_else(|| panic!("{when}: {number} is lost"));
        assert_eq!(story.octets, number.unsigned_abs() % 7 * 3_000);
        assert_eq!(story.settled.is_none(), unsettled.binary_search(number).is_ok(), "{when}: {number}");
        if let Some(settled) = story.settled {
            assert_eq!(settled.outcome, outcome(*number), "{when}: {number}");
        } else {
            assert!(!acknowledged.settled.contains(number), "{when}: the outcome of {number} is lost");
        }
        if number % 2 == 0 || acknowledged.attempted.contains(number) {
            let leg =
                &story.attempts.last().unwrap_or_else(|| panic!("{when}: attempt at {number}")).intent.leg;
            assert_eq!(*leg, format!("out-{number}"));
        }
    }
    let last = bench.journal.last_number().await.unwrap();
    assert!(acknowledged.accepted.last().is_none_or(|number| *number <= last));

    // What was not acknowledged may be there or not, but never in part.
    let mut after = 0;
    loop {
        let page = bench.journal.unsettled(after).await.unwrap();
        let Some(operation) = page.last() else { break };
        after = operation.acceptance.number;
        for operation in page {
            let octets = operation.acceptance.number % 7 * 3_000;
            assert_eq!(operation.acceptance.content.len() as i64, octets, "{when}");
        }
    }
    // A retransmission after the restart is recognised as one.
    if let Some(first) = acknowledged.accepted.first() {
        let mut again = acceptance(*first);
        again.number = last + 1;
        assert_eq!(bench.accept(again).await, Verdict::Retransmission { first: *first }, "{when}");
    }
}
