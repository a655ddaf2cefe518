//! The vectors D01 to D13, and what else RFC 3861 and RFC 2782 say.

use cpim_adapter::{Class, Domain};
use cpim_gateway::resolver::{
    Host, HostPort, NoRoute, Protocol, Refused, ResolveError, Settings, Step, Temporary, Why,
};
use hickory_resolver::proto::op::ResponseCode;

use crate::bench::{Bench, dropped, is_temporary, no_target, nothing, places};
use crate::support::dns::{Quirk, Zone};

#[tokio::test]
async fn d01_lower_priorities_come_first() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 20, 9, 5870, "three.a.test")
        .srv("_im._cpim.a.test", 10, 0, 5870, "one.a.test")
        .srv("_im._cpim.a.test", 20, 0, 5870, "four.a.test")
        .srv("_im._cpim.a.test", 10, 9, 5871, "two.a.test")
        .host("one.a.test", "192.0.2.1")
        .host("two.a.test", "192.0.2.2")
        .host("three.a.test", "192.0.2.3")
        .host("four.a.test", "192.0.2.4");
    let bench = Bench::new(zone).await;
    for _ in 0..20 {
        let found = bench.resolver.resolve(Class::Im, &Domain::parse("a.test").unwrap()).await.unwrap();
        let priorities: Vec<_> = found.candidates.iter().map(|candidate| candidate.priority).collect();
        assert_eq!(priorities, [10, 10, 20, 20], "also by chance, also from the cache");
    }
    let found = bench.resolve("a.test").await.unwrap();
    let ports: Vec<_> =
        found.candidates.iter().map(|c| (c.host.as_str(), c.address.port(), c.weight)).collect();
    let ordered = [
        ("one.a.test", 5870, 0),
        ("two.a.test", 5871, 9),
        ("four.a.test", 5870, 0),
        ("three.a.test", 5870, 9),
    ];
    assert_eq!(ports, ordered);
}

#[tokio::test]
async fn d02_the_order_is_drawn_anew_also_from_the_cache() {
    let mut zone = Zone::default();
    for (weight, host) in [(30, "heavy"), (0, "none"), (10, "light")] {
        let host = format!("{host}.a.test");
        zone = zone.srv("_im._cpim.a.test", 0, weight, 5870, &host).host(&host, &format!("192.0.2.{weight}"));
    }
    let bench = Bench::new(zone).await;
    let domain = Domain::parse("a.test").unwrap();
    let mut first = [0; 41];
    for drawn in 0..=40 {
        let mut script = vec![0, 0, drawn];
        let found =
            bench.resolver.resolve_with(Class::Im, &domain, &mut |_| script.pop().unwrap()).await.unwrap();
        first[usize::from(found.candidates[0].weight)] += 1;
    }
    assert_eq!((first[0], first[10], first[30]), (1, 10, 30), "out of 41");
    let services = bench.server.asked().into_iter().filter(|line| line.contains("SRV"));
    assert_eq!(services.count(), 1, "the cache answered all but the first");
}

#[tokio::test]
async fn d05_without_srv_the_domain_itself_at_the_default_port() {
    let zone =
        Zone::default().host("a.test", "192.0.2.1").host("a.test", "2001:db8::1").host("a.test", "192.0.2.2");
    let bench = Bench::new(zone.host("x.sub.test", "192.0.2.9")).await;
    let found = bench.resolve("a.test").await.unwrap();
    assert_eq!(found.protocol, Protocol::native());
    assert_eq!(places(&found), ["[2001:db8::1]:5870", "192.0.2.1:5870", "192.0.2.2:5870"]);
    assert!(found.steps.contains(&Step::Fallback { domain: "a.test".to_owned(), port: 5870 }));
    assert!(bench.was_asked("_im._cpim.a.test SRV") && bench.was_asked("_im._smtp.a.test SRV"));
    // A name without records of its own (NODATA), and none at all (NXDOMAIN).
    assert_eq!(bench.error("sub.test").await, nothing("sub.test"));
    assert_eq!(bench.error("nowhere.test").await, nothing("nowhere.test"));
}

