//! Senders and receivers of any protocol around whatever sits between them, with one clock: each message has a number,
//! and it has arrived once its receiver has read that number.

mod board;
mod ends;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, spawn_local};
use tokio::time::{sleep_until, timeout};

use crate::stats::quantile;
pub(crate) use board::Board;
pub(crate) use ends::{Form, Receiver, Sender, native, text};

/// How the senders write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// Each sender keeps so many under way, until so many have arrived in all.
    Window(usize, usize),
    /// So many a second over all senders, for so many seconds.
    Rate(f64, f64),
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Messages.
    pub(crate) count: f64,
    /// A second.
    pub(crate) per_s: f64,
    /// Seconds from when a message was due until it had arrived, in the middle.
    pub(crate) median_s: f64,
}

/// So long nothing may arrive: then what is missing is lost.
const PATIENCE: Duration = Duration::from_secs(15);

/// Has every sender write, until all has arrived and every answer is there.
///
/// # Errors
/// Where messages are lost or refused, or a connection ends.
pub(crate) async fn run(board: &Rc<Board>, senders: &[Rc<Sender>], load: Load) -> io::Result<Figures> {
    let total = match load {
        Load::Window(_, total) => total,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        Load::Rate(rate, for_s) => (rate * for_s) as usize,
    };
    let each = (total / senders.len().max(1)).max(1);
    let awaited = senders.iter().filter(|sender| sender.is_answered()).count() * each;
    board.begin(senders.len(), each * senders.len(), awaited);
    let start = Instant::now();
    let failed = Rc::new(RefCell::new(None));
    let mut tasks = JoinSet::new();
    for (index, sender) in senders.iter().enumerate() {
        let (board, sender, failed) = (Rc::clone(board), Rc::clone(sender), Rc::clone(&failed));
        let count = senders.len();
        tasks.spawn_local(async move {
            if let Err(error) = write(&board, &sender, load, (index, count, each), start).await {
                failed.replace(Some(error));
                board.all.notify_one();
            }
        });
    }
    while !board.is_done() {
        let before = board.progress();
        let woken = timeout(PATIENCE, board.all.notified()).await;
        if let Some(error) = failed.take() {
            return Err(error);
        }
        if let Some(words) = board.refusal() {
            return Err(io::Error::other(words));
        }
        if woken.is_err() && board.progress() == before {
            return Err(io::Error::other(format!("lost: {}", board.missing())));
        }
    }
    let latencies = board.latencies();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = latencies.len() as f64;
    let per_s = count / start.elapsed().as_secs_f64();
    Ok(Figures { count, per_s, median_s: quantile(&latencies, 0.5) })
}

async fn write(
    board: &Board,
    sender: &Sender,
    load: Load,
    (index, count, each): (usize, usize, usize),
    start: Instant,
) -> io::Result<()> {
    let (mut sent, mut out) = (0, Vec::new());
    while sent < each {
        match load {
            Load::Window(window, _) => {
                while sent < each && board.under_way(index) < window {
                    let number = board.due(index, Instant::now());
                    sender.put(&mut out, index, number);
                    sent += 1;
                }
                if out.is_empty() {
                    board.room(index).await;
                    continue;
                }
            }
            Load::Rate(rate, _) => {
                #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                let when = start + Duration::from_secs_f64((sent * count + index) as f64 / rate);
                if when > Instant::now() {
                    sleep_until(when.into()).await;
                }
                let number = board.due(index, when);
                sender.put(&mut out, index, number);
                sent += 1;
            }
        }
        sender.write(&out).await?;
        out.clear();
    }
    Ok(())
}

/// Reads for a connection until it ends.
pub(crate) fn listen(board: &Rc<Board>, receiver: Receiver) {
    let board = Rc::clone(board);
    spawn_local(async move {
        if let Err(error) = ends::receive(&board, receiver).await {
            board.refuse(format!("a connection ended: {error}"));
        }
    });
}
