//! Secrets: where they come from, and that they are never shown.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// The longest secret, in octets. It must fit an attribute of `open` beside everything else there.
pub const MAX_SECRET: usize = 1024;

/// A shared secret. `Debug` does not show it, and there is no `Display`.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as it came from a file or the environment: the line end after it is not part of it.
    ///
    /// # Errors
    /// When nothing remains, it is over [`MAX_SECRET`], or it holds what the `secret` attribute of `open`
    /// cannot carry unchanged (control characters).
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            Err(SecretError::Empty)
        } else if text.len() > MAX_SECRET {
            Err(SecretError::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(SecretError::Control)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// Reads the secret from a file that nobody but its owner and its group can read.
    ///
    /// # Errors
    /// As [`Secret::new`], and when the file cannot be read, is not UTF-8 or is open to everybody.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let file = open_private(path)?;
        let mut text = String::new();
        // Room for the secret, its line end, and one octet that shows that there is more.
        let room = u64::try_from(MAX_SECRET).unwrap_or(u64::MAX).saturating_add(3);
        file.take(room).read_to_string(&mut text).map_err(SecretError::Unreadable)?;
        Self::new(&text)
    }

    /// The secret itself, for the one place that must send it or key a MAC with it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `offered` is the secret, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn matches(&self, offered: &str) -> bool {
        let (ours, theirs) = (Sha256::digest(&self.0), Sha256::digest(offered));
        ours.iter().zip(theirs.iter()).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// A character that an XML attribute does not keep.
    #[error("the secret holds a control character; one line of printable text is accepted")]
    Control,
    /// Nothing there.
    #[error("the secret is empty")]
    Empty,
    /// Everybody on this machine could read it.
    #[error("everybody on this machine can use this file (mode {mode:04o}); `chmod o= FILE` closes it")]
    Open {
        /// The permission bits of the file.
        mode: u32,
    },
    /// More than [`MAX_SECRET`].
    #[error("the secret is longer than {MAX_SECRET} octets")]
    TooLong,
    /// The file system's word.
    #[error("cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
}

/// Opens a file that holds something private.
///
/// # Errors
/// When it cannot be opened, is not a file, or is open to everybody. That its group may read it is usual:
/// an administrator writes it, the gateway's own user reads it.
pub(crate) fn open_private(path: &Path) -> Result<File, SecretError> {
    use std::os::unix::fs::PermissionsExt;
    let file = File::open(path).map_err(SecretError::Unreadable)?;
    let about = file.metadata().map_err(SecretError::Unreadable)?;
    let mode = about.permissions().mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(SecretError::Open { mode });
    }
    if !about.is_file() {
        return Err(SecretError::Unreadable(std::io::ErrorKind::InvalidInput.into()));
    }
    Ok(file)
}
