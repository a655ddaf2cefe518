//! The Unix socket of the admin interface: nobody but its owner can ever open it.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

use super::AdminError;

/// Connections that wait to be taken: a few administrators' worth.
const BACKLOG: u32 = 16;

/// A listening socket and its file.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    pub(super) file: SocketFile,
}

/// The file of a socket that is ours; it goes with this value.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Socket {
    /// Listens on `path`. The file that a dead gateway left there is replaced; a living one is an error.
    ///
    /// The mode is set between `bind` and `listen`: until then nobody can connect, whatever the umask is.
    pub(super) fn bind(path: &Path) -> Result<Self, AdminError> {
        let failed = |source| AdminError::Socket { path: path.to_owned(), source };
        make_way(path)?;
        let socket = UnixSocket::new_stream().map_err(failed)?;
        socket.bind(path).map_err(failed)?;
        let file = SocketFile(path.to_owned());
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let listener = socket.listen(BACKLOG).map_err(failed)?;
        Ok(Self { listener, file })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "the admin socket could not be removed");
        }
    }
}

/// Removes the socket of a gateway that is no more.
fn make_way(path: &Path) -> Result<(), AdminError> {
    let failed = |source: io::Error| AdminError::Socket { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(about) if !about.file_type().is_socket() => {
            return Err(AdminError::Taken { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(AdminError::Running { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_gateways_socket_is_replaced_and_a_living_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let living = Socket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Socket::bind(&path), Err(AdminError::Running { .. })));
        drop(living);
        assert!(!path.exists(), "the file goes with the socket");

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "what a killed process leaves");
        drop(Socket::bind(&path).unwrap());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        fs::write(&path, "letters").unwrap();
        assert!(matches!(Socket::bind(&path), Err(AdminError::Taken { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "letters");
        let nowhere = Socket::bind(&folder.path().join("no/such.sock"));
        assert!(matches!(nowhere, Err(AdminError::Socket { .. })));
    }
}
