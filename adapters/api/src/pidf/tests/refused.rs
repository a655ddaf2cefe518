//! What is no document, or none that may be read: each with its reason and its place.

use super::*;

fn refused(content: &Content) -> String {
    Document::read(content).map(|document| panic!("{document:?}")).unwrap_or_else(|error| error.to_string())
}

/// P17: a DOCTYPE is refused before anything in it is looked at.
#[test]
fn p17_doctypes_and_entities() {
    let bomb = "<!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>";
    for doctype in [
        bomb,
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE x PUBLIC 'p' 'http://127.0.0.1/x.dtd'>",
        "<!DOCTYPE",
    ] {
        let xml = format!(
            "<?xml version='1.0'?>{doctype}<presence xmlns='urn:ietf:params:xml:ns:pidf'>&e;</presence>"
        );
        assert_eq!(refused(&content(&xml)), "octet 21 of the XML: a DOCTYPE, which may not stand here");
    }
    let entity = refused(&document(&open("<note>&e;</note>")));
    assert!(entity.contains("expected `&amp;`"), "{entity}");
    let instruction = refused(&document("<?xml-stylesheet href='x'?>"));
    assert!(instruction.contains("a processing instruction"), "{instruction}");
}

#[test]
fn what_is_not_well_formed() {
    for inside in
        ["<tuple>", "<tuple id='a'></status>", "a & b", "<y:z/>", "<tuple id='a' id='b'/>", "<!-- a -- b -->"]
    {
        let error = Document::read(&document(inside)).unwrap_err();
        assert!(matches!(error, PidfError::Xml(_)), "{inside}: {error}");
    }
    assert!(matches!(Document::read(&content("")).unwrap_err(), PidfError::Xml(_)));
    assert_eq!(Document::read(&content("<presence/>")).unwrap_err(), PidfError::Root);
    let colon = "<presence xmlns='urn:ietf:params:xml:ns:pidf:'/>";
    assert_eq!(Document::read(&content(colon)).unwrap_err(), PidfError::Root);
    assert!(matches!(Document::read(&content(&format!("{colon}{colon}"))).unwrap_err(), PidfError::Root));
}

#[test]
fn a_status_is_one_of_two_words() {
    for word in ["Open", "OPEN", "busy", "", "open closed"] {
        let inside = format!("<tuple id='a'><status><basic>{word}</basic></status></tuple>");
        assert!(matches!(Document::read(&document(&inside)).unwrap_err(), PidfError::Status(_)), "{word}");
    }
}

#[test]
fn what_is_over_a_limit() {
    let deep = format!("{}{}", "<x:a>".repeat(40), "</x:a>".repeat(40));
    assert!(refused(&document(&deep)).contains("elements more than 32 deep"));
    let wide: String = (0..65).map(|number| format!(" a{number}=''")).collect();
    assert!(refused(&document(&format!("<x:a{wide}/>"))).contains("more than 64 attributes"));
    assert!(refused(&document(&" ".repeat(MAX_OCTETS))).contains("262144 are accepted"));
    let many: String = (0..=MAX_TUPLES).map(|number| format!("<tuple id='t{number}'/>")).collect();
    assert_eq!(Document::read(&document(&many)).unwrap_err(), PidfError::TooManyTuples);
    // Extensions are named up to a number, not as many as there are.
    let extensions: String = (0..5_000).map(|number| format!("<x:e{number}/>")).collect();
    assert!(read(&extensions).to_presence(&fred()).1.len() <= 64);
}

#[test]
fn what_is_of_another_type() {
    for header in [
        "Content-Type: text/plain",
        "X: y",
        "Content-Type: application/pidf+xml\r\nContent-Type: application/pidf+xml",
    ] {
        let content =
            Content::new(format!("{header}\r\n\r\n<presence xmlns='urn:ietf:params:xml:ns:pidf'/>").into());
        assert_eq!(Document::read(&content).unwrap_err(), PidfError::Type);
        assert!(!is_pidf(&content));
    }
    let encoded = "Content-Type: application/pidf+xml\r\nContent-Transfer-Encoding: base64\r\n\r\nPD94";
    assert_eq!(
        Document::read(&Content::new(encoded.as_bytes().into())).unwrap_err(),
        PidfError::Encoded("base64".to_owned())
    );
}
