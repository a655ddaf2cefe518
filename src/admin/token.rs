//! The token for HTTP: made at the first start, kept in a file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::AdminError;
use crate::config::Secret;

/// Random octets in a token: 256 bits, which nobody guesses.
const OCTETS: usize = 32;

/// Reads the token, after making it where there is none.
pub(super) fn obtain(path: &Path) -> Result<Secret, AdminError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let failed = |source| AdminError::Token { path: path.to_owned(), source };
            let line = draw().map_err(failed)?;
            // The name of the file may already be read; half a token must not be.
            if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_all()) {
                drop(std::fs::remove_file(path));
                return Err(failed(error));
            }
            tracing::info!(path = %path.display(), "made the token for the admin interface over HTTP");
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(AdminError::Token { path: path.to_owned(), source });
        }
    }
    Secret::from_file(path).map_err(|source| AdminError::TokenUnusable { path: path.to_owned(), source })
}

/// A new token in hexadecimal digits, and a line end.
fn draw() -> std::io::Result<String> {
    let mut octets = [0; OCTETS];
    getrandom::fill(&mut octets)?;
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(digits + "\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let token = obtain(&path).unwrap();
        assert_eq!(token.expose().len(), 64);
        assert!(token.expose().bytes().all(|digit| digit.is_ascii_hexdigit()));
        let about = std::fs::metadata(&path).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        assert_eq!(obtain(&path).unwrap(), token, "the next start finds it");
        assert_ne!(obtain(&folder.path().join("other")).unwrap(), token);
    }

    #[test]
    fn a_token_that_everybody_can_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "0123456789abcdef\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(obtain(&path), Err(AdminError::TokenUnusable { .. })));
        assert!(matches!(obtain(&folder.path().join("no/such")), Err(AdminError::Token { .. })));
    }
}
