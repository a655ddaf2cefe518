//! Golden vectors for source routes, each with the clause that decides it.
//!
//! Whether a decoded address is one that its protocol can use is for the adapter of its selector (A06's
//! folding, A20's comma, A26's missing host): here it is carried as it is.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test, in its helpers too")]

use cpim_adapter::source_route::{decode, encode, encode_case_safe};
use cpim_adapter::{ForeignAddress, ForeignError, RouteError, SelectorError, Selectors, Uri};

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
    assert_eq!(encode(&foreign("pepp://example.com/fred")).len(), 21, "A01: octets of the draft's example");
    assert_eq!(encode(&foreign("xmpp:fu\u{df}ball@ex\u{e4}mple.de")).len(), 35, "A11");
}

#[test]
fn what_is_no_route_is_refused() {
    let selectors = Selectors::default();
    let decoded = |local| decode(local, &selectors).unwrap_err();
    for (id, local, at) in [("A26", "sip=fred~4", 4), ("A26", "sip=fred~4g", 4), ("A26", "sip=~", 0)] {
        assert_eq!(decoded(local), RouteError::BadEscape { at }, "{id}: {local}");
    }
    assert!(matches!(decoded("zz=foo"), RouteError::Selector(SelectorError::Unknown { .. })), "A30");
    assert_eq!(decoded("=foo"), RouteError::NoSelector, "A30");
    assert!(matches!(decoded("sip="), RouteError::Foreign(ForeignError::Empty { .. })), "A30");
    assert_eq!(decoded("foo"), RouteError::NoSelector, "A30");
    assert!(matches!(decoded("sip=/"), RouteError::Foreign(ForeignError::Empty { .. })));
    assert_eq!(decoded("sip=~ff"), RouteError::NotUtf8);
    for reserved in ["alias=a", "winfo=a", "b=a", "prvs=a", "SRS0=a", "srs1=a"] {
        assert!(
            matches!(decoded(reserved), RouteError::Selector(SelectorError::Reserved { .. })),
            "{reserved}"
        );
    }
    for (local, at, found) in
        [("sip=a~0d~0aQUIT", 1, '\r'), ("sip=~00", 0, '\0'), ("sip=~c2~85", 0, '\u{85}')]
    {
        assert_eq!(decoded(local), RouteError::Foreign(ForeignError::Control { at, found }), "A21: {local}");
    }
}

#[test]
fn a_foreign_address_begins_as_its_scheme_does() {
    let parse = |text| ForeignAddress::parse(text, &Selectors::default());
    assert_eq!(parse("PEPP://example.com/fred").unwrap().to_string(), "pepp://example.com/fred");
    assert!(matches!(parse("pepp:example.com/fred"), Err(ForeignError::NotHierarchical { .. })));
    assert!(matches!(parse("mailto:"), Err(ForeignError::Empty { .. })));
    assert!(matches!(parse("example.com"), Err(ForeignError::NoScheme)));
    assert!(matches!(parse("h323:fred"), Err(ForeignError::Selector(SelectorError::Unknown { .. }))));
    assert!(matches!(parse("mailto:a\r\nb@c"), Err(ForeignError::Control { at: 1, .. })), "A21");
}

#[test]
fn the_case_safe_variant_decodes_to_the_same() {
    let fred = foreign("pepp://example.com/Fred");
    assert_eq!(encode_case_safe(&fred), "pepp=example.com/~46red", "A24");
    assert_eq!(decode(&encode_case_safe(&fred), &Selectors::default()), Ok(fred), "A24");
}

#[test]
fn output_of_rfc_7247_is_equal_to_the_plain_form() {
    let address = |text| Uri::parse(text).unwrap().address().clone();
    assert_eq!(address("im:john%2esmith@example.com"), address("im:john.smith@example.com"), "A36");
}
