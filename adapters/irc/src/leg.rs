//! An operation's leg on one connection, of whatever kind.

use cpim_adapter::{AdapterContext, Code, LegRef, Report, Response, Status, Word};
use cpim_irc_proto::client::Reason;

/// What is known of a message that the network's server took without a word: never more than that.
const TAKEN: &str = "the network's server took it; whether it was read by anybody is not told on IRC";

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
            Some(away) => Response::from_text(Status::Success, &format!("away: {away}")),
            None => Response::success(),
        };
        self.last_word = Some(Word::Answered(response));
    }

    /// The network's server took all of it and named no error. `trusted`: that counts as arrived.
    pub(crate) fn taken(mut self, trusted: bool, away: Option<&str>) {
        let away = away.map(|away| format!("away: {away}"));
        self.last_word = Some(Word::Answered(match trusted {
            true => Response::from_text(Status::Success, away.as_deref().unwrap_or_default()),
            // Nothing went wrong, and so there is no code.
            false => {
                let away = away.map(|away| format!("; {away}")).unwrap_or_default();
                Response::from_text(Status::Indeterminant, &format!("{TAKEN}{away}"))
            }
        }));
    }

    /// The network's server refused it, with so many lines of it out, of so many.
    pub(crate) fn failed(mut self, reason: Reason, words: &str, out: usize, of: usize) {
        let code = match reason {
            Reason::NoSuchNick => Code::Unreachable,
            Reason::Later | Reason::Refused => Code::Refused,
            Reason::TooLong => Code::TooLarge,
        };
        let partly = if of > 1 { format!(" ({out} of {of} lines were out)") } else { String::new() };
        self.last_word = Some(Word::Answered(Response::failure(code, format!("{words}{partly}"))));
    }

    /// The network's server says nothing of it at all.
    pub(crate) fn unanswered(mut self) {
        let words = "the network's server says nothing of it";
        self.last_word = Some(Word::Answered(Response::indeterminant(Code::Timeout, words)));
    }

    /// The connection ended with so many lines of it out, of so many.
    pub(crate) fn cut_off(mut self, out: usize, of: usize) {
        let words = format!("the connection ended before it was confirmed: {out} of {of} lines were out");
        self.last_word = Some(Word::Answered(Response::indeterminant(Code::Timeout, words)));
    }

    /// Whoever it went to answered.
    pub(crate) fn answered(mut self, response: Response) {
        self.last_word = Some(Word::Answered(response));
    }

    /// Some of it was sent, and nobody on this connection will ever know more.
    pub(crate) fn unknown(mut self) {
        self.last_word = Some(Word::Unknown);
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