#[tokio::test]
async fn d05_addresses_of_one_kind_only() {
    let zone = Zone::default()
        .host("six.test", "2001:db8::6")
        .srv("_im._cpim.a.test", 0, 0, 5870, "host.a.test")
        .host("host.a.test", "2001:db8::7");
    let bench = Bench::new(zone).await;
    assert_eq!(bench.places("six.test").await, ["[2001:db8::6]:5870"]);
    assert_eq!(bench.places("a.test").await, ["[2001:db8::7]:5870"]);
}

#[tokio::test]
async fn d05_only_the_native_binding_falls_back() {
    let smtp_only = |settings: &mut Settings| settings.protocols = vec![Protocol::parse("smtp").unwrap()];
    let bench = Bench::with(Zone::default().host("a.test", "192.0.2.1"), smtp_only).await;
    assert_eq!(bench.error("a.test").await, nothing("a.test"));
}

#[tokio::test]
async fn d06_dead_targets_do_not_bring_back_the_domain_itself() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "gone.a.test")
        .srv("_im._cpim.a.test", 1, 0, 5870, "bare.a.test")
        .host("x.bare.a.test", "192.0.2.9")
        .host("a.test", "192.0.2.1")
        .srv("_im._smtp.a.test", 0, 0, 25, "a.test");
    let bench = Bench::new(zone).await;
    let unresolved = bench.resolve("a.test").await.unwrap_err();
    assert_eq!(unresolved.error, no_target("a.test"));
    assert_eq!(dropped(&unresolved.steps, Why::NoAddress), ["gone.a.test:5870", "bare.a.test:5870"]);
    assert!(!bench.was_asked("a.test A") && !bench.was_asked("_im._smtp.a.test SRV"));
}

#[tokio::test]
async fn d06_targets_that_nobody_can_speak_for_are_temporary() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "gone.a.test")
        .srv("_im._cpim.a.test", 1, 0, 5870, "ill.a.test")
        .quirk("ill.a.test", Quirk::Code(ResponseCode::ServFail))
        .host("a.test", "192.0.2.1");
    let bench = Bench::new(zone).await;
    let error = bench.error("a.test").await;
    assert!(is_temporary(&error), "{error}");
    assert!(!bench.was_asked("a.test A"));
}

#[tokio::test]
async fn d07_aliases_of_the_service_name_are_followed() {
    let zone = Zone::default()
        .cname("_im._cpim.a.test", "_im._cpim.b.test")
        .srv("_im._cpim.b.test", 0, 0, 5871, "host.b.test")
        .host("host.b.test", "192.0.2.1");
    // All at once, as recursive servers answer, and link by link.
    for zone in [zone.clone(), zone.quirk("_im._cpim.a.test", Quirk::OneLink)] {
        let bench = Bench::new(zone).await;
        let found = bench.resolve("a.test").await.unwrap();
        assert_eq!(places(&found), ["192.0.2.1:5871"]);
        let (from, to) = ("_im._cpim.a.test".to_owned(), "_im._cpim.b.test".to_owned());
        assert!(found.steps.contains(&Step::Alias { from, to }));
        assert!(!bench.was_asked("host.b.test SRV"), "a target is no alias");
    }
}

#[tokio::test]
async fn d07_a_domain_that_is_an_alias_is_resolved_as_what_it_stands_for() {
    let zone = Zone::default()
        .cname("a.test", "b.test")
        .cname("b.test", "c.test")
        .srv("_im._smtp.c.test", 0, 0, 25, "mx.c.test")
        .host("mx.c.test", "192.0.2.1")
        .cname("plain.test", "host.test")
        .host("host.test", "192.0.2.2");
    let bench = Bench::new(zone).await;
    let found = bench.resolve("a.test").await.unwrap();
    assert_eq!((found.protocol.as_str(), places(&found)), ("smtp", vec!["192.0.2.1:25".to_owned()]));
    assert_eq!(bench.places("plain.test").await, ["192.0.2.2:5870"]);
}

