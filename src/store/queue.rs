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

/// The most refusable writes waiting: a second's worth on a slow disk.
pub(super) const ROOM_WRITES: usize = 8_192;

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
    /// Whether the writer sleeps: waking it is a system call, and a core that begins to run.
    asleep: Option<Sleep>,
}

/// How the writer sleeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sleep {
    /// No longer than lazy writes may wait.
    Light,
    /// Until it is woken.
    Sound,
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
        if state.is_reason_to_wake() {
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
        if state.asleep.is_some() {
            self.wake(state);
        }
        Ok(())
    }

    /// The next group, as soon as there is one. With `patience`, [`Next::Idle`] when nothing came for that long.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next {
        let mut state = self.lock();
        let mut waited = false;
        // After a group lazy writes mostly come, which need wake nobody as long as this wait lasts.
        let mut light = patience.is_none();
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
            if waited && !light {
                return Next::Idle;
            }
            light &= !waited;
            light |= !state.writes.is_empty();
            let limit = if light { Some(LAZY_WAIT) } else { patience };
            state.asleep = Some(if light { Sleep::Light } else { Sleep::Sound });
            (state, waited) = self.sleep(state, limit);
            state.asleep = None;
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
        drop(state);
        self.changed.notify_all();
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
    /// Whether the writer has to wake for what came last: not for a lazy write that the present wait will do for.
    fn is_reason_to_wake(&self) -> bool {
        match self.asleep {
            None => false,
            Some(Sleep::Light) => self.eager > 0 || self.writes.len() == GROUP_WRITES,
            Some(Sleep::Sound) => true,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn asleep(asleep: Option<Sleep>, writes: impl IntoIterator<Item = Write>) -> State {
        let mut state = State { asleep, ..State::default() };
        for write in writes {
            state.eager += usize::from(!write.is_lazy());
            state.writes.push_back(write);
        }
        state
    }

    #[test]
    fn a_lazy_write_wakes_only_a_writer_who_would_sleep_on() {
        let lazy = |number| Write::HandedOver { number };
        assert!(asleep(Some(Sleep::Sound), [lazy(1)]).is_reason_to_wake());
        assert!(!asleep(Some(Sleep::Light), [lazy(1), lazy(2)]).is_reason_to_wake());
        assert!(asleep(Some(Sleep::Light), [lazy(1), Write::Withdraw { number: 1 }]).is_reason_to_wake());
        assert!(asleep(Some(Sleep::Light), (0..512).map(lazy)).is_reason_to_wake());
        assert!(!asleep(None, [Write::Withdraw { number: 1 }]).is_reason_to_wake());
    }
}
