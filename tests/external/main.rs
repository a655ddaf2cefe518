//! Adapters in processes of their own: real gateways, and adapters for `pepp:` that are written here octet by octet.
//! What holds for built-in adapters must hold for them: addresses, rules, journal, outcomes, presence, restarts.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod buzz;
mod claims;
mod crashes;
mod lines;
mod messages;
mod presence;
mod python;
mod stage;
mod template;
mod toolkit;
