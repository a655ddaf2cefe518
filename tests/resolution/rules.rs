//! What is ours to decide: servers, the cache, limits, and how it is told.

use std::time::Duration;

use cpim_adapter::{Class, Domain};
use cpim_gateway::resolver::{
    Origin, Refused, ResolveError, Resolver, Settings, SetupError, Step, Temporary, Why,
};
use hickory_resolver::proto::op::ResponseCode;

use crate::bench::{Bench, dropped, nothing, places, settings};
use crate::support::dns::{DnsServer, Quirk, Zone};

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// A zone whose `a.test` has so many services at hosts of their own.
fn many(services: u8) -> Zone {
    (0..services).fold(Zone::default(), |zone, i| {
        let host = format!("host-with-a-rather-long-name-{i}.a.test");
        zone.srv("_im._cpim.a.test", u16::from(i), 0, 5870, &host).host(&host, &format!("192.0.2.{i}"))
    })
}

#[tokio::test]
async fn each_class_has_its_own_records() {
    let zone = Zone::default()
        .srv("_pres._cpim.a.test", 0, 0, 1, "host.test")
        .srv("_im._cpim.a.test", 0, 0, 2, "host.test")
        .host("host.test", "192.0.2.1");
    let bench = Bench::new(zone).await;
    let presence = bench.resolver.resolve(Class::Pres, &domain("a.test")).await.unwrap();
    assert_eq!(places(&presence), ["192.0.2.1:1"]);
    assert_eq!(bench.places("a.test").await, ["192.0.2.1:2"]);
}

#[tokio::test]
async fn addresses_sent_along_are_used_and_others_fetched() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "host.test")
        .host("host.test", "192.0.2.1")
        .host("host.test", "192.0.2.2")
        .host("host.test", "2001:db8::1");
    for (zone, origin) in [(zone.clone(), Origin::Additional), (zone.without_additionals(), Origin::Query)] {
        let bench = Bench::new(zone).await;
        let found = bench.resolve("a.test").await.unwrap();
        assert_eq!(
            places(&found),
            ["[2001:db8::1]:5870", "192.0.2.1:5870", "192.0.2.2:5870"],
            "the kinds in turn"
        );
        let origins = found.steps.iter().filter_map(|step| match step {
            Step::Address { from, .. } => Some(*from),
            _ => None,
        });
        assert!(origins.eq([origin; 3]));
        assert_eq!(bench.was_asked("host.test A"), origin == Origin::Query);
    }
}

#[tokio::test]
async fn names_are_equal_in_any_case_and_never_searched_for() {
    let zone = Zone::default()
        .cname("_im._cpim.a.test", "_im._cpim.b.test")
        .srv("_im._cpim.b.test", 0, 0, 5870, "host.test")
        .host("host.test", "192.0.2.1")
        .quirk("_im._cpim.a.test", Quirk::Shout);
    let bench = Bench::new(zone).await;
    let found = bench.resolve("A.Test").await.unwrap();
    assert_eq!(found.candidates[0].host, "host.test");
    assert_eq!(places(&found), ["192.0.2.1:5870"]);
    assert_eq!(bench.server.asked(), ["_im._cpim.a.test SRV udp", "host.test AAAA udp"]);
}

#[tokio::test]
async fn wildcards_are_the_servers_business() {
    let zone = Zone::default().srv("*.wild.test", 0, 0, 5870, "host.test").host("host.test", "192.0.2.1");
    assert_eq!(Bench::new(zone).await.places("any.wild.test").await, ["192.0.2.1:5870"]);
}

#[tokio::test]
async fn truncated_answers_are_asked_for_again_over_tcp() {
    let bench = Bench::with(many(60), |settings| settings.max_candidates = 100).await;
    let found = bench.resolve("a.test").await.unwrap();
    let services = found.steps.iter().filter(|step| matches!(step, Step::Service { .. }));
    assert_eq!(services.count(), 60, "every record is read");
    let asked = bench.server.asked();
    assert_eq!(asked[..2], ["_im._cpim.a.test SRV udp", "_im._cpim.a.test SRV tcp"]);
}

#[tokio::test]
async fn a_domain_cannot_make_us_ask_without_end() {
    let bench = Bench::with(many(60).without_additionals(), |settings| settings.max_candidates = 100).await;
    let found = bench.resolve("a.test").await.unwrap();
    assert_eq!(found.candidates.len(), 16);
    assert_eq!(dropped(&found.steps, Why::Enough).len(), 44);
}

