//! Address resolution (RFC 3861): against a server within the test, which breaks every rule there is, and against
//! dnsmasq, which others wrote.

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

mod bench;
mod dnsmasq;
mod routes;
mod rules;
mod vectors;
