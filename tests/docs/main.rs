//! What the pages say is true: command lines can be typed, what they print is what is shown, examples load, links lead
//! somewhere.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "in a test, a panic is a failed test"
)]

mod commands;
mod examples;
mod links;
mod pages;
