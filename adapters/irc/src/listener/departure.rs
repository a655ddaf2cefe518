//! What goes out to a client from elsewhere, and what becomes of it.

use std::sync::Arc;
use std::time::SystemTime;

use cpim_adapter::{AdapterContext, Address, Code, LegRef, OperationId, Presence, Report, Response, Word};
use cpim_irc_proto::{Origin, Trailing};

/// Something for one client.
#[derive(Debug)]
pub(crate) enum Departure {
    /// A message.
    Letter(Box<Letter>),
    /// The presence of somebody whom it watches or asked about.
    News(Box<News>),
    /// A foreign user appears by another nick.
    Renamed(Arc<Renamed>),
}

/// A message for one client.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) leg: Leg,
    /// Whoever wrote it.
    pub(crate) source: Origin,
    /// The account of whoever wrote it, where it is of this network.
    pub(crate) account: Option<Arc<str>>,
    /// It came about by itself, and must not be answered so.
    pub(crate) automatic: bool,
    /// Its lines, each of which fits.
    pub(crate) lines: Vec<Trailing>,
    /// Its name.
    pub(crate) id: OperationId,
    /// When the gateway took it.
    pub(crate) at: SystemTime,
}

/// The presence of a presentity, for a watcher.
#[derive(Debug)]
pub(crate) struct News {
    /// Whose.
    pub(crate) target: Address,
    pub(crate) presence: Presence,
}

/// A foreign user that appears by another nick from now on.
#[derive(Debug)]
pub(crate) struct Renamed {
    /// The nick that it had.
    pub(crate) old: Arc<str>,
    /// As it was.
    pub(crate) source: Origin,
    /// The nick that it has.
    pub(crate) new: Arc<str>,
}

/// A message's leg on this connection. It always has a last word: dropped without an outcome, it says what the
/// connection's end means for it.
pub(crate) struct Leg {
    number: u64,
    cx: AdapterContext,
    /// What is reported if nothing else ever is.
    last_word: Option<Word>,
}

impl Leg {
    /// A leg of which nothing has been sent.
    pub(crate) fn new(number: u64, cx: AdapterContext) -> Self {
        Self { number, cx, last_word: Some(Word::NotSent) }
    }

    /// The client has it: what it said of being away goes to the sender.
    pub(crate) fn arrived(mut self, away: Option<&str>) {
        let response = match away {
            Some(away) => Response::from_text(cpim_adapter::Status::Success, &format!("away: {away}")),
            None => Response::success(),
        };
        self.last_word = Some(Word::Answered(response));
    }

    /// The connection ended with so many lines of it out, of so many.
    pub(crate) fn cut_off(mut self, out: usize, of: usize) {
        let words = format!("the client left before it confirmed: {out} of {of} lines were out");
        self.last_word = Some(Word::Answered(Response::indeterminant(Code::Timeout, words)));
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        if let Some(word) = self.last_word.take() {
            self.cx.report(Report { leg: LegRef::Number(self.number), word });
        }
    }
}

impl std::fmt::Debug for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leg({})", self.number)
    }
}
