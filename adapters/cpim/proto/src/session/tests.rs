//! Sessions, joined to each other or to a script of octets, in virtual time.

mod bad_input;
mod chunks;
mod closing;
mod pair;
mod silence;
mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use cpim_adapter::{Code, Content, ImUri, Message, Metadata, Operation, PresUri, Subscribe, TransId};

use super::*;
use crate::{Close, PlainUris, Reason, Violation};
use pair::Pair;

fn trans_id(text: &str) -> TransId {
    TransId::parse(text).unwrap()
}

fn message(body: &str) -> Operation {
    Operation::Message(Message {
        source: ImUri::parse("im:fred@a.example").unwrap(),
        destination: ImUri::parse("im:alice@b.example").unwrap(),
        content: Content::new(Bytes::copy_from_slice(body.as_bytes())),
        metadata: Metadata::default(),
    })
}

fn subscribe(duration: u32) -> Operation {
    Operation::Subscribe(Subscribe {
        watcher: PresUri::parse("pres:fred@a.example").unwrap(),
        target: PresUri::parse("pres:alice@b.example").unwrap(),
        duration,
        subscript_id: None,
    })
}

/// A frame without parameters, its counts right.
fn frame(xml: &str, content: &str) -> String {
    format!("CPIM/1 {} {}\r\n{xml}{content}", xml.len(), content.len())
}

/// A listening session that a script of octets talks to.
struct Listener {
    session: Session<u32>,
    now: Instant,
}

impl Listener {
    fn new(config: Config) -> Self {
        let now = Instant::now();
        Self { session: Session::listen(Arc::new(config), Arc::new(PlainUris), now), now }
    }

    /// One whose session is open.
    fn open() -> Self {
        Self::open_with(Config::default())
    }

    fn open_with(config: Config) -> Self {
        let mut listener = Self::new(config);
        listener.hear(&frame("<open version='1'/>", ""));
        assert!(matches!(listener.session.poll_event(), Some(Event::Opened(_))));
        listener.session.accept(listener.now, &Open::default()).unwrap();
        assert_eq!(listener.say(), frame("<open version='1'/>", ""));
        listener
    }

    fn hear(&mut self, octets: &str) {
        self.session.handle_input(self.now, &mut BytesMut::from(octets));
    }

    /// Everything it has to say, taken at once.
    fn say(&mut self) -> String {
        let mut said = Vec::new();
        while let Some(chunk) = self.session.poll_transmit() {
            said.extend_from_slice(&chunk);
            self.session.transmitted(self.now, chunk.len());
        }
        String::from_utf8(said).unwrap()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
    }

    fn closure(&mut self) -> Closure {
        match self.events().pop() {
            Some(Event::Closed(closure)) => closure,
            other => panic!("not closed: {other:?}"),
        }
    }
}
