//! Golden vectors for source routes at the gateway `gw.example`, each with the clause that decides it.
//!
//! Whether a decoded address is one that its protocol can use is for the adapter of its selector (A06's
//! folding, A20's comma, A26's missing host): here it is carried as it is.
#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is a failed test, in its helpers too"
)]

use cpim_adapter::source_route::{decode, encode, encode_case_safe};
use cpim_adapter::{
    Address, Class, Domain, DomainMapping, ForeignAddress, ForeignError, Local, MapError, Mapper,
    MappingError, RouteError, SelectorError, Selectors, Shape, UnmapError, Uri, UriError, alias_of,
};

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn mapper(relay: &str) -> Mapper {
    Mapper::new(domain(relay))
}

fn foreign(text: &str) -> ForeignAddress {
    ForeignAddress::parse(text, &Selectors::default()).unwrap()
}

/// Identifier, foreign address, local-part.
#[rustfmt::skip]
const ENCODED: &[(&str, &str, &str)] = &[
    ("A01", "pepp://example.com/fred", "pepp=example.com/fred"),
    ("A02", "sip:fred@example.com", "sip=fred~40example.com"),
    ("A03", "xmpp:fred@example.com", "xmpp=fred~40example.com"),
    ("A04", "irc://irc.libera.example/fred", "irc=irc.libera.example/fred"),
    ("A05", "irc://irc.libera.example/#chan", "irc=irc.libera.example/~23chan"),
    ("A06", "irc://irc.libera.example/[away]|x", "irc=irc.libera.example/~5baway~5d~7cx"),
    ("A08", "mailto:\"john smith\"@example.com", "mailto=~22john~20smith~22~40example.com"),
    ("A09", "mailto:gorby%kremvax@example.com", "mailto=gorby~25kremvax~40example.com"),
    ("A11", "xmpp:fu\u{df}ball@ex\u{e4}mple.de", "xmpp=fu~c3~9fball~40ex~c3~a4mple.de"),
    ("A12", "pepp://example.com//fred", "pepp=example.com//fred"),
    ("A14", "pepp://example.com/../fred", "pepp=example.com/.~2e/fred"),
    ("A15", "pepp://example.com/./fred", "pepp=example.com/~2e/fred"),
    ("A17", "pepp://example.com/~fred", "pepp=example.com/~7efred"),
    ("A18", "pepp://example.com/fred?x=1#f", "pepp=example.com/fred~3fx~3d1~23f"),
    ("A20", "irc://irc.example.net/alice,bob", "irc=irc.example.net/alice~2cbob"),
    ("A22", "im:sip=fred~40example.com@gwb.example", "im=sip~3dfred~7e40example.com~40gwb.example"),
    ("A24", "pepp://example.com/Fred", "pepp=example.com/Fred"),
    ("A26", "sip:fred@", "sip=fred~40"),
    ("-", "tel:+15551234", "tel=~2b15551234"),
    ("-", "pepp://example.com/", "pepp=example.com~2f"),
    ("-", "pepp:///", "pepp=~2f"),
    ("-", "pepp://.a.", "pepp=~2ea~2e"),
    ("-", "pepp://a...b", "pepp=a.~2e~2eb"),
];

#[test]
fn encoding_and_decoding_are_inverse() {
    for &(id, address, local) in ENCODED {
        let address = foreign(address);
        assert_eq!(encode(&address), local, "{id}");
        assert_eq!(decode(local, &Selectors::default()), Ok(address), "{id}");
    }
    assert_eq!(
        encode(&foreign("pepp://example.com/fred")).len(),
        21,
        "A01: octets of the draft's example"
    );
    assert_eq!(
        encode(&foreign("xmpp:fu\u{df}ball@ex\u{e4}mple.de")).len(),
        35,
        "A11"
    );
}

#[test]
fn mapping_prints_the_drafts_example() {
    let uri = mapper("relay-domain")
        .map("pepp://example.com/fred", Class::Im)
        .unwrap();
    assert_eq!(
        uri.to_string(),
        "im:pepp=example.com/fred@relay-domain",
        "A01, and A35 in a SIP URI"
    );
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
];

#[test]
fn every_spelling_of_a_route_is_one_address() {
    let mapper = mapper("gw.example")
        .with_relay_domain(domain("gw2.example"))
        .unwrap();
    for &(id, written, canonical) in TOLERATED {
        for host in ["gw.example", "GW2.example"] {
            let text = format!("im:{written}@{host}");
            let uri = mapper
                .read(&text, Class::Im)
                .unwrap_or_else(|error| panic!("{id}: {text}: {error}"));
            assert_eq!(
                uri.address().to_string(),
                format!("im:{canonical}@gw.example"),
                "{id}: {text}"
            );
            assert_eq!(uri.spelled(), text, "{id}: the spelling is the peer's");
        }
    }
}

