//! The steps of an operation's life, as `trace` tells them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;

/// One thing that happened to an operation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Step {
    /// When.
    pub at: UnixMs,
    /// What: a word that stays the same between versions.
    pub what: Cow<'static, str>,
    /// More of it, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Step {
    pub(crate) fn new(at: UnixMs, what: &'static str, detail: impl Into<String>) -> Self {
        Self { at, what: what.into(), detail: detail.into() }
    }

    /// Steps in the form that the store keeps.
    pub(crate) fn to_text(steps: &[Self]) -> String {
        serde_json::to_string(steps).unwrap_or_default()
    }

    /// Reads the form that the store keeps; what cannot be read is told as one step.
    pub(crate) fn from_text(text: &str) -> Vec<Self> {
        if text.is_empty() {
            return Vec::new();
        }
        serde_json::from_str(text)
            .unwrap_or_else(|error| vec![Self::new(UnixMs(0), "unreadable", error.to_string())])
    }
}
