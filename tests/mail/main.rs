//! Mail in: the real program, and somebody who speaks SMTP to it as he likes.

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

mod abuse;
mod authors;
mod commands;
mod dns_records;
mod forged;
mod login;
mod loops;
mod messages;
mod peers;
mod relaying;
mod reload;
mod reports;
mod restart;
mod signed;
mod srv;
mod stage;
mod stalled;
mod unchanged;
