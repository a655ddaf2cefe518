//! Text: from content to lines that a person reads, and from lines to content.

mod format;
mod wrap;

pub use format::{Style, plain, runs, to_html};
pub use wrap::{LEAST_ROOM, lines, room};
