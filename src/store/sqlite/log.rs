//! The write-ahead log: carried over into the file beside the writer, who appends to it meanwhile.
//!
//! To carry sixteen megabytes over takes some twenty milliseconds, for which whatever is written in them would wait. So a
//! thread of its own carries over, again and again, until what came meanwhile is short. That rest is the writer's, between
//! two groups: only where nothing is appended does the log begin anew.
//!
//! A file that grows is slower to make durable than one that is written over, as its second use is. So it is made longer
//! by many pages at once, before they are needed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, Result, TransactionBehavior};
use tracing::debug;

/// Pages (of 4,096 octets) at which the log is carried over: 16 MiB, a few large groups.
pub(super) const LONG: usize = 4_096;

/// Pages that the writer carries over itself: they take it about as long as a group does.
const SHORT: usize = 128;

/// How often in a row the log is carried over without the rest becoming short: then writing is as quick as the disk, and
/// must wait for it.
const TIMES: usize = 8;

/// Pages at which the writer carries over by itself, whatever has become of the other thread.
const TOO_LONG: usize = 8 * LONG;

/// Octets of a page in the log, with what stands before it.
const PAGE_OCTETS: u64 = 24 + 4_096;

/// So many pages are there before they are needed: more than most groups take.
const AHEAD: u64 = 128;

/// By so many octets the log is made longer.
const STEP: usize = 1 << 20;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Log {
    state: Arc<State>,
    file: Longer,
    /// Has it carried over. Absent once it is to end.
    long: Option<SyncSender<()>>,
    carrier: Option<JoinHandle<()>>,
}

/// What both sides know.
#[derive(Debug, Default)]
struct State {
    /// Pages in the log, as of the last commit.
    pages: AtomicUsize,
    /// All but a rest has been carried over.
    is_rest: AtomicBool,
}

impl Log {
    /// Has what `writer` appends from now on to `file` carried over by `carrier`.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn new(writer: &mut Connection, carrier: Connection, file: File) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        // Instead of SQLite's own, which carries over within a commit.
        writer
            .wal_hook(Some(move |_: &mut _, pages| {
                seen.pages.store(usize::try_from(pages).unwrap_or_default(), Ordering::Relaxed);
                Ok(())
            }))
            .map_err(io::Error::other)?;
        let (long, wakes) = sync_channel(1);
        let shared = Arc::clone(&state);
        let work = move || carry_all(&carrier, &shared, &wakes);
        let carrier = Some(thread::Builder::new().name("store-log".to_owned()).spawn(work)?);
        let mut log = Self { state, file: Longer { file, pages: 0, octets: 0 }, long: Some(long), carrier };
        log.begin(writer).map_err(io::Error::other)?;
        Ok(log)
    }

    /// Before the first group, which otherwise would wait for it: makes the log longer, durably.
    fn begin(&mut self, writer: &mut Connection) -> Result<()> {
        let _alone = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.make_room();
        // What is not durable yet will be with the first group.
        self.file.file.sync_data().ok();
        Ok(())
    }

    /// Before a group is committed, and while nobody else can append: makes the log longer where it is about to be full.
    pub(super) fn make_room(&mut self) {
        self.file.make_room(self.state.pages.load(Ordering::Relaxed) as u64);
    }

    /// After a group: sees to it that the log does not become too long.
    pub(super) fn tend(&self, writer: &Connection) {
        let pages = self.state.pages.load(Ordering::Relaxed);
        if pages < LONG {
            return;
        }
        if self.state.is_rest.swap(false, Ordering::Acquire) || pages >= TOO_LONG {
            // Somebody else may be at it, or read: then it is done after a later group.
            carry_over(writer).map_err(|error| debug!(%error, "the log stays for now")).ok();
        } else if let Some(long) = &self.long {
            // Full where it is at it already.
            long.try_send(()).ok();
        }
    }
}

/// The log's file.
#[derive(Debug)]
struct Longer {
    file: File,
    /// Pages in use when it was looked at last.
    pages: u64,
    /// Its length, as far as is known; the largest number where it cannot be made longer.
    octets: u64,
}

impl Longer {
    fn make_room(&mut self, pages: u64) {
        if pages < self.pages {
            // It began anew, and SQLite may have cut it.
            self.octets = 0;
        }
        self.pages = pages;
        let needed = (pages + AHEAD) * PAGE_OCTETS;
        if needed > self.octets {
            // Without it everything goes on as well, only slower.
            self.octets = self.lengthen(needed).unwrap_or(u64::MAX);
        }
    }

    /// Appends zeros, which SQLite knows to be no pages. Returns how long it is then.
    fn lengthen(&self, needed: u64) -> io::Result<u64> {
        let octets = self.file.metadata()?.len();
        if octets >= needed {
            return Ok(octets);
        }
        if let Err(error) = self.file.write_all_at(&vec![0; STEP], octets) {
            self.file.set_len(octets)?;
            return Err(error);
        }
        Ok(octets + STEP as u64)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.long = None;
        if let Some(carrier) = self.carrier.take() {
            // It ends by itself; whether it did so in order changes nothing that is durable.
            carrier.join().ok();
        }
    }
}

/// Carries over whenever woken, until nobody can wake it any more.
fn carry_all(connection: &Connection, state: &State, wakes: &Receiver<()>) {
    while wakes.recv().is_ok() {
        for _ in 0..TIMES {
            let carried = carry_over(connection).inspect_err(|error| {
                // The writer meets with the same trouble, and says so.
                debug!(%error, "the log cannot be carried over");
            });
            let rest = |carried| state.pages.load(Ordering::Relaxed).saturating_sub(carried);
            if carried.map_or(true, |carried| rest(carried) <= SHORT) {
                break;
            }
        }
        state.is_rest.store(true, Ordering::Release);
    }
}

/// Carries over what nobody reads any more, and waits for nobody. How many pages of the log have been by now.
fn carry_over(connection: &Connection) -> Result<usize> {
    let (_, carried) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)?;
    Ok(usize::try_from(carried).unwrap_or_default())
}
