//! The template of the guide to adapters in Rust, within the gateway's core.

use std::net::Ipv4Addr;
use std::sync::Arc;

use adapter_template::{LinesAdapter, Settings};
use cpim_adapter::{Adapter, AdapterContext, HealthReporter, Mapper, Selectors, Shape, Shutdown};
use cpim_gateway::resolver::{self, Resolver};
use cpim_gateway::router::{Policy, Port, Router};

use crate::lines::Talker;
use crate::support::toy;

/// The core with the template in it, and the port where users connect.
async fn house() -> (u16, Shutdown, tokio::task::JoinHandle<()>) {
    let mut selectors = Selectors::default();
    selectors.add("lines", Shape::Opaque).unwrap();
    let lines = selectors.find("lines").unwrap();
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let adapter = Arc::new(LinesAdapter::new(Settings { listen, selector: lines.clone() }));
    adapter.bind().await.unwrap();
    let port = adapter.local_addr().unwrap().port();
    let policy = toy::policy();
    let mapper = Arc::new(Mapper::new(policy.mapper.relay_domain().clone(), selectors));
    let (journal, done) = toy::memory();
    let at = Port { name: "lines", selectors: vec![lines], adapter: Arc::clone(&adapter) as _ };
    let resolver =
        Resolver::new(resolver::Settings { enabled: false, ..resolver::Settings::default() }).unwrap();
    let router =
        Router::new(vec![at], Policy { mapper, ..policy }, resolver, journal, 1 << 28).await.unwrap();
    router.start([done]).await.unwrap();
    let (health, shutdown) = (HealthReporter::new().0, Shutdown::default());
    let cx = AdapterContext::new(router.exchange(0), router.memory(), health, shutdown.clone());
    let running = tokio::spawn(async move { adapter.run(cx).await.unwrap() });
    (port, shutdown, running)
}

/// What two people say to each other; they are on threads of their own, as they would be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_talk_and_each_is_told_the_truth() {
    let (port, shutdown, running) = house().await;
    let talking = tokio::task::spawn_blocking(move || {
        let mut wilma = Talker::called("Wilma", port);
        let mut betty = Talker::called("betty", port);
        wilma.says("to im:lines=BETTY@gw.example 1 Hi, Betty!");
        assert_eq!(betty.hears(), "from im:lines=wilma@gw.example 1 Hi, Betty!");
        assert!(wilma.hears_nothing(), "nobody knows yet that she has it");
        betty.says("got 1");
        assert_eq!(wilma.hears(), "ok 1");
        betty.says("to im:lines=barney@gw.example 1 Hi!");
        assert!(betty.hears().starts_with("no 1 unreachable"));
        betty.says("to im:lines=bar~20ney@gw.example 2 Hi!");
        assert!(betty.hears().starts_with("no 2 bad-address"));
        betty.says("shout");
        assert!(betty.hears().starts_with("no:"));
        // The same once more is another message: LINES knows no repetition.
        wilma.says("to im:lines=betty@gw.example 1 Hi, Betty!");
        assert_eq!(betty.hears(), "from im:lines=wilma@gw.example 2 Hi, Betty!");
        drop(betty);
        assert!(wilma.hears().starts_with("maybe 1"), "she may have read it");
        wilma
    });
    let wilma = talking.await.unwrap();
    shutdown.begin_drain();
    running.await.unwrap();
    drop(wilma);
}