#[test]
fn what_is_no_route_is_refused() {
    let selectors = Selectors::default();
    let decoded = |local| decode(local, &selectors).unwrap_err();
    for (id, local, at) in [
        ("A26", "sip=fred~4", 4),
        ("A26", "sip=fred~4g", 4),
        ("A26", "sip=~", 0),
    ] {
        assert_eq!(decoded(local), RouteError::BadEscape { at }, "{id}: {local}");
    }
    assert!(
        matches!(
            decoded("zz=foo"),
            RouteError::Selector(SelectorError::Unknown { .. })
        ),
        "A30"
    );
    assert_eq!(decoded("=foo"), RouteError::NoSelector, "A30");
    assert!(
        matches!(decoded("sip="), RouteError::Foreign(ForeignError::Empty { .. })),
        "A30"
    );
    assert_eq!(decoded("foo"), RouteError::NoSelector, "A30");
    assert!(matches!(
        decoded("sip=/"),
        RouteError::Foreign(ForeignError::Empty { .. })
    ));
    assert_eq!(decoded("sip=~ff"), RouteError::NotUtf8);
    for reserved in ["alias=a", "winfo=a", "b=a", "prvs=a", "SRS0=a", "srs1=a"] {
        assert!(
            matches!(
                decoded(reserved),
                RouteError::Selector(SelectorError::Reserved { .. })
            ),
            "{reserved}"
        );
    }
    for (local, at, found) in [
        ("sip=a~0d~0aQUIT", 1, '\r'),
        ("sip=~00", 0, '\0'),
        ("sip=~c2~85", 0, '\u{85}'),
    ] {
        assert_eq!(
            decoded(local),
            RouteError::Foreign(ForeignError::Control { at, found }),
            "A21: {local}"
        );
    }
}

#[test]
fn the_tolerant_form_is_for_our_own_domain_and_a_known_selector() {
    let mapper = mapper("gw.example");
    for text in [
        "im:sip=fred%40example.com@gwb.example",
        "im:zz=a%40b@gw.example",
        "im:a%40b@gw.example",
    ] {
        assert_eq!(
            mapper.read(text, Class::Im).unwrap_err(),
            UriError::Unquoted { found: '@' },
            "U36: {text}"
        );
    }
    let elsewhere = mapper
        .read("im:SIP=~66red~40example.com@gwb.example", Class::Im)
        .unwrap();
    assert_eq!(
        elsewhere.address().local(),
        "SIP=~66red~40example.com",
        "a foreign local-part is not interpreted"
    );
    assert_eq!(mapper.resident(elsewhere.address()), Ok(None));
    assert!(matches!(
        mapper.unmap(elsewhere.address()),
        Err(UnmapError::NotOurs { .. })
    ));
    assert!(matches!(
        mapper.read("im:zz=foo@gw.example", Class::Im),
        Err(UriError::Route(RouteError::Selector(
            SelectorError::Unknown { .. }
        )))
    ));
    assert!(matches!(
        mapper.read("pres:gateway@gw.example", Class::Im),
        Err(UriError::WrongClass { .. })
    ));
}

