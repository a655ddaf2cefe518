//! Golden vectors for `im:` and `pres:` URIs, each with the clause that decides it.
//!
//! U29, a local-part over the 64 octets of mail (RFC 5321 section 4.5.3.1), is valid here: what a leg can
//! take is that leg's to refuse or to alias.
#![allow(clippy::unwrap_used, reason = "a panic in a test is a failed test, in its helpers too")]

use cpim_adapter::{Address, Class, DomainError, ImUri, PresUri, Uri, UriError};

/// Identifier, clause, input, value of the local-part, canonical URI.
type Valid = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const VALID: &[Valid] = &[
    ("U01", "RFC 3860 3.2", "im:fred@example.com", "fred", "im:fred@example.com"),
    ("U02", "RFC 3986 6.2.2.1", "IM:fred@EXAMPLE.com", "fred", "im:fred@example.com"),
    ("U03", "RFC 3986 6.2.2.2", "im:fr%65d@example.com", "fred", "im:fred@example.com"),
    ("U04", "RFC 5321 2.4", "im:Fred@example.com", "Fred", "im:Fred@example.com"),
    ("U06", "RFC 5321 4.1.2", "im:%22fred%22@example.com", "fred", "im:fred@example.com"),
    ("U07", "RFC 6068 6.2", "im:%22a%40b%22@example.com", "a@b", "im:%22a%40b%22@example.com"),
    ("U09", "RFC 6068 6.1", "im:gorby%25kremvax@example.com", "gorby%kremvax", "im:gorby%25kremvax@example.com"),
    ("U10", "RFC 6068 6.1", "im:unlikely%3Faddress@example.com", "unlikely?address", "im:unlikely%3Faddress@example.com"),
    ("U12", "RFC 6068 2 item 1", "im:Mike%26family@example.org", "Mike&family", "im:Mike%26family@example.org"),
    ("U12", "RFC 6068 2 item 1", "im:Mike&family@example.org", "Mike&family", "im:Mike%26family@example.org"),
    ("U13", "RFC 5322 3.2.3", "im:o'malley@example.com", "o'malley", "im:o'malley@example.com"),
    ("U15", "RFC 5322 3.4.1", "im:%22fred%20x%22@example.com", "fred x", "im:%22fred%20x%22@example.com"),
    ("U16", "RFC 3986 6.2.2.2", "im:fred@ex%61mple.com", "fred", "im:fred@example.com"),
    ("U18", "RFC 2396 3", "im:%2Ffred@example.com", "/fred", "im:%2Ffred@example.com"),
    ("U19", "RFC 3860 B.2", "im:pepp=example.com/fred@relay-domain", "pepp=example.com/fred", "im:pepp=example.com/fred@relay-domain"),
    ("U20", "RFC 3860 B.2", "im:pepp%3Dexample.com%2ffred@relay-domain", "pepp=example.com/fred", "im:pepp=example.com/fred@relay-domain"),
    ("U21", "RFC 6068 2", "im:fred%2540example.com@gw.example", "fred%40example.com", "im:fred%2540example.com@gw.example"),
    ("U22", "RFC 6068 6.2", "im:%22oh%5C%5Cno%22@example.org", "oh\\no", "im:%22oh%5C%5Cno%22@example.org"),
    ("U24", "RFC 5322 3.4.1", "im:%22a:b%22@example.com", "a:b", "im:%22a%3Ab%22@example.com"),
    ("U25", "RFC 6068 5", "im:fred+tag@example.com", "fred+tag", "im:fred+tag@example.com"),
    ("U25", "RFC 6068 5", "im:fred%2Btag@example.com", "fred+tag", "im:fred+tag@example.com"),
    ("U27", "RFC 3860 B.2", "im:sip=fred~40example.com@gw.example", "sip=fred~40example.com", "im:sip=fred~40example.com@gw.example"),
    ("U63", "RFC 3986 6.2.2.3", "im:a/./b@example.com", "a/./b", "im:a/./b@example.com"),
    ("-", "RFC 6532 3.2", "im:f%C3%BC@example.com", "fü", "im:f%C3%BC@example.com"),
    ("-", "RFC 5890 2.3.2.1", "im:fred@ex%C3%A4mple.com", "fred", "im:fred@xn--exmple-cua.com"),
    ("-", "RFC 3860 A.2", "im:fred@example.com?subject=x", "fred", "im:fred@example.com"),
    ("-", "RFC 5322 3.2.4", "im:%22%5Cf%5C%22%22@example.com", "f\"", "im:%22f%5C%22%22@example.com"),
    ("-", "RFC 3859 A.2", "PRES:fred@example.com", "fred", "pres:fred@example.com"),
];

