//! What a link makes of envelopes: operations and responses out of them, and them out of those. No I/O.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cpim_adapter::envelope::{EnvelopeError, Replays, Reply, is_reply, name_of, open, open_reply};
use cpim_adapter::{Arrival, Code, Content, Kind, Mapper, Response, TransId};

use super::parcel::{Arrived, Tag, parcel};
use super::peers::Peer;
use crate::leg::Leg;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use cpim_adapter::envelope::Departure;
    use cpim_adapter::{
        AdapterContext, Answer, AnswerSlot, Basic, Domain, Exchange, HealthReporter, ImUri, Memory, Message,
        Metadata, Notify, Observation, Operation, OperationId, Passage, PresUri, Presence, Publish, Report,
        Selectors, SessionFacts, Shutdown, Standing, Status, Subscribe, SubscriptId, Tuple, Unsubscribe,
        VolatileMemory, Word,
    };
    use tokio::sync::mpsc;

    use super::super::parcel::Intake;
    use super::*;
    use crate::config::{Password, PeerSettings};

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn mapper() -> Mapper {
        Mapper::new(domain("gw.b.example"), Selectors::default())
    }

    /// What one gateway called `own` keeps of the other.
    fn desk(own: &str, other: &str) -> Desk {
        let settings = PeerSettings {
            domain: domain(other),
            serves: Vec::new(),
            sources: Vec::new(),
            secret: Password::new("secret").unwrap(),
        };
        let replays = Arc::new(Mutex::new(Replays::new(REPLAYS)));
        Desk::new(Arc::new(Peer::new(settings, &domain(own))), replays)
    }

    fn pres(text: &str) -> PresUri {
        PresUri::parse(text).unwrap()
    }

    /// One operation of every kind, with everything that it can have.
    fn operations() -> Vec<Operation> {
        let [fred, barney] = ["pres:fred@a.example", "pres:barney@b.example"].map(pres);
        let tuple = Tuple {
            destination: "im:fred@a.example".into(),
            status: Basic::Open,
            markup: "at <b>lunch</b>; \\ &amp; back".into(),
            namespaces: vec![("x".into(), "urn:x".into())],
        };
        let presence = Presence::new(tuple, Vec::new());
        let document = Some(Content::new(vec![0; 20_000].into()));
        vec![
            Operation::Message(Message {
                source: ImUri::parse("im:fred@a.example").unwrap(),
                destination: ImUri::parse("im:barney@b.example").unwrap(),
                content: Content::new((0..=255).collect::<Vec<u8>>().into()),
                metadata: Metadata {
                    date: Some("2026-11-25T12:00:00Z".into()),
                    automatic: true,
                    ..Metadata::default()
                },
            }),
            Operation::Notify(Notify {
                watcher: barney.clone(),
                target: fred.clone(),
                presence: presence.clone(),
                document: document.clone(),
            }),
            Operation::Publish(Publish { target: fred.clone(), presence, document, duration: Some(60) }),
            Operation::Subscribe(Subscribe {
                watcher: fred.clone(),
                target: barney.clone(),
                duration: 600,
                subscript_id: SubscriptId::parse("s-1").ok(),
            }),
            Operation::Unsubscribe(Unsubscribe { watcher: fred, target: barney }),
        ]
    }

    fn sealed(
        operation: &Operation,
        key: &cpim_adapter::envelope::Key,
        sent_at_s: u64,
    ) -> (String, Vec<Tag>) {
        let passage = Passage {
            id: OperationId::parse("op-1").unwrap(),
            hops: 7,
            via: vec![domain("gw.a.example")],
            wait: Some(Duration::from_secs(9)),
        };
        let departure = Departure { operation, passage: &passage, standing: Standing::Verified, sent_at_s };
        let envelope = departure.seal(key).unwrap();
        let tags = parcel(&envelope, operation.content().map(Content::octets)).unwrap();
        (name(&envelope), tags)
    }

    fn carried(tags: &[Tag]) -> Arrived {
        let mut intake = Intake::new(100_000);
        let mut all =
            tags.iter().filter_map(|tag| intake.take(|key| (key == tag.key).then_some(&*tag.value)));
        all.next().unwrap()
    }

    /// DESIGN: the operation arrives whole, of every kind, over as many lines as it takes.
    #[test]
    fn every_operation_arrives_as_it_departed() {
        let (a, mut b) = (desk("gw.a.example", "gw.b.example"), desk("gw.b.example", "gw.a.example"));
        for operation in operations() {
            let (name, tags) = sealed(&operation, &a.peer.to, now_s());
            let Ok(Came::Operation(arrival)) = b.take(carried(&tags), &mapper()) else {
                panic!("{operation:?}")
            };
            assert_eq!(format!("{:?}", arrival.operation), format!("{operation:?}"));
            assert_eq!(arrival.operation.content(), operation.content());
            assert_eq!((arrival.trans_id.as_str(), arrival.hops), (&*name, Some(7)));
            assert_eq!(
                (arrival.via, arrival.wait),
                (vec![domain("gw.a.example")], Some(Duration::from_secs(9)))
            );
            assert_eq!(arrival.standing, Some(Standing::Verified));
        }
    }

    #[test]
    fn what_is_old_or_comes_twice_or_is_not_the_peers_is_not_taken() {
        let (a, mut b) = (desk("gw.a.example", "gw.b.example"), desk("gw.b.example", "gw.a.example"));
        let refused = |came: Result<Came, EnvelopeError>, answered: bool| match came {
            Ok(Came::Refused(tags)) => assert_eq!(!tags.is_empty(), answered),
            _ => panic!("it was taken"),
        };
        for operation in operations() {
            let answered = operation.kind() != Kind::Notify;
            let (_, old) = sealed(&operation, &a.peer.to, now_s() - 3_600);
            refused(b.take(carried(&old), &mapper()), answered);
            let (_, tags) = sealed(&operation, &a.peer.to, now_s());
            assert!(matches!(b.take(carried(&tags), &mapper()), Ok(Came::Operation(_))));
            match operation.kind() {
                // The journal knows a message again by its transID, and has its answer.
                Kind::Message => assert!(matches!(b.take(carried(&tags), &mapper()), Ok(Came::Operation(_)))),
                _ => refused(b.take(carried(&tags), &mapper()), answered),
            }
            // Its own key, and another content.
            let (_, own) = sealed(&operation, &b.peer.to, now_s());
            assert!(matches!(b.take(carried(&own), &mapper()), Err(EnvelopeError::Unproven)));
            if operation.content().is_some() {
                let (_, fresh) = sealed(&operation, &a.peer.to, now_s() + 1);
                let changed = Arrived { content: Some(b"else"[..].into()), ..carried(&fresh) };
                refused(b.take(changed, &mapper()), answered);
            }
        }
    }

    /// Reports, counted by their word.
    #[derive(Default)]
    struct Reports([AtomicUsize; 3]);

    impl Exchange for Reports {
        fn open(&self, _: SessionFacts, _: mpsc::Sender<Answer>) -> u64 {
            0
        }
        fn close(&self, _: u64) {}
        fn submit(&self, _: u64, _: Arrival, _: AnswerSlot) {}
        fn report(&self, report: Report) {
            let [answered, not_sent, unknown] = &self.0;
            let counter = match report.word {
                Word::Answered(response) => {
                    assert_eq!(response.status(), Status::Success);
                    answered
                }
                Word::NotSent => not_sent,
                Word::Unknown => unknown,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        fn observed(&self, _: Observation) {}
        fn receipt(&self, _: u64, _: bool) {}
        fn mapper(&self) -> Arc<Mapper> {
            Arc::new(mapper())
        }
    }

    #[test]
    fn each_leg_has_one_last_word() {
        let reports = Arc::new(Reports::default());
        let memory: Arc<dyn Memory> = Arc::new(VolatileMemory::default());
        let exchange: Arc<dyn Exchange> = Arc::clone(&reports) as _;
        let cx = AdapterContext::new(exchange, memory, HealthReporter::new().0, Shutdown::default());
        let (mut a, b) = (desk("gw.a.example", "gw.b.example"), desk("gw.b.example", "gw.a.example"));
        for (name, begin) in [("answered", 0), ("begun", 10), ("waiting", 20)] {
            a.sent(name.to_owned(), Leg::new(1, cx.clone()), begin);
        }
        let reply = b.reply("answered", &Response::success());
        assert!(matches!(a.take(carried(&reply), &mapper()), Ok(Came::Response)));
        assert!(matches!(a.take(carried(&reply), &mapper()), Ok(Came::Response)), "nobody waits any more");
        a.close(15);
        let counts = reports.0.each_ref().map(|counter| counter.load(Ordering::Relaxed));
        assert_eq!(counts, [1, 1, 1], "answered, not sent, unknown");
    }
}
