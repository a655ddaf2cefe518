//! Mail as the gateway speaks it, without I/O: SMTP sessions (RFC 5321), addresses, mails and reports.
//!
//! Octets and the time go in; events and octets come out. What it is not: it opens no socket, looks at no clock,
//! asks no DNS and knows no recipient.

pub mod address;
pub mod dsn;
pub mod mail;
pub mod session;
