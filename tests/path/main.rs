//! The path of an operation, with no real protocol: the core and a toy adapter.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

#[path = "../support/mod.rs"]
mod support;

mod acceptance;
mod answers;
mod inbox;
mod legs;
mod order;
mod rules;
