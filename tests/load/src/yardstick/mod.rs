//! What the gateway is held against: programs that do the least that could be done, each a process of its own.

pub(crate) mod committing;
pub(crate) mod copying;
