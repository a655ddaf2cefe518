//! IRC without I/O: octets and the time go in, lines and events come out.
//!
//! RFC 1459 and 2812 as they are lived today (modern.ircdocs.horse), with IRCv3's message tags and what builds on
//! them. It is used by whoever is a server and whoever is a client.
//!
//! ```text
//!   octets ──► LineReader ──► Message
//!   octets ◄── LineBuilder ◄── Verb, Origin, Nick, Param, Trailing, TagKey, TagValue
//! ```
//!
//! What is read may be anything, and is octets. What is written is built of types that cannot hold what a line
//! cannot carry, so that nothing that somebody wrote can ever end a line and begin another.
//!
//! What this crate is not: it opens no socket, reads no clock, starts no task, and decides nothing that is policy.

mod casemapping;
pub mod client;
mod isupport;
mod limits;
mod line;
mod mask;
mod message;
mod names;
mod numeric;
mod reader;
pub mod server;
mod source;
mod standard_reply;
mod tags;
pub mod text;

pub use casemapping::{Casemapping, NameKey};
pub use isupport::Isupport;
pub use limits::{CLIENT_TAGS_OCTETS, LINE_OCTETS, MAX_PARAMS, ReadLimits, TAGS_OCTETS};
pub use line::{LineBuilder, LineTooLong, Verb};
pub use mask::Mask;
pub use message::{Message, MessageFault, decode};
pub use names::{Host, NameError, Nick, Origin, Param, Trailing, User};
pub use numeric::Numeric;
pub use reader::{LineFault, LineReader};
pub use source::{Source, is_hostname};
pub use standard_reply::{Severity, StandardReply, standard_reply};
pub use tags::{TagError, TagKey, TagValue, Tags};
