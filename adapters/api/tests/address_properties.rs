//! Properties of addresses over awkward strings (A32 among them).
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test, in its helpers too")]

use cpim_adapter::source_route::{decode, encode, encode_case_safe};
use cpim_adapter::{Address, Class, Domain, DomainMapping, ForeignAddress, Mapper, Selectors};
use proptest::prelude::*;

const RELAY: &str = "gw.example";

/// A gateway with a mapping of each kind: prefix, suffix, both, neither.
fn gateway() -> Mapper {
    let selectors = Selectors::default();
    let mappings = [
        ("irc.gw.example", "irc", "irc.demo.example/", ""),
        ("mail.gw.example", "mailto", "", "@mail.example"),
        ("sip.gw.example", "sip", "a", "@sip.example"),
        ("tel.gw.example", "tel", "", ""),
    ];
    mappings.into_iter().fold(
        Mapper::new(Domain::parse(RELAY).unwrap(), selectors.clone()),
        |mapper, (domain, name, prefix, suffix)| {
            let selector = selectors.find(name).unwrap();
            let mapping =
                DomainMapping::new(Domain::parse(domain).unwrap(), selector, prefix, suffix).unwrap();
            mapper.with_mapping(mapping).unwrap()
        },
    )
}

/// What parsers trip over: separators of every layer, escapes and halves of them, dots and slashes, capitals,
/// other alphabets. No control characters, which no foreign address has.
fn awkward() -> impl Strategy<Value = String> {
    prop_oneof![
        "[./~]{1,8}",
        "[a-cA-C0-4~=%/.@\"'\\\\ :,;!#?&+*|_<>()\\[\\]{}ßäÄ日İſ-]{1,40}",
        "(~[0-9a-fA-F]{2}|%[0-9A-F]{2}|[a-f./]){1,20}",
        "[^\\pC]{1,30}",
    ]
    .prop_filter("no foreign address has control characters", |text| !text.contains(char::is_control))
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Im), Just(Class::Pres)]
}

fn foreign() -> impl Strategy<Value = ForeignAddress> {
    let selectors: Vec<_> = Selectors::default().iter().collect();
    let value = prop_oneof![
        awkward(),
        awkward().prop_map(|text| format!("irc.demo.example/{text}")),
        awkward().prop_map(|text| format!("{text}@mail.example")),
        awkward().prop_map(|text| format!("a{text}@sip.example")),
    ];
    (prop::sample::select(selectors), value).prop_map(|(s, value)| ForeignAddress::new(s, &value).unwrap())
}

/// Texts in the neighbourhood of URIs, many of them at a domain of ours.
fn near_uri() -> impl Strategy<Value = String> {
    let local = prop_oneof![
        any::<String>(),
        awkward(),
        (
            "(/|%2F|%22)?",
            "(sip|IRC|im|tel|winfo|alias|zz)",
            "(=|%3D)",
            "([a-z0-9~/.]|~40|~7e|%40|%20){0,20}",
            "(/|%22)?"
        )
            .prop_map(|(open, selector, equals, value, close)| format!(
                "{open}{selector}{equals}{value}{close}"
            )),
    ];
    ("(im|pres|IM|sip)?:?", local, "@?(gw.example|GW.EXAMPLE|irc.gw.example|tel.gw.example|a.example|.*)")
        .prop_map(|(scheme, local, domain)| scheme + &local + &domain)
}

fn is_ascii_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
    })
}

/// The syntax-based normalisation of RFC 3986 section 6.2.2, which nobody should do to our URIs, on a URI whose
/// path has no root: capitals in the escapes, unreserved characters decoded, dot segments removed.
fn normalised(uri: &str) -> String {
    let (scheme, path) = uri.split_once(':').unwrap();
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        match char::from(u8::from_str_radix(digits, 16).unwrap()) {
            c if c.is_ascii_alphanumeric() || "-._~".contains(c) => decoded.push(c),
            _ => decoded.extend(["%", &digits.to_ascii_uppercase()]),
        }
        decoded.push_str(rest);
    }
    let mut segments = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    format!("{}:{}", scheme.to_ascii_lowercase(), segments.join("/"))
}