#[tokio::test]
async fn d07_aliases_without_end() {
    let chain = |zone: Zone, start: &str, links: usize| {
        (0..links)
            .fold(zone, |zone, i| zone.cname(&format!("{start}{i}.test"), &format!("{start}{}.test", i + 1)))
    };
    let zone = Zone::default()
        .cname("_im._cpim.a.test", "_im._cpim.b.test")
        .cname("_im._cpim.b.test", "_im._cpim.a.test")
        .cname("c.test", "d.test")
        .cname("d.test", "c.test")
        .cname("self.test", "self.test");
    let zone = chain(chain(zone, "short", 8), "long", 9)
        .host("short8.test", "192.0.2.8")
        .host("long9.test", "192.0.2.9");
    let bench = Bench::new(zone).await;
    let endless = |name: &str| ResolveError::NoRoute(NoRoute::Aliases { name: name.to_owned(), most: 8 });
    assert_eq!(bench.error("a.test").await, endless("_im._cpim.a.test"));
    assert_eq!(bench.error("c.test").await, endless("c.test"));
    assert_eq!(bench.error("self.test").await, endless("self.test"));
    assert_eq!(bench.places("short0.test").await, ["192.0.2.8:5870"]);
    assert_eq!(bench.error("long0.test").await, endless("long0.test"));
}

#[tokio::test]
async fn d08_a_target_that_is_an_alias_is_refused() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 5870, "alias.a.test")
        .srv("_im._cpim.b.test", 0, 0, 5870, "alias.a.test")
        .srv("_im._cpim.b.test", 1, 0, 5870, "host.a.test")
        .srv("_im._cpim.c.test", 0, 0, 5870, "circle.a.test")
        .cname("alias.a.test", "host.a.test")
        .cname("circle.a.test", "circle.a.test")
        .host("host.a.test", "192.0.2.1");
    let bench = Bench::new(zone).await;
    let refused = |host: &str| ResolveError::Refused(Refused::Alias { host: host.to_owned() });
    assert_eq!(bench.error("a.test").await, refused("alias.a.test"));
    assert_eq!(bench.error("c.test").await, refused("circle.a.test"));
    let found = bench.resolve("b.test").await.unwrap();
    assert_eq!(places(&found), ["192.0.2.1:5870"]);
    assert_eq!(dropped(&found.steps, Why::Alias), ["alias.a.test:5870"]);
}

#[tokio::test]
async fn d13_port_0_is_refused() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 0, "host.a.test")
        .srv("_im._cpim.b.test", 0, 0, 0, "host.a.test")
        .srv("_im._cpim.b.test", 0, 0, 5870, "host.a.test")
        .host("host.a.test", "192.0.2.1");
    let bench = Bench::new(zone).await;
    let unresolved = bench.resolve("a.test").await.unwrap_err();
    assert_eq!(unresolved.error, no_target("a.test"));
    assert_eq!(dropped(&unresolved.steps, Why::PortZero), ["host.a.test:0"]);
    assert_eq!(bench.places("b.test").await, ["192.0.2.1:5870"]);
}

