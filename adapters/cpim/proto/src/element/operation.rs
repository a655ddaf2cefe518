//! The operations: `message`, `subscribe`, `notify`, `unsubscribe`, and our own `publish`.

use bytes::Bytes;
use cpim_adapter::{
    Class, Code, Content, ImUri, Kind, Message, Metadata, Notify, Operation, PresUri, Presence, Publish,
    Subscribe, SubscriptId, TransId, Unsubscribe, Uri, UriError,
};

use super::presence::{read_presence, write_presence};
use super::{Element, ReadUri, Refusal, Rejection, trans_id};
use crate::frame::decimal;
use crate::{EncodeError, Limits};
use cpim_adapter::xml::{Event, Reader, Tag, Writer, XmlError};

/// What stops an operation from being read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is refused, and this is what its sender is told.
    Refused(Code, String),
    /// It is no XML.
    Xml(XmlError),
}

impl Trouble {
    pub(super) fn unsupported(words: impl Into<String>) -> Self {
        Self::Refused(Code::Unsupported, words.into())
    }
}

impl From<XmlError> for Trouble {
    fn from(error: XmlError) -> Self {
        Self::Xml(error)
    }
}

/// Writes an operation's element; its content follows the element as it is.
///
/// # Errors
/// [`EncodeError::Markup`] where a tuple's markup is not well-formed XML by itself: it would end the session.
/// `out` then holds a part of the element.
pub fn write_operation(
    out: &mut String,
    trans_id: &TransId,
    operation: &Operation,
    limits: &Limits,
) -> Result<(), EncodeError> {
    let mut writer = Writer::new(out);
    let name = operation.kind().as_str();
    writer.start(name);
    match operation {
        Operation::Message(Message { source, destination, .. }) => {
            writer.attribute("source", source.spelled()).attribute("destination", destination.spelled());
        }
        Operation::Notify(Notify { watcher, target, .. })
        | Operation::Subscribe(Subscribe { watcher, target, .. })
        | Operation::Unsubscribe(Unsubscribe { watcher, target }) => {
            writer.attribute("watcher", watcher.spelled()).attribute("target", target.spelled());
        }
        Operation::Publish(Publish { target, .. }) => {
            writer.attribute("target", target.spelled());
        }
    }
    if let Operation::Subscribe(Subscribe { duration, .. }) = operation {
        writer.number("duration", duration);
    }
    writer.attribute("transID", trans_id.as_str());
    match operation {
        Operation::Message(_) | Operation::Unsubscribe(_) => writer.empty(),
        Operation::Subscribe(Subscribe { subscript_id, .. }) => {
            if let Some(id) = subscript_id {
                writer.attribute("subscriptID", id.as_str());
            }
            writer.empty();
        }
        Operation::Notify(Notify { presence, .. }) => {
            write_presence(writer.open(), presence, limits)?;
            writer.close(name);
        }
        Operation::Publish(Publish { presence, duration, .. }) => {
            if let Some(duration) = duration {
                writer.number("duration", duration);
            }
            write_presence(writer.open(), presence, limits)?;
            writer.close(name);
        }
    }
    Ok(())
}

/// Which operation an element is.
pub(super) fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
}

/// Reads an operation.
pub(super) fn read(
    kind: Kind,
    tag: &Tag<'_>,
    reader: &mut Reader<'_>,
    content: &Bytes,
    uris: &dyn ReadUri,
) -> Result<Element, Rejection> {
    let operation = read_operation(kind, tag, reader, content, uris);
    let trans_id = trans_id(tag);
    match operation {
        Ok(operation) => Ok(Element::Operation { trans_id: trans_id?, operation }),
        Err(Trouble::Refused(code, words)) => Err(Refusal { kind, trans_id: trans_id?, code, words }.into()),
        Err(Trouble::Xml(error)) => Err(error.into()),
    }
}

