//! Whom the author's program plays: the first line that it says.

use cpim_adapter::{Kind, Status};
use cpim_conformance::PeerError;
use serde::Deserialize;
use serde_json::Value;

use crate::failed;

/// Whom the program plays, and what they can say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    /// Two users, by their foreign addresses.
    pub(super) users: [String; 2],
    /// What its users can say.
    #[serde(default = "messages")]
    pub(super) says: Vec<String>,
    /// What its users can be told.
    #[serde(default = "messages")]
    pub(super) takes: Vec<String>,
    /// Outcomes that a sender is told; the others are silence.
    #[serde(default = "outcomes")]
    pub(super) tells: Vec<String>,
    /// A sender is told the code and the words as they are.
    #[serde(default)]
    pub(super) words: bool,
    /// Its users' answers make outcomes known.
    #[serde(default)]
    pub(super) outcomes: bool,
    /// The protocol has a mark for what no person wrote.
    #[serde(default)]
    pub(super) automatic: bool,
    /// A repetition is known as one.
    #[serde(default)]
    pub(super) repeats: bool,
    /// Answers wait for a user who is away.
    #[serde(default)]
    pub(super) keeps: bool,
    /// An answer that was kept says of which operation it is.
    #[serde(default)]
    pub(super) names_kept: bool,
    /// Operations of the peer at most that wait for their answer.
    #[serde(default = "waiting")]
    pub(super) waiting: usize,
    /// Octets of a text that is shown whole.
    #[serde(default = "readable")]
    pub(super) readable: usize,
    /// Addresses as they are spelt.
    #[serde(default)]
    pub(super) spellings: Spellings,
}

/// How addresses are spelt.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Spellings {
    /// These are canonical.
    pub(super) canonical: Vec<String>,
    /// Each two are one, the second its canonical form.
    pub(super) same: Vec<[String; 2]>,
    /// These are refused.
    pub(super) refused: Vec<String>,
}

fn messages() -> Vec<String> {
    vec![Kind::Message.as_str().to_owned()]
}

fn outcomes() -> Vec<String> {
    [Status::Success, Status::Failure, Status::Indeterminant]
        .map(|status| status.as_str().to_owned())
        .to_vec()
}

const fn waiting() -> usize {
    64
}

const fn readable() -> usize {
    usize::MAX
}

impl Hello {
    /// Reads the line.
    pub(super) fn read(line: Value) -> Result<Self, PeerError> {
        serde_json::from_value(line).map_err(|error| failed(format!("the peer's first line: {error}")))
    }
}
