//! Text: from content to lines that a person reads, and from lines to content.
//!
//! ```text
//!   Content ──► show ──► text with codes ──► lines ──► PRIVMSG ...
//!   Content ◄── content ◄── Said::read ◄────────────── PRIVMSG
//! ```

mod format;
mod html;
mod said;
mod show;
mod wrap;

pub use format::{Style, plain, runs, to_html};
pub use html::from_html;
pub use said::{Said, content};
pub use show::{Shown, show, source};
pub use wrap::{LEAST_ROOM, lines, refit, room};
