//! Golden vectors for what the gateway `gw.example` makes of addresses, each with the clause that decides it.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test, in its helpers too")]

use cpim_adapter::{
    Address, Class, Domain, DomainMapping, ForeignAddress, ForeignError, Local, MapError, Mapper,
    MappingError, RouteError, SelectorError, Selectors, Shape, UnmapError, UriError, alias_of,
};

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn foreign(text: &str) -> ForeignAddress {
    ForeignAddress::parse(text, &Selectors::default()).unwrap()
}

fn mapper(relay: &str) -> Mapper {
    Mapper::new(domain(relay), Selectors::default())
}

#[test]
fn mapping_prints_the_drafts_example() {
    let uri = mapper("relay-domain").map("pepp://example.com/fred", Class::Im).unwrap();
    assert_eq!(uri.to_string(), "im:pepp=example.com/fred@relay-domain", "A01, and A35 in a SIP URI");
}

/// Identifier, local-part as it may be written, canonical local-part.
#[rustfmt::skip]
const TOLERATED: &[(&str, &str, &str)] = &[
    ("A24", "pepp=example.com/~46red", "pepp=example.com/Fred"),
    ("A27", "SIP=fred~40example.com", "sip=fred~40example.com"),
    ("A29", "sip=~66red~40example.com", "sip=fred~40example.com"),
    ("2.4.7", "pepp=example.com/~7Efred", "pepp=example.com/~7efred"),
    ("2846 5.4", "pepp=example.com/fred/", "pepp=example.com/fred"),
    ("2846 A", "%2Fpepp=example.com/fred", "pepp=example.com/fred"),
    ("2846 A", "%2Fpepp=example.com/fred/", "pepp=example.com/fred"),
    ("2846 A", "pepp=example.com/fred//", "pepp=example.com/fred~2f"),
    ("3922 3.3", "sip=fred%40example.com", "sip=fred~40example.com"),
    ("7247 6.4", "sip%3Dfred%40example.com", "sip=fred~40example.com"),
    ("A08", "mailto=%22john%20smith%22%40example.com", "mailto=~22john~20smith~22~40example.com"),
    ("5321 4.1.2", "%22sip=fred%40example.com%22", "sip=fred~40example.com"),
    ("5322 3.2.3", "pepp=example.com/../fred", "pepp=example.com/.~2e/fred"),
    ("2.6", "winfo=fred~40a.example", "winfo=fred~40a.example"),
    ("2.6", "WINFO=fred%40A.example", "winfo=fred~40a.example"),
    ("2.6", "winfo=sip~3d~7e66red~7e40example.com~40gw.example", "winfo=sip~3dfred~7e40example.com~40gw.example"),
    ("2.5", "Alias=ABCDEFGHIJKLMNOPQRSTUVWXYZ", "alias=abcdefghijklmnopqrstuvwxyz"),
    ("-", "GateWay", "gateway"),
    ("-", "bob", "bob"),
];

#[test]
fn every_spelling_of_a_route_is_one_address() {
    let mapper = mapper("gw.example").with_relay_domain(domain("gw2.example")).unwrap();
    for &(id, written, canonical) in TOLERATED {
        for host in ["gw.example", "GW2.example"] {
            let text = format!("im:{written}@{host}");
            let uri = mapper.read(&text, Class::Im).unwrap_or_else(|error| panic!("{id}: {text}: {error}"));
            assert_eq!(uri.address().to_string(), format!("im:{canonical}@gw.example"), "{id}: {text}");
            assert_eq!(uri.spelled(), text, "{id}: the spelling is the peer's");
        }
    }
}

