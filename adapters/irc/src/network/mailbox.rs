//! What waits for one connection: messages that wait for their turn, and lines of our own.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use cpim_irc_proto::Casemapping;
use cpim_irc_proto::client::Letter;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::leg::Leg;
use crate::sync::lock;

/// Messages that wait for their turn at one connection; whatever comes then is told to come again.
const TURNS: usize = 64;

/// Lines of our own that wait: notices to people, and what the gateway asks. More are courtesies that are not paid.
const LINES: usize = 64;

/// What waits for one connection, whether it is there or not.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    inner: Mutex<Inner>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    turns: VecDeque<oneshot::Sender<Turn>>,
    lines: VecDeque<Bytes>,
    /// Messages that will want a turn.
    wanted: usize,
    /// When somebody last wanted anything of it.
    used: Option<Instant>,
    is_closed: bool,
    /// The connection stays away for a while: nobody waits for that.
    is_held: bool,
}

/// The turn of one message: the connection waits for it, and for nothing else that is to be sent as a message.
#[derive(Debug)]
pub(super) struct Turn {
    /// Octets of `nick!user@host` before each of its lines.
    pub(super) source_octets: usize,
    /// How the network folds names.
    pub(super) mapping: Casemapping,
    /// Where the message goes.
    pub(super) slot: oneshot::Sender<Posted>,
}

/// A message that has passed its commit point.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) letter: Letter,
    pub(super) leg: Leg,
    /// It goes out as NOTICE, to which a server need not say what is wrong (RFC 2812 section 3.3.2).
    pub(super) is_notice: bool,
}

/// Says that a message will want its turn, for as long as it lasts.
#[derive(Debug)]
pub(super) struct Wanted<'a>(&'a Mailbox);

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let mut inner = lock(&self.0.inner);
        inner.wanted = inner.wanted.saturating_sub(1);
    }
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoTurn {
    /// Too many wait.
    Full,
    /// The connection will not come about any more, or not for a while.
    Closed,
}

