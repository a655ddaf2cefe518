//! One SMTP session, as the server (RFC 5321): octets and the time in, events and replies out.
//!
//! Whoever drives it feeds it what arrives ([`Session::receive`]), takes events ([`Session::poll`]) until there is
//! none, answers those that ask ([`Session::decide`]), and writes what is to be written ([`Session::take_output`]).
//! While an event waits for its answer nothing else is read. The same octets give the same events and replies,
//! however they are cut, but for a client that does not wait for the reply to DATA.
//!
//! What it is not: it knows no recipient, no password and no policy; whom to accept is asked.

mod command;
mod data;
mod encoding;
mod envelope;
mod limits;
mod line;
mod login;
mod parameters;
mod path;
mod reply;
mod server;
#[cfg(test)]
mod tests;

pub use encoding::xtext;
pub use envelope::{Body, Envelope, Notify, Received, Recipient, Returned, Sender};
pub use limits::Limits;
pub use login::Login;
pub use path::{Mailbox, Path};
pub use reply::Reply;
pub use server::{Decision, Event, Offers, Session};