#[test]
fn the_tolerant_form_is_for_our_own_domain_and_a_known_selector() {
    let mapper = mapper("gw.example");
    for text in ["im:sip=fred%40example.com@gwb.example", "im:zz=a%40b@gw.example", "im:a%40b@gw.example"] {
        assert_eq!(
            mapper.read(text, Class::Im).unwrap_err(),
            UriError::Unquoted { found: '@' },
            "U36: {text}"
        );
    }
    let elsewhere = mapper.read("im:SIP=~66red~40example.com@gwb.example", Class::Im).unwrap();
    assert_eq!(
        elsewhere.address().local(),
        "SIP=~66red~40example.com",
        "a foreign local-part is not interpreted"
    );
    assert_eq!(mapper.resident(elsewhere.address()), Ok(None));
    assert!(matches!(mapper.unmap(elsewhere.address()), Err(UnmapError::NotOurs { .. })));
    assert!(matches!(
        mapper.read("im:zz=foo@gw.example", Class::Im),
        Err(UriError::Route(RouteError::Selector(SelectorError::Unknown { .. })))
    ));
    assert!(matches!(mapper.read("pres:gateway@gw.example", Class::Im), Err(UriError::WrongClass { .. })));
}

#[test]
fn what_lives_at_the_relay_domain() {
    let mapper = mapper("gw.example");
    let resident = |text: &str| mapper.resident(mapper.read_any(text).unwrap().address()).unwrap().unwrap();
    let fred = Address::parse("pres:fred@a.example").unwrap();
    assert_eq!(
        resident("im:sip=fred~40example.com@gw.example"),
        Local::Route(foreign("sip:fred@example.com")),
        "U27"
    );
    assert_eq!(resident("pres:winfo=fred~40a.example@gw.example"), Local::Winfo(fred.clone()));
    assert_eq!(resident("im:gateway@gw.example"), Local::Gateway);
    assert_eq!(resident("im:bob@gw.example"), Local::Plain("bob".to_owned()));
    assert_eq!(resident("im:=foo@gw.example"), Local::Plain("=foo".to_owned()));

    let address = mapper.map("sip:fred@example.com", Class::Im).unwrap().address().clone();
    let alias = alias_of(&address);
    assert_eq!(alias, "alias=43zxv5iztng5o2joatbcdvrobx", "SHA-256 of `sip=fred~40example.com@gw.example`");
    assert_eq!(alias_of(&address.with_class(Class::Pres)), alias, "one alias for inbox and presentity");
    assert_eq!(resident(&format!("im:{alias}@gw.example")), Local::Alias(alias));
    for text in ["im:alias=short@gw.example", "im:alias=1bcdefghijklmnopqrstuvwxyz@gw.example"] {
        assert_eq!(
            mapper.read(text, Class::Im).unwrap_err(),
            UriError::Route(RouteError::BadAlias),
            "{text}"
        );
    }
    let winfo = mapper.address_of(&Local::Winfo(fred), Class::Pres).unwrap();
    assert_eq!(winfo.to_string(), "pres:winfo=fred~40a.example@gw.example");
}

#[test]
fn one_gateway_peels_one_layer() {
    let hosts = ["gwb.example", "gwc.example", "gwd.example", "gwe.example", "gwf.example"];
    let mut address = "sip:fred@example.com".to_owned();
    for (host, octets) in hosts.into_iter().zip([22, 43, 68, 97]) {
        let mapped = mapper(host).map(&address, Class::Im).unwrap();
        assert_eq!(mapped.address().local().len(), octets, "A22, A23");
        assert_eq!(
            mapper(host).unmap(mapped.address()).unwrap().to_string(),
            address,
            "A22: exactly the inner URI"
        );
        address = mapped.to_string();
    }
    let fifth = mapper("gwf.example").map(&address, Class::Im);
    assert_eq!(fifth.unwrap_err(), MapError::Route(RouteError::TooDeep { limit: Mapper::MAX_DEPTH }), "A23");
}

/// Each comes back to `gw.example`, or to `irc.gw.example` that is mapped there.
const READ_AND_LOOPING: &[&str] = &[
    "im:im=fred~40gw.example@gw.example", // A33
    "im:pres=fred~40GW.example@gw.example",
    "im:im=alice~40irc.gw.example@gw.example",
    "im:sip=fred~40gw.example@gw.example",
    "im:sip=fred~40gw.example.~3atransport~3dtcp@gw.example",
    "im:xmpp=gw.example/res@gw.example",
    "im:irc=gw.example/alice@gw.example",
    "im:irc=u~40gw.example~3a6667/alice@gw.example",
    "im:im=im~3dfred~7e40gw.example~40gwb.example@gw.example",
    "im:sip=im~3dfred~7e40gw.example~40gwb.example@gw.example",
];

