//! The store in one SQLite file: WAL, full sync, one thread that writes in groups, one connection that reads.

mod leases;
mod log;
mod open;
mod prune;
mod reader;
mod room;
mod statements;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Mutex, oneshot, watch};

use self::open::{Found, Ready};
use self::reader::Reader;
use self::room::Room;
use self::statements::Statements;
use self::writer::Writer;
use super::completions::{self, Reports};
use super::queue::{PruneRequest, Queue};
use super::{
    AliasRow, Completions, Journal, KeptAnswer, LeaseRow, NotWritten, OwnerScope, Pruned, Recalled,
    Retention, StoreError, StoreHealth, Story, Unsettled, Write,
};

/// Groups of completions waiting to be taken before the writer stands still.
const COMPLETIONS: usize = 64;

/// Which file, and how it is used.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file; `-wal`, `-shm` and `-lock` stand beside it. Made where there is none, readable by its owner
    /// only; its folder is not made.
    pub path: PathBuf,
    /// The name of this gateway among those that share the store: its relay domain.
    pub gateway: String,
    /// The most octets the file may have, the log beside it not counted: a few megabytes at least. Operations
    /// are refused before the last eighth, which is left for outcomes. `None`: the disk decides.
    pub max_octets: Option<u64>,
    /// How long retransmissions are recognised after the answer, in seconds.
    pub remembers_s: u32,
}

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    queue: Arc<Queue>,
    reader: Reader,
    gateway: i64,
    remembers_s: u32,
    health: watch::Receiver<StoreHealth>,
    /// How the writer ended; `None` once somebody has been told.
    ended: Mutex<Option<oneshot::Receiver<Result<(), StoreError>>>>,
}

/// Whether the file is sound: until that is known, the store can be read, and nothing is written.
#[derive(Debug)]
pub struct Soundness(Option<Receiver<Result<i64, StoreError>>>);

impl Soundness {
    /// Waits until the whole file has been read once, and what must be written first is written. Blocks.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`] that concern what is in the file. Nothing was written to it then.
    pub fn wait(mut self) -> Result<(), StoreError> {
        self.gateway().map(drop)
    }

    /// The same the first time, and then nothing: this gateway's row.
    fn gateway(&mut self) -> Result<Option<i64>, StoreError> {
        let Some(ready) = self.0.take() else { return Ok(None) };
        ready.recv().map_err(failed)?.map(Some)
    }
}

impl SqliteStore {
    /// Opens the store, makes it where there is none, and brings its format up to date. Returns it and the
    /// receiver of what it has done. `now` is in Unix milliseconds. Blocks: it reads the whole file once to see
    /// that it is sound.
    ///
    /// # Errors
    /// Every [`StoreError`] but `Closed` and `NotFlushed`. A file that is not a sound store of a format known
    /// here is left as it is.
    pub fn open(options: &SqliteOptions, now: i64) -> Result<(Self, Completions), StoreError> {
        let (store, done, soundness) = Self::open_unchecked(options, now)?;
        soundness.wait()?;
        Ok((store, done))
    }

    /// The same for who has much to read at the start: returns as soon as there is something to read, while the
    /// file is still looked through. What is read meanwhile must have no effect until [`Soundness::wait`] has
    /// returned; what is written meanwhile is kept until then, and never gets into a file that is not sound.
    ///
    /// # Errors
    /// As [`Self::open`], but for what [`Soundness::wait`] says.
    pub fn open_unchecked(
        options: &SqliteOptions,
        now: i64,
    ) -> Result<(Self, Completions, Soundness), StoreError> {
        let Found { lock, readable } = open::find(options)?;
        let queue = Arc::new(Queue::default());
        let (done, completions) = completions::channel(COMPLETIONS).map_err(failed)?;
        let (health_sender, health) = watch::channel(StoreHealth::Ok);
        let (ended_sender, ended) = oneshot::channel();
        let (ready_sender, ready) = sync_channel(1);

        let remembers_s = options.remembers_s;
        let (shared, options) = (Arc::clone(&queue), options.clone());
        let path = options.path.clone();
        let work = move || {
            let ended = write(&options, now, &ready_sender, (shared, done, health_sender));
            // In this order: carried over and closed first, free for others then, and only then reported.
            drop(lock);
            drop(ended_sender.send(ended));
        };
        thread::Builder::new().name("store".to_owned()).spawn(work).map_err(failed)?;
        let mut soundness = Soundness(Some(ready));
        let (reader, gateway) = match readable {
            Some(readable) => readable,
            None => {
                let gateway = soundness.gateway()?.unwrap_or_default();
                (open::reader(&path)?, gateway)
            }
        };

        let reader = Reader::new(reader);
        let store = Self { queue, reader, gateway, remembers_s, health, ended: Mutex::new(Some(ended)) };
        Ok((store, completions, soundness))
    }
}

/// Where a writer takes from, and whom it tells.
type Ways = (Arc<Queue>, Reports, watch::Sender<StoreHealth>);

