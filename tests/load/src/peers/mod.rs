//! Other people's programs, each in a folder of its own, on loopback and on free ports, as far as they let us choose.
//! Where one is not installed, the error says so; the rows that need it are then not run.

pub(crate) mod biboumi;
pub(crate) mod ejabberd;
pub(crate) mod irc;
pub(crate) mod ngircd;
pub(crate) mod postfix;
pub(crate) mod prosody;
pub(crate) mod smtp;
pub(crate) mod xmpp;

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A folder that programs of other users can get at.
///
/// # Errors
/// Where it cannot be made.
fn folder(within: &Path) -> io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir_in(within)?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Quotes the end of a peer's log behind an error.
fn with_log(error: &io::Error, log: &Path) -> io::Error {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    io::Error::other(format!("{error}; it said: {}", last.join(" / ")))
}
