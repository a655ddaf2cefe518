//! The configuration from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a panic here is a failed test

mod errors;
mod examples;
mod folder;
mod irc;
mod mail;
mod values;