const MAPPED_AND_LOOPING: &[&str] =
    &["im:fred@gw.example", "pres:fred@irc.gw.example", "mailto:a@gw.example", "pepp://gw.example/a"];

/// What names the relay domain, and yet does not come back.
const NOT_LOOPING: &[&str] = &[
    "im:winfo=sip~3dfred~7e40example.com~40gw.example@gw.example",
    "im:im=winfo~3dfred~7e40gw.example~40gwb.example@gw.example",
    "im:im=im~3dnobody~40gwb.example@gw.example",
    "im:irc=irc.gw.example/alice@gw.example",
    "im:mailto=gw.example~40mail.example@gw.example",
    "im:pepp=example.com/gw.example@gw.example",
    "im:sip=fred~40sub.gw.example@gw.example",
];

#[test]
fn our_own_domain_inside_is_refused() {
    let irc = Selectors::default().find("irc").unwrap();
    let mapping = DomainMapping::new(domain("irc.gw.example"), irc, "irc.gw.example/", "").unwrap();
    let mapper = mapper("gw.example").with_mapping(mapping).unwrap();
    for text in READ_AND_LOOPING {
        let error = mapper.read(text, Class::Im).unwrap_err();
        assert!(matches!(error, UriError::Route(RouteError::SelfLoop { .. })), "{text}: {error}");
    }
    for text in MAPPED_AND_LOOPING {
        let error = mapper.map(text, Class::Im).unwrap_err();
        assert!(matches!(error, MapError::Route(RouteError::SelfLoop { .. })), "{text}: {error}");
    }
    for text in NOT_LOOPING {
        let read = mapper.read(text, Class::Im);
        assert!(read.is_ok(), "{text}: {read:?}");
    }
}

#[test]
fn an_address_inside_must_be_one() {
    let mapper = mapper("gw.example");
    for text in ["im:fred", "im:a%40b@example.com", "pres:fred@-x"] {
        assert!(matches!(mapper.map(text, Class::Im), Err(MapError::Route(RouteError::Inner(_)))), "{text}");
    }
    let watched = mapper.read("pres:winfo=fred@gw.example", Class::Pres);
    assert!(matches!(watched, Err(UriError::Route(RouteError::Inner(_)))));
    let mut deep = "fred@a.example".to_owned();
    for _ in 0..Mapper::MAX_DEPTH {
        deep =
            format!("winfo={}@gw.example", deep.replace('~', "~7e").replace('=', "~3d").replace('@', "~40"));
    }
    let mut error = mapper.read(&format!("pres:{deep}"), Class::Pres).unwrap_err();
    while let UriError::Route(RouteError::Inner(inner)) = error {
        error = *inner;
    }
    assert_eq!(error, UriError::Route(RouteError::TooDeep { limit: Mapper::MAX_DEPTH }));
}

#[test]
fn configuration_adds_a_selector() {
    let mut selectors = Selectors::default();
    selectors.add("matrix", Shape::Opaque).unwrap();
    let mapper = Mapper::new(domain("gw.example"), selectors);
    let uri = mapper.map("matrix:u/alice:example.org", Class::Pres).unwrap();
    assert_eq!(uri.spelled(), "pres:matrix=u/alice~3aexample.org@gw.example");
    assert_eq!(mapper.unmap(uri.address()).unwrap().to_string(), "matrix:u/alice:example.org");
}

