//! What a crash leaves behind: a gateway that is killed outright, and started again on what it had written.
//!
//! A kill is not a power failure: what the system was given before is on disk. That the store asks for more than
//! that before it reports anything done is shown where the store is tested.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "in a test, a panic is a failed test, and nobody is outside"
)]

#[path = "../support/mod.rs"]
mod support;

mod actors;
mod far;
mod kills;
mod mixed;
mod near;
mod table;
