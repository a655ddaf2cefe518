//! Time and slow readers, on a clock that is stopped; everything else is tested from outside.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use cpim_adapter::{
    AdapterContext, Answer, AnswerSlot, Arrival, CommitLog, CommitPoint, Content, Delivery, DeliveryError,
    Domain, Exchange, HealthReporter, ImUri, Mapper, Message, Metadata, NextHop, Observation, Operation,
    OperationId, Outcome, Passage, Report, Selectors, SessionFacts, Shutdown, Standing, TransId,
    VolatileMemory, Withdrawn, Word,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::accept;
use super::server::Server;
use crate::address::NetworkName;
use crate::config::{Guests, Limits, ListenerSettings, ServerSettings};
use crate::net::Network;

const AT: &str = "127.0.0.1:1";

/// A gateway that takes everything and answers nothing; it keeps what it is told.
#[derive(Default)]
struct Gateway {
    reports: Mutex<Vec<Word>>,
    unanswered: Mutex<Vec<AnswerSlot>>,
}

impl Exchange for Gateway {
    fn open(&self, _facts: SessionFacts, _answers: mpsc::Sender<Answer>) -> u64 {
        1
    }
    fn close(&self, _session: u64) {}
    fn submit(&self, _session: u64, _arrival: Arrival, slot: AnswerSlot) {
        self.unanswered.lock().unwrap().push(slot);
    }
    fn report(&self, report: Report) {
        self.reports.lock().unwrap().push(report.word);
    }
    fn observed(&self, _observation: Observation) {}
    fn receipt(&self, _number: u64, _handed_over: bool) {}
    fn mapper(&self) -> Arc<Mapper> {
        Arc::new(Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default()))
    }
}

struct Passed;

#[async_trait]
impl CommitLog for Passed {
    async fn commit(&self, _recall: Option<Duration>) -> Result<(), Withdrawn> {
        Ok(())
    }
}

struct Stage {
    server: Arc<Server>,
    gateway: Arc<Gateway>,
    shutdown: Shutdown,
}

impl Stage {
    async fn new() -> Self {
        let listener = ListenerSettings {
            address: AT.parse().unwrap(),
            plain: false,
            identity: None,
            guests: Guests::Claimed,
        };
        let server = Server::new(
            ServerSettings {
                name: NetworkName::parse("irc.example").unwrap(),
                listeners: vec![listener],
                motd: Vec::new(),
                admin: Vec::new(),
                accounts: Vec::new(),
                registration: false,
                limits: Limits::default(),
            },
            crate::link::Links::new(None).unwrap(),
        )
        .unwrap();
        let (gateway, shutdown) = (Arc::new(Gateway::default()), Shutdown::default());
        let exchange = Arc::clone(&gateway) as Arc<dyn Exchange>;
        let memory = Arc::new(VolatileMemory::default());
        let cx = AdapterContext::new(exchange, memory, HealthReporter::new().0, shutdown.clone());
        tokio::spawn(Arc::clone(&server).run(cx));
        while server.live().is_none() {
            tokio::task::yield_now().await;
        }
        Self { server, gateway, shutdown }
    }

