//! What documents say.

use super::*;

/// P02: RFC 3863 section 4.3.1, restated.
const FULL: &str = "<tuple id=\"bs35r9\">
  <status><basic>open</basic><im:im xmlns:im=\"urn:im\">busy</im:im><x:location>home</x:location></status>
  <contact priority=\"0.8\">im:someone@mobilecarrier.net</contact>
  <note xml:lang=\"en\">Don't Disturb Please!</note>
  <note xml:lang=\"fr\">Ne derangez pas, s'il vous plait</note>
  <timestamp>2001-10-27T16:49:29Z</timestamp>
</tuple>
<tuple id=\"eg92n8\">
  <status><basic>open</basic></status>
  <contact priority=\"1.0\">mailto:someone@example.com</contact>
</tuple>
<note>I'll be in Tokyo next week</note>";

#[test]
fn p02_the_example_of_the_rfc() {
    let document = read(FULL);
    let [first, second] = document.tuples() else { panic!("{document:?}") };
    assert_eq!((&*first.id, first.basic), ("bs35r9", Some(Basic::Open)));
    assert_eq!(first.priority.map(Priority::thousandths), Some(800));
    assert_eq!(first.timestamp, Some("2001-10-27T16:49:29Z".parse().unwrap()));
    assert_eq!(
        first.notes.iter().map(|note| note.lang.as_deref()).collect::<Vec<_>>(),
        [Some("en"), Some("fr")]
    );
    assert_eq!(second.contact.as_deref(), Some("mailto:someone@example.com"));
    assert_eq!(document.notes(), [Note { lang: None, text: "I'll be in Tokyo next week".to_owned() }]);
    assert!(document.speaks_for(&fred()));

    let (presence, losses) = document.to_presence(&fred());
    let words = "Don't Disturb Please!\nNe derangez pas, s'il vous plait".to_owned();
    assert_eq!(
        told(&presence),
        [
            ("im:someone@mobilecarrier.net", Basic::Open, Some(words)),
            ("mailto:someone@example.com", Basic::Open, Some("I'll be in Tokyo next week".to_owned())),
        ]
    );
    assert_eq!(
        losses,
        [
            Loss::Element("{urn:im}im".into()),
            Loss::Element("{urn:x}location".into()),
            Loss::Id,
            Loss::Language,
            Loss::Notes,
            Loss::Priority,
            Loss::Timestamp,
        ]
    );
}

/// P03: RFC 3863 section 4.3.2, where white space stands around a contact.
#[test]
fn p03_white_space_around_a_contact_is_none_of_it() {
    let document = read(&open("<contact>\n    im:someone@mobile.example.net\n  </contact>"));
    assert_eq!(document.tuples()[0].contact.as_deref(), Some("im:someone@mobile.example.net"));
}

/// P05: RFC 3863 section 4.1.1 allows no tuple at all; the draft's form does not.
#[test]
fn p05_no_tuple_is_closed() {
    for inside in ["", "<note>gone</note>"] {
        let (presence, losses) = read(inside).to_presence(&fred());
        let [(destination, basic, _)] = &told(&presence)[..] else { panic!("{presence:?}") };
        assert_eq!((*destination, *basic), ("im:someone@example.com", Basic::Closed));
        assert_eq!(losses, [Loss::Tuples]);
    }
}

/// P06: RFC 3863 section 4.1.1.
#[test]
fn p06_a_document_says_whose_it_is() {
    let namespace = "xmlns='urn:ietf:params:xml:ns:pidf'";
    for (entity, right) in [
        ("entity='pres:someone@example.com'", true),
        ("entity='pres:someone@EXAMPLE.com'", true),
        ("entity=' im:someone@example.com '", true),
        ("entity='pres:Someone@example.com'", false),
        ("entity='sip:someone@example.com'", false),
        ("entity=''", false),
        ("", false),
    ] {
        let document = Document::read(&content(&format!("<presence {namespace} {entity}/>"))).unwrap();
        assert_eq!(document.speaks_for(&fred()), right, "{entity}");
    }
}

