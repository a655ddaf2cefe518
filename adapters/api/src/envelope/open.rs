//! Opening an envelope.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::fields::{Fields, parsed, text};
use super::reply::name_by;
use super::seal::digest;
use super::{EnvelopeError, Key, MAX_OCTETS, VERSION, name};
use crate::{
    Basic, Class, Content, Domain, ImUri, Kind, LangTag, Mapper, Message, Metadata, Notify, Operation,
    Passage, PresUri, Presence, Publish, Standing, Subject, Subscribe, SubscriptId, Tuple, Unsubscribe, Uri,
};

/// An envelope that was opened: proven, and waiting for its content where it has one.
#[derive(Clone, Debug)]
pub struct Opened {
    /// How the operation departed there.
    pub passage: Passage,
    /// How well its source is known there.
    pub standing: Standing,
    /// When it departed there, in seconds since 1970.
    pub sent_at_s: u64,
    /// Complete but for its content.
    operation: Operation,
    content: Option<Sealed>,
    proof: [u8; 32],
}

/// What is known of the content.
#[derive(Clone, Debug)]
struct Sealed {
    digest: [u8; 32],
    head: Bytes,
}

/// Opens an envelope that came from the peer of this key.
///
/// Addresses are read by `mapper`, as everything that a peer sends.
///
/// # Errors
/// [`EnvelopeError`]; nothing of it is to be believed then.
pub fn open(envelope: &str, key: &Key, mapper: &Mapper) -> Result<Opened, EnvelopeError> {
    if envelope.len() > MAX_OCTETS {
        return Err(EnvelopeError::TooLarge { octets: envelope.len() });
    }
    let (proven, proof) = proven(envelope, key)?;
    let fields = Fields::read(proven)?;
    if fields.text(name::VERSION)? != VERSION {
        return Err(EnvelopeError::Version);
    }
    let standing = Standing::from_word(fields.text(name::STANDING)?);
    Ok(Opened {
        passage: passage(&fields)?,
        standing: standing.ok_or(EnvelopeError::Field { field: name::STANDING })?,
        sent_at_s: fields.parsed(name::SENT_AT)?,
        operation: operation(&fields, mapper)?,
        content: sealed_content(&fields)?,
        proof,
    })
}

/// What is proven of an envelope, and the proof.
pub(super) fn proven<'a>(envelope: &'a str, key: &Key) -> Result<(&'a str, [u8; 32]), EnvelopeError> {
    let (proven, proof) = envelope.rsplit_once('&').ok_or(EnvelopeError::Form)?;
    let proof = proof
        .strip_prefix(name::PROOF)
        .and_then(|rest| rest.strip_prefix('='))
        .and_then(|proof| URL_SAFE_NO_PAD.decode(proof).ok())
        .and_then(|proof| <[u8; 32]>::try_from(proof).ok())
        .ok_or(EnvelopeError::Form)?;
    // First of all, so that nothing that is said by others is looked into.
    match key.proves(proven.as_bytes(), &proof) {
        true => Ok((proven, proof)),
        false => Err(EnvelopeError::Unproven),
    }
}