    /// A connection with so many octets between the two sides.
    async fn connect(&self, octets: usize) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(octets);
        let place = Arc::clone(&self.server.places).acquire_owned().await.unwrap();
        let live = Arc::clone(self.server.live().unwrap());
        let from = AT.parse().unwrap();
        let at = AT.parse().unwrap();
        tokio::spawn(accept::serve(Arc::clone(&self.server), live, Box::new(ours), at, from, place));
        theirs
    }

    async fn join(&self, octets: usize) -> DuplexStream {
        let mut alice = self.connect(octets).await;
        alice.write_all(b"NICK alice\r\nUSER a 0 * :a\r\n").await.unwrap();
        read_until(&mut alice, " 422 ").await;
        alice
    }

    async fn deliver(&self, text: &str) -> Result<Outcome, DeliveryError> {
        let foreign = self.server.foreign("alice").unwrap();
        let delivery = Delivery {
            leg: 7,
            trans_id: TransId::parse("7").unwrap(),
            operation: Arc::new(Operation::Message(Message {
                source: ImUri::parse("im:fred@a.example").unwrap(),
                destination: ImUri::parse("im:irc=irc.example/alice@gw.example").unwrap(),
                content: Content::text(text),
                metadata: Metadata::default(),
            })),
            passage: Passage {
                id: OperationId::parse("op-7").unwrap(),
                hops: 9,
                via: Vec::new(),
                wait: None,
            },
            standing: Standing::Verified,
            accepted_at: SystemTime::now(),
            hop: NextHop::Foreign(foreign),
            again: false,
        };
        crate::outgoing::deliver(&*self.server, "alice", delivery, &CommitPoint::new(Passed)).await
    }

    /// The next word on a leg.
    async fn word(&self) -> Word {
        loop {
            if let Some(word) = self.gateway.reports.lock().unwrap().pop() {
                return word;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn read_until(stream: &mut DuplexStream, text: &str) -> String {
    let mut said = String::new();
    while !said.contains(text) || !said.ends_with("\r\n") {
        let mut octets = [0; 256];
        match stream.read(&mut octets).await.unwrap() {
            0 => panic!("the end came first: {said}"),
            count => said.push_str(std::str::from_utf8(&octets[..count]).unwrap()),
        }
    }
    said
}

async fn read_all(stream: &mut DuplexStream) -> String {
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    let stage = Stage::new().await;
    let began = Instant::now();
    let mut silent = stage.connect(4_096).await;
    assert!(read_all(&mut silent).await.ends_with("(Registration timed out)\r\n"));
    assert_eq!(began.elapsed().as_secs(), 30);
}

/// RFC 2812 section 3.7.2: a silent client is pinged, and closed where it does not answer.
#[tokio::test(start_paused = true)]
async fn who_falls_silent_is_pinged_and_closed() {
    let stage = Stage::new().await;
    let mut alice = stage.join(4_096).await;
    let began = Instant::now();
    read_until(&mut alice, "PING :1").await;
    assert_eq!(began.elapsed().as_secs(), 120);
    alice.write_all(b"PONG :1\r\n").await.unwrap();
    read_until(&mut alice, "PING :2").await;
    assert!(read_all(&mut alice).await.ends_with("(Ping timeout: 180 seconds)\r\n"));
    assert_eq!(began.elapsed().as_secs(), 300);
}

/// So is who never answers the ping behind a message, whatever else he says: what came for him would wait for ever.
#[tokio::test(start_paused = true)]
async fn who_never_confirms_is_closed() {
    let stage = Stage::new().await;
    let mut alice = stage.join(4_096).await;
    let began = Instant::now();
    stage.deliver("hello").await.unwrap();
    read_until(&mut alice, "PING :1").await;
    for nth in 1..=5 {
        tokio::time::sleep_until(began + Duration::from_secs(11 * nth)).await;
        alice.write_all(b"TIME\r\n").await.unwrap();
        read_until(&mut alice, " 391 ").await;
    }
    assert!(read_all(&mut alice).await.ends_with("(Ping timeout: 60 seconds)\r\n"));
    assert_eq!(began.elapsed().as_secs(), 60);
    let Word::Answered(response) = stage.word().await else { panic!("answered by its end") };
    assert_eq!(response.status(), cpim_adapter::Status::Indeterminant);
    assert!(response.words().contains("1 of 1 lines were out"), "{}", response.words());
}

/// A client that takes nothing is closed, and the outcome says how much of the message was out.
#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_closed() {
    let stage = Stage::new().await;
    let alice = stage.join(128).await;
    let began = Instant::now();
    let lines: Vec<String> = (0..20).map(|nth| format!("{nth} {}", "x".repeat(60))).collect();
    assert_eq!(stage.deliver(&lines.join("\n")).await.unwrap(), Outcome::Pending);
    let Word::Answered(response) = stage.word().await else { panic!("answered by its end") };
    assert_eq!(response.status(), cpim_adapter::Status::Indeterminant);
    assert!(response.words().contains("1 of 20 lines were out"), "{}", response.words());
    assert_eq!(began.elapsed().as_secs(), 60);
    drop(alice);
}

/// Questions that the gateway does not answer are bounded: a client that asks on is read no further.
#[tokio::test(start_paused = true)]
async fn who_asks_too_much_is_read_no_further() {
    let stage = Stage::new().await;
    let mut alice = stage.join(4_096).await;
    let storm = "MONITOR + fred@a.example\r\nMONITOR - fred@a.example\r\n".repeat(10_000);
    let written = tokio::time::timeout(Duration::from_secs(1), alice.write_all(storm.as_bytes())).await;
    assert!(written.is_err(), "all of it was read");
}

/// A message that was not begun when its client left was not sent.
#[tokio::test(start_paused = true)]
async fn what_was_not_begun_was_not_sent() {
    let stage = Stage::new().await;
    let alice = stage.join(128).await;
    for _ in 0..2 {
        stage.deliver(&"x".repeat(100)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(alice);
    let words = [stage.word().await, stage.word().await];
    assert!(words.iter().any(|word| matches!(word, Word::NotSent)), "{words:?}");
    assert!(words.iter().any(|word| matches!(word, Word::Answered(_))), "{words:?}");
}

/// A stop waits for what was sent and not yet confirmed, and takes leave in IRC's words.
#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_under_way() {
    let stage = Stage::new().await;
    let mut alice = stage.join(4_096).await;
    stage.deliver("hello").await.unwrap();
    read_until(&mut alice, "PING :1").await;
    stage.shutdown.begin_drain();
    tokio::time::sleep(Duration::from_secs(1)).await;
    alice.write_all(b"PONG :1\r\n").await.unwrap();
    assert!(
        matches!(stage.word().await, Word::Answered(response) if response == cpim_adapter::Response::success())
    );
    assert!(read_all(&mut alice).await.ends_with("(Server is shutting down)\r\n"));
}
