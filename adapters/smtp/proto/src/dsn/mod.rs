//! Delivery reports (RFC 3461, RFC 3464, RFC 6522): read, for what we sent; written, for what we took and could not
//! bring on.

mod read;
mod write;

pub use read::{Action, Group, Report, read};
pub use write::{Bounce, Returned};