/// P09: RFC 3863 section 4.1.5 with erratum 1606.
#[test]
fn p09_priorities() {
    for (text, thousandths) in [
        ("0", 0),
        ("0.", 0),
        ("0.5", 500),
        ("0.021", 21),
        ("1", 1_000),
        ("1.", 1_000),
        ("1.00", 1_000),
        ("1.000", 1_000),
    ] {
        let priority = Priority::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(priority.thousandths(), thousandths, "{text}");
        assert_eq!(Priority::parse(&priority.to_string()), Some(priority));
    }
    for text in [
        "1.001", "0.1234", ".5", "01", "-0", "+0.5", "1e-1", "09", "", ".", "0.1.2", "0,5", "0.٥", "2",
        "1.0000",
    ] {
        assert_eq!(Priority::parse(text), None, "{text}");
        let document = read(&open(&format!("<contact priority='{text}'>im:a@b.example</contact>")));
        assert_eq!(document.tuples()[0].priority, None, "{text}");
        assert_eq!(document.tuples()[0].contact.as_deref(), Some("im:a@b.example"));
    }
}

/// P11: section 4.1.3 wants something in a status, the schema does not.
#[test]
fn p11_a_status_without_anything_is_closed() {
    for inside in [
        "<tuple id='a'><status/></tuple>",
        "<tuple id='a'><status><x:b/></status></tuple>",
        "<tuple id='a'/>",
    ] {
        let (presence, losses) = read(inside).to_presence(&fred());
        assert_eq!(told(&presence), [("im:someone@example.com", Basic::Closed, None)], "{inside}");
        assert!(losses.contains(&Loss::Status) && losses.contains(&Loss::Contact), "{losses:?}");
    }
}

/// P12: section 4.1.2, ids are unique; of two, the last holds.
#[test]
fn p12_the_last_tuple_of_an_id_holds() {
    let tuple = |id: &str, to: &str| {
        format!(
            "<tuple id='{id}'><status><basic>open</basic></status><contact>im:{to}@b.example</contact></tuple>"
        )
    };
    let document = read(&format!("{}{}{}", tuple("1abc", "a"), tuple("x", "b"), tuple("1abc", "c")));
    let contacts: Vec<_> = document.tuples().iter().filter_map(|tuple| tuple.contact.as_deref()).collect();
    assert_eq!(contacts, ["im:c@b.example", "im:b@b.example"]);
}

/// P14: section 4.1.7, capital `T` and `Z`, and an offset.
#[test]
fn p14_timestamps() {
    for text in ["2001-10-27T16:49:29Z", "2001-10-27T16:49:29.25+02:00"] {
        assert!(timestamp(text).is_some(), "{text}");
    }
    for text in ["2001-10-27t16:49:29z", "2001-10-27T16:49:29z", "2001-10-27T16:49:29", "2001-10-27", "x"] {
        assert_eq!(timestamp(text), None, "{text}");
        assert_eq!(read(&open(&format!("<timestamp>{text}</timestamp>"))).newest(), None);
    }
}

/// P15: two tuples of one contact may contradict each other (section 4.1.2).
#[test]
fn p15_open_if_any_is() {
    let tuple = |id: &str, basic: &str| {
        format!(
            "<tuple id='{id}'><status><basic>{basic}</basic></status><contact>im:a@b.example</contact></tuple>"
        )
    };
    let (presence, _) = read(&(tuple("a", "closed") + &tuple("b", "open"))).to_presence(&fred());
    assert_eq!(presence.tuples().len(), 2);
    assert_eq!(presence.basic(), Basic::Open);
}

/// P18: section 6, the newest timestamp tells which document is out of date.
#[test]
fn p18_the_newest_timestamp_counts() {
    let tuple = |id: &str, time: &str| {
        format!("<tuple id='{id}'><status><basic>open</basic></status><timestamp>{time}</timestamp></tuple>")
    };
    let older = read(&tuple("a", "2001-10-27T16:49:29Z"));
    let newer = read(&(tuple("a", "2001-10-27T15:00:00Z") + &tuple("b", "2001-10-27T17:49:29.5+01:00")));
    assert!(older.newest() < newer.newest());
    assert_eq!(read(&open("")).newest(), None);
}