#[test]
fn what_lives_at_the_relay_domain() {
    let mapper = mapper("gw.example");
    let resident = |text: &str| {
        mapper
            .resident(mapper.read_any(text).unwrap().address())
            .unwrap()
            .unwrap()
    };
    let fred = Address::parse("pres:fred@a.example").unwrap();
    assert_eq!(
        resident("im:sip=fred~40example.com@gw.example"),
        Local::Route(foreign("sip:fred@example.com")),
        "U27"
    );
    assert_eq!(
        resident("pres:winfo=fred~40a.example@gw.example"),
        Local::Winfo(fred.clone())
    );
    assert_eq!(resident("im:gateway@gw.example"), Local::Gateway);
    assert_eq!(resident("im:bob@gw.example"), Local::Plain("bob".to_owned()));
    assert_eq!(resident("im:=foo@gw.example"), Local::Plain("=foo".to_owned()));

    let address = mapper
        .map("sip:fred@example.com", Class::Im)
        .unwrap()
        .address()
        .clone();
    let alias = alias_of(&address);
    assert_eq!(
        alias, "alias=43zxv5iztng5o2joatbcdvrobx",
        "SHA-256 of `sip=fred~40example.com@gw.example`"
    );
    assert_eq!(
        alias_of(&address.with_class(Class::Pres)),
        alias,
        "one alias for inbox and presentity"
    );
    assert_eq!(resident(&format!("im:{alias}@gw.example")), Local::Alias(alias));
    for text in [
        "im:alias=short@gw.example",
        "im:alias=1bcdefghijklmnopqrstuvwxyz@gw.example",
    ] {
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
    let hosts = [
        "gwb.example",
        "gwc.example",
        "gwd.example",
        "gwe.example",
        "gwf.example",
    ];
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
    assert_eq!(
        fifth.unwrap_err(),
        MapError::Route(RouteError::TooDeep {
            limit: Mapper::MAX_DEPTH
        }),
        "A23"
    );
}

#[test]
fn our_own_domain_inside_is_refused() {
    let mapper = mapper("gw.example")
        .with_mapping(
            DomainMapping::new(
                domain("irc.gw.example"),
                foreign("irc://x").selector().clone(),
                "irc.gw.example/",
                "",
            )
            .unwrap(),
        )
        .unwrap();
    let inside = |error: Option<RouteError>, text: &str| match error {
        Some(RouteError::SelfLoop { domain }) => assert!(mapper.is_ours(&domain), "{text}"),
        other => panic!("{text}: {other:?}"),
    };
    for text in [
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
    ] {
        match mapper.read(text, Class::Im) {
            Err(UriError::Route(error)) => inside(Some(error), text),
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in [
        "im:fred@gw.example",
        "pres:fred@irc.gw.example",
        "mailto:a@gw.example",
        "pepp://gw.example/a",
    ] {
        match mapper.map(text, Class::Im) {
            Err(MapError::Route(error)) => inside(Some(error), text),
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in [
        "pres:winfo=sip~3dfred~7e40example.com~40gw.example@gw.example",
        "pres:im=winfo~3dfred~7e40gw.example~40gwb.example@gw.example",
        "pres:pepp=example.com/gw.example@gw.example",
        "pres:sip=fred~40sub.gw.example@gw.example",
        "pres:irc=irc.gw.example/alice@gw.example",
    ] {
        mapper
            .read(text, Class::Pres)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn an_address_inside_must_be_one() {
    let mapper = mapper("gw.example");
    for text in ["im:fred", "im:a%40b@example.com", "pres:fred@-x"] {
        assert!(
            matches!(
                mapper.map(text, Class::Im),
                Err(MapError::Route(RouteError::Inner(_)))
            ),
            "{text}"
        );
    }
    let watched = mapper.read("pres:winfo=fred@gw.example", Class::Pres);
    assert!(matches!(watched, Err(UriError::Route(RouteError::Inner(_)))));
    let mut deep = "fred@a.example".to_owned();
    for _ in 0..Mapper::MAX_DEPTH {
        deep = format!(
            "winfo={}@gw.example",
            deep.replace('~', "~7e").replace('=', "~3d").replace('@', "~40")
        );
    }
    let mut error = mapper.read(&format!("pres:{deep}"), Class::Pres).unwrap_err();
    while let UriError::Route(RouteError::Inner(inner)) = error {
        error = *inner;
    }
    assert_eq!(
        error,
        UriError::Route(RouteError::TooDeep {
            limit: Mapper::MAX_DEPTH
        })
    );
}

#[test]
fn a_foreign_address_begins_as_its_scheme_does() {
    let parse = |text| ForeignAddress::parse(text, &Selectors::default());
    assert_eq!(
        parse("PEPP://example.com/fred").unwrap().to_string(),
        "pepp://example.com/fred"
    );
    assert!(matches!(
        parse("pepp:example.com/fred"),
        Err(ForeignError::NotHierarchical { .. })
    ));
    assert!(matches!(parse("mailto:"), Err(ForeignError::Empty { .. })));
    assert!(matches!(parse("example.com"), Err(ForeignError::NoScheme)));
    assert!(matches!(
        parse("h323:fred"),
        Err(ForeignError::Selector(SelectorError::Unknown { .. }))
    ));
    assert!(
        matches!(parse("mailto:a\r\nb@c"), Err(ForeignError::Control { at: 1, .. })),
        "A21"
    );
}

#[test]
fn configuration_adds_a_selector() {
    let mut selectors = Selectors::default();
    selectors.add("matrix", Shape::Opaque).unwrap();
    let mapper = mapper("gw.example").with_selectors(selectors);
    let uri = mapper.map("matrix:u/alice:example.org", Class::Pres).unwrap();
    assert_eq!(uri.spelled(), "pres:matrix=u/alice~3aexample.org@gw.example");
    assert_eq!(
        mapper.unmap(uri.address()).unwrap().to_string(),
        "matrix:u/alice:example.org"
    );
}

#[test]
fn the_case_safe_variant_decodes_to_the_same() {
    let fred = foreign("pepp://example.com/Fred");
    assert_eq!(encode_case_safe(&fred), "pepp=example.com/~46red", "A24");
    assert_eq!(
        decode(&encode_case_safe(&fred), &Selectors::default()),
        Ok(fred),
        "A24"
    );
}

#[test]
fn output_of_rfc_7247_is_equal_to_the_plain_form() {
    let address = |text| Uri::parse(text).unwrap().address().clone();
    assert_eq!(
        address("im:john%2esmith@example.com"),
        address("im:john.smith@example.com"),
        "A36"
    );
}

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
    for (address, spelled, canonical) in [
        (
            "irc://irc.demo.example/alice",
            "im:alice@irc.gw.example",
            "im:irc=irc.demo.example/alice@gw.example",
        ),
        (
            "irc://irc.demo.example/#ops",
            "im:~23ops@irc.gw.example",
            "im:irc=irc.demo.example/~23ops@gw.example",
        ),
        (
            "irc://irc.demo.example//x",
            "im:~2fx@irc.gw.example",
            "im:irc=irc.demo.example//x@gw.example",
        ),
        (
            "irc://irc.demo.example/",
            "im:irc.demo.example~2f@anyirc.gw.example",
            "im:irc=irc.demo.example~2f@gw.example",
        ),
        (
            "irc://other.example/a",
            "im:other.example/a@anyirc.gw.example",
            "im:irc=other.example/a@gw.example",
        ),
        (
            "mailto:bob@mail.example",
            "im:bob@mail.gw.example",
            "im:mailto=bob~40mail.example@gw.example",
        ),
        (
            "mailto:b o@mail.example",
            "im:b~20o@mail.gw.example",
            "im:mailto=b~20o~40mail.example@gw.example",
        ),
        (
            "mailto:bob@xmail.example",
            "im:mailto=bob~40xmail.example@gw.example",
            "im:mailto=bob~40xmail.example@gw.example",
        ),
    ] {
        let uri = mapper.map(address, Class::Im).unwrap();
        assert_eq!(
            (uri.spelled(), &*uri.address().to_string()),
            (spelled, canonical),
            "{address}"
        );
        for text in [spelled, canonical] {
            let read = mapper.read(text, Class::Im).unwrap();
            assert_eq!(
                read.address(),
                uri.address(),
                "one identity, however it is written: {text}"
            );
            assert_eq!(
                mapper.unmap(&Address::parse(text).unwrap()).unwrap().to_string(),
                address,
                "{text}"
            );
        }
    }
    let over_escaped = mapper.read("im:%22~61lice%22@IRC.gw.example", Class::Im).unwrap();
    assert_eq!(
        over_escaped.address().to_string(),
        "im:irc=irc.demo.example/alice@gw.example"
    );
    let broken = mapper.read("im:~alice@irc.gw.example", Class::Im).unwrap_err();
    assert_eq!(broken, UriError::Route(RouteError::BadEscape { at: 0 }));
    let strict = mapper.read("im:a%40b@mail.gw.example", Class::Im).unwrap_err();
    assert_eq!(
        strict,
        UriError::Unquoted { found: '@' },
        "U36: tolerated after a selector only"
    );
}

#[test]
fn a_domain_mapping_covers_no_more_than_it_says() {
    let selectors = Selectors::default();
    let new = |selector: &str, prefix: &str, suffix: &str| {
        DomainMapping::new(
            domain("irc.gw.example"),
            selectors.find(selector).unwrap(),
            prefix,
            suffix,
        )
    };
    assert!(matches!(
        new("irc", "irc.example", ""),
        Err(MappingError::OpenPrefix { .. })
    ));
    assert!(matches!(
        new("mailto", "", "example"),
        Err(MappingError::OpenSuffix { .. })
    ));
    assert_eq!(new("mailto", "a\n", ""), Err(MappingError::Control));
    let mapping = new("irc", "irc.example/", "").unwrap();
    assert!(matches!(
        mapping.foreign_of(""),
        Err(RouteError::Foreign(ForeignError::Empty { .. }))
    ));
    assert_eq!(mapping.local_of(&foreign("ircs://irc.example/a")), None);

    let taken =
        |result: Result<Mapper, MappingError>| matches!(result, Err(MappingError::DomainTaken { .. }));
    assert!(taken(mapper("irc.gw.example").with_mapping(mapping.clone())));
    let once = mapper("gw.example").with_mapping(mapping.clone()).unwrap();
    assert!(taken(once.clone().with_mapping(mapping)));
    assert!(taken(once.with_relay_domain(domain("irc.gw.example"))));
}