/// Prepares the file, reports whether that went well, writes until there is no more, and closes the file.
fn write(
    options: &SqliteOptions,
    now: i64,
    ready: &SyncSender<Result<i64, StoreError>>,
    (queue, done, health): Ways,
) -> Result<(), StoreError> {
    let prepared = open::prepare(options, now);
    let Ready { writer, log, gateway, fence } = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            drop(ready.send(Err(error)));
            return Ok(());
        }
    };
    let statements = Statements::new(&writer, gateway, fence, options.remembers_s);
    let room = || options.max_octets.map(|_| Room::new(&writer)).transpose();
    match statements.and_then(|statements| Ok((statements, room()?))) {
        Ok((statements, room)) => {
            drop(ready.send(Ok(gateway)));
            Writer::new(&writer, (statements, room, log), queue, done, health).run()
        }
        Err(error) => {
            drop(ready.send(Err(failed(error))));
            Ok(())
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn failed(error: impl ToString) -> StoreError {
    StoreError::Failed(error.to_string())
}

/// A number of rows as SQL takes it.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[async_trait]
impl Journal for SqliteStore {
    fn write(&self, write: Write) -> Result<(), NotWritten> {
        self.queue.push(write)
    }

    fn health(&self) -> watch::Receiver<StoreHealth> {
        self.health.clone()
    }

    async fn recall(
        &self,
        owner: &str,
        trans_id: &str,
        digest: &[u8; 32],
        now: i64,
    ) -> Result<Option<Recalled>, StoreError> {
        let (owner, trans_id, digest) = (owner.to_owned(), trans_id.to_owned(), *digest);
        let remembers_s = self.remembers_s;
        self.reader
            .read(move |connection| reader::recall(connection, &owner, &trans_id, &digest, remembers_s, now))
            .await
    }

    async fn kept(
        &self,
        scopes: &[OwnerScope],
        after: i64,
        limit: usize,
    ) -> Result<Vec<KeptAnswer>, StoreError> {
        let scopes = scopes.to_vec();
        self.reader.read(move |connection| reader::kept(connection, &scopes, after, limit)).await
    }

    async fn unsettled(&self, after: i64) -> Result<Vec<Unsettled>, StoreError> {
        let gateway = self.gateway;
        self.reader.read(move |connection| reader::unsettled(connection, gateway, after)).await
    }

    async fn find_leg(&self, leg: &str) -> Result<Vec<Story>, StoreError> {
        let leg = leg.to_owned();
        self.reader.read(move |connection| reader::find_leg(connection, &leg)).await
    }

    async fn trace(&self, text: &str) -> Result<Vec<Story>, StoreError> {
        let text = text.to_owned();
        self.reader.read(move |connection| reader::trace(connection, &text)).await
    }

    async fn story(&self, number: i64) -> Result<Option<Story>, StoreError> {
        self.reader.read(move |connection| reader::story_of(connection, number)).await
    }

    async fn queue(&self, limit: usize) -> Result<Vec<Story>, StoreError> {
        self.reader.read(move |connection| reader::queue(connection, limit)).await
    }

    async fn last_number(&self) -> Result<i64, StoreError> {
        self.reader.read(reader::last_number).await
    }

    async fn alias_of(&self, space: &str, address: &str) -> Result<Option<AliasRow>, StoreError> {
        let (space, address) = (space.to_owned(), address.to_owned());
        self.reader.read(move |connection| reader::alias_of(connection, &space, &address)).await
    }

    async fn alias_named(&self, space: &str, name: &str) -> Result<Option<AliasRow>, StoreError> {
        let (space, name) = (space.to_owned(), name.to_owned());
        self.reader.read(move |connection| reader::alias_named(connection, &space, &name)).await
    }

    async fn aliases(&self, space: &str, name: &str, limit: usize) -> Result<Vec<AliasRow>, StoreError> {
        let (space, name) = (space.to_owned(), name.to_owned());
        self.reader.read(move |connection| reader::aliases(connection, &space, &name, limit)).await
    }

    async fn note(&self, space: &str, key: &str, now: i64) -> Result<Option<Bytes>, StoreError> {
        let (space, key) = (space.to_owned(), key.to_owned());
        self.reader.read(move |connection| reader::note(connection, &space, &key, now)).await
    }

    async fn notes(
        &self,
        space: &str,
        after: &str,
        limit: usize,
        now: i64,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let (space, after) = (space.to_owned(), after.to_owned());
        self.reader.read(move |connection| reader::notes(connection, &space, &after, limit, now)).await
    }

    async fn lease(&self, watcher: &str, presentity: &str) -> Result<Option<LeaseRow>, StoreError> {
        let (watcher, presentity) = (watcher.to_owned(), presentity.to_owned());
        self.reader.read(move |connection| leases::lease(connection, &watcher, &presentity)).await
    }

    async fn leases(&self, after: i64, limit: usize) -> Result<Vec<(i64, LeaseRow)>, StoreError> {
        let gateway = self.gateway;
        self.reader.read(move |connection| leases::leases(connection, gateway, after, limit)).await
    }

    async fn leases_held(&self) -> Result<usize, StoreError> {
        self.reader.read(leases::held).await
    }

    async fn seen(&self, address: &str) -> Result<bool, StoreError> {
        let address = address.to_owned();
        self.reader.read(move |connection| reader::seen(connection, &address)).await
    }

    async fn prune(&self, now: i64, retention: Retention) -> Result<Pruned, StoreError> {
        let (reply, pruned) = oneshot::channel();
        self.queue.push_prune(PruneRequest { now, retention, reply })?;
        pruned.await.map_err(|_| StoreError::Closed)?
    }

    async fn close(&self) -> Result<(), StoreError> {
        // The last connection to close carries the log over into the file; that must be the one that can write.
        self.reader.close().await;
        self.queue.close();
        // Kept locked, so that a second caller waits as well.
        let mut ended = self.ended.lock().await;
        let Some(receiver) = ended.as_mut() else {
            return Ok(());
        };
        let result =
            receiver.await.unwrap_or_else(|_| Err(StoreError::Failed("the writer ended early".to_owned())));
        *ended = None;
        result
    }
}

impl Drop for SqliteStore {
    /// Lets the writer finish what it has, in its own time.
    fn drop(&mut self) {
        self.queue.close();
    }
}
