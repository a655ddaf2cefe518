//! The gateway as the server of an IRC network, seen from outside: each test names the clause that it is about.

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

mod accounts;
mod bad_input;
mod batches;
mod capabilities;
mod claims;
mod inbox;
mod linked;
mod messages;
mod names;
mod network_nicks;
mod networks;
mod presence;
mod queries;
mod registration;
mod restart;
mod stage;
mod tls;
mod whose_nick;
