//! An operation's leg over a link, which always has a last word.

use cpim_adapter::{AdapterContext, LegRef, Report, Response, Word};

/// A leg over a link. Dropped without more, it says that nothing of it was sent.
pub(crate) struct Leg {
    number: u64,
    cx: AdapterContext,
    last_word: Word,
}

impl Leg {
    /// A leg of which nothing has been sent.
    pub(crate) const fn new(number: u64, cx: AdapterContext) -> Self {
        Self { number, cx, last_word: Word::NotSent }
    }

    /// The peer answered.
    pub(crate) fn answered(mut self, response: Response) {
        self.last_word = Word::Answered(response);
    }

    /// Some of it was sent, and nobody will ever know more.
    pub(crate) fn unknown(mut self) {
        self.last_word = Word::Unknown;
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        let word = std::mem::replace(&mut self.last_word, Word::NotSent);
        self.cx.report(Report { leg: LegRef::Number(self.number), word });
    }
}
