//! Presence as those see it who speak the native binding: real gateways, plain sockets, and frames that are written
//! and read here octet by octet. Each test holds a sentence of the binding's page against the program.

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

mod bad_input;
mod crowd;
mod home;
mod hosting;
mod restart;
mod someone;
mod subscribing;
mod watchers;
