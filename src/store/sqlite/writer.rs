//! The one thread that writes: it turns what waits into groups, and each group into one durable transaction.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Result, Transaction, TransactionBehavior};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::watch;

use super::log::Log;
use super::prune::Pruner;
use super::room::Room;
use super::statements::Statements;
use crate::store::completions::Reports;
use crate::store::queue::{Next, Queue};
use crate::store::write::{Done, Kept, Write};
use crate::store::{StoreError, StoreHealth};

/// The first wait before a group that failed is tried again; each further one is twice as long.
const BACK_OFF_FIRST: Duration = Duration::from_millis(10);

/// The longest such wait, and how often a store in trouble is probed when nobody writes.
const BACK_OFF_LAST: Duration = Duration::from_secs(1);

/// How long to wait for whoever takes the completions before looking whether the store was closed meanwhile.
const COMPLETION_WAIT: Duration = Duration::from_millis(5);

/// The writer, for as long as the store is open.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    statements: Statements<'c>,
    room: Option<Room<'c>>,
    log: Log,
    pruner: Pruner,
    queue: Arc<Queue>,
    done: Reports,
    health: watch::Sender<StoreHealth>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        (statements, room, log): (Statements<'c>, Option<Room<'c>>, Log),
        queue: Arc<Queue>,
        done: Reports,
        health: watch::Sender<StoreHealth>,
    ) -> Self {
        Self { connection, statements, room, log, pruner: Pruner::default(), queue, done, health }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(&mut self) -> Result<(), StoreError> {
        loop {
            let patience = (*self.health.borrow() != StoreHealth::Ok).then_some(BACK_OFF_LAST);
            match self.queue.next(patience) {
                Next::Closed => return Ok(()),
                Next::Group(group) => self.write(group)?,
                Next::Idle => self.probe(),
                Next::Prune(request) => self.pruner.serve(self.connection, request),
            }
            self.log.tend(self.connection);
        }
    }

    /// Makes a group durable. When that fails, what may be refused is refused, and the rest is tried until it
    /// succeeds: an operation that was accepted is never left without its outcome.
    fn write(&mut self, group: Vec<Write>) -> Result<(), StoreError> {
        if let Ok(done) = self.commit(&group) {
            self.complete(done);
            return Ok(());
        }
        let mut kept = Vec::new();
        self.refuse(group, &mut kept);
        let mut wait = BACK_OFF_FIRST;
        let mut closed = false;
        while !kept.is_empty() {
            let error = match self.commit(&kept) {
                Ok(done) => {
                    self.complete(done);
                    return Ok(());
                }
                Err(error) => error,
            };
            if closed {
                return Err(StoreError::NotFlushed { writes: kept.len(), detail: error.to_string() });
            }
            closed = self.queue.pause(wait);
            wait = (wait * 2).min(BACK_OFF_LAST);
            let (more, prune) = self.queue.drain();
            self.refuse(more, &mut kept);
            if let Some(request) = prune {
                self.pruner.serve(self.connection, request);
            }
        }
        Ok(())
    }

    /// One group, one transaction.
    fn commit(&mut self, group: &[Write]) -> Result<Vec<Done>> {
        let committed = self.transact(group);
        match &committed {
            Ok(_) if self.room.as_ref().is_some_and(Room::is_short) => {
                self.degraded("the file has reached the size it may have");
            }
            Ok(_) => self.healthy(),
            Err(error) => self.degraded(&error.to_string()),
        }
        committed
    }

    fn transact(&mut self, group: &[Write]) -> Result<Vec<Done>> {
        let transaction = Transaction::new_unchecked(self.connection, TransactionBehavior::Immediate)?;
        if let Some(room) = &mut self.room {
            room.measure()?;
        }
        let mut done = Vec::with_capacity(group.len());
        for write in group {
            let fits = match (&mut self.room, write) {
                (
                    Some(room),
                    Write::Accept(_)
                    | Write::AddNote { .. }
                    | Write::Lease { .. }
                    | Write::Note { value: Some(_), .. },
                ) => room.take(write.octets()),
                _ => true,
            };
            done.extend(if fits { self.statements.perform(write)? } else { refusal(write) });
        }
        self.log.make_room();
        transaction.commit()?;
        Ok(done)
    }

    /// Refuses of `writes` what may be refused, and keeps the rest, in order.
    fn refuse(&self, writes: Vec<Write>, kept: &mut Vec<Write>) {
        let mut refused = Vec::new();
        for write in writes {
            if write.may_be_refused() {
                refused.extend(refusal(&write));
            } else {
                kept.push(write);
            }
        }
        self.complete(refused);
    }

    /// Reports what was done. Gives up only when nobody listens any more.
    fn complete(&self, mut done: Vec<Done>) {
        while !done.is_empty() {
            done = match self.done.try_send(done) {
                Ok(()) | Err(TrySendError::Closed(_)) => return,
                Err(TrySendError::Full(done)) => done,
            };
            if self.queue.pause(COMPLETION_WAIT) {
                return; // Closing: what nobody was told of is found at the next start.
            }
        }
    }

    /// Looks whether a store in trouble takes writes again.
    fn probe(&mut self) {
        let probed = self.connection.unchecked_transaction().and_then(|transaction| {
            self.statements.probe()?;
            if let Some(room) = &mut self.room {
                room.measure()?;
            }
            transaction.commit()
        });
        if probed.is_ok() && !self.room.as_ref().is_some_and(Room::is_short) {
            self.healthy();
        }
    }

    fn healthy(&self) {
        self.report(StoreHealth::Ok);
    }

    fn degraded(&self, why: &str) {
        self.report(StoreHealth::Degraded(why.to_owned()));
    }

    fn report(&self, new: StoreHealth) {
        self.health.send_if_modified(|health| {
            if *health == new {
                return false;
            }
            match &new {
                StoreHealth::Degraded(why) => tracing::error!(why, "the store takes no operations"),
                StoreHealth::Ok => tracing::info!("the store takes operations again"),
            }
            *health = new;
            true
        });
    }
}

impl Drop for Writer<'_> {
    /// Whatever ended the writer, nothing is taken any more that would not be written.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// How whoever waits for a refused write is told.
fn refusal(write: &Write) -> Option<Done> {
    match write {
        Write::Accept(acceptance) => Some(Done::Failed { number: acceptance.number }),
        Write::Alias { space, address, .. } => {
            Some(Done::AliasFailed { space: space.clone(), address: address.clone() })
        }
        Write::AddNote { ticket, .. } | Write::Lease { ticket, .. } | Write::Note { ticket, .. } => {
            Some(Done::Noted { ticket: *ticket, kept: Kept::Not })
        }
        _ => None,
    }
}
