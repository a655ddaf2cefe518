//! The loss matrix against what really arrives: every ordered pair of adapters, through real gateways.
//!
//! Each adapter has two users here: native sessions, clients of the IRC listener and of an InspIRCd whose network the gateway
//! has joined, mailboxes of a Postfix, and people on LINES, whose adapter is a process of its own. What one
//! says, with everything that can be said of a message, the other hears as `cpim_gateway::matrix` promises.

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

mod lines;
mod links;
mod messages;
mod page;
mod presence;
mod stage;
#[allow(dead_code, reason = "each test binary uses a part of it")]
#[path = "../external/lines.rs"]
mod talker;
mod users;
