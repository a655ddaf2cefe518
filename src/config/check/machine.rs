//! What this machine has to offer: folders that can be written to, sockets that can be bound.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::super::draft::Draft;
use super::super::source::KeyPath;
use super::Check;

impl Check<'_, '_> {
    pub(super) fn machine(&mut self, draft: &Draft) {
        let file = writable_file(&draft.store.path);
        self.noted(&["store", "path"], file);
        self.noted(&["admin", "socket"], socket_path(&draft.admin.socket));
        if draft.admin.http.is_some() {
            self.noted(&["admin", "token_file"], writable_file(&draft.admin.token_file));
        }
        self.listeners(draft.admin.http);
    }

    /// Notes each address that something else of this configuration listens on already.
    fn listeners(&mut self, admin: Option<SocketAddr>) {
        let admin = admin.map(|address| (KeyPath::new(&["admin", "http"]), address));
        let adapters = self
            .adapters
            .iter()
            .flat_map(|(adapter, section)| adapter.listeners(section));
        let mut taken: Vec<(KeyPath, SocketAddr)> = Vec::new();
        for (path, address) in admin.into_iter().chain(adapters).collect::<Vec<_>>() {
            if let Some((other, _)) = taken.iter().find(|(_, other)| collide(*other, address)) {
                self.wrong(
                    &path,
                    format!("{address} is taken by {other}; an address of its own is accepted"),
                );
            }
            taken.push((path, address));
        }
    }

    fn noted(&mut self, path: &[&str], result: Result<(), String>) {
        if let Err(message) = result {
            self.wrong(&KeyPath::new(path), message);
        }
    }
}

/// Whether two sockets cannot be bound at the same time. Port 0 is a new one each time.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let everywhere = |address: SocketAddr| address.ip().is_unspecified();
    a.port() == b.port()
        && a.port() != 0
        && a.is_ipv4() == b.is_ipv4()
        && (a.ip() == b.ip() || everywhere(a) || everywhere(b))
}

/// Whether a Unix socket can be made at `path`, perhaps in the place of one that was left.
pub(crate) fn socket_path(path: &Path) -> Result<(), String> {
    // The kernel's cap on the path (sun_path) is checked by the type that would be bound.
    std::os::unix::net::SocketAddr::from_pathname(path).map_err(|e| format!("{}: {e}", path.display()))?;
    match path.symlink_metadata() {
        Ok(about) if !about.file_type().is_socket() => Err(format!(
            "{} is there already and is no socket; a path of its own is accepted",
            path.display()
        )),
        _ => writable_folder(path),
    }
}

/// Whether the file can be written to, or made where it is not there yet.
fn writable_file(path: &Path) -> Result<(), String> {
    match path.symlink_metadata() {
        Ok(_) => OpenOptions::new()
            .append(true)
            .open(path)
            .map(drop)
            .map_err(|e| unwritable(path, &e)),
        Err(_) => writable_folder(path),
    }
}

/// Whether a file can be made beside `path`. Only trying tells: permissions, quotas and read-only mounts all have a say.
fn writable_folder(path: &Path) -> Result<(), String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let probe = folder.join(format!(".cpim-gateway-check-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    // What could not be made need not be removed; one left by a check that was killed is removed here.
    let removed = std::fs::remove_file(&probe);
    made.map(drop).and(removed).map_err(|e| unwritable(folder, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!(
        "{}: {error}; a path in a folder that the gateway can write to is accepted",
        path.display()
    )
}
