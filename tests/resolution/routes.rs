//! Pinned routes, and names that nobody is asked for.

use cpim_adapter::Domain;
use cpim_gateway::resolver::{
    DomainPattern, Host, HostPort, NoRoute, Protocol, Refused, ResolveError, Route, Via, Why,
};
use hickory_resolver::proto::op::ResponseCode;

use crate::bench::{Bench, dropped, is_temporary, nothing, places};
use crate::support::dns::{Quirk, Zone};

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn exactly(text: &str, via: Via) -> Route {
    Route { domain: DomainPattern::Exactly(domain(text)), via }
}

fn hosts(hosts: &[(&str, u16)]) -> Via {
    let host = |text: &str| text.parse().map_or_else(|_| Host::Name(domain(text)), Host::Address);
    let hosts = hosts.iter().map(|(text, port)| HostPort { host: host(text), port: *port });
    Via::Hosts { protocol: Protocol::native(), hosts: hosts.collect() }
}

#[tokio::test]
async fn pinned_hosts_come_before_dns() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "host.test")
        .host("host.test", "192.0.2.1")
        .host("host.test", "2001:db8::1")
        .cname("alias.test", "host.test");
    let bench = Bench::with(zone, |settings| {
        settings.routes = vec![
            exactly(
                "a.test",
                hosts(&[("alias.test", 1), ("192.0.2.7", 2), ("169.254.0.1", 3), ("localhost", 4)]),
            ),
            Route { domain: DomainPattern::Below(domain("invalid")), via: hosts(&[("192.0.2.8", 5)]) },
        ];
    });
    let bench = bench.await;
    let found = bench.resolve("a.test").await.unwrap();
    let expected =
        ["[2001:db8::1]:1", "192.0.2.1:1", "192.0.2.7:2", "169.254.0.1:3", "[::1]:4", "127.0.0.1:4"];
    assert_eq!(places(&found), expected);
    assert!(!bench.was_asked("_im._cpim.a.test SRV"));
    assert_eq!(bench.places("b.invalid").await, ["192.0.2.8:5"], "what is pinned is pinned");
}

#[tokio::test]
async fn routes_can_lead_as_other_domains_do() {
    let zone =
        Zone::default().srv("_im._cpim.home.test", 0, 0, 5870, "host.test").host("host.test", "192.0.2.1");
    let as_domain = |to| Via::Domain(domain(to));
    let bench = Bench::with(zone, |settings| {
        settings.routes = vec![
            exactly("a.test", as_domain("b.test")),
            exactly("b.test", as_domain("home.test")),
            exactly("c.test", as_domain("d.test")),
            exactly("d.test", as_domain("c.test")),
            exactly("mail.test", Via::Adapter(Protocol::parse("smtp").unwrap())),
        ];
    });
    let bench = bench.await;
    assert_eq!(bench.places("a.test").await, ["192.0.2.1:5870"]);
    let circle = NoRoute::Circle { domain: "c.test".to_owned() };
    assert_eq!(bench.error("c.test").await, ResolveError::NoRoute(circle));
    let mail = bench.resolve("mail.test").await.unwrap();
    assert_eq!((mail.protocol.as_str(), mail.candidates.len()), ("smtp", 0));
}

#[tokio::test]
async fn pinned_hosts_that_cannot_be_used() {
    let zone = Zone::default().quirk("ill.test", Quirk::Code(ResponseCode::ServFail));
    let bench = Bench::with(zone, |settings| {
        settings.routes = vec![
            exactly("a.test", hosts(&[("gone.test", 1)])),
            exactly("b.test", hosts(&[("ill.test", 1)])),
            exactly("c.test", hosts(&[("192.0.2.1", 1), ("192.0.2.2", 2)])),
        ];
        settings.own = vec![HostPort { host: Host::Address([192, 0, 2, 1].into()), port: 1 }];
    });
    let bench = bench.await;
    let none = NoRoute::NoPinnedHost { domain: "a.test".to_owned() };
    assert_eq!(bench.error("a.test").await, ResolveError::NoRoute(none));
    assert!(is_temporary(&bench.error("b.test").await));
    let ourselves = Refused::Ourselves { host: "192.0.2.1".to_owned() };
    assert_eq!(bench.error("c.test").await, ResolveError::Refused(ourselves));
}

#[tokio::test]
async fn without_dns_only_what_is_pinned_leads_anywhere() {
    let bench = Bench::with(Zone::default().host("a.test", "192.0.2.1"), |settings| {
        settings.enabled = false;
        let named = hosts(&[("a.test", 1), ("192.0.2.2", 2), ("localhost", 3)]);
        settings.routes = vec![exactly("b.test", named)];
    });
    let bench = bench.await;
    let off = NoRoute::DnsOff { domain: "a.test".to_owned() };
    assert_eq!(bench.error("a.test").await, ResolveError::NoRoute(off));
    let found = bench.resolve("b.test").await.unwrap();
    assert_eq!(places(&found), ["192.0.2.2:2", "[::1]:3", "127.0.0.1:3"]);
    assert_eq!(dropped(&found.steps, Why::DnsOff), ["a.test:1"]);
    assert!(bench.server.asked().is_empty());
}

#[tokio::test]
async fn special_names_are_answered_here() {
    let zone = Zone::default().host("a.invalid", "192.0.2.1").cname("a.test", "b.invalid").srv(
        "_im._cpim.c.test",
        0,
        0,
        5870,
        "localhost",
    );
    let bench = Bench::new(zone.host("localhost", "127.0.0.1")).await;
    for special in ["a.invalid", "localhost", "a.localhost", "a.onion", "a.alt"] {
        let error = bench.error(special).await;
        assert!(matches!(error, ResolveError::NoRoute(NoRoute::Special { .. })), "{special}: {error}");
    }
    assert!(bench.server.asked().is_empty());
    assert_eq!(bench.error("a.test").await, nothing("a.test"));
    let unresolved = bench.resolve("c.test").await.unwrap_err();
    assert_eq!(dropped(&unresolved.steps, Why::NoAddress), ["localhost:5870"]);
    let asked = bench.server.asked().join("\n");
    assert!(!asked.contains("localhost") && !asked.contains("_cpim.b.invalid"), "{asked}");
}
