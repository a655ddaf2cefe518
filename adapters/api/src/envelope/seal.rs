//! Making an envelope.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::fields::Writer;
use super::{EnvelopeError, Key, VERSION, name};
use crate::{Content, Metadata, Operation, Passage, Presence, Standing};

/// An operation that is about to leave for another gateway.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// How it departs.
    pub passage: &'a Passage,
    /// How well its source is known.
    pub standing: Standing,
    /// When it departs, in seconds since 1970.
    pub sent_at_s: u64,
}

impl Departure<'_> {
    /// Its envelope, proven by this key: printable ASCII without spaces, `;`, `\`, `"`, `<` and `>`.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`].
    pub fn seal(&self, key: &Key) -> Result<String, EnvelopeError> {
        let mut fields = Writer::default();
        self.write(&mut fields);
        fields.seal(key)
    }

    fn write(&self, to: &mut Writer) {
        let Self { operation, passage, standing, sent_at_s } = self;
        to.put(name::VERSION, VERSION);
        to.put(name::KIND, operation.kind().as_str());
        to.put(name::SPEAKS_FOR, operation.speaks_for().spelled());
        to.put(name::GOES_TO, operation.goes_to().spelled());
        to.put(name::ID, passage.id.as_str());
        to.put(name::HOPS, passage.hops.to_string());
        passage.via.iter().for_each(|domain| to.put(name::VIA, domain.as_str()));
        to.put_some(name::WAIT, passage.wait.map(|wait| wait.as_millis().to_string()));
        to.put(name::STANDING, standing.as_str());
        to.put(name::SENT_AT, sent_at_s.to_string());
        match operation {
            Operation::Message(message) => write_metadata(&message.metadata, to),
            Operation::Notify(notify) => write_presence(&notify.presence, to),
            Operation::Publish(publish) => {
                to.put_some(name::DURATION, publish.duration.map(|seconds| seconds.to_string()));
                write_presence(&publish.presence, to);
            }
            Operation::Subscribe(subscribe) => {
                to.put(name::DURATION, subscribe.duration.to_string());
                to.put_some(name::SUBSCRIPT_ID, subscribe.subscript_id.as_ref().map(|id| id.as_str()));
            }
            Operation::Unsubscribe(_) => {}
        }
        if let Some(content) = operation.content() {
            to.put(name::CONTENT_DIGEST, URL_SAFE_NO_PAD.encode(digest(content)));
            to.put(name::CONTENT_HEAD, head(content));
        }
    }
}

/// SHA-256 over the whole entity.
pub(super) fn digest(content: &Content) -> [u8; 32] {
    Sha256::digest(content.octets()).into()
}

/// The entity up to its body: its header, and the blank line where there is one.
fn head(content: &Content) -> &[u8] {
    let head = content.len().saturating_sub(content.body().len());
    content.octets().get(..head).unwrap_or_default()
}

fn write_metadata(metadata: &Metadata, to: &mut Writer) {
    for subject in &metadata.subjects {
        let lang = subject.lang.as_ref().map_or("", |lang| lang.as_str());
        to.put(name::SUBJECT, format!("{lang}:{}", subject.text));
    }
    to.put_some(name::DATE, metadata.date.as_deref());
    to.put_some(name::SOURCE_NAME, metadata.source_name.as_deref());
    to.put_some(name::DESTINATION_NAME, metadata.destination_name.as_deref());
    to.put_some(name::MESSAGE_REF, metadata.message_ref.as_deref());
    metadata.references.iter().for_each(|reference| to.put(name::REFERENCE, reference.as_bytes()));
    if metadata.automatic {
        to.put(name::AUTOMATIC, "1");
    }
}

fn write_presence(presence: &Presence, to: &mut Writer) {
    to.put_some(name::ENTITY_INFO, presence.entity_info());
    for tuple in presence.tuples() {
        to.put(name::TUPLE, tuple.destination.as_bytes());
        to.put(name::TUPLE_STATUS, tuple.status.as_str());
        if !tuple.markup.is_empty() {
            to.put(name::TUPLE_MARKUP, tuple.markup.as_bytes());
        }
        for (prefix, namespace) in &tuple.namespaces {
            to.put(name::TUPLE_NAMESPACE, format!("{prefix} {namespace}"));
        }
    }
}