/// Foreign address, spelling by the mappings of the test below, canonical URI.
#[rustfmt::skip]
const HIDDEN: &[(&str, &str, &str)] = &[
    ("irc://irc.demo.example/alice", "im:alice@irc.gw.example", "im:irc=irc.demo.example/alice@gw.example"),
    ("irc://irc.demo.example/#ops", "im:~23ops@irc.gw.example", "im:irc=irc.demo.example/~23ops@gw.example"),
    ("irc://irc.demo.example//x", "im:~2fx@irc.gw.example", "im:irc=irc.demo.example//x@gw.example"),
    ("irc://irc.demo.example/", "im:irc.demo.example~2f@anyirc.gw.example", "im:irc=irc.demo.example~2f@gw.example"),
    ("irc://other.example/a", "im:other.example/a@anyirc.gw.example", "im:irc=other.example/a@gw.example"),
    ("mailto:bob@mail.example", "im:bob@mail.gw.example", "im:mailto=bob~40mail.example@gw.example"),
    ("mailto:b o@mail.example", "im:b~20o@mail.gw.example", "im:mailto=b~20o~40mail.example@gw.example"),
    ("mailto:a@xmail.example", "im:mailto=a~40xmail.example@gw.example", "im:mailto=a~40xmail.example@gw.example"),
];

#[test]
fn a_domain_mapping_hides_the_route() {
    let selectors = Selectors::default();
    let mapping = |host: &str, selector: &str, prefix: &str, suffix: &str| {
        DomainMapping::new(domain(host), selectors.find(selector).unwrap(), prefix, suffix).unwrap()
    };
    let mapper = mapper("gw.example")
        .with_mapping(mapping("anyirc.gw.example", "irc", "", ""))
        .and_then(|mapper| mapper.with_mapping(mapping("irc.gw.example", "irc", "irc.demo.example/", "")))
        .and_then(|mapper| mapper.with_mapping(mapping("mail.gw.example", "mailto", "", "@mail.example")))
        .unwrap();
    for &(address, spelled, canonical) in HIDDEN {
        let uri = mapper.map(address, Class::Im).unwrap();
        assert_eq!((uri.spelled(), &*uri.address().to_string()), (spelled, canonical), "{address}");
        for text in [spelled, canonical] {
            let read = mapper.read(text, Class::Im).unwrap();
            assert_eq!(read.address(), uri.address(), "one identity, however it is written: {text}");
            assert_eq!(mapper.unmap(&Address::parse(text).unwrap()).unwrap().to_string(), address, "{text}");
        }
    }
    let over_escaped = mapper.read("im:%22~61lice%22@IRC.gw.example", Class::Im).unwrap();
    assert_eq!(over_escaped.address().to_string(), "im:irc=irc.demo.example/alice@gw.example");
    let broken = mapper.read("im:~alice@irc.gw.example", Class::Im).unwrap_err();
    assert_eq!(broken, UriError::Route(RouteError::BadEscape { at: 0 }));
    let strict = mapper.read("im:a%40b@mail.gw.example", Class::Im).unwrap_err();
    assert_eq!(strict, UriError::Unquoted { found: '@' }, "U36: tolerated after a selector only");
}

#[test]
fn a_domain_mapping_covers_no_more_than_it_says() {
    let selectors = Selectors::default();
    let new = |selector: &str, prefix: &str, suffix: &str| {
        DomainMapping::new(domain("irc.gw.example"), selectors.find(selector).unwrap(), prefix, suffix)
    };
    assert!(matches!(new("irc", "irc.example", ""), Err(MappingError::OpenPrefix { .. })));
    assert!(matches!(new("mailto", "", "example"), Err(MappingError::OpenSuffix { .. })));
    assert_eq!(new("mailto", "a\n", ""), Err(MappingError::Control));
    let mapping = new("irc", "irc.example/", "").unwrap();
    assert!(matches!(mapping.foreign_of(""), Err(RouteError::Foreign(ForeignError::Empty { .. }))));
    assert_eq!(mapping.local_of(&foreign("ircs://irc.example/a")), None);

    let taken =
        |result: Result<Mapper, MappingError>| matches!(result, Err(MappingError::DomainTaken { .. }));
    assert!(taken(mapper("irc.gw.example").with_mapping(mapping.clone())));
    let once = mapper("gw.example").with_mapping(mapping.clone()).unwrap();
    assert!(taken(once.clone().with_mapping(mapping)));
    assert!(taken(once.with_relay_domain(domain("irc.gw.example"))));
}
