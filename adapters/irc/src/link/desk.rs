//! What a link makes of envelopes: operations and responses out of them, and them out of those. No I/O.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cpim_adapter::envelope::{EnvelopeError, Replays, Reply, is_reply, name_of, open, open_reply};
use cpim_adapter::{Arrival, Code, Content, Kind, Mapper, Response, TransId};

use super::leg::Leg;
use super::parcel::{Arrived, Tag, parcel};
use super::peers::Peer;
use crate::sync::lock;

/// How old an envelope may be, and how far two clocks may differ.
const WINDOW: Duration = Duration::from_secs(10 * 60);

/// Envelopes that are known again within that time.
pub(crate) const REPLAYS: usize = 16_384;

/// What came in an envelope.
pub(crate) enum Came {
    /// An operation, to be submitted.
    Operation(Box<Arrival>),
    /// An operation that cannot be; with what it is answered.
    Refused(Vec<Tag>),
    /// A response, which has gone to its leg.
    Response,
}

/// One side of a link, without its wire.
pub(crate) struct Desk {
    pub(crate) peer: Arc<Peer>,
    replays: Arc<Mutex<Replays>>,
    /// Operations that were sent and wait for their response, by the names of their envelopes; and how many octets had
    /// been sent before each.
    waiting: HashMap<String, (Leg, u64)>,
}

impl Desk {
    pub(crate) fn new(peer: Arc<Peer>, replays: Arc<Mutex<Replays>>) -> Self {
        Self { peer, replays, waiting: HashMap::new() }
    }

    /// Whether nothing waits for its response.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// An operation was put on the wire as an envelope of this name, behind so many octets.
    pub(crate) fn sent(&mut self, name: String, leg: Leg, begin: u64) {
        self.waiting.insert(name, (leg, begin));
    }

    /// Takes an envelope.
    ///
    /// # Errors
    /// Why it is not believed.
    pub(crate) fn take(&mut self, arrived: Arrived, mapper: &Mapper) -> Result<Came, EnvelopeError> {
        let Arrived { envelope, content } = arrived;
        if is_reply(&envelope) {
            let reply = open_reply(&envelope, &self.peer.from)?;
            match self.waiting.remove(&reply.to) {
                Some((leg, _)) => leg.answered(reply.response),
                None => tracing::debug!(peer = ?self.peer, "a response that nobody waits for"),
            }
            return Ok(Came::Response);
        }
        let opened = open(&envelope, &self.peer.from, mapper)?;
        let name = opened.name();
        let (passage, standing, kind) = (opened.passage.clone(), opened.standing, opened.kind());
        let refused = |code, words| {
            let response = Response::failure(code, words);
            // Nothing ever answers a notification.
            let answered = kind != Kind::Notify;
            Came::Refused(if answered { self.reply(&name, &response) } else { Vec::new() })
        };
        if !opened.is_current(now_s(), WINDOW) {
            return Ok(refused(Code::Expired, "an envelope from another time"));
        }
        // A message that comes again is known by the journal, which gives it the same answer.
        if kind != Kind::Message && !lock(&self.replays).is_first(opened.proof()) {
            return Ok(refused(Code::Loop, "the same envelope a second time"));
        }
        let has_content = opened.content_head().is_some();
        let content = match (has_content, content) {
            (true, Some(octets)) => Some(Content::new(octets)),
            (true, None) => return Ok(refused(Code::TooLarge, "more content than is taken here")),
            (false, _) => None,
        };
        let Ok(operation) = opened.with_content(content) else {
            return Ok(refused(Code::Lossy, "the content is not the one that was sealed"));
        };
        let trans_id = TransId::parse(&name).map_err(|_| EnvelopeError::Form)?;
        Ok(Came::Operation(Box::new(Arrival {
            operation,
            trans_id,
            hops: Some(passage.hops),
            via: passage.via,
            id: Some(passage.id),
            wait: passage.wait,
            standing: Some(standing),
            held: false,
        })))
    }

    /// The lines of a response to the envelope of this name.
    pub(crate) fn reply(&self, name: &str, response: &Response) -> Vec<Tag> {
        let reply = Reply { to: name, response, sent_at_s: now_s() }.seal(&self.peer.to);
        // A text of at most 8 KiB always fits.
        reply.ok().and_then(|reply| parcel(&reply, None)).unwrap_or_default()
    }

    /// The link has ended, when so many octets were taken: what has begun to be sent is unknown from now on.
    pub(crate) fn close(self, taken: u64) {
        for (leg, begin) in self.waiting.into_values() {
            match taken > begin {
                true => leg.unknown(),
                // Not an octet of it: it says so itself.
                false => drop(leg),
            }
        }
    }
}

/// The name of an envelope that was sealed just now.
pub(crate) fn name(envelope: &str) -> String {
    name_of(envelope).unwrap_or_default().to_owned()
}

pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
