//! The example of an adapter in a process of its own, in Python, passes the kit.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;

use cpim_conformance::{Timing, run};
use cpim_native_conform::External;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_in_python_passes_every_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/adapters/python");
    let adapter = format!("python3 {folder}/lines.py 127.0.0.1:{{port}}");
    let peer = format!("python3 {folder}/lines_peer.py {{port}}");
    let subject = External::new("lines", &adapter, &peer).unwrap();
    let results = run(Arc::new(subject), &Timing { at_once: 4, ..Timing::default() }).await;
    assert!(results.passed(), "{results}");
}
