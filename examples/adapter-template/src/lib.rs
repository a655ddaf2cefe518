//! An adapter to begin from. It joins LINES, a toy protocol in which people talk by lines of text, and is as small as
//! an adapter that keeps its promises can be: copy it, and replace LINES by your protocol.
//!
//! ```text
//! you say                           you are told
//! I wilma                           hello wilma
//! to im:fred@a.example 1 Yabba!     ok 1, no 1 WHY or maybe 1 WHY
//!                                   from im:fred@a.example 7 Dabba!
//! got 7                             (this is how the sender knows that you have it)
//! away, here                        (what those see who watch you)
//! ```
//!
//! Where things are: [`Settings`] is what it is built from; `adapter.rs` is the contract; `map.rs` what the protocol
//! can carry and how addresses look; `line.rs` the protocol without I/O; `connection.rs` one connection; `users.rs`
//! who is there.

mod adapter;
mod connection;
mod line;
mod map;
mod users;

pub use adapter::{LinesAdapter, Settings};
