//! Showing a part of a document.

use super::*;

const WORK: &str = "<tuple id=\"w\">\n <status><basic>open</basic><x:mood>good</x:mood></status><contact> im:work@b.example </contact></tuple>";
const HOME: &str =
    "<tuple id='h'><status><basic>open</basic></status><contact>im:home@b.example</contact></tuple>";

#[test]
fn what_may_all_be_seen_goes_as_it_came() {
    let whole = document(&format!("<!-- x -->{WORK}{HOME}<note>n</note>"));
    assert_eq!(filter(&whole, &fred(), |_| true), Filtered::Whole);
}

#[test]
fn the_tuples_that_remain_are_what_they_were() {
    let whole =
        document(&format!("<!-- s3cret -->{HOME}{WORK}<note>s3cret</note><x:device>s3cret</x:device>"));
    let Filtered::Part(part) = filter(&whole, &fred(), |contact| contact == "im:work@b.example") else {
        panic!()
    };
    let text = std::str::from_utf8(part.octets()).unwrap();
    assert!(text.contains(WORK), "{text}");
    assert!(!text.contains("home") && !text.contains("s3cret"), "{text}");
    let read = Document::read(&part).unwrap();
    assert!(read.speaks_for(&fred()));
    assert_eq!(read.tuples().len(), 1);
}

#[test]
fn a_tuple_without_a_contact_is_the_presentitys_inbox() {
    let whole = document(&format!("{}{HOME}", open("")));
    let Filtered::Part(part) = filter(&whole, &fred(), |contact| contact == "im:someone@example.com") else {
        panic!()
    };
    assert_eq!(Document::read(&part).unwrap().tuples()[0].id, "a");
}

#[test]
fn what_cannot_be_shown_in_part_is_withheld() {
    let seen = |contact: &str| contact == "im:work@b.example";
    let withheld = |content: &Content| match filter(content, &fred(), seen) {
        Filtered::Withheld(why) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(withheld(&document(HOME)), Withheld::Nothing);
    // P21.
    for signature in [
        "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>",
        "<x:a><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></x:a>",
    ] {
        assert_eq!(withheld(&document(&format!("{WORK}{HOME}{signature}"))), Withheld::Signed);
        assert_eq!(filter(&document(&format!("{WORK}{signature}")), &fred(), seen), Filtered::Whole);
    }
    for unknown in [Content::text("open"), document("<tuple>"), content("")] {
        assert!(matches!(withheld(&unknown), Withheld::Unknown(_)));
    }
}

/// A tuple that a later one of its id replaces is seen by some readers all the same.
#[test]
fn a_replaced_tuple_hides_nothing() {
    let whole = document(&format!("{}{}", HOME.replace("'h'", "'w'"), WORK));
    let Filtered::Part(part) = filter(&whole, &fred(), |contact| contact == "im:work@b.example") else {
        panic!()
    };
    assert!(!std::str::from_utf8(part.octets()).unwrap().contains("home"));
}

/// A part relies on what the root declares, under whatever prefix.
#[test]
fn prefixes_are_kept() {
    let tuple = |id: &str| {
        format!(
            "<p:tuple id='{id}'><p:status><p:basic>open</p:basic></p:status><p:contact>im:{id}@b.example</p:contact></p:tuple>"
        )
    };
    let whole = content(&format!(
        "<p:presence entity='pres:someone@example.com'\n xmlns:p='urn:ietf:params:xml:ns:pidf'>{}{}</p:presence>",
        tuple("a"),
        tuple("b")
    ));
    let Filtered::Part(part) = filter(&whole, &fred(), |contact| contact == "im:b@b.example") else {
        panic!()
    };
    assert_eq!(Document::read(&part).unwrap().tuples()[0].id, "b");
}