impl Opened {
    /// Which operation it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.operation.kind()
    }

    /// For whom the sender speaks.
    #[must_use]
    pub fn speaks_for(&self) -> &Uri {
        self.operation.speaks_for()
    }

    /// To whom it goes.
    #[must_use]
    pub fn goes_to(&self) -> &Uri {
        self.operation.goes_to()
    }

    /// What it was proven with: the same again is a replay.
    #[must_use]
    pub const fn proof(&self) -> &[u8; 32] {
        &self.proof
    }

    /// Its name, by which a [`Reply`](super::Reply) says what it answers.
    #[must_use]
    pub fn name(&self) -> String {
        name_by(&self.proof)
    }

    /// Whether it was sealed no longer than `window` ago, and no more than that ahead of our own clock.
    #[must_use]
    pub const fn is_current(&self, now_s: u64, window: Duration) -> bool {
        now_s.abs_diff(self.sent_at_s) <= window.as_secs()
    }

    /// The content's header with its blank line, where it has a content: its body follows at once.
    #[must_use]
    pub fn content_head(&self) -> Option<&Bytes> {
        self.content.as_ref().map(|sealed| &sealed.head)
    }

    /// Whether this is the content that it was sealed with.
    #[must_use]
    pub fn is_content(&self, content: &Content) -> bool {
        self.content.as_ref().is_some_and(|sealed| sealed.digest == digest(content))
    }

    /// The operation as it departed, with its content put in.
    ///
    /// # Errors
    /// [`EnvelopeError::Content`] where there is none and there must be, or the other way round, or it is another.
    pub fn with_content(self, content: Option<Content>) -> Result<Operation, EnvelopeError> {
        let right = match &content {
            Some(content) => self.is_content(content),
            None => self.content.is_none(),
        };
        if !right {
            return Err(EnvelopeError::Content);
        }
        let mut operation = self.operation;
        match (&mut operation, content) {
            (Operation::Message(message), Some(content)) => message.content = content,
            (Operation::Notify(notify), content) => notify.document = content,
            (Operation::Publish(publish), content) => publish.document = content,
            (Operation::Message(_), None) => return Err(EnvelopeError::Content),
            (Operation::Subscribe(_) | Operation::Unsubscribe(_), None) => {}
            (Operation::Subscribe(_) | Operation::Unsubscribe(_), Some(_)) => {
                return Err(EnvelopeError::Content);
            }
        }
        Ok(operation)
    }
}

fn passage(fields: &Fields<'_>) -> Result<Passage, EnvelopeError> {
    let domain = |value| text(name::VIA, value).and_then(|value| parsed(name::VIA, value));
    let via: Vec<Domain> = fields.all(name::VIA).map(domain).collect::<Result<_, _>>()?;
    if via.len() > Passage::MAX_VIA {
        return Err(EnvelopeError::Field { field: name::VIA });
    }
    Ok(Passage {
        id: fields.parsed(name::ID)?,
        hops: fields.parsed(name::HOPS)?,
        via,
        wait: fields.maybe_parsed(name::WAIT)?.map(Duration::from_millis),
    })
}

fn operation(fields: &Fields<'_>, mapper: &Mapper) -> Result<Operation, EnvelopeError> {
    let kind = fields.text(name::KIND)?;
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    let kind = kind.ok_or(EnvelopeError::Field { field: name::KIND })?;
    Ok(match kind {
        Kind::Message => Operation::Message(Message {
            source: inbox(fields, name::SPEAKS_FOR, mapper)?,
            destination: inbox(fields, name::GOES_TO, mapper)?,
            content: Content::new(Bytes::new()),
            metadata: metadata(fields)?,
        }),
        Kind::Notify => Operation::Notify(Notify {
            watcher: presentity(fields, name::GOES_TO, mapper)?,
            target: presentity(fields, name::SPEAKS_FOR, mapper)?,
            presence: presence(fields)?,
            document: None,
        }),
        Kind::Publish => Operation::Publish(Publish {
            target: presentity(fields, name::SPEAKS_FOR, mapper)?,
            presence: presence(fields)?,
            document: None,
            duration: fields.maybe_parsed(name::DURATION)?,
        }),
        Kind::Subscribe => Operation::Subscribe(Subscribe {
            watcher: presentity(fields, name::SPEAKS_FOR, mapper)?,
            target: presentity(fields, name::GOES_TO, mapper)?,
            duration: fields.parsed(name::DURATION)?,
            subscript_id: fields.maybe_parsed::<SubscriptId>(name::SUBSCRIPT_ID)?,
        }),
        Kind::Unsubscribe => Operation::Unsubscribe(Unsubscribe {
            watcher: presentity(fields, name::SPEAKS_FOR, mapper)?,
            target: presentity(fields, name::GOES_TO, mapper)?,
        }),
    })
}

fn uri(
    fields: &Fields<'_>,
    field: &'static str,
    class: Class,
    mapper: &Mapper,
) -> Result<Uri, EnvelopeError> {
    mapper.read(fields.text(field)?, class).map_err(|_| EnvelopeError::Field { field })
}