#[tokio::test]
async fn d13_we_are_not_sent_to_ourselves() {
    let zone = Zone::default()
        .srv("_im._cpim.address.test", 0, 0, 5870, "us.test")
        .srv("_im._cpim.name.test", 0, 0, 5870, "GW.test")
        .srv("_im._cpim.loopback.test", 0, 0, 5870, "loop.test")
        .srv("_im._cpim.other-port.test", 0, 0, 5871, "us.test")
        .srv("_im._cpim.backup.test", 10, 0, 5870, "main.test")
        .srv("_im._cpim.backup.test", 20, 0, 5870, "sibling.test")
        .srv("_im._cpim.backup.test", 20, 1, 5870, "us.test")
        .srv("_im._cpim.backup.test", 30, 0, 5870, "spare.test")
        .host("us.test", "192.0.2.1")
        .host("loop.test", "127.0.0.1")
        .host("main.test", "192.0.2.2")
        .host("sibling.test", "192.0.2.3")
        .host("spare.test", "192.0.2.4");
    let own = |settings: &mut Settings| {
        let address = |text: &str| Host::Address(text.parse().unwrap());
        let hosts = [address("192.0.2.1"), address("0.0.0.0"), Host::Name(Domain::parse("gw.test").unwrap())];
        settings.own = hosts.into_iter().map(|host| HostPort { host, port: 5870 }).collect();
    };
    let bench = Bench::with(zone, own).await;
    let refused = |host: &str| ResolveError::Refused(Refused::Ourselves { host: host.to_owned() });
    assert_eq!(bench.error("address.test").await, refused("us.test"));
    assert_eq!(bench.error("name.test").await, refused("gw.test"));
    assert_eq!(bench.error("loopback.test").await, refused("loop.test"));
    assert_eq!(bench.error("us.test").await, refused("us.test"), "also without SRV");
    assert_eq!(bench.places("other-port.test").await, ["192.0.2.1:5871"]);
    let found = bench.resolve("backup.test").await.unwrap();
    assert_eq!(places(&found), ["192.0.2.2:5870"]);
    assert_eq!(dropped(&found.steps, Why::Ourselves), ["us.test:5870"]);
    assert_eq!(dropped(&found.steps, Why::NotBeforeUs), ["192.0.2.3:5870", "spare.test:5870"]);
}

#[tokio::test]
async fn a_lone_dot_says_no() {
    let zone = Zone::default()
        .srv("_im._cpim.a.test", 0, 0, 0, ".")
        .host("a.test", "192.0.2.1")
        .srv("_im._cpim.b.test", 0, 0, 0, ".")
        .srv("_im._smtp.b.test", 0, 0, 25, "mx.b.test")
        .host("mx.b.test", "192.0.2.2")
        .srv("_im._cpim.c.test", 0, 0, 0, ".")
        .srv("_im._cpim.c.test", 1, 0, 5870, "mx.b.test");
    let bench = Bench::new(zone).await;
    let closed = NoRoute::NotOffered { domain: "a.test".to_owned(), protocol: Protocol::native() };
    assert_eq!(bench.error("a.test").await, ResolveError::NoRoute(closed));
    assert!(!bench.was_asked("a.test A"));
    let found = bench.resolve("b.test").await.unwrap();
    assert_eq!((found.protocol.as_str(), places(&found)), ("smtp", vec!["192.0.2.2:25".to_owned()]));
    assert_eq!(bench.places("c.test").await, ["192.0.2.2:5870"], "not alone, it says nothing");
}

#[tokio::test]
async fn a_server_that_fails_has_not_said_that_there_is_nothing() {
    let quirks = [
        Quirk::Code(ResponseCode::ServFail),
        Quirk::Code(ResponseCode::Refused),
        Quirk::Code(ResponseCode::NotImp),
        Quirk::Code(ResponseCode::Unknown(12)),
        Quirk::Referral,
        Quirk::Silent,
    ];
    for quirk in quirks {
        let zone = Zone::default()
            .quirk("_im._cpim.a.test", quirk)
            .srv("_im._smtp.a.test", 0, 0, 25, "a.test")
            .host("a.test", "192.0.2.1")
            .quirk("b.test", quirk);
        let bench = Bench::new(zone).await;
        let unresolved = bench.resolve("a.test").await.unwrap_err();
        let ResolveError::Temporary(Temporary::Dns { name, kind, .. }) = &unresolved.error else {
            panic!("{quirk:?}: {unresolved}");
        };
        assert_eq!((name.as_str(), kind.as_str()), ("_im._cpim.a.test", "SRV"));
        assert!(unresolved.steps.iter().any(|step| matches!(step, Step::Trouble { .. })));
        assert!(!bench.was_asked("_im._smtp.a.test SRV") && !bench.was_asked("a.test A"), "{quirk:?}");
        let error = bench.error("b.test").await;
        assert!(is_temporary(&error), "{quirk:?}: {error}");
        // Nor is it kept: as soon as the server is well, so are we.
        bench.server.replace(Zone::default().host("a.test", "192.0.2.1"));
        assert_eq!(bench.places("a.test").await, ["192.0.2.1:5870"], "{quirk:?}");
    }
}
