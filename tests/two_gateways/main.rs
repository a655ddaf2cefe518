//! Two gateways as they are run: processes of their own, TLS between them, DNS to find each other by.
//!
//! `gw.a.example` hosts `a.example`, `gw.b.example` hosts `b.example`. Fred is at home with the one, Barney with the
//! other. What they say goes over plain sockets, written and read here octet by octet, so that no code of the
//! gateway's judges itself.

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

mod authority;
mod crash;
mod crossing;
mod flood;
mod gateway;
mod inbox;
mod link;
mod loops;
mod outage;
mod person;
mod presence;
mod routes;
mod stage;
mod strangers;
mod tools;