fn inbox(fields: &Fields<'_>, field: &'static str, mapper: &Mapper) -> Result<ImUri, EnvelopeError> {
    uri(fields, field, Class::Im, mapper)?.try_into().map_err(|_| EnvelopeError::Field { field })
}

fn presentity(fields: &Fields<'_>, field: &'static str, mapper: &Mapper) -> Result<PresUri, EnvelopeError> {
    uri(fields, field, Class::Pres, mapper)?.try_into().map_err(|_| EnvelopeError::Field { field })
}

fn metadata(fields: &Fields<'_>) -> Result<Metadata, EnvelopeError> {
    let shared = |field| Ok(fields.maybe_text(field)?.map(Arc::from));
    let subject = |value| {
        let wrong = EnvelopeError::Field { field: name::SUBJECT };
        let (lang, text) = text(name::SUBJECT, value)?.split_once(':').ok_or_else(|| wrong.clone())?;
        let lang = match lang {
            "" => None,
            tag => Some(LangTag::parse(tag).ok_or(wrong)?),
        };
        Ok(Subject { lang, text: text.into() })
    };
    let reference = |value| text(name::REFERENCE, value).map(Arc::from);
    Ok(Metadata {
        subjects: fields.all(name::SUBJECT).map(subject).collect::<Result<_, _>>()?,
        date: shared(name::DATE)?,
        source_name: shared(name::SOURCE_NAME)?,
        destination_name: shared(name::DESTINATION_NAME)?,
        message_ref: shared(name::MESSAGE_REF)?,
        references: fields.all(name::REFERENCE).map(reference).collect::<Result<_, _>>()?,
        automatic: fields.maybe(name::AUTOMATIC)?.is_some(),
    })
}

fn presence(fields: &Fields<'_>) -> Result<Presence, EnvelopeError> {
    let mut tuples: Vec<Tuple> = Vec::new();
    for (field, value) in fields.iter() {
        match (field, tuples.last_mut()) {
            (name::TUPLE, _) => tuples.push(Tuple {
                destination: text(name::TUPLE, value)?.into(),
                status: Basic::Closed,
                markup: "".into(),
                namespaces: Vec::new(),
            }),
            (name::TUPLE_STATUS, Some(tuple)) => {
                let status = Basic::from_word(text(name::TUPLE_STATUS, value)?);
                tuple.status = status.ok_or(EnvelopeError::Field { field: name::TUPLE_STATUS })?;
            }
            (name::TUPLE_MARKUP, Some(tuple)) => tuple.markup = text(name::TUPLE_MARKUP, value)?.into(),
            (name::TUPLE_NAMESPACE, Some(tuple)) => {
                let (prefix, namespace) = text(name::TUPLE_NAMESPACE, value)?
                    .split_once(' ')
                    .ok_or(EnvelopeError::Field { field: name::TUPLE_NAMESPACE })?;
                tuple.namespaces.push((prefix.into(), namespace.into()));
            }
            _ => {}
        }
    }
    let presence = Presence::from_tuples(tuples).ok_or(EnvelopeError::Field { field: name::TUPLE })?;
    Ok(presence.with_entity_info(fields.maybe_text(name::ENTITY_INFO)?.map(Arc::from)))
}

fn sealed_content(fields: &Fields<'_>) -> Result<Option<Sealed>, EnvelopeError> {
    let Some(digest) = fields.maybe(name::CONTENT_DIGEST)? else {
        return Ok(None);
    };
    let digest = URL_SAFE_NO_PAD.decode(digest).ok().and_then(|digest| digest.try_into().ok());
    let head = fields.maybe(name::CONTENT_HEAD)?.ok_or(EnvelopeError::Field { field: name::CONTENT_HEAD })?;
    Ok(Some(Sealed {
        digest: digest.ok_or(EnvelopeError::Field { field: name::CONTENT_DIGEST })?,
        head: Bytes::copy_from_slice(head),
    }))
}
