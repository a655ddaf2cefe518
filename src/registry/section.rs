//! What the sections of all adapters have in common: how they are read, how mistakes are told, where they listen.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::tls::Wrong;
use crate::config::{ConfigError, ConfigErrors, Endpoint, Known, Listeners, Section};

/// The type of a section.
pub(super) trait Table: DeserializeOwned + Default {
    /// Looks at everything that was written, completes it (paths, secrets), and tells what is wrong with it.
    fn look(&mut self, findings: &mut Findings<'_>);

    /// Where its listeners listen: which, by what key, and where.
    fn places(self) -> Vec<(usize, &'static str, Endpoint)>;
}

/// What is found wrong with a section.
pub(super) struct Findings<'a> {
    pub(super) section: &'a Section,
    /// What the rest of the configuration says.
    pub(super) known: &'a Known,
    errors: Vec<ConfigError>,
}

impl Findings<'_> {
    /// These are wrong, of the section itself (`&[]`) or of a table in it (`&["listener", "0"]`).
    pub(super) fn say(&mut self, table: &[&str], wrong: impl IntoIterator<Item = Wrong>) {
        for (key, message) in wrong {
            let keys: Vec<&str> = table.iter().copied().chain([key]).collect();
            let error = self.section.error(&keys, message);
            // A value that could not be read is not missing as well.
            if self.errors.iter().all(|said| said.key != error.key) || error.key.is_empty() {
                self.errors.push(error);
            }
        }
    }

    /// Sees paths from the folder of the configuration file.
    pub(super) fn find<'p>(&self, paths: impl IntoIterator<Item = &'p mut PathBuf>) {
        for path in paths {
            *path = self.section.beside(path);
        }
    }
}

/// The section, read, completed and checked.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read<T: Table>(section: &Section, known: &Known) -> Result<T, ConfigErrors> {
    let (mut table, errors) = section.read_what_is_right::<T>();
    let mut findings = Findings { section, known, errors };
    table.look(&mut findings);
    if findings.errors.is_empty() { Ok(table) } else { Err(ConfigErrors::new(findings.errors)) }
}

/// As [`read`], for `check`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn check<T: Table>(section: &Section, known: &Known) -> Result<(), ConfigErrors> {
    read::<T>(section, known).map(drop)
}

/// Where the section listens, as far as it can be read.
pub(super) fn listens<T: Table>(section: &Section) -> Listeners {
    let places = section.read::<T>().unwrap_or_default().places();
    let keys = |nth: usize, key: &str| ["listener", &nth.to_string(), key].map(str::to_owned).to_vec();
    places.into_iter().map(|(nth, key, endpoint)| (keys(nth, key), endpoint)).collect()
}
