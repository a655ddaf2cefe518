//! What is wrong with a configuration: where, which key, and what would have been right.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Everything that is wrong with a configuration, in the order of the file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ConfigErrors(Vec<ConfigError>);

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ConfigError {
    /// Where it was written.
    #[serde(flatten)]
    pub place: Place,
    /// The key, as `limits.hops` or, in the first element of a list, `route[0].to[1]`; empty for the file as a whole.
    pub key: String,
    /// What is wrong and what is accepted.
    pub message: String,
}

/// Where a value, or the lack of one, was written.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// In the configuration file.
    File {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1, where it says more than the line.
        #[serde(skip_serializing_if = "Option::is_none")]
        column: Option<usize>,
    },
    /// The file as a whole.
    Whole {
        /// The file.
        file: PathBuf,
    },
    /// In the environment.
    Variable {
        /// The name of the variable.
        variable: String,
    },
}

impl ConfigErrors {
    /// Puts them in the order of the file, those of the environment last.
    pub(crate) fn new(mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by(|a, b| (&a.place, &a.key).cmp(&(&b.place, &b.key)));
        Self(errors)
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, error) in self.0.iter().enumerate() {
            let line_end = if nth == 0 { "" } else { "\n" };
            write!(f, "{line_end}{error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column: None } => write!(f, "{}:{line}", file.display()),
            Self::File { file, line, column: Some(column) } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
            Self::Whole { file } => write!(f, "{}", file.display()),
            Self::Variable { variable } => f.write_str(variable),
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl std::error::Error for ConfigError {}