#[test]
fn what_is_valid_has_one_canonical_form() {
    for &(id, clause, input, local, canonical) in VALID {
        let uri = Uri::parse(input).unwrap_or_else(|error| panic!("{id} ({clause}): {input}: {error}"));
        assert_eq!(uri.address().local(), local, "{id} ({clause})");
        assert_eq!(uri.address().to_string(), canonical, "{id} ({clause})");
        assert_eq!(uri.spelled(), input, "{id}: the spelling is the peer's");
        assert_eq!(
            Address::parse(canonical).as_ref(),
            Ok(uri.address()),
            "{id}: the canonical form is read back"
        );
    }
}

#[test]
fn equality_is_that_of_the_decoded_mailbox() {
    let address = |text: &str| Address::parse(text).unwrap();
    let fred = address("im:fred@example.com");
    for same in ["IM:fred@EXAMPLE.com", "im:fr%65d@example.com", "im:%22fred%22@example.com"] {
        assert_eq!(address(same), fred, "U02, U03, U06: {same}");
    }
    assert_ne!(address("im:Fred@example.com"), fred, "U04: case is the domain's business");
    assert_ne!(address("pres:fred@example.com"), fred, "the class belongs to the address");
    assert_eq!(address("im:%22a/../b%22@example.com").local(), "a/../b", "U63: dot segments are data");
}

#[rustfmt::skip]
fn invalid() -> Vec<(&'static str, &'static str, &'static str, UriError)> {
    use UriError::*;
    vec![
        ("U28", "RFC 5321 4.1.2", "im:%22%22@example.com", EmptyLocalPart),
        ("U30", "RFC 3860 A.2", "im:", NoMailbox),
        ("U31", "RFC 3860 A.2", "im:?to=fred@example.com", NoMailbox),
        ("U32", "RFC 5322 3.4.1", "im:fred", NoDomain),
        ("U33", "RFC 5322 3.4.1", "im:@example.com", EmptyLocalPart),
        ("U34", "RFC 5322 3.4.1", "im:fred@", Domain(DomainError::Empty)),
        ("U36", "RFC 5322 3.2.3", "im:a%40b@example.com", Unquoted { found: '@' }),
        ("U37", "RFC 5322 3.2.3", "im:.fred@example.com", Dots),
        ("U38", "RFC 5322 3.2.3", "im:fr..ed@example.com", Dots),
        ("U39", "RFC 5322 3.2.3", "im:fred.@example.com", Dots),
        ("U41", "RFC 6068 6.1", "im:unlikely?address@example.com", NoDomain),
        ("U42", "RFC 3986 3.5", "im:a#b@example.com", Character { at: 4, found: '#' }),
        ("U42", "RFC 3986 3.5", "im:a@example.com#x", Character { at: 16, found: '#' }),
        ("U45", "RFC 5322 3.2.3", "im:fred%00@example.com", Control { found: '\0' }),
        ("U46", "RFC 5322 3.2.3", "im:fred%0D%0AQUIT@example.com", Control { found: '\r' }),
        ("U46", "RFC 5322 3.2.3", "im:fred%7F@example.com", Control { found: '\u{7f}' }),
        ("U47", "RFC 5322 3.2.3", "im:fred%20x@example.com", Unquoted { found: ' ' }),
        ("U49", "RFC 5321 4.1.2", "im:fred@example.com.", Domain(DomainError::EmptyLabel)),
        ("U50", "RFC 5321 4.1.2", "im:fred@-example.com", Domain(DomainError::Hyphen { label: "-example".to_owned() })),
        ("U51", "RFC 5321 4.1.2", "im:fred@exam_ple.com", Domain(DomainError::Character { label: "exam_ple".to_owned(), found: '_' })),
        ("U54", "RFC 6068 2", "im:fred@example.com%3Fsubject=x", Domain(DomainError::Character { label: "com?subject=x".to_owned(), found: '?' })),
        ("U55", "RFC 6068 2 item 3", "im:fred(c)@example.com", Unquoted { found: '(' }),
        ("U57", "RFC 5322 3.2.3", "im:a:b@example.com", Unquoted { found: ':' }),
        ("U58", "RFC 5322 3.2.3", "im:a,b@example.com", Unquoted { found: ',' }),
        ("U59", "RFC 5322 3.2.3", "im:a;b@example.com", Unquoted { found: ';' }),
        ("U60", "RFC 3986 2", "im:f\u{fc}@example.com", Character { at: 4, found: '\u{fc}' }),
        ("U62", "RFC 3860 3.4.1", "sip:fred@example.com", Scheme),
        ("U63", "RFC 5322 3.2.3", "im:a/../b@example.com", Dots),
        ("-", "RFC 3986 3", "fred@example.com", Scheme),
        ("-", "RFC 3986 2", "im:fred @example.com", Character { at: 7, found: ' ' }),
        ("-", "RFC 3986 2.1", "im:fr%6@example.com", PercentEncoding { at: 5 }),
        ("-", "RFC 3986 2.1", "im:fred@example.com?subject=%", PercentEncoding { at: 28 }),
        ("-", "RFC 2396 3", "im:/fred@example.com", LeadingSlash),
        ("-", "RFC 5322 3.4.1", "im:a@b@example.com", SecondAt),
        ("-", "RFC 3629 3", "im:fr%FF@example.com", NotUtf8),
        ("-", "RFC 3629 3, overlong", "im:%C0%AF@example.com", NotUtf8),
        ("-", "RFC 3629 3, surrogate", "im:%ED%A0%80@example.com", NotUtf8),
        ("-", "RFC 6532 3.2, C1", "im:fr%C2%85ed@example.com", Control { found: '\u{85}' }),
        ("-", "RFC 5321 4.1.2", "im:%22fred@example.com", Unclosed),
        ("-", "RFC 5321 4.1.2", "im:%22fred%22x@example.com", AfterQuote),
        ("-", "RFC 5321 4.1.2", "im:%22fred%5C@example.com", QuotedPair),
        ("-", "RFC 5321 4.1.2", "im:%22fred%5C%C3%BC%22@example.com", QuotedPair),
        ("-", "RFC 3861 3", "im:fred@%5B192.0.2.1%5D", Domain(DomainError::Literal)),
    ]
}

