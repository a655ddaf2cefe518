//! The gateway's own inbox, as those see it who write to it: real gateways, plain sockets, and what each protocol
//! makes of a command and its answer.

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

mod commands;
mod irc;
mod kills;
mod mail;
mod peers;
mod polite;
mod rules;
mod someone;
mod whose_say;
