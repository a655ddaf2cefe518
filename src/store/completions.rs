//! What a store has done, on its way to whoever waits for it.
//!
//! A durable store reports from a thread of its own. A thread that is none of the runtime's wakes a task by way of a
//! queue that all workers share, and whichever worker takes it wakes another one first, to look whether there is more: two
//! threads wake for one report. What comes from a file descriptor wakes only the worker that looks at those. So such a
//! store rings a bell, which is a pipe.

use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::{TryRecvError, TrySendError};

use super::Done;

/// The completions of a store, in groups, in the order of the writes.
#[derive(Debug)]
pub struct Completions {
    groups: mpsc::Receiver<Vec<Done>>,
    bell: Option<Bell>,
}

/// Where a store reports from a thread of its own.
#[derive(Debug)]
pub(super) struct Reports {
    // Dropped before the pipe is: at its end, whoever listens finds that there are no more.
    groups: mpsc::Sender<Vec<Done>>,
    rung: Arc<AtomicBool>,
    pipe: PipeWriter,
}

/// Heard by whoever waits.
#[derive(Debug)]
struct Bell {
    /// One octet is in the pipe, or about to be; never more.
    rung: Arc<AtomicBool>,
    /// Its end of the pipe, before the runtime knows of it: a store may be opened outside of one.
    unknown: Option<PipeReader>,
    pipe: Option<pipe::Receiver>,
}

/// A way for so many groups.
///
/// # Errors
/// There is no pipe to be had.
pub(super) fn channel(groups: usize) -> io::Result<(Reports, Completions)> {
    let (reader, writer) = io::pipe()?;
    let (sender, receiver) = mpsc::channel(groups);
    let rung = Arc::new(AtomicBool::new(false));
    let bell = Bell { rung: Arc::clone(&rung), unknown: Some(reader), pipe: None };
    let reports = Reports { groups: sender, rung, pipe: writer };
    Ok((reports, Completions { groups: receiver, bell: Some(bell) }))
}

impl Reports {
    /// Reports a group.
    ///
    /// # Errors
    /// As those of a channel: there is no room for it now, or nobody listens any more.
    pub(super) fn try_send(&self, group: Vec<Done>) -> Result<(), TrySendError<Vec<Done>>> {
        self.groups.try_send(group)?;
        if !self.rung.swap(true, Ordering::AcqRel) {
            // It has room, and fails only where nobody listens any more.
            (&self.pipe).write_all(&[0]).ok();
        }
        Ok(())
    }
}

impl From<mpsc::Receiver<Vec<Done>>> for Completions {
    /// Of a store that reports from the threads on which it is asked.
    fn from(groups: mpsc::Receiver<Vec<Done>>) -> Self {
        Self { groups, bell: None }
    }
}

impl Completions {
    /// The next group; nothing once the store is closed and all were taken.
    ///
    /// # Cancel safety
    /// Cancelled, none is lost.
    pub async fn recv(&mut self) -> Option<Vec<Done>> {
        while let Some(bell) = &mut self.bell {
            tokio::task::consume_budget().await;
            match self.groups.try_recv() {
                Ok(group) => return Some(group),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if let Err(error) = bell.rung().await {
                tracing::warn!(%error, "the store is heard, but later");
                self.bell = None;
            }
        }
        self.groups.recv().await
    }

    /// A group that is there.
    ///
    /// # Errors
    /// There is none now, or there will be none any more.
    pub fn try_recv(&mut self) -> Result<Vec<Done>, TryRecvError> {
        self.groups.try_recv()
    }
}

impl Bell {
    /// Waits until it is rung. Cancelled, it is heard the next time.
    async fn rung(&mut self) -> io::Result<()> {
        if let Some(reader) = self.unknown.take() {
            self.pipe = Some(pipe::Receiver::from_owned_fd(reader.into())?);
        }
        let pipe = self.pipe.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        loop {
            pipe.readable().await?;
            match pipe.try_read(&mut [0; 8]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => {
                    self.rung.swap(false, Ordering::AcqRel);
                    return read.map(drop);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn settled(number: i64) -> Vec<Done> {
        vec![Done::Lost { number }]
    }

    fn numbers(group: Option<Vec<Done>>) -> Option<i64> {
        match group?.as_slice() {
            [Done::Lost { number }] => Some(*number),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn who_waits_hears_of_each_group_and_of_the_end() {
        const GROUPS: i64 = 20_000;
        let (reports, mut completions) = thread::spawn(|| channel(8).unwrap()).join().unwrap();
        let reporting = thread::spawn(move || {
            for number in 0..GROUPS {
                let mut group = settled(number);
                while let Err(TrySendError::Full(again)) = reports.try_send(group) {
                    group = again;
                    thread::yield_now();
                }
            }
        });
        for number in 0..GROUPS {
            assert_eq!(numbers(completions.recv().await), Some(number));
        }
        assert_eq!(completions.recv().await, None);
        assert_eq!(completions.recv().await, None, "and again");
        reporting.join().unwrap();
    }

    #[tokio::test]
    async fn who_waits_by_turns_misses_none() {
        let (reports, mut completions) = channel(8).unwrap();
        for number in 0..1_000 {
            // Given up while it waits, it has taken nothing.
            timeout(Duration::ZERO, completions.recv()).await.unwrap_err();
            reports.try_send(settled(number)).unwrap();
            reports.try_send(settled(-number)).unwrap();
            assert_eq!(numbers(completions.recv().await), Some(number));
            assert_eq!(numbers(completions.try_recv().ok()), Some(-number));
        }
        drop(completions);
        assert!(matches!(reports.try_send(settled(1)), Err(TrySendError::Closed(_))));
    }
}
