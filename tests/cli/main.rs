//! The command line, as a contract: what is printed, where, and the exit codes. Real processes, real sockets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod check;
mod gateway;
mod listen;
mod resolve;
mod send;
mod tls;
mod usage;
mod watch;

use std::path::Path;

use serde_json::Value;
use support::process::{Ran, run};

/// Runs the program where it finds no files.
async fn cli(arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), arguments).await
}

/// What it prints as JSON, one object per line.
fn objects(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The folder of the examples.
fn examples() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config"))
}