#[tokio::test]
async fn candidates_are_as_many_as_configured_and_no_more() {
    let bench = Bench::with(many(3).host("b.test", "192.0.2.1").host("b.test", "192.0.2.2"), |settings| {
        settings.max_candidates = 2;
    });
    let bench = bench.await;
    let found = bench.resolve("a.test").await.unwrap();
    assert_eq!(places(&found), ["192.0.2.0:5870", "192.0.2.1:5870"]);
    assert_eq!(dropped(&found.steps, Why::Enough), ["host-with-a-rather-long-name-2.a.test:5870"]);
    assert_eq!(bench.places("b.test").await.len(), 2);
}

#[tokio::test]
async fn addresses_that_lead_to_no_host_are_passed_over() {
    let unusable = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.169.254", "::", "ff02::1", "fe80::1"];
    let zone = unusable.iter().fold(Zone::default(), |zone, address| zone.host("a.test", address));
    let mapped = zone.host("a.test", "::ffff:169.254.169.254").srv("_im._cpim.b.test", 0, 0, 1, "a.test");
    let bench = Bench::new(mapped.host("c.test", "192.0.2.1").host("c.test", "0.0.0.0")).await;
    assert_eq!(bench.error("a.test").await, nothing("a.test"));
    assert!(bench.resolve("b.test").await.is_err());
    assert_eq!(bench.places("c.test").await, ["192.0.2.1:5870"]);
}

#[tokio::test]
async fn one_address_is_given_once() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "one.test")
        .srv("_im._cpim.a.test", 1, 0, 5870, "two.test")
        .host("one.test", "192.0.2.1")
        .host("two.test", "192.0.2.1");
    let found = Bench::new(zone).await.resolve("a.test").await.unwrap();
    assert_eq!(places(&found), ["192.0.2.1:5870"]);
    assert_eq!(dropped(&found.steps, Why::Duplicate), ["192.0.2.1:5870"]);
}

#[tokio::test]
async fn one_kind_of_address_is_enough_where_the_other_fails() {
    // The server says SERVFAIL to whatever it is asked about the host, but has sent one kind along.
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "half.test")
        .host("half.test", "192.0.2.1")
        .quirk("half.test", Quirk::Code(ResponseCode::ServFail));
    assert_eq!(Bench::new(zone).await.places("a.test").await, ["192.0.2.1:5870"]);
}

#[tokio::test]
async fn the_next_server_is_asked_and_remembered() {
    for quirk in [Quirk::Code(ResponseCode::ServFail), Quirk::Code(ResponseCode::Refused), Quirk::Silent] {
        let ill = DnsServer::start(Zone::default().quirk("_im._cpim.a.test", quirk)).await;
        let well =
            Zone::default().srv("_im._cpim.a.test", 0, 0, 5870, "host.test").host("host.test", "192.0.2.1");
        let well = DnsServer::start(well).await;
        let resolver = Resolver::new(settings(&[ill.address(), well.address()])).unwrap();
        let found = resolver.resolve(Class::Im, &domain("a.test")).await.unwrap();
        assert_eq!(places(&found), ["192.0.2.1:5870"]);
        assert!(found.steps.iter().any(|step| matches!(step, Step::Trouble { .. })));
        let before = ill.asked().len();
        assert!(resolver.resolve(Class::Im, &domain("b.test")).await.is_err());
        assert_eq!(ill.asked().len(), before, "who answered last is asked first");
    }
}

#[tokio::test]
async fn what_is_known_is_not_asked_again() {
    let zone = Zone::default().host("a.test", "192.0.2.1");
    let bench = Bench::new(zone).await;
    let first = bench.places("a.test").await;
    let asked = bench.server.asked().len();
    assert_eq!(bench.places("a.test").await, first);
    assert_eq!(bench.server.asked().len(), asked, "also that there is nothing is kept, for a short time");
    let found = bench.resolve("a.test").await.unwrap();
    let from_cache = |step: &Step| matches!(step, Step::Query { server, .. } if server == "cache");
    assert_eq!(found.steps.iter().filter(|step| from_cache(step)).count(), 4);
}

