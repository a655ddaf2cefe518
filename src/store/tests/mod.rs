//! What every store must do, and what the file must stand.

mod crash;
mod files;
mod leases;
mod memory;
mod queue;
mod suite;
mod trouble;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

/// A moment to begin with, in Unix milliseconds.
const NOW: i64 = 1_800_000_000_000;

/// Longer than anything here takes: a store that says nothing fails its test instead of holding it up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the stores under test recognise retransmissions, in seconds.
const REMEMBERS_S: u32 = 3_600;

const RETENTION: Retention = Retention {
    history_s: 86_400,
    keep_answers_s: 604_800,
    keep_seen_s: 1_000_000,
    remembers_s: REMEMBERS_S,
};

/// A store, and what it reports, one by one.
struct Bench {
    journal: Box<dyn Journal>,
    done: Completions,
    next: VecDeque<Done>,
    _folder: Option<TempDir>,
}

impl Bench {
    fn memory() -> Self {
        Self::memory_with(MemoryOptions { remembers_s: REMEMBERS_S, ..Default::default() })
    }

    fn memory_with(options: MemoryOptions) -> Self {
        let (store, done) = MemoryStore::new(options);
        Self { journal: Box::new(store), done, next: VecDeque::new(), _folder: None }
    }

    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let mut bench = Self::open(&folder.path().join("store.db"));
        bench._folder = Some(folder);
        bench
    }

    fn open(path: &Path) -> Self {
        Self::open_with(&options(path))
    }

    fn open_with(options: &SqliteOptions) -> Self {
        let (store, done) = SqliteStore::open(options, NOW).unwrap();
        Self { journal: Box::new(store), done, next: VecDeque::new(), _folder: None }
    }

    fn write(&self, write: Write) {
        self.journal.write(write).unwrap();
    }

    async fn done(&mut self) -> Done {
        while self.next.is_empty() {
            let group = timeout(PATIENCE, self.done.recv()).await.expect("the store reports in time");
            self.next = group.expect("the store goes on reporting").into();
        }
        self.next.pop_front().unwrap()
    }

    async fn accept(&mut self, acceptance: Acceptance) -> Verdict {
        let wanted = acceptance.number;
        self.write(Write::Accept(Box::new(acceptance)));
        match self.done().await {
            Done::Accepted { number, verdict } if number == wanted => verdict,
            other => panic!("{other:?} in answer to an acceptance"),
        }
    }

    async fn settle(&mut self, number: i64, at: i64) -> Done {
        self.write(settlement(number, at));
        self.done().await
    }

    async fn attempt(&mut self, number: i64, leg: &str) -> Done {
        self.write(Write::Attempt { number, intent: intent(leg), at: NOW });
        self.done().await
    }

    /// Waits until everything written before is in, the lazy writes included.
    async fn flush(&mut self) {
        let (space, address) = ("flush".to_owned(), "flush".to_owned());
        self.write(Write::Alias { space, address, candidates: Vec::new(), at: NOW });
        assert!(matches!(self.done().await, Done::Aliased { name: None, .. }));
    }

    /// Like [`flush`](Self::flush), and lets go of all completions before.
    async fn flush_all(&mut self) {
        let (space, address) = ("flush".to_owned(), "flush".to_owned());
        self.write(Write::Alias { space, address, candidates: Vec::new(), at: NOW });
        while !matches!(self.done().await, Done::Aliased { .. }) {}
    }

    async fn story(&self, number: i64) -> Option<Story> {
        let stories = self.journal.trace(&format!("id-{number}")).await.unwrap();
        assert!(stories.len() <= 1, "an operation is there once: {stories:?}");
        stories.into_iter().next()
    }

    async fn numbers_unsettled(&self) -> Vec<i64> {
        let (mut numbers, mut after) = (Vec::new(), 0);
        loop {
            let page = self.journal.unsettled(after).await.unwrap();
            let Some(last) = page.last() else { return numbers };
            after = last.acceptance.number;
            numbers.extend(page.iter().map(|operation| operation.acceptance.number));
        }
    }
}

fn options(path: &Path) -> SqliteOptions {
    SqliteOptions {
        path: path.to_owned(),
        gateway: "gw.example".to_owned(),
        max_octets: None,
        remembers_s: REMEMBERS_S,
    }
}

/// An operation in which everything differs from every other one's.
fn acceptance(number: i64) -> Acceptance {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    Acceptance {
        number,
        id: format!("id-{number}"),
        owner: "im:fred@a.example".to_owned(),
        owner_domain: "a.example".to_owned(),
        trans_id: format!("in-{number}"),
        digest,
        kind: "message".into(),
        source: "im:Fred@A.example".to_owned(),
        destination: "im:barney@B.example".to_owned(),
        source_key: "im:fred@a.example".to_owned(),
        destination_key: "im:barney@b.example".to_owned(),
        content: format!("Content-Type: text/plain\r\n\r\nNumber {number}: \0\u{ff}").into(),
        metadata: format!("{{\"subject\":\"{number}\"}}"),
        hops: 128,
        via: "gw-c.example,gw-d.example".to_owned(),
        wait_until: Some(NOW + 60_000),
        standing: "verified".to_owned(),
        accepted_at: NOW,
        intent: None,
        steps: "[\"received\"]".to_owned(),
    }
}

fn intent(leg: &str) -> Intent {
    let (leg, hop) = (leg.to_owned(), "peer:gw-b.example".to_owned());
    Intent { leg, hop, recall_until: Some(NOW + 3_600_000) }
}

fn outcome(number: i64) -> Outcome {
    Outcome {
        status: "failure".into(),
        code: Some("refused".into()),
        text: format!("not number {number}"),
        lang: Some("en".to_owned()),
        duration: Some(60),
        subscript_id: Some(format!("sub-{number}")),
    }
}

fn settlement(number: i64, at: i64) -> Write {
    Write::Settle { number, outcome: outcome(number), at, steps: "[\"delivered\"]".to_owned(), awaited: true }
}