#[test]
fn the_normaliser_of_this_test_normalises() {
    assert_eq!(normalised("IM:a/../%7efr%65d%2f/./x@h"), "im:~fred%2F/x@h");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_source_route_gives_back_what_it_took(foreign in foreign()) {
        let selectors = Selectors::default();
        let (plain, safe) = (encode(&foreign), encode_case_safe(&foreign));
        assert_eq!(decode(&plain, &selectors).as_ref(), Ok(&foreign));
        assert_eq!(decode(&safe, &selectors).as_ref(), Ok(&foreign));
        assert_eq!(decode(&safe.to_lowercase(), &selectors).as_ref(), Ok(&foreign), "lower-cased on the way");
        for local in [plain, safe] {
            assert!(is_ascii_dot_atom(&local), "no quotes in mail: {}", local);
            assert!(!local.contains(['%', '!', '|', '\\', '@', ':']), "nothing that a relay interprets: {}", local);
            assert!(!local.ends_with('/'), "nothing that a relay drops: {}", local);
        }
    }

    #[test]
    fn a_source_route_survives_as_a_uri(foreign in foreign(), class in class()) {
        let address = Address::new(class, &encode(&foreign), Domain::parse(RELAY).unwrap()).unwrap();
        let uri = address.to_string();
        assert!(!uri.contains('%'), "nothing left to percent-encode: {}", uri);
        assert_eq!(&normalised(&uri), &uri, "RFC 3986 section 6.2.2");
        assert_eq!(Address::parse(&uri), Ok(address));
    }

    #[test]
    fn the_canonical_uri_of_an_address_is_read_back(local in awkward(), class in class()) {
        let address = Address::new(class, &local, Domain::parse("example.com").unwrap()).unwrap();
        assert_eq!(Address::parse(&address.to_string()), Ok(address));
    }

    #[test]
    fn a_domain_is_read_back(text in "[a-zA-Z0-9äß日ı。.-]{1,30}|\\PC{1,20}") {
        if let Ok(domain) = Domain::parse(&text) {
            assert!(domain.as_str().is_ascii() && domain.as_str().len() <= Domain::MAX_OCTETS);
            assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(&domain));
            assert_eq!(Domain::parse(&domain.as_str().to_uppercase()), Ok(domain));
        }
    }

    #[test]
    fn what_is_mapped_is_unmapped(foreign in foreign(), class in class()) {
        let mapper = gateway();
        if let Ok(uri) = mapper.map(&foreign.to_string(), class) {
            assert_eq!(mapper.unmap(uri.address()).as_ref(), Ok(&foreign));
            assert_eq!(mapper.unmap(&Address::parse(uri.spelled()).unwrap()).as_ref(), Ok(&foreign));
            assert_eq!(mapper.read(uri.spelled(), class).unwrap().address(), uri.address());
            assert_eq!(mapper.read(&uri.address().to_string(), class).unwrap().address(), uri.address());
            assert_eq!(mapper.map_foreign(&foreign, class).unwrap().spelled(), uri.spelled());
        }
    }

    #[test]
    fn a_domain_mapping_is_a_bijection(between in awkward()) {
        let selector = Selectors::default().find("sip").unwrap();
        let mapping = DomainMapping::new(Domain::parse("sip.gw.example").unwrap(), selector.clone(), "a", "@b").unwrap();
        let foreign = ForeignAddress::new(selector, &format!("a{between}@b")).unwrap();
        let local = mapping.local_of(&foreign).unwrap();
        assert!(is_ascii_dot_atom(&local), "{}", local);
        assert!(!local.starts_with('/') && !local.ends_with('/'));
        assert_eq!(mapping.foreign_of(&local), Ok(foreign));
        if let Ok(covered) = mapping.foreign_of(&between) {
            let canonical = mapping.local_of(&covered).unwrap();
            assert_eq!(mapping.foreign_of(&canonical), Ok(covered), "over-escaped, then canonical");
        }
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in near_uri()) {
        let mapper = gateway();
        if let Ok(uri) = mapper.read_any(&text) {
            let address = uri.address();
            assert_eq!(uri.spelled(), &text);
            assert_eq!(mapper.read_any(&address.to_string()).unwrap().address(), address, "once is enough");
            match mapper.resident(address).unwrap() {
                Some(resident) => assert_eq!(&mapper.address_of(&resident, address.class()).unwrap(), address),
                None => assert!(!mapper.is_ours(address.domain())),
            }
        }
    }

    #[test]
    fn whatever_is_mapped_is_mapped_or_refused(text in any::<String>(), class in class()) {
        let mapper = gateway();
        for scheme in ["", "im:", "irc://", "mailto:", "sip:"] {
            if let Ok(uri) = mapper.map(&format!("{scheme}{text}"), class) {
                assert!(mapper.unmap(uri.address()).is_ok());
            }
        }
        assert!(decode(&text, mapper.selectors()).is_err() || text.contains('='));
    }
}
