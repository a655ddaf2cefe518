//! From a response to a mail for the peer gateway whose operation it answers.

use cpim_adapter::envelope::{EnvelopeError, Key, Reply};
use cpim_adapter::{Domain, Response};

use super::parcel::in_envelope;
use super::text::{Header, date_of};
use crate::address::Mailbox;

/// What became of an operation that a mail of a peer gateway brought, on its way back there.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// This gateway.
    pub relay: &'a Domain,
    /// Where it goes: the reverse-path of the mail that it answers.
    pub to: &'a Mailbox,
    /// The name of the envelope that it answers.
    pub answers: &'a str,
    /// A name for this mail that no other has.
    pub id: &'a str,
    /// The response.
    pub response: &'a Response,
    /// Now, in seconds since 1970.
    pub now_s: u64,
    /// What proves the envelope to the peer.
    pub key: &'a Key,
}

impl Answer<'_> {
    /// The mail. It goes out with the null reverse-path: nothing ever answers it.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`].
    pub fn write(&self) -> Result<Vec<u8>, EnvelopeError> {
        let Self { relay, to, answers, id, response, now_s, key } = *self;
        let envelope = Reply { to: answers, response, sent_at_s: now_s }.seal(key)?;
        let mut header = Header::default();
        header.put("Date", &date_of(now_s));
        header.put("From", &format!("<gateway@{relay}>"));
        header.put("To", &format!("<{to}>"));
        header.put("Message-ID", &format!("<answer.{id}@{relay}>"));
        header.put("Subject", "response");
        header.put("Auto-Submitted", "auto-replied");
        Ok(in_envelope(header, &envelope, None, &format!("=_{id}")).octets)
    }
}