fn read_operation(
    kind: Kind,
    tag: &Tag<'_>,
    reader: &mut Reader<'_>,
    content: &Bytes,
    uris: &dyn ReadUri,
) -> Result<Operation, Trouble> {
    let attributes = Attributes { tag, uris };
    let document = || (!content.is_empty()).then(|| Content::new(content.clone()));
    Ok(match kind {
        Kind::Message => {
            let message = Message {
                source: attributes.im("source")?,
                destination: attributes.im("destination")?,
                content: Content::new(content.clone()),
                metadata: Metadata::default(),
            };
            nothing_inside(reader)?;
            Operation::Message(message)
        }
        Kind::Notify => Operation::Notify(Notify {
            watcher: attributes.pres("watcher")?,
            target: attributes.pres("target")?,
            presence: presence_inside(reader)?,
            document: document(),
        }),
        Kind::Publish => Operation::Publish(Publish {
            target: attributes.pres("target")?,
            duration: attributes.duration()?,
            presence: presence_inside(reader)?,
            document: document(),
        }),
        Kind::Subscribe => {
            let missing = || Trouble::unsupported("`duration` is missing; expected a number of seconds");
            let subscribe = Subscribe {
                watcher: attributes.pres("watcher")?,
                target: attributes.pres("target")?,
                duration: attributes.duration()?.ok_or_else(missing)?,
                subscript_id: attributes.subscript_id()?,
            };
            nothing_inside(reader)?;
            Operation::Subscribe(subscribe)
        }
        Kind::Unsubscribe => {
            let unsubscribe =
                Unsubscribe { watcher: attributes.pres("watcher")?, target: attributes.pres("target")? };
            nothing_inside(reader)?;
            Operation::Unsubscribe(unsubscribe)
        }
    })
}

/// An operation's attributes, each read as what it must be.
struct Attributes<'t, 'x> {
    tag: &'t Tag<'x>,
    uris: &'t dyn ReadUri,
}

impl Attributes<'_, '_> {
    fn im(&self, name: &str) -> Result<ImUri, Trouble> {
        self.uri(name, Class::Im)
    }

    fn pres(&self, name: &str) -> Result<PresUri, Trouble> {
        self.uri(name, Class::Pres)
    }

    fn uri<U: TryFrom<Uri, Error = UriError>>(&self, name: &str, class: Class) -> Result<U, Trouble> {
        let bad_address = |words| Trouble::Refused(Code::BadAddress, words);
        let text = self.tag.attribute(name).ok_or_else(|| bad_address(format!("`{name}` is missing")))?;
        let uri = self.uris.read_uri(text, class).and_then(U::try_from);
        uri.map_err(|error| bad_address(format!("`{name}`: {error}")))
    }

    fn duration(&self) -> Result<Option<u32>, Trouble> {
        let expected =
            || Trouble::unsupported("`duration`: expected a number of seconds, at most 4294967295");
        self.tag.attribute("duration").map(|text| decimal(text).ok_or_else(expected)).transpose()
    }

    fn subscript_id(&self) -> Result<Option<SubscriptId>, Trouble> {
        let id = self.tag.attribute("subscriptID").map(SubscriptId::parse).transpose();
        id.map_err(|error| Trouble::unsupported(format!("`subscriptID`: {error}")))
    }
}

/// Reads to the end of an element that must be empty. White space is nothing: some writers break lines.
fn nothing_inside(reader: &mut Reader<'_>) -> Result<(), Trouble> {
    loop {
        match reader.event()? {
            Event::End => return Ok(()),
            Event::Text(text) if text.trim().is_empty() => {}
            Event::Start(_) | Event::Text(_) => {
                return Err(Trouble::unsupported("the element must be empty"));
            }
        }
    }
}

/// Reads to the end of an element that holds presence, once, and nothing else.
fn presence_inside(reader: &mut Reader<'_>) -> Result<Presence, Trouble> {
    let mut presence = None;
    loop {
        match reader.event()? {
            Event::End => return presence.ok_or_else(|| Trouble::unsupported("`presence` is missing")),
            Event::Text(text) if text.trim().is_empty() => {}
            Event::Start(tag) if tag.name == "presence" && presence.is_none() => {
                presence = Some(read_presence(&tag, reader)?);
            }
            Event::Start(_) | Event::Text(_) => {
                return Err(Trouble::unsupported("expected one `presence`, and nothing beside it"));
            }
        }
    }
}
