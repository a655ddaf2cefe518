//! From a mail to an operation, for one recipient.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::envelope::{self, Key, Opened, OpenedReply, Replays};
use cpim_adapter::{
    Address, Class, Content, Domain, ImUri, Kind, Local, Mapper, Message, Metadata, Operation, OperationId,
    Standing,
};
use mail_parser::{MessageParser, MimeHeaders};

use super::{ENTITY_TYPE, ENVELOPE_TYPE, Mail, body, field};
use crate::address::Mailbox;

/// For how long a message's envelope is believed: mail may lie in queues for five days (RFC 5321 section 4.5.4.1).
const MESSAGE_WINDOW: Duration = Duration::from_secs(5 * 24 * 3_600);
/// For how long that of anything else is: presence so old is presence no more.
const PRESENCE_WINDOW: Duration = Duration::from_secs(3_600);
/// Envelopes of presence that are known again: more than peers send in an hour.
const REPLAYS: usize = 65_536;

/// The peer gateways that share a secret with this one: the only ones whose envelopes are believed.
#[derive(Debug)]
pub struct Peers {
    /// For each relay domain the keys from there and to there.
    keys: HashMap<Domain, (Key, Key)>,
    replays: Mutex<Replays>,
}

impl Peers {
    /// The peers of the gateway with the relay domain `own`: each with its relay domain and its secret.
    pub fn new<'a>(own: &Domain, peers: impl IntoIterator<Item = (&'a Domain, &'a [u8])>) -> Self {
        let keys = peers
            .into_iter()
            .map(|(peer, secret)| (peer.clone(), (Key::new(secret, peer, own), Key::new(secret, own, peer))));
        Self { keys: keys.collect(), replays: Mutex::new(Replays::new(REPLAYS)) }
    }

    /// What proves an envelope to a peer.
    #[must_use]
    pub fn key_to(&self, peer: &Domain) -> Option<&Key> {
        self.keys.get(peer).map(|(_, to)| to)
    }

    /// An operation with this [proof](Incoming::proof) was accepted: should the same envelope come again, it is a replay.
    pub fn note(&self, proof: &[u8; 32]) {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner).is_first(proof);
    }

    fn was_there(&self, proof: &[u8; 32]) -> bool {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner).has(proof)
    }
}

impl Incoming {
    /// What proves that a peer sent it, and tells it from every other.
    #[must_use]
    pub const fn proof(&self) -> Option<&[u8; 32]> {
        self.proof.as_ref()
    }
}

/// What a mail means for one recipient.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The operation.
    pub operation: Operation,
    /// The peer gateway that has proven it; nobody: the mail was written by whoever it says.
    pub peer: Option<Domain>,
    /// The name that it says it has.
    pub id: Option<OperationId>,
    /// Hops that were left.
    pub hops: Option<u8>,
    /// Relay domains that it says it has crossed, oldest first.
    pub via: Vec<Domain>,
    /// For how long its sender still waits.
    pub wait: Option<Duration>,
    /// How well the peer says the source is known.
    pub standing: Option<Standing>,
    /// The name of its envelope, by which an answer says what it answers.
    pub name: Option<String>,
    /// It was taken before, and is not a message, which the journal knows again by itself: to be answered as taken.
    pub is_replay: bool,
    proof: Option<[u8; 32]>,
}

impl Mail {
    /// What the mail means for one recipient.
    ///
    /// From a configured peer it is the operation that the envelope proves, whole. From anybody else it is a message of
    /// `source` with the mail's entity, and whatever looks like an envelope is not of it.
    #[must_use]
    pub fn incoming(
        &self,
        source: ImUri,
        (recipient, destination): (&Mailbox, ImUri),
        mapper: &Mapper,
        peers: &Peers,
        now_s: u64,
    ) -> Incoming {
        if let Some(proven) = self.proven(destination.address(), mapper, peers, now_s) {
            return proven;
        }
        let destination_name = self.name_of(recipient);
        let metadata = Metadata { destination_name, ..self.metadata.clone() };
        Incoming {
            operation: Operation::Message(Message { source, destination, content: self.entity(), metadata }),
            peer: None,
            id: None,
            hops: self.hops(),
            via: self.via(),
            wait: None,
            standing: None,
            name: None,
            is_replay: false,
            proof: None,
        }
    }

    /// Whether a configured peer has proven what this mail is for one recipient.
    #[must_use]
    pub fn is_proven(&self, destination: &ImUri, mapper: &Mapper, peers: &Peers, now_s: u64) -> bool {
        self.proven(destination.address(), mapper, peers, now_s).is_some()
    }

    /// What it says became of an operation that went to a peer gateway, and which gateway says so, where that is proven.
    #[must_use]
    pub fn answer(&self, peers: &Peers) -> Option<(Domain, OpenedReply)> {
        let envelope = self.sealed()?.envelope;
        peers
            .keys
            .iter()
            .find_map(|(peer, (from, _))| Some((peer.clone(), envelope::open_reply(&envelope, from).ok()?)))
    }

