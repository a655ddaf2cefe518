//! What a session is held to.

use std::time::Duration;

use crate::Limits;

/// The caps and times of a session. The default is what the contract says, or where it is silent, what
/// serves a busy peer gateway.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// What a frame may hold.
    pub limits: Limits,
    /// Operations of the peer that wait for their response; one more is answered `busy`.
    pub max_inbound: usize,
    /// Operations of ours that wait for their response; with so many there is no room.
    pub max_outbound: usize,
    /// Octets of our operations that wait to be sent; beyond them there is no room.
    pub max_queued_octets: usize,
    /// Octets of responses that wait to be sent. A peer that has not read so many is not read either,
    /// which ends the flood; a peer that reads never gets there.
    pub max_owed_octets: usize,
    /// For the other side to say `open`.
    pub open_within: Duration,
    /// Without an octet from the peer, until it is pinged.
    pub silence: Duration,
    /// After that ping and still without an octet, until it is out of contact.
    pub ping_answer: Duration,
    /// Without an octet taken by the peer while there are some for it, until it counts as not reading.
    pub stall: Duration,
    /// For what is under way at the end of the session.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_inbound: 4_096,
            max_outbound: 4_096,
            max_queued_octets: 4 << 20,
            max_owed_octets: 4 << 20,
            open_within: Duration::from_secs(30),
            silence: Duration::from_secs(60),
            ping_answer: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}
