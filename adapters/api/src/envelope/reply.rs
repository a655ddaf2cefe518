//! The response to an operation that came in an envelope, on its way back.
//!
//! ```text
//!   v=1&k=response&re=(proof of the operation's envelope)&t=..&st=success&tx=..&m=(proof)
//! ```
//!
//! It names the envelope that it answers by that one's proof, which nobody can guess and no other envelope has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::fields::{Fields, Writer};
use super::open::proven;
use super::{EnvelopeError, Key, MAX_OCTETS, VERSION, name};
use crate::{LangTag, Response, Status, SubscriptId};

/// The kind of envelope that holds a response.
const RESPONSE: &str = "response";

/// A response that is about to leave for the gateway whose envelope it answers.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The [name](super::name_of) of the envelope that it answers.
    pub to: &'a str,
    /// The response.
    pub response: &'a Response,
    /// When it departs, in seconds since 1970.
    pub sent_at_s: u64,
}

impl Reply<'_> {
    /// Its envelope, proven by this key, in the form of any other.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`].
    pub fn seal(&self, key: &Key) -> Result<String, EnvelopeError> {
        let Self { to, response, sent_at_s } = self;
        let mut fields = Writer::default();
        fields.put(name::VERSION, VERSION);
        fields.put(name::KIND, RESPONSE);
        fields.put(name::IN_REPLY_TO, to);
        fields.put(name::SENT_AT, sent_at_s.to_string());
        fields.put(name::STATUS, response.status().as_str());
        fields.put(name::TEXT, response.text().as_bytes());
        fields.put_some(name::LANG, response.lang().map(LangTag::as_str));
        fields.put_some(name::DURATION, response.duration().map(|seconds| seconds.to_string()));
        fields.put_some(name::SUBSCRIPT_ID, response.subscript_id().map(SubscriptId::as_str));
        fields.seal(key)
    }
}

/// A response that was opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenedReply {
    /// The [name](super::name_of) of the envelope that it answers.
    pub to: String,
    /// The response.
    pub response: Response,
    /// When it departed there, in seconds since 1970.
    pub sent_at_s: u64,
}

/// Whether an envelope says that it holds a response; proven is that by [`open_reply`] alone.
#[must_use]
pub fn is_reply(envelope: &str) -> bool {
    envelope
        .split('&')
        .nth(1)
        .and_then(|field| field.strip_prefix(name::KIND))
        .is_some_and(|value| value.strip_prefix('=') == Some(RESPONSE))
}

/// Opens a response that came from the peer of this key.
///
/// # Errors
/// [`EnvelopeError`]; nothing of it is to be believed then.
pub fn open_reply(envelope: &str, key: &Key) -> Result<OpenedReply, EnvelopeError> {
    if envelope.len() > MAX_OCTETS {
        return Err(EnvelopeError::TooLarge { octets: envelope.len() });
    }
    let (proven, _) = proven(envelope, key)?;
    let fields = Fields::read(proven)?;
    if fields.text(name::VERSION)? != VERSION {
        return Err(EnvelopeError::Version);
    }
    if fields.text(name::KIND)? != RESPONSE {
        return Err(EnvelopeError::Field { field: name::KIND });
    }
    let status = Status::from_word(fields.text(name::STATUS)?);
    let status = status.ok_or(EnvelopeError::Field { field: name::STATUS })?;
    let lang = match fields.maybe_text(name::LANG)? {
        Some(tag) => Some(LangTag::parse(tag).ok_or(EnvelopeError::Field { field: name::LANG })?),
        None => None,
    };
    let response = Response::from_text(status, fields.text(name::TEXT)?)
        .with_lang(lang)
        .with_duration(fields.maybe_parsed(name::DURATION)?)
        .with_subscript_id(fields.maybe_parsed::<SubscriptId>(name::SUBSCRIPT_ID)?);
    Ok(OpenedReply {
        to: fields.text(name::IN_REPLY_TO)?.to_owned(),
        response,
        sent_at_s: fields.parsed(name::SENT_AT)?,
    })
}

/// The name of an envelope: its proof, as text that fits into a [`TransId`](crate::TransId). `None` where it has none.
#[must_use]
pub fn name_of(envelope: &str) -> Option<&str> {
    let (_, proof) = envelope.rsplit_once('&')?;
    proof.strip_prefix(name::PROOF)?.strip_prefix('=')
}

/// As [`name_of`], of one that was opened.
pub(super) fn name_by(proof: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(proof)
}
