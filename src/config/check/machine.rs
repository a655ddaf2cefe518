//! What this machine has to offer: folders that can be written to, sockets that can be bound.

use std::fs::OpenOptions;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::draft::Draft;
use super::super::section::Endpoint;
use super::super::sections::Admin;
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
        self.listeners(&draft.admin);
    }

    /// Notes each endpoint that something else of this configuration listens on already.
    fn listeners(&mut self, admin: &Admin) {
        let mut taken = vec![(KeyPath::new(&["admin", "socket"]), Endpoint::Path(admin.socket.clone()))];
        let http = admin.http.map(|address| (KeyPath::new(&["admin", "http"]), Endpoint::Address(address)));
        let adapters = self.adapters;
        let adapters = adapters.iter().flat_map(|(adapter, section)| adapter.listeners(section));
        for (path, endpoint) in http.into_iter().chain(adapters) {
            if let Some((other, _)) = taken.iter().find(|(_, other)| other.collides(&endpoint)) {
                self.wrong(&path, format!("{endpoint} is taken by {other}; one of its own is accepted"));
            }
            taken.push((path, endpoint));
        }
    }

    fn noted(&mut self, path: &[&str], result: Result<(), String>) {
        if let Err(message) = result {
            self.wrong(&KeyPath::new(path), message);
        }
    }
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
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop).map_err(|e| unwritable(path, &e)),
        Err(_) => writable_folder(path),
    }
}

/// Whether a file can be made beside `path`. Only trying tells: permissions, quotas and read-only mounts all have a say.
fn writable_folder(path: &Path) -> Result<(), String> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    static PROBES: AtomicUsize = AtomicUsize::new(0);
    let nth = PROBES.fetch_add(1, Ordering::Relaxed);
    let probe = folder.join(format!(".cpim-gateway-check-{}-{nth}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    // Removed also where it was there already: then a check that was killed left it.
    let removed = std::fs::remove_file(&probe);
    made.map(drop).and(removed).map_err(|e| unwritable(folder, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}; a path in a folder that the gateway can write to is accepted", path.display())
}