    fn proven(&self, recipient: &Address, mapper: &Mapper, peers: &Peers, now_s: u64) -> Option<Incoming> {
        let sealed = self.sealed()?;
        let (peer, opened) = peers.keys.iter().find_map(|(peer, (from, _))| {
            Some((peer.clone(), envelope::open(&sealed.envelope, from, mapper).ok()?))
        })?;
        let window = match opened.kind() {
            Kind::Message => MESSAGE_WINDOW,
            Kind::Notify | Kind::Publish | Kind::Subscribe | Kind::Unsubscribe => PRESENCE_WINDOW,
        };
        if !opened.is_current(now_s, window) || !is_for(recipient, opened.goes_to().address(), mapper) {
            return None;
        }
        let content = match opened.content_head() {
            Some(_) => Some(self.contents(&sealed, &opened).find(|content| opened.is_content(content))?),
            None => None,
        };
        let (passage, standing, proof) = (opened.passage.clone(), opened.standing, *opened.proof());
        let name = Some(opened.name());
        let is_replay = opened.kind() != Kind::Message && peers.was_there(&proof);
        Some(Incoming {
            operation: opened.with_content(content).ok()?,
            peer: Some(peer),
            id: Some(passage.id),
            hops: Some(passage.hops),
            via: passage.via,
            wait: passage.wait,
            standing: Some(standing),
            name,
            is_replay,
            proof: Some(proof),
        })
    }

    /// The envelope, where there is something like one: in the header, or in a part of its own.
    fn sealed(&self) -> Option<Sealed> {
        let mut fields = self.all(field::ENVELOPE);
        if let Some(folded) = fields.next() {
            let envelope = folded.split_ascii_whitespace().collect();
            return fields.next().is_none().then_some(Sealed { envelope, entity: None });
        }
        if !self.is_type("multipart/mixed") {
            return None;
        }
        let entity = self.entity();
        let parsed = MessageParser::default().parse(entity.octets().as_ref())?;
        let part = |wanted: &str| {
            let is = |part: &&mail_parser::MessagePart<'_>| {
                part.content_type().is_some_and(|found| {
                    wanted == format!("{}/{}", found.ctype(), found.subtype().unwrap_or_default())
                })
            };
            parsed.parts.iter().find(is).map(|part| Bytes::copy_from_slice(part.contents()))
        };
        let envelope = String::from_utf8(part(ENVELOPE_TYPE)?.to_vec()).ok()?;
        Some(Sealed { envelope: envelope.split_ascii_whitespace().collect(), entity: part(ENTITY_TYPE) })
    }

    /// What the content may have been sent as: as it was, encoded for the way, or as a whole in the body.
    fn contents(&self, sealed: &Sealed, opened: &Opened) -> impl Iterator<Item = Content> {
        let head = opened.content_head().cloned().unwrap_or_default();
        let encoding = self.all("Content-Transfer-Encoding").next().unwrap_or_default();
        let decoded = body::decoded(&self.body, &encoding);
        let behind_head = |body: &[u8]| Content::new([&head, body].concat().into());
        let as_it_was = behind_head(&self.body);
        // A last line without an end gets one on the way (RFC 5321 section 4.1.1.4).
        let without_end = self.body.strip_suffix(b"\r\n").map(behind_head);
        let encoded = decoded.as_deref().map(behind_head);
        let whole = sealed.entity.clone().or_else(|| decoded.filter(|_| self.is_type(ENTITY_TYPE)));
        [Some(as_it_was), without_end, encoded, whole.map(Content::new)].into_iter().flatten()
    }

    fn is_type(&self, essence: &str) -> bool {
        self.entity().is(essence)
    }
}

/// An envelope that is not opened yet, and the whole entity beside it where there is one.
struct Sealed {
    envelope: String,
    entity: Option<Bytes>,
}

/// Whether an operation may go to where its mail went: the same inbox, or, where the address is too long for mail, the
/// gateway's own.
fn is_for(recipient: &Address, destination: &Address, mapper: &Mapper) -> bool {
    matches!(mapper.resident(recipient), Ok(Some(Local::Gateway)))
        || meant(recipient, mapper) == meant(destination, mapper)
}

/// The inbox that is meant by an address, behind the routes that lead to it.
#[must_use]
pub fn meant(address: &Address, mapper: &Mapper) -> Address {
    let mut address = address.with_class(Class::Im);
    for _ in 0..Mapper::MAX_DEPTH {
        match mapper.unmap(&address).map(|foreign| Address::parse(&foreign.to_string())) {
            Ok(Ok(inner)) => address = inner.with_class(Class::Im),
            _ => break,
        }
    }
    address
}
