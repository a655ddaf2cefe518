//! Refusals: an operation that is answered before it was accepted.

use cpim_adapter::{Code, Response};

/// Why an operation is not accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// What the sender hears.
    pub(crate) words: &'static str,
    /// What the log and the trace hear besides.
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(code: Code, words: &'static str, detail: impl Into<String>) -> Self {
        Self { code, words, detail: detail.into() }
    }

    pub(crate) fn busy(words: &'static str) -> Self {
        Self::new(Code::Busy, words, "")
    }

    /// By a rule, whosever it is.
    pub(crate) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(Code::Denied, "not allowed", detail)
    }

    /// Known, and nobody is there.
    pub(crate) fn out_of_contact() -> Self {
        Self::new(Code::Unreachable, "known, but not in contact", "")
    }

    pub(crate) fn response(&self) -> Response {
        Response::failure(self.code, self.words)
    }
}