impl Mailbox {
    /// Has the connection come about, or stay, for a message that is not ready for its turn yet.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        {
            let mut inner = lock(&self.inner);
            inner.wanted += 1;
            inner.used = Some(Instant::now());
        }
        self.more.notify_one();
        Wanted(self)
    }

    /// The turn, once it comes. Cancel safe: cancelled, it goes to the next.
    pub(super) async fn turn(&self) -> Result<Turn, NoTurn> {
        let comes = {
            let mut inner = lock(&self.inner);
            if inner.is_closed || inner.is_held {
                return Err(NoTurn::Closed);
            }
            inner.turns.retain(|turn| !turn.is_closed());
            if inner.turns.len() >= TURNS {
                return Err(NoTurn::Full);
            }
            let (sender, comes) = oneshot::channel();
            inner.turns.push_back(sender);
            inner.used = Some(Instant::now());
            comes
        };
        self.more.notify_one();
        comes.await.map_err(|_| NoTurn::Closed)
    }

    /// Gives the next message its turn; gives back where that comes, if one waits.
    pub(super) fn give_turn(
        &self,
        source_octets: usize,
        mapping: Casemapping,
    ) -> Option<oneshot::Receiver<Posted>> {
        loop {
            let next = lock(&self.inner).turns.pop_front()?;
            let (slot, posted) = oneshot::channel();
            if next.send(Turn { source_octets, mapping, slot }).is_ok() {
                return Some(posted);
            }
        }
    }

    /// Whether a message waits for its turn.
    pub(super) fn has_turns(&self) -> bool {
        lock(&self.inner).turns.iter().any(|turn| !turn.is_closed())
    }

    /// Whether a message waits for the connection, or will in a moment.
    pub(super) fn is_waited_for(&self) -> bool {
        lock(&self.inner).wanted > 0 || self.has_turns()
    }

    /// Has a line sent when the pace lets it.
    pub(super) fn line(&self, line: Bytes) {
        {
            let mut inner = lock(&self.inner);
            if inner.lines.len() >= LINES || inner.is_closed {
                return;
            }
            inner.lines.push_back(line);
        }
        self.more.notify_one();
    }

    /// The next line of our own.
    pub(super) fn next_line(&self) -> Option<Bytes> {
        lock(&self.inner).lines.pop_front()
    }

    /// Lines that were for a connection which is gone.
    pub(super) fn forget_lines(&self) {
        lock(&self.inner).lines.clear();
    }

    /// There is something to be done.
    pub(super) fn wake(&self) {
        self.more.notify_one();
    }

    /// Resolves when something may have been put in. Cancel safe.
    pub(super) async fn changed(&self) {
        self.more.notified().await;
    }

    /// Somebody made use of the connection.
    pub(super) fn touch(&self) {
        lock(&self.inner).used = Some(Instant::now());
    }

    /// When somebody last did.
    pub(super) fn used(&self) -> Option<Instant> {
        lock(&self.inner).used
    }

    /// Nothing is taken any more, and whoever waits is told so.
    pub(super) fn close(&self) {
        {
            let mut inner = lock(&self.inner);
            inner.is_closed = true;
            inner.turns.clear();
            inner.lines.clear();
        }
        self.more.notify_one();
    }

    /// No turn is given while the connection stays away, and whoever waits for one is told so.
    pub(super) fn hold(&self, is_held: bool) {
        let mut inner = lock(&self.inner);
        inner.is_held = is_held;
        if is_held {
            inner.turns.clear();
        }
    }

    /// It may come about again.
    pub(super) fn reopen(&self) {
        lock(&self.inner).is_closed = false;
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.inner).is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_order_and_to_who_still_waits() {
        let mailbox = Mailbox::default();
        let given_up = mailbox.turn();
        let (first, second) = (mailbox.turn(), mailbox.turn());
        tokio::pin!(first, second);
        for waiting in [first.as_mut(), second.as_mut()] {
            assert!(waits(waiting).await);
        }
        drop(given_up);
        let posted = mailbox.give_turn(10, Casemapping::Ascii).unwrap();
        let turn = first.await.unwrap();
        assert_eq!(turn.source_octets, 10);
        drop(turn);
        assert!(posted.await.is_err(), "it gave up before its commit point");
        assert!(mailbox.has_turns());
        mailbox.close();
        assert_eq!(second.await.unwrap_err(), NoTurn::Closed);
        assert_eq!(mailbox.turn().await.unwrap_err(), NoTurn::Closed);
    }

    #[test]
    fn what_will_want_a_turn_keeps_the_connection() {
        let mailbox = Mailbox::default();
        let wanted = mailbox.wanted();
        assert!(mailbox.is_waited_for() && !mailbox.has_turns());
        assert!(mailbox.give_turn(10, Casemapping::Ascii).is_none(), "and holds up nobody");
        drop(wanted);
        assert!(!mailbox.is_waited_for() && mailbox.used().is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_who_stays_away() {
        let mailbox = Mailbox::default();
        let mut waiting = Box::pin(mailbox.turn());
        assert!(waits(waiting.as_mut()).await);
        mailbox.hold(true);
        assert_eq!(waiting.await.unwrap_err(), NoTurn::Closed);
        assert_eq!(mailbox.turn().await.unwrap_err(), NoTurn::Closed);
        mailbox.hold(false);
        assert!(waits(Box::pin(mailbox.turn()).as_mut()).await);
    }

    #[tokio::test]
    async fn there_is_an_end_of_waiting() {
        let mailbox = Mailbox::default();
        let mut waiting: Vec<_> = (0..TURNS).map(|_| Box::pin(mailbox.turn())).collect();
        for turn in &mut waiting {
            assert!(waits(turn.as_mut()).await);
        }
        assert_eq!(mailbox.turn().await.unwrap_err(), NoTurn::Full);
        drop(waiting);
        assert!(waits(Box::pin(mailbox.turn()).as_mut()).await, "nobody waits any more");
        for _ in 0..LINES * 2 {
            mailbox.line(Bytes::from_static(b"PING :x\r\n"));
        }
        assert_eq!(std::iter::from_fn(|| mailbox.next_line()).count(), LINES);
    }

    /// Whether a future waits, having been asked once.
    async fn waits<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }
}
