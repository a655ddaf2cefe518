//! Which of the places that DNS names is used, and whom a gateway believes there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::authority::Identity;
use super::person::{HELLO, Person};
use super::stage::{Plan, Stage, free_port};
use crate::support::dns::Zone;

const THERE: &str = "im:fred@a.example im:barney@b.example";

/// The service of b.example at these ports, the first before the second.
fn in_order(ports: &[u16]) -> Zone {
    let name = "_im._cpim.b.example";
    (1..).zip(ports).fold(Zone::default(), |zone, (nth, port)| {
        let host = format!("host{nth}.b.example");
        zone.srv(name, nth * 10, 0, *port, &host).host(&host, "127.0.0.1")
    })
}

/// A server with a certificate that is valid, and for somebody else.
struct Impostor {
    port: u16,
    /// Connections that came, and how many of them went on to say something.
    came: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Impostor {
    async fn new(identity: &Identity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(identity.server()));
        let counts = [0, 0].map(|count| Arc::new(AtomicUsize::new(count)));
        let [came, heard] = counts.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                came.fetch_add(1, Ordering::SeqCst);
                let Ok(mut secured) = acceptor.accept(stream).await else { continue };
                if secured.read_u8().await.is_ok() {
                    heard.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let [came, heard] = counts;
        Self { port, came, heard, _tasks: tasks }
    }

    fn counts(&self) -> (usize, usize) {
        (self.came.load(Ordering::SeqCst), self.heard.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn where_the_first_target_is_down_the_second_takes_over() {
    let (stage, a, b) = Stage::with_both().await;
    stage.dns.replace(in_order(&[free_port(), b.port]));
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("1").await, "success");
}

#[tokio::test]
async fn a_target_with_a_certificate_for_another_name_is_told_nothing() {
    let (stage, a, b) = Stage::with_both().await;
    // It has the name of the very host that SRV names, which proves nothing.
    let impostor = Impostor::new(&stage.authority.issue(&["host1.b.example"])).await;
    stage.dns.replace(in_order(&[impostor.port, b.port]));
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("1").await, "success");
    assert_eq!(impostor.counts(), (1, 0));
}

#[tokio::test]
async fn a_gateway_that_proves_the_host_and_not_the_domain_gets_nothing() {
    let a = Plan { limits: "retry_horizon = \"3s\"", ..Plan::a() };
    let b = Plan { certificate: vec!["host.b.example", "gw.b.example"], ..Plan::b() };
    let (_stage, a, b) = Stage::with(a, b).await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    assert_eq!(fred.answer_to("1").await, "failure unreachable");
    // The first that Barney hears is what was said at home.
    let mut betty = Person::at(b.door, "im:betty@b.example").await;
    betty.says("1", "im:betty@b.example im:barney@b.example", b"").await;
    let message = barney.message().await;
    assert_eq!(message.attribute("source"), "im:betty@b.example");
}

#[tokio::test]
async fn what_cannot_be_delivered_goes_once_the_gateway_is_there() {
    let stage = Stage::new().await;
    let (mut a, mut b) = (stage.plan(&Plan::a()), stage.plan(&Plan::b()));
    stage.dns.replace(in_order(&[b.port]));
    a.start().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    fred.says("1", THERE, HELLO).await;
    while !String::from_utf8_lossy(&a.ask(&["queue"]).await.stdout).contains("im:barney@b.example") {}
    b.start().await;
    // There, but without Barney: it says so at once.
    assert_eq!(fred.answer_to("1").await, "failure unreachable");
}
