//! Properties: what goes through a document comes back, and nothing that comes in does harm.

use proptest::prelude::*;

use super::*;
use crate::xml::is_char;

fn text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select("\t\n\r '\"<>&;]#x-\u{85}\u{A0}\u{1F600}".chars().collect::<Vec<_>>());
    let any = any::<char>().prop_filter("allowed", |c| is_char(*c));
    prop::collection::vec(prop_oneof![3 => awkward, 1 => any], 0..30).prop_map(String::from_iter)
}

fn tuple() -> impl Strategy<Value = Tuple> {
    // A URI has no white space at its ends, which is all that a contact does not keep.
    let destination = ("[!-~]{1,8}", text(), "[!-~]{1,8}").prop_map(|(a, b, c)| format!("{a}{b}{c}"));
    let basic = prop::sample::select(vec![Basic::Open, Basic::Closed]);
    (destination, basic, text()).prop_map(|(destination, basic, text)| {
        let text = if text.trim().is_empty() { String::new() } else { text };
        Tuple::new(&destination, basic).with_text(&text)
    })
}

fn presence() -> impl Strategy<Value = Presence> {
    let page = prop::option::of("[!-~]{1,20}");
    (prop::collection::vec(tuple(), 1..5), page).prop_map(|(tuples, page)| {
        Presence::from_tuples(tuples).unwrap().with_entity_info(page.map(Into::into))
    })
}

proptest! {
    #[test]
    fn the_drafts_form_comes_back(presence in presence()) {
        let (content, losses) = write(&presence, &fred(), None);
        prop_assert!(losses.is_empty());
        let document = Document::read(&content).unwrap();
        prop_assert!(document.speaks_for(&fred()));
        let (back, losses) = document.to_presence(&fred());
        prop_assert!(losses.is_empty(), "{:?}", losses);
        prop_assert_eq!(back, presence);
    }

    #[test]
    fn any_markup_is_read_or_refused(inside in "[<>/!?a:=' \"&;#xtuple\\[\\]-]{0,80}") {
        drop(Document::read(&document(&inside)));
        drop(filter(&document(&inside), &fred(), |_| false));
    }

    /// Whatever a tuple's markup is, a document made of it is well formed.
    #[test]
    fn any_tuple_makes_a_document(markup in "[<>/a:=' \"&;x]{0,40}") {
        let tuple = Tuple { markup: markup.into(), namespaces: vec![("a".into(), "urn:a".into())], ..Tuple::new("im:a@b.example", Basic::Open) };
        let (content, _) = write(&Presence::new(tuple, Vec::new()), &fred(), None);
        prop_assert!(Document::read(&content).is_ok());
    }
}

#[test]
fn elements_of_a_tuple_become_extensions_with_what_they_rely_on() {
    let tuple = Tuple {
        markup: "hi<x:a/><x:b xmlns:x='urn:other'>1</x:b><c xmlns='urn:c'/><none/><p:status xmlns:p='urn:ietf:params:xml:ns:pidf'/>".into(),
        namespaces: vec![("x".into(), "urn:x".into())],
        ..Tuple::new("im:a@b.example", Basic::Open)
    };
    let (content, losses) = write(
        &Presence::new(tuple.clone(), vec![tuple]),
        &fred(),
        Some("2026-11-25T14:00:00Z".parse().unwrap()),
    );
    assert_eq!(
        losses,
        [Loss::Element("{urn:ietf:params:xml:ns:pidf}status".into()), Loss::Element("{}none".into())]
    );
    let text = std::str::from_utf8(content.octets()).unwrap();
    assert!(
        text.contains(
            "</status><x:a xmlns:x='urn:x' xmlns=''/><x:b xmlns='' xmlns:x='urn:other'>1</x:b>\
             <c xmlns:x='urn:x' xmlns='urn:c'/><contact>im:a@b.example</contact><note>hi</note>\
             <timestamp>2026-11-25T14:00:00Z</timestamp></tuple>"
        ),
        "{text}"
    );
    let document = Document::read(&content).unwrap();
    let [first, second] = document.tuples() else { panic!("{document:?}") };
    assert_eq!(second.id, format!("{}-2", first.id));
    assert_eq!(document.newest(), Some("2026-11-25T14:00:00Z".parse().unwrap()));
}
