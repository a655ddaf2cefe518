//! A gateway around the adapter, as small as can be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, AdapterContext, Answer, AnswerSlot, Arrival, Basic, CommitLog, CommitPoint, Content, Delivery,
    DeliveryError, Domain, Exchange, HealthReporter, ImUri, LegRef, Mapper, Memory, Message, Metadata,
    NextHop, Notify, Observation, Operation, OperationId, Outcome, Passage, PresUri, Presence, Report,
    Selectors, SessionFacts, Shutdown, Standing, TransId, Tuple, VolatileMemory, Withdrawn, Word,
};
use cpim_smtp::{DnsSettings, IncomingSettings, MailAdapter, MailHost, OutgoingSettings, Settings};
use tokio::sync::mpsc;

pub(crate) const BOB: &str = "im:mailto=bob~40mail.example@gw.example";

fn mapper() -> Mapper {
    Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default())
}

struct Desk(Arc<Mutex<Vec<(u64, Word)>>>);

impl Exchange for Desk {
    fn open(&self, _: SessionFacts, _: mpsc::Sender<Answer>) -> u64 {
        0
    }
    fn close(&self, _: u64) {}
    fn submit(&self, _: u64, _: Arrival, _: AnswerSlot) {}
    fn report(&self, report: Report) {
        let LegRef::Number(leg) = report.leg else { panic!("{report:?}") };
        self.0.lock().unwrap().push((leg, report.word));
    }
    fn observed(&self, _: Observation) {}
    fn receipt(&self, _: u64, _: bool) {}
    fn mapper(&self) -> Arc<Mapper> {
        Arc::new(mapper())
    }
}

pub(crate) struct House {
    pub(crate) adapter: Arc<MailAdapter>,
    pub(crate) cx: AdapterContext,
    words: Arc<Mutex<Vec<(u64, Word)>>>,
}

pub(crate) struct Sent {
    pub(crate) outcome: Result<Outcome, DeliveryError>,
    pub(crate) committed: bool,
}

struct Log;

#[async_trait]
impl CommitLog for Log {
    async fn commit(&self, recall: Option<Duration>) -> Result<(), Withdrawn> {
        assert_eq!(recall, None, "mail recognises no retransmission");
        Ok(())
    }
}

impl House {
    pub(crate) async fn new(port: u16) -> Self {
        Self::with(port, Duration::ZERO).await
    }

    pub(crate) async fn with(port: u16, notice_interval: Duration) -> Self {
        let smarthost = MailHost { host: "127.0.0.1".into(), port };
        Self::of(OutgoingSettings {
            smarthost: Some(smarthost),
            notice_interval,
            ..OutgoingSettings::default()
        })
        .await
    }

    pub(crate) async fn of(outgoing: OutgoingSettings) -> Self {
        Self::with_dns(outgoing, DnsSettings::off()).await
    }

    pub(crate) async fn with_dns(outgoing: OutgoingSettings, dns: DnsSettings) -> Self {
        Self::remembering(outgoing, dns, Arc::new(VolatileMemory::default())).await
    }

    /// The same after a restart.
    pub(crate) async fn restarted(&self, outgoing: OutgoingSettings) -> Self {
        Self::remembering(outgoing, DnsSettings::off(), Arc::clone(&self.cx.memory)).await
    }

    async fn remembering(outgoing: OutgoingSettings, dns: DnsSettings, memory: Arc<dyn Memory>) -> Self {
        let settings = Settings {
            incoming: IncomingSettings::default(),
            outgoing,
            relay: Domain::parse("gw.example").unwrap(),
            listeners: Vec::new(),
            peers: Vec::new(),
            dns,
        };
        let adapter = Arc::new(MailAdapter::new(settings).unwrap());
        let words = Arc::default();
        let (health, mut states) = HealthReporter::new();
        let exchange = Arc::new(Desk(Arc::clone(&words)));
        let cx = AdapterContext::new(exchange, memory, health, Shutdown::default());
        let (running, given) = (Arc::clone(&adapter), cx.clone());
        tokio::spawn(async move { running.run(given).await });
        states.wait_for(|health| *health == cpim_adapter::Health::Up).await.unwrap();
        Self { adapter, cx, words }
    }

    pub(crate) async fn deliver(&self, leg: u64, operation: Operation) -> Sent {
        let commit = CommitPoint::new(Log);
        let delivery = Delivery {
            leg,
            trans_id: TransId::parse("9").unwrap(),
            hop: NextHop::Foreign(mapper().unmap(operation.goes_to().address()).unwrap()),
            operation: Arc::new(operation),
            passage: Passage {
                id: OperationId::parse("op").unwrap(),
                hops: 99,
                via: vec![Domain::parse("gw.example").unwrap()],
                wait: None,
            },
            standing: Standing::Verified,
            again: false,
            accepted_at: std::time::SystemTime::now(),
        };
        Sent { outcome: self.adapter.deliver(delivery, &commit).await, committed: commit.passed() }
    }

    /// What was reported since it was last asked.
    pub(crate) fn words(&self) -> Vec<(u64, Word)> {
        std::mem::take(&mut self.words.lock().unwrap())
    }
}

pub(crate) fn message(from: &str, to: &str) -> Operation {
    Operation::Message(Message {
        source: ImUri::parse(from).unwrap(),
        destination: ImUri::parse(to).unwrap(),
        content: Content::new("Content-Type: text/plain\r\n\r\n.Yabba".into()),
        metadata: Metadata::default(),
    })
}

pub(crate) fn notify(target: &str, words: &str) -> Operation {
    let tuple = Tuple {
        destination: "im:fred@a.example".into(),
        status: Basic::Open,
        markup: words.into(),
        namespaces: Vec::new(),
    };
    Operation::Notify(Notify {
        watcher: PresUri::parse(&BOB.replace("im:", "pres:")).unwrap(),
        target: PresUri::parse(target).unwrap(),
        presence: Presence::new(tuple, Vec::new()),
        document: None,
    })
}
