//! The native adapter over real sockets on loopback.

// The helpers that clippy's allowance for tests does not reach, not being tests themselves: a panic in one
// is a failed test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]
#![allow(missing_docs)]

mod bad_input;
mod certificates;
mod claims;
mod deliver;
mod exchange;
mod flood;
mod operations;
mod peers;
mod setup;
mod tls;
mod wire;
