//! What goes wrong around the gateway: its disk, its files, its ports, its clock, and whoever tells it to stop.

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

mod clock;
mod configuration;
mod full;
mod reload;
mod stop;
mod store;
