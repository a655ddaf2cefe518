//! How a command ends: its exit code, and what it says where it did not do what it was asked.

use std::fmt;
use std::process::ExitCode;

use cpim_adapter::Status;

/// The exit codes. They are a contract: scripts decide by them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Exit {
    /// It was done; for `send`, the far side has it.
    Done = 0,
    /// It was not; for `send`, the far side has it not.
    Failure = 1,
    /// It was asked wrongly, or the configuration is wrong.
    Usage = 2,
    /// Nobody can know whether the far side has it.
    Indeterminant = 3,
    /// Nothing was accepted: to be tried again (EX_TEMPFAIL of `sysexits.h`).
    TryAgain = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Success => Self::Done,
            Status::Failure => Self::Failure,
            Status::Indeterminant => Self::Indeterminant,
        }
    }
}

/// A command that could not do what it was asked.
#[derive(Debug)]
pub(super) struct Failed {
    /// How it ends.
    pub exit: Exit,
    /// Why, for standard error: whole lines, without the last line end.
    pub words: String,
}

impl Failed {
    pub(super) fn new(exit: Exit, words: impl fmt::Display) -> Self {
        Self {
            exit,
            words: words.to_string(),
        }
    }

    pub(super) fn failure(words: impl fmt::Display) -> Self {
        Self::new(Exit::Failure, words)
    }

    pub(super) fn usage(words: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, words)
    }

    pub(super) fn try_again(words: impl fmt::Display) -> Self {
        Self::new(Exit::TryAgain, words)
    }
}
