//! What is kept, as octets: a head with addresses and metadata, then the content, untouched.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};

use super::{KeepError, MAX_CONTENT_OCTETS, MAX_HEAD_OCTETS};
use crate::message_cpim::{MessageCpim, Mode};
use crate::{Address, Content, ImUri, Message, Metadata, OperationId};

/// Stands in the head where the content does in a Message/CPIM.
const NO_CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\n";

/// Writes a message. The head is a Message/CPIM around nothing, with the length of it before it: whatever the content
/// is, also if it is no entity at all, stays as it came.
pub(super) fn write(message: &Message) -> Result<Bytes, KeepError> {
    let octets = message.content.len();
    let head = head(message).ok_or(KeepError::TooLarge { octets })?;
    if octets > MAX_CONTENT_OCTETS || head.len() > MAX_HEAD_OCTETS {
        return Err(KeepError::TooLarge { octets });
    }
    let mut note = BytesMut::with_capacity(4 + head.len() + octets);
    note.put_u32(u32::try_from(head.len()).unwrap_or(u32::MAX));
    note.put_slice(head.octets());
    note.put_slice(message.content.octets());
    Ok(note.freeze())
}

fn head(message: &Message) -> Option<Content> {
    // So that there is always something to be said around.
    let name = message.metadata.source_name.clone();
    let metadata = Metadata { source_name: name.or_else(|| Some("".into())), ..message.metadata.clone() };
    let content = Content::new(Bytes::from_static(NO_CONTENT));
    Message { content, metadata, ..message.clone() }.with_metadata_around().ok()
}

/// Reads what [`write()`] wrote.
pub(super) fn read(note: &Bytes) -> Option<Message> {
    let (length, rest) = note.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let head = Content::new(note.slice_ref(rest.get(..length)?));
    let content = Content::new(note.slice_ref(rest.get(length..)?));
    let head = MessageCpim::read(&head, Mode::Strict).ok()?;
    let uri = |party: crate::message_cpim::Party| ImUri::parse(party.uri.as_str()).ok();
    let source = uri(head.from().ok()??)?;
    let destination = uri(head.to().next()?.ok()?)?;
    let mut metadata = head.metadata();
    metadata.source_name = metadata.source_name.filter(|name| !name.is_empty());
    Some(Message { source, destination, content, metadata })
}

/// What must be known of each thing kept without reading it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) owner: Address,
    pub(super) operation: OperationId,
    pub(super) octets: usize,
    pub(super) until: SystemTime,
}

impl Entry {
    /// One line: octets, until when in Unix milliseconds, the operation, the owner.
    pub(super) fn write(&self) -> Bytes {
        let until = self.until.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        format!("{} {until} {} {}", self.octets, self.operation, self.owner).into()
    }

    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.splitn(4, ' ');
        let octets = words.next()?.parse().ok()?;
        let until = UNIX_EPOCH.checked_add(Duration::from_millis(words.next()?.parse().ok()?))?;
        let operation = OperationId::parse(words.next()?).ok()?;
        let owner = Address::parse(words.next()?).ok()?;
        Some(Self { owner, operation, octets, until })
    }
}

/// The day of a moment, in UTC.
pub(super) fn day(at: SystemTime) -> String {
    match jiff::Timestamp::try_from(at) {
        Ok(at) => at.to_string().chars().take(10).collect(),
        Err(_) => "further notice".to_owned(),
    }
}
