//! The queue before the writer: ordered, bounded, and never in the way of whoever writes.
//!
//! A queue of its own and no channel, because room is a matter of kind: what opens something new is refused when
//! as much is waiting as may wait; what concerns an operation already accepted always finds room, its number being
//! bounded by the operations in flight.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::{NotWritten, StoreError};
use super::retention::{Pruned, Retention};
use super::write::Write;

/// The most refusable writes waiting: a second's worth on a slow disk, and more than sessions are open, each of which may
/// begin something at once.
pub(super) const ROOM_WRITES: usize = 16_384;

/// The most octets waiting before refusable writes are refused.
pub(super) const ROOM_OCTETS: usize = 64 << 20;

/// The most writes in one group: beyond it a commit costs nothing per write any more, and answers only wait.
const GROUP_WRITES: usize = 512;

/// Octets at which a group ends: it must fit into the write-ahead log without swelling it.
const GROUP_OCTETS: usize = 8 << 20;

/// How long lazy writes wait for others to ride with.
const LAZY_WAIT: Duration = Duration::from_millis(250);

/// The most prunes waiting; the gateway has one caller.
const PRUNES: usize = 4;

/// Which writes wait, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

/// One request to prune.
#[derive(Debug)]
pub(super) struct PruneRequest {
    pub(super) now: i64,
    pub(super) retention: Retention,
    pub(super) reply: oneshot::Sender<Result<Pruned, StoreError>>,
}

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Next {
    /// The queue is closed and empty.
    Closed,
    /// Perform these.
    Group(Vec<Write>),
    /// Nothing came within the patience.
    Idle,
    /// Prune.
    Prune(PruneRequest),
}

#[derive(Debug, Default)]
struct State {
    writes: VecDeque<Write>,
    prunes: VecDeque<PruneRequest>,
    /// How many of `writes` somebody waits for.
    eager: usize,
    /// How many of `writes` could have been refused.
    refusable: usize,
    octets: usize,
    closed: bool,
    /// Whether the writer sleeps: waking is a system call, spared when it does not.
    asleep: bool,
}

impl Queue {
    pub(super) fn push(&self, write: Write) -> Result<(), NotWritten> {
        let mut state = self.lock();
        if state.closed {
            return Err(NotWritten::Closed);
        }
        let refusable = write.may_be_refused();
        if refusable && (state.refusable >= ROOM_WRITES || state.octets >= ROOM_OCTETS) {
            return Err(NotWritten::Full);
        }
        state.refusable += usize::from(refusable);
        state.eager += usize::from(!write.is_lazy());
        state.octets += write.octets();
        state.writes.push_back(write);
        // A lazy write is reason to wake only to begin its wait, or when a whole group of them has come.
        let waiting = state.writes.len();
        if state.eager > 0 || waiting == 1 || waiting == GROUP_WRITES {
            self.wake(state);
        }
        Ok(())
    }

    pub(super) fn push_prune(&self, request: PruneRequest) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.prunes.len() >= PRUNES {
            return Err(StoreError::Failed(format!("{PRUNES} prunes are waiting already")));
        }
        state.prunes.push_back(request);
        self.wake(state);
        Ok(())
    }

    /// The next group, as soon as there is one. With `patience`, [`Next::Idle`] when nothing came for that long.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let mut state = self.lock();
        let mut waited = false;
        loop {
            // First, and not last: a busy gateway must forget too, and one prune is short.
            if let Some(request) = state.prunes.pop_front() {
                return Next::Prune(request);
            }
            let enough = waited || state.closed || state.writes.len() >= GROUP_WRITES;
            if state.eager > 0 || (enough && !state.writes.is_empty()) {
                return Next::Group(state.take_group());
            }
            if state.closed {
                return Next::Closed;
            }
            if waited {
                return Next::Idle;
            }
            let limit = if state.writes.is_empty() { patience } else { Some(LAZY_WAIT) };
            state.asleep = true;
            (state, waited) = self.sleep(state, limit);
            state.asleep = false;
        }
    }

    /// The writes and the prune that are waiting now, without waiting for any.
    pub(super) fn drain(&self) -> (Vec<Write>, Option<PruneRequest>) {
        let mut state = self.lock();
        (state.eager, state.refusable, state.octets) = (0, 0, 0);
        (mem::take(&mut state.writes).into(), state.prunes.pop_front())
    }

    /// Waits, but not once the queue is closed. Returns whether it is.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.closed
    }

    /// Nothing more is taken; what was taken will still be performed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let asleep = state.asleep;
        drop(state);
        if asleep {
            self.changed.notify_all();
        }
    }

    fn sleep<'q>(
        &self,
        state: MutexGuard<'q, State>,
        limit: Option<Duration>,
    ) -> (MutexGuard<'q, State>, bool) {
        match limit {
            Some(limit) => {
                let (state, timeout) =
                    self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
                (state, timeout.timed_out())
            }
            None => (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), false),
        }
    }

    /// Every change is complete before the lock is let go, so a panic elsewhere cannot have left it half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_group(&mut self) -> Vec<Write> {
        let mut group = Vec::with_capacity(self.writes.len().min(GROUP_WRITES));
        let mut octets = 0;
        while group.len() < GROUP_WRITES && octets < GROUP_OCTETS {
            let Some(write) = self.writes.pop_front() else {
                break;
            };
            octets += write.octets();
            self.eager -= usize::from(!write.is_lazy());
            self.refusable -= usize::from(write.may_be_refused());
            group.push(write);
        }
        self.octets -= octets;
        group
    }
}
