//! Programs that others wrote, against the gateway: what their users see is what counts.

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

mod dkim;
mod irc_bouncer;
mod irc_clients;
mod irc_login;
mod irc_networks;
mod irc_stage;
mod irc_trouble;
mod mail_in;
mod postfix;
mod services;
mod smtp_sink;
mod terminal;