#[test]
fn what_is_invalid_is_refused_by_its_rule() {
    for (id, clause, input, expected) in invalid() {
        assert_eq!(Address::parse(input), Err(expected), "{id} ({clause}): {input}");
    }
}

#[test]
fn length_is_refused_rather_than_cut() {
    let long = |octets| format!("im:{}@example.com", "a".repeat(octets));
    assert!(Address::parse(&long(65)).is_ok(), "U29: 64 octets are the limit of mail, not of a URI");
    assert!(Address::parse(&long(Address::MAX_LOCAL_OCTETS)).is_ok());
    assert_eq!(
        Address::parse(&long(Address::MAX_LOCAL_OCTETS + 1)),
        Err(UriError::LocalPartTooLong { octets: Address::MAX_LOCAL_OCTETS + 1 })
    );
    let endless = format!("im:fred@example.com?x={}", "x".repeat(Uri::MAX_OCTETS));
    assert_eq!(Address::parse(&endless), Err(UriError::TooLong { octets: endless.len() }));

    let domain = Address::parse("im:fred@example.com").unwrap().domain().clone();
    let widest = Address::new(Class::Pres, &"\"".repeat(Address::MAX_LOCAL_OCTETS), domain).unwrap();
    assert_eq!(Address::parse(&widest.to_string()), Ok(widest), "every address has a URI that is read back");
}

#[test]
fn the_class_is_proven_by_the_type() {
    let wrong = UriError::WrongClass { found: Class::Pres, wanted: Class::Im };
    assert_eq!(ImUri::parse("pres:fred@example.com").unwrap_err(), wrong);
    let inbox = ImUri::parse("im:fr%65d@example.com").unwrap();
    let presentity = PresUri::try_from(inbox.address().with_class(Class::Pres)).unwrap();
    assert_eq!(presentity.spelled(), "pres:fred@example.com");
    assert!(PresUri::try_from(inbox.as_uri().clone()).is_err());
    assert_eq!(Uri::from(inbox).spelled(), "im:fr%65d@example.com");
}
