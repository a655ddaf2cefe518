//! cpim-gateway: joins instant-messaging and presence systems through one abstract model (CPIM).

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod fault;
pub mod gateway;
mod ids;
pub mod inbox;
pub mod logging;
pub mod matrix;
pub mod memory;
mod presence;
pub mod registry;
pub mod resolver;
pub mod router;
pub mod rules;
pub mod store;
mod sync;
