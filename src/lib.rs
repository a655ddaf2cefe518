//! The gateway.

pub mod resolver;