#[tokio::test]
async fn a_resolution_ends_in_time_and_tells_how_far_it_came() {
    let zone = Zone::default()
        .cname("_im._cpim.a.test", "_im._cpim.silent.test")
        .quirk("_im._cpim.a.test", Quirk::OneLink)
        .quirk("_im._cpim.silent.test", Quirk::Silent);
    let bench = Bench::with(zone, |settings| {
        settings.timeout = Duration::from_secs(60);
        settings.limit = Duration::from_millis(200);
    });
    let bench = bench.await;
    let unresolved = bench.resolve("a.test").await.unwrap_err();
    let limit = Duration::from_millis(200);
    assert_eq!(unresolved.error, ResolveError::Temporary(Temporary::Overtime { limit }));
    assert!(matches!(unresolved.steps.last(), Some(Step::Alias { .. })), "{:?}", unresolved.steps);
}

#[tokio::test]
async fn a_dropped_resolution_leaves_no_harm() {
    let zone = Zone::default().quirk("_im._cpim.a.test", Quirk::Silent).host("a.test", "192.0.2.1");
    let bench = Bench::with(zone, |settings| settings.timeout = Duration::from_secs(60)).await;
    let never = tokio::time::timeout(Duration::from_millis(100), bench.resolve("a.test")).await;
    assert!(never.is_err());
    bench.server.replace(Zone::default().host("a.test", "192.0.2.1"));
    assert_eq!(bench.places("a.test").await, ["192.0.2.1:5870"]);
}

#[tokio::test]
async fn a_domain_too_long_for_a_service_name() {
    let label = "a".repeat(61);
    let long = [label.as_str(); 4].join(".");
    let error = Bench::new(Zone::default()).await.error(&long).await;
    assert_eq!(error, ResolveError::Refused(Refused::Domain { domain: long }));
}

#[tokio::test]
async fn what_is_told_to_people_and_to_machines() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 10, 5, 5870, "host.test")
        .srv("_im._cpim.a.test", 20, 0, 5870, "gone.test")
        .host("host.test", "192.0.2.1")
        .host("host.test", "2001:db8::1");
    let bench = Bench::new(zone).await;
    let found = bench.resolve("a.test").await.unwrap();
    let server = bench.server.address();
    let expected = format!(
        "\
route     none pinned for a.test
query     _im._cpim.a.test SRV: 2 records ({server})
record    _im._cpim.a.test SRV 10 5 5870 host.test
record    _im._cpim.a.test SRV 20 0 5870 gone.test
address   host.test 2001:db8::1 (came with the record)
address   host.test 192.0.2.1 (came with the record)
query     gone.test AAAA: no such name ({server})
query     gone.test A: no such name ({server})
dropped   gone.test:5870: has no address
cpim      [2001:db8::1]:5870 (host.test, priority 10, weight 5)
cpim      192.0.2.1:5870 (host.test, priority 10, weight 5)"
    );
    assert_eq!(found.to_string(), expected);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["protocol"], "cpim");
    assert_eq!(json["candidates"][1]["address"], "192.0.2.1:5870");
    assert_eq!(json["steps"][2]["step"], "service");
    let unresolved = bench.resolve("b.test").await.unwrap_err();
    let words =
        "no route: b.test has no SRV record for any configured protocol, and no address to try instead";
    assert_eq!(unresolved.to_string(), words);
    let json = serde_json::to_value(&unresolved).unwrap();
    assert_eq!(json["error"], "no-route");
    assert_eq!(json["reason"]["nothing"]["domain"], "b.test");
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let good = settings(&["192.0.2.53:53".parse().unwrap()]);
    assert!(Resolver::new(good.clone()).is_ok());
    let no_servers = Settings { servers: Vec::new(), system: false, ..good.clone() };
    assert!(matches!(Resolver::new(no_servers.clone()), Err(SetupError::NoServers)));
    assert!(Resolver::new(Settings { enabled: false, ..no_servers }).is_ok(), "nobody is asked");
    let one = Resolver::new(Settings { max_candidates: 1, ..good.clone() });
    assert!(matches!(one, Err(SetupError::TooFewCandidates { found: 1 })));
    let never = Resolver::new(Settings { attempts: 0, ..good });
    assert!(matches!(never, Err(SetupError::TooFewAttempts)));
}
