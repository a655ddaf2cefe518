//! Certificates in the sections of adapters.

use std::path::Path;

use crate::config::certificate::{PairError, pair};

/// A key of a table, and what is wrong with it.
pub(super) type Wrong = (&'static str, String);

/// What is wrong with `certificate` and `key` of one table.
pub(super) fn wrong_pair(certificate: Option<&Path>, key: Option<&Path>) -> Option<Wrong> {
    match (certificate, key) {
        (None, None) => None,
        (Some(_), None) => {
            Some(("key", "is missing; the private key of certificate must be given".to_owned()))
        }
        (None, Some(_)) => {
            Some(("certificate", "is missing; the certificate of key must be given".to_owned()))
        }
        (Some(certificate), Some(key)) => pair(certificate, key).err().map(|error| match error {
            PairError::Certificate(message) => ("certificate", message),
            PairError::Key(message) => ("key", message),
        }),
    }
}
