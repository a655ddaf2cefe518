//! Listener mode: the gateway is the IRC server of one network, which anybody joins with a stock client.
//!
//! ```text
//! accept ─► registration ─► session ─► inlet ─► the gateway
//!                             ▲  │
//!              departures ────┘  └─► answers, presence ─► the client
//!                  ▲
//!   delivery ──────┘   (from the gateway, by way of users and aliases)
//! ```
//!
//! There is one task for each connection, and nothing that grows with what a client sends: its lines wait in its own
//! socket until there is a place for what they ask.

mod accept;
mod accounts;
mod aliases;
mod asked;
mod client;
mod commands;
mod delivery;
mod departure;
mod info;
mod manage;
mod messages;
mod nick;
mod owners;
mod presence;
mod queries;
mod registration;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod users;
mod watches;

pub use nick::account_key;
pub(crate) use nick::{candidates, is_reserved};
pub(crate) use server::Server;
