//! What several integration tests share.

// Each test target compiles all of it and uses its part.
#![allow(dead_code, unreachable_pub)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

pub mod dns;
pub mod dnsmasq;
pub mod exim;
pub mod gateway;
pub mod irc;
pub mod ircd;
pub mod native;
pub mod pair;
pub mod peer;
pub mod postfix;
pub mod process;
pub mod smtp;
pub mod toy;
