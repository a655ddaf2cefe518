//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;

/// Why a store cannot be opened, read or pruned. Whatever it is, a file that is not ours to change is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It was closed.
    #[error("the store is closed")]
    Closed,
    /// It is damaged.
    #[error(
        "the store {path} is damaged ({detail}); nothing was changed in it: restore a copy, or move it away with \
         its -wal file to start anew", path = path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A read or a prune failed.
    #[error("the store cannot be read or written: {0}")]
    Failed(String),
    /// Another process has it open.
    #[error("the store {path} is in use by another process{holder}; one store serves one gateway", path = path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// ` (process N)`, where it is known, else empty.
        holder: String,
    },
    /// A later release has written it.
    #[error(
        "the store {path} has format {found}, but this release knows formats 1 to {known}; it was not changed: \
         use the release that wrote it", path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The latest format known here.
        known: i64,
    },
    /// Some of what was taken could not be made durable before the store closed.
    #[error("{writes} writes could not be made durable before the store was closed: {detail}")]
    NotFlushed {
        /// How many.
        writes: usize,
        /// Why not.
        detail: String,
    },
    /// It is something else.
    #[error("{path} is not a store of this gateway ({detail}); it was not changed: name another file", path = path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is.
        detail: String,
    },
    /// The file or its folder does not permit it.
    #[error("the store {path} cannot be written: {source}; its folder must exist and both must be writable", path = path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why a write was not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotWritten {
    /// The store is closed or closing.
    #[error("the store is closed")]
    Closed,
    /// As much is waiting as may wait.
    #[error("the store has no room for another operation at present")]
    Full,
}

/// Whether writes become durable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreHealth {
    /// They do not, at present: operations are refused with `busy`, outcomes wait.
    Degraded(String),
    /// They do.
    Ok,
}
