//! An adapter under test, and settings to start from.

use std::net::SocketAddr;
use std::sync::Arc;

use cpim_adapter::{
    Adapter, AdapterContext, Content, Delivery, Domain, Endpoint, HealthReporter, ImUri, Message, Metadata,
    NextHop, Operation, OperationId, Passage, PeerHop, Scope, Shutdown, Standing, TransId, VolatileMemory,
};
use cpim_native::{
    Anchors, ApplicationSettings, Identity, Limits, ListenAt, ListenerSettings, NativeAdapter, OutgoingTls,
    PeerSettings, Secret, Settings,
};

use crate::certificates::Authority;
use crate::exchange::{Desk, Gateway};

pub(crate) fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// What the configuration writes: `.example`, `a.example`, `im:fred@a.example`.
pub(crate) fn scope(text: &str) -> Scope {
    match (text.strip_prefix('.'), text.contains(':')) {
        (Some(above), _) => Scope::Under(domain(above)),
        (None, true) => Scope::Address(text.parse().unwrap()),
        (None, false) => Scope::Domain(domain(text)),
    }
}

/// Relay domain `gw.example`, no listener.
pub(crate) fn bare() -> Settings {
    Settings {
        relay: domain("gw.example"),
        serves_out: vec![domain("gw.example")],
        listeners: Vec::new(),
        outgoing: OutgoingTls { anchors: Anchors::System, identity: None },
        peers: Vec::new(),
        applications: Vec::new(),
        hosted: Vec::new(),
        limits: Limits::default(),
    }
}

/// A plain listener on loopback, whose trust rule is `.example`, as in the demo.
pub(crate) fn demo() -> Settings {
    Settings { listeners: vec![plain(&[".example"])], ..bare() }
}

pub(crate) fn plain(trust: &[&str]) -> ListenerSettings {
    ListenerSettings {
        at: ListenAt::Tcp("127.0.0.1:0".parse().unwrap()),
        plain: false,
        identity: None,
        client_ca: None,
        trust: trust.iter().map(|text| scope(text)).collect(),
    }
}

/// A TLS listener that asks for certificates of `ca`, and trusts nobody else.
pub(crate) fn secure(identity: Identity, ca: &Authority) -> ListenerSettings {
    ListenerSettings { identity: Some(identity), client_ca: Some(Anchors::File(ca.path())), ..plain(&[]) }
}

pub(crate) fn application(name: &str, covers: &[&str], secret: &str) -> ApplicationSettings {
    ApplicationSettings {
        name: name.to_owned(),
        covers: covers.iter().map(|text| scope(text)).collect(),
        secret: Secret::new(secret),
        certificate: None,
    }
}

pub(crate) fn peer(relay: &str, serves: &[&str], secret: Option<&str>) -> PeerSettings {
    PeerSettings {
        domain: domain(relay),
        serves: serves.iter().map(|text| domain(text)).collect(),
        sources: Vec::new(),
        secret: secret.and_then(Secret::new),
    }
}

/// An adapter that runs.
pub(crate) struct Running {
    pub(crate) adapter: Arc<NativeAdapter>,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) shutdown: Shutdown,
    pub(crate) ended: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(crate) async fn deliver(
        &self,
        delivery: Delivery,
    ) -> Result<cpim_adapter::Outcome, cpim_adapter::DeliveryError> {
        let (point, _) = crate::exchange::commit_point();
        self.adapter.deliver(delivery, &point).await
    }
}

/// Starts an adapter with this gateway behind it.
pub(crate) async fn start(settings: Settings, gateway: &Arc<Gateway>) -> Running {
    let adapter = Arc::new(NativeAdapter::new(settings).unwrap());
    adapter.bind().await.unwrap();
    let addresses = adapter.local_addrs();
    let shutdown = Shutdown::default();
    let (health, _) = HealthReporter::new();
    let cx = AdapterContext::new(
        Arc::new(Desk(gateway.clone())),
        Arc::new(VolatileMemory::default()),
        health,
        shutdown.clone(),
    );
    let running = Arc::clone(&adapter);
    let ended = tokio::spawn(async move { running.run(cx).await.unwrap() });
    // `run` has the context only once it was polled.
    tokio::task::yield_now().await;
    Running { adapter, addresses, gateway: gateway.clone(), shutdown, ended }
}

/// A delivery of a message.
pub(crate) fn delivery(leg: u64, destination: &str, hop: NextHop) -> Delivery {
    delivery_of(leg, "im:wilma@c.example", destination, "Content-Type: text/plain\r\n\r\nhello".into(), hop)
}

pub(crate) fn delivery_of(
    leg: u64,
    source: &str,
    destination: &str,
    content: String,
    hop: NextHop,
) -> Delivery {
    let operation = Operation::Message(Message {
        source: ImUri::parse(source).unwrap(),
        destination: ImUri::parse(destination).unwrap(),
        content: Content::new(content.into()),
        metadata: Metadata::default(),
    });
    Delivery {
        leg,
        trans_id: TransId::parse(&leg.to_string()).unwrap(),
        operation: Arc::new(operation),
        passage: Passage {
            id: OperationId::parse(&format!("op-{leg}")).unwrap(),
            hops: 127,
            via: vec![domain("gw.example")],
            wait: None,
        },
        standing: Standing::Verified,
        accepted_at: std::time::SystemTime::now(),
        hop,
        again: false,
    }
}

pub(crate) fn served(address: &str) -> NextHop {
    NextHop::Served(address.parse().unwrap())
}

pub(crate) fn to_peer(wanted: &str, plain: bool, endpoints: &[SocketAddr]) -> NextHop {
    let endpoint = |address: &SocketAddr| Endpoint { host: format!("host-of-{address}"), address: *address };
    NextHop::Peer(PeerHop {
        class: cpim_adapter::Class::Im,
        domain: domain(wanted),
        endpoints: endpoints.iter().map(endpoint).collect(),
        plain,
    })
}
