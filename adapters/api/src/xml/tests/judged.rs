//! Whatever this reader accepts, a reader in wide use understands in the same way.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event as Judged};

use super::*;

/// What the other reader tells, in the same form; only to be trusted on what is well formed.
fn judged(xml: &str) -> Vec<String> {
    let start = |tag: &BytesStart<'_>| {
        let attributes: String = tag
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
                format!("[{}={value:?}]", std::str::from_utf8(attribute.key.as_ref().as_ref()).unwrap())
            })
            .collect();
        format!("+{}{attributes}", std::str::from_utf8(tag.name().as_ref().as_ref()).unwrap())
    };
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut told, mut text, mut depth) = (Vec::new(), String::new(), 0);
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Judged::Text(piece) if depth > 0 => text.push_str(&piece.xml10_content()),
            Judged::CData(piece) => text.push_str(&piece.xml10_content()),
            Judged::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                Some(c) => text.push(c),
                None => text.push_str(resolve_predefined_entity(&reference.xml10_content()).unwrap()),
            },
            _ if !text.is_empty() => told.push(format!("{:?}", std::mem::take(&mut text))),
            _ => {}
        }
        match event {
            Judged::Start(tag) => {
                told.push(start(&tag));
                depth += 1;
            }
            Judged::Empty(tag) => told.extend([start(&tag), "-".to_owned()]),
            Judged::End(_) => {
                told.push("-".to_owned());
                depth -= 1;
            }
            Judged::Eof => return told,
            Judged::Comment(_) | Judged::DocType(_) | Judged::PI(_) => panic!("{xml}"),
            Judged::CData(_) | Judged::Decl(_) | Judged::GeneralRef(_) | Judged::Text(_) => {}
        }
    }
}

/// Pieces of XML, well formed and not, that make some elements when put together.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<a>",
        "</a>",
        "<a/>",
        "<b c='d'>",
        "</b>",
        "<b\tc=\"&lt;'\" d = '\r\n\t&#9;&#xD;'/>",
        "<x:c xmlns:x='u'>",
        "</x:c>",
        "<x:d/>",
        "text",
        " ",
        "\r\n",
        "\r",
        "&amp;",
        "&#13;",
        "&#x1F600;",
        "<![CDATA[",
        "]]>",
        "]]",
        ">",
        "<",
        "é",
        "'",
        "\"",
        "=",
        "&",
        ";",
        "<!--",
        "-->",
        "<?p",
        "?>",
        "<?xml version='1.0'?>",
        "xmlns='v'",
        "/>",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_readers_tell_the_same(inside in pieces()) {
        let xml = format!("<a>{inside}</a>");
        if let Ok(told) = told(xml.as_bytes(), &RULES) {
            prop_assert_eq!(told, judged(&xml));
        }
    }
}

#[test]
fn the_other_reader_forgives_what_this_one_refuses() {
    // Were this list to become empty, the other reader would do.
    for xml in ["<a b='<'/>", "<a>]]></a>", "<a>\u{1}</a>", "<1a/>", "<x:a/>", "<a/>junk", "<a b='c'd='e'/>"]
    {
        assert!(told(xml.as_bytes(), &RULES).is_err(), "{xml}");
        assert!(!judged(xml).is_empty(), "{xml}");
    }
}
