//! The presence service, with no real protocol: the core and a toy adapter, on a paused clock.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

#[path = "../support/mod.rs"]
mod support;

mod beyond;
mod hosted;
mod observed;
mod restart;
mod stage;
mod watchers;
