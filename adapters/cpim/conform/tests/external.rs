//! The example of an adapter in a process of its own, in Python, passes the kit.

#![allow(clippy::panic, clippy::unwrap_used, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;

use cpim_conformance::{Timing, run, run_cases, suite};
use cpim_native_conform::External;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_in_python_passes_every_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/adapters/python");
    let adapter = format!("python3 -B {folder}/lines.py 127.0.0.1:{{port}}");
    let peer = format!("python3 -B {folder}/lines_peer.py {{port}}");
    let subject = External::new("lines", &adapter, &peer).unwrap();
    let results = run(Arc::new(subject), &Timing { at_once: 4, ..Timing::default() }).await;
    assert!(results.passed(), "{results}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_a_client_in_python_passes_every_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/adapters/python");
    let adapter = format!("python3 -B {folder}/buzz.py 127.0.0.1:{{port}} buzz.example");
    let peer = format!("python3 -B {folder}/buzz_peer.py {{port}}");
    let subject = External::new("buzz://", &adapter, &peer).unwrap();
    let results = run(Arc::new(subject), &Timing { at_once: 4, ..Timing::default() }).await;
    assert!(results.passed(), "{results}");
}

/// What the report says of an adapter that cannot even begin.
async fn report(adapter: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/adapters/python");
    let peer = format!("python3 -B {folder}/lines_peer.py {{port}}");
    let subject = External::new("lines", adapter, &peer).unwrap();
    let case = suite().into_iter().find(|case| case.name == "out.message").unwrap();
    run_cases(Arc::new(subject), vec![case], &Timing::default()).await.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_that_ends_is_shown_with_its_last_words_and_its_exit_code() {
    let said = report("sh -c 'echo talking to the wall; echo nobody listens >&2; exit 3'").await;
    for line in [
        "instead: the peer: the adapter ended with exit code 3 before it had a session\n",
        "        the adapter ended with exit code 3; its last words:\n",
        "          | talking to the wall\n",
        "          | nobody listens\n",
        "        the peer runs, and has said nothing\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_that_is_refused_is_shown_with_the_words_of_the_gateway() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/adapters/python");
    let opens = |selector: &str, claims: &str| {
        format!(
            "python3 -B -c 'import asyncio, sys; sys.path.insert(0, \"{folder}\"); import cpim; \
             asyncio.run(cpim.Session(\"{selector}\", \"{claims}\", None).run())'"
        )
    };
    let said = report(&opens("lines", "<adapter presence=\\\"maybe\\\"/>")).await;
    assert!(said.contains("`presence`: \"maybe\"; none, observe or pass-through is accepted"), "{said}");
    let said = report(&opens("pepp", "")).await;
    assert!(said.contains("the gateway refused the adapter's `open`: unauthorised: `pepp:`"), "{said}");
}
