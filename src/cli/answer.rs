//! The response to an operation, as it is printed.

use std::fmt;

use cpim_adapter::{Code, Response, Status, TransId};
use serde::Serialize;

use super::exit::Exit;
use super::out::printable;

/// A response, and to what.
#[derive(Debug, Serialize)]
pub(super) struct Answered {
    /// `success`, `failure` or `indeterminant`.
    status: &'static str,
    /// Why, in one word.
    code: Option<&'static str>,
    /// Why, in words.
    words: String,
    /// The language of the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    /// The duration that was granted, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u32>,
    /// The subscription's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscript_id: Option<String>,
    /// What was answered.
    trans_id: String,
}

impl Answered {
    pub(super) fn new(trans_id: &TransId, response: &Response) -> Self {
        Self {
            status: response.status().as_str(),
            code: response.code().map(Code::as_str),
            words: response.words().to_owned(),
            lang: response.lang().map(|lang| lang.as_str().to_owned()),
            duration: response.duration(),
            subscript_id: response.subscript_id().map(ToString::to_string),
            trans_id: trans_id.to_string(),
        }
    }
}

/// How a command ends upon a response: `busy` says that nothing was accepted.
pub(super) fn exit_of(response: &Response) -> Exit {
    match (response.status(), response.code()) {
        (Status::Failure, Some(Code::Busy)) => Exit::TryAgain,
        (status, _) => status.into(),
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fact = |name: &str, value: &str| match value.is_empty() {
            true => Ok(()),
            false => writeln!(f, "{name:<10}{}", printable(value)),
        };
        fact("status", self.status)?;
        fact("code", self.code.unwrap_or_default())?;
        fact("words", &self.words)?;
        fact(
            "duration",
            &self
                .duration
                .map(|seconds| format!("{seconds} s"))
                .unwrap_or_default(),
        )?;
        fact("subscript", self.subscript_id.as_deref().unwrap_or_default())?;
        write!(f, "{:<10}{}", "transID", printable(&self.trans_id))
    }
}
