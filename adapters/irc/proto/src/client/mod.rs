//! A client's side of one connection: registration, the pace of what it sends, what became of a message, and who of
//! the network is there.
//!
//! ```text
//!   octets ──► Session ──► Event          registration, PING, what was said, verdicts, the end
//!   octets ◄── (paced) ◄── Letter, lines
//!   lines  ──► Watch, Inquiry             who is there (MONITOR or ISON, AWAY), who that is (WHOIS)
//! ```

mod batches;
mod inquiry;
mod letter;
mod pace;
mod registration;
mod session;
mod watch;

pub use inquiry::{Found, Inquiry};
pub use letter::{Letter, Reason, Verdict};
pub use pace::Pace;
pub use registration::{Applicant, Ending, Registration, Sasl, Step};
pub use session::{Event, Session, Spoken, Terms};
pub use watch::{Change, Watch};
