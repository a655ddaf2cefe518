//! How much one session takes, and for how long it waits.

use std::time::Duration;

/// How much one session takes. What is over a limit is refused, never cut.
#[derive(Clone, Debug)]
pub struct Limits {
    /// One command, in octets with its line end: RFC 3461 section 5.4 wants 1,036 at least, and addresses in UTF-8 are
    /// longer.
    pub command_octets: usize,
    /// One line of a mail, in octets without its line end. RFC 5321 section 4.5.3.1.6 asks for 998; what people send
    /// is often longer.
    pub line_octets: usize,
    /// One mail, in octets: what SIZE says (RFC 1870).
    pub mail_octets: usize,
    /// Recipients of one mail: RFC 5321 section 4.5.3.1.8 wants 100 at least.
    pub recipients: usize,
    /// Mails of one connection.
    pub mails: usize,
    /// Commands that were wrong, or refused for good, before the connection is closed.
    pub errors: usize,
    /// Commands in a row that bring no mail closer, before the connection is closed.
    pub idle_commands: usize,
    /// For one command, from the reply before to its line end (RFC 5321 section 4.5.3.2.7).
    pub command_time: Duration,
    /// For one mail, from 354 to its last line: dripping octets hold nothing for ever.
    pub mail_time: Duration,
    /// Between two pieces of a mail (RFC 5321 section 4.5.3.2.5).
    pub piece_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_octets: 2_048,
            line_octets: 8_192,
            mail_octets: 2 << 20,
            recipients: 100,
            mails: 1_000,
            errors: 20,
            idle_commands: 100,
            command_time: Duration::from_secs(300),
            mail_time: Duration::from_secs(600),
            piece_time: Duration::from_secs(180),
        }
    }
}