/// P19: the draft's own example; all three values come back.
#[test]
fn p19_the_drafts_form_survives_a_document() {
    let someone = Address::parse("pres:fred@example.com").unwrap();
    let presence = Presence::new(Tuple::new("im:fred@example.com", Basic::Open), Vec::new())
        .with_entity_info(Some("http://www.example.com/fred/".into()));
    let (content, losses) = write(&presence, &someone, None);
    assert_eq!(losses, []);
    assert_eq!(
        std::str::from_utf8(content.octets()).unwrap(),
        "Content-Type: application/pidf+xml; charset=utf-8\r\n\r\n\
         <?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:fred@example.com'>\
         <tuple id='t-22cf38493fdfa3d6'><status><basic>open</basic></status><contact>im:fred@example.com</contact></tuple>\
         <dm:person xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' id='p1'>\
         <c:homepage xmlns:c='urn:ietf:params:xml:ns:pidf:cipid'>http://www.example.com/fred/</c:homepage></dm:person>\
         </presence>"
    );
    let document = Document::read(&content).unwrap();
    assert!(document.speaks_for(&someone));
    let (back, losses) = document.to_presence(&someone);
    assert_eq!((back, losses), (presence, vec![]));
}

/// P08: RFC 3863 section 4.1 and RFC 7303: what came with a document knows its encoding better than the document.
#[test]
fn p08_the_charset_of_the_type_holds() {
    let xml = "<?xml version='1.0' encoding='ISO-8859-1'?><presence xmlns='urn:ietf:params:xml:ns:pidf'/>";
    let typed = |parameter: &str, xml: &[u8]| {
        let header = format!("Content-Type: application/pidf+xml{parameter}\r\n\r\n");
        Document::read(&Content::new([header.as_bytes(), xml].concat().into()))
    };
    assert!(typed("; charset=UTF-8", xml.as_bytes()).is_ok());
    assert!(typed("", &[b"\xEF\xBB\xBF", xml.as_bytes()].concat()).is_ok());
    assert!(matches!(typed("", xml.as_bytes()), Err(PidfError::Xml(_))));
    assert!(matches!(typed("; charset=iso-8859-1", xml.as_bytes()), Err(PidfError::Charset(_))));
    let utf16: Vec<u8> = xml.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for octets in [utf16.clone(), [vec![0xFE, 0xFF], utf16].concat()] {
        assert_eq!(typed("", &octets).unwrap_err(), PidfError::Charset("UTF-16".to_owned()));
    }
}

/// RFC 4482: a homepage of the presentity; one of a tuple is somebody else's.
#[test]
fn a_homepage_is_the_presentitys() {
    let cipid =
        "xmlns:c='urn:ietf:params:xml:ns:pidf:cipid' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model'";
    let page = |host: &str| format!("<c:homepage {cipid}>http://{host}/</c:homepage>");
    let document = read(&format!(
        "{}<dm:person {cipid} id='p'><c:icon/>{}</dm:person>{}",
        open(&page("tuple.example")),
        page("person.example"),
        page("second.example"),
    ));
    let (presence, losses) = document.to_presence(&fred());
    assert_eq!(presence.entity_info(), Some("http://person.example/"));
    assert!(losses.contains(&Loss::Homepage));
}

/// RFC 3863 section 4.2: what is unknown is passed over with all that is in it, and makes no `basic` void.
#[test]
fn what_is_unknown_is_passed_over() {
    let document = read(
        "<x:first><tuple id='no'/></x:first><tuple id='a'><status><basic>open</basic>\
         <x:s xmlns:p='urn:ietf:params:xml:ns:pidf' p:mustUnderstand='true'><basic>closed</basic></x:s></status>\
         <!-- a comment --><x:y><contact>im:no@b.example</contact></x:y><contact>im:a@b<x:z>no</x:z>.example</contact></tuple>",
    );
    let (presence, _) = document.to_presence(&fred());
    assert_eq!(told(&presence), [("im:a@b.example", Basic::Open, None)]);
}
