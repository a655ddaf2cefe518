//! The reader against tables, against another reader, and against the writer.

mod judged;
mod refused;

use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules { depth: 16, attributes: 32, comments: false, any_encoding: false };

/// What the reader tells, as text: `+name[attribute=value]`, `-`, and text in quotes, its pieces joined.
fn told(xml: &[u8], rules: &Rules) -> Result<Vec<String>, XmlError> {
    let start = |tag: &Tag<'_>| {
        let attributes: String =
            tag.attributes().map(|(name, value)| format!("[{name}={value:?}]")).collect();
        format!("+{}{attributes}", tag.name)
    };
    let mut reader = Reader::new(xml, rules)?;
    let mut told = vec![start(&reader.root()?)];
    let (mut depth, mut text) = (1, String::new());
    while depth > 0 {
        let event = reader.event()?;
        match &event {
            Event::Text(piece) => text.push_str(piece),
            Event::Start(_) | Event::End if !text.is_empty() => {
                told.push(format!("{:?}", std::mem::take(&mut text)))
            }
            Event::Start(_) | Event::End => {}
        }
        match event {
            Event::Text(_) => {}
            Event::Start(tag) => {
                told.push(start(&tag));
                depth += 1;
            }
            Event::End => {
                told.push("-".to_owned());
                depth -= 1;
            }
        }
    }
    reader.finish().map(|()| told)
}

#[track_caller]
fn assert_told(xml: &str, expected: &[&str]) {
    assert_eq!(told(xml.as_bytes(), &RULES).unwrap(), expected, "{xml}");
}

#[test]
fn elements_attributes_and_text_are_told() {
    assert_told("<a/>", &["+a", "-"]);
    assert_told("<a></a>", &["+a", "-"]);
    assert_told(" \r\n<a\tb = 'c'\nd=\"e'\" />\n", &["+a[b=\"c\"][d=\"e'\"]", "-"]);
    assert_told("<a>x<b/>y<c>z</c ></a>", &["+a", "\"x\"", "+b", "-", "\"y\"", "+c", "\"z\"", "-", "-"]);
    assert_told("<été-1.·/>", &["+été-1.·", "-"]);
}

#[test]
fn a_declaration_may_come_first() {
    for declaration in [
        "<?xml version='1.0'?>",
        "<?xml version=\"1.0\" encoding='utf-8'?>\n",
        "<?xml\tversion = '1.0' encoding = 'UTF-8' standalone='no' ?>",
        "<?xml version='1.0' standalone='yes'?>",
    ] {
        assert_told(&format!("{declaration}<a/>"), &["+a", "-"]);
    }
}

#[test]
fn references_are_resolved_and_white_space_is_as_xml_wants_it() {
    let all = "&amp;&lt;&gt;&quot;&apos;&#65;&#x1F600;&#9;&#xA;&#13;";
    let resolved = "&<>\"'A\u{1F600}\t\n\r";
    assert_told(
        &format!("<a b='{all}'>{all}</a>"),
        &[&format!("+a[b={resolved:?}]"), &format!("{resolved:?}"), "-"],
    );
    // Section 3.3.3 in values, section 2.11 in text.
    assert_told(
        "<a b='1\t2\n3\r4\r\n5'>1\t2\n3\r4\r\n5\r\r\n</a>",
        &["+a[b=\"1 2 3 4 5\"]", "\"1\\t2\\n3\\n4\\n5\\n\\n\"", "-"],
    );
    // One layer, and no more.
    assert_told("<a b='&amp;lt;'>&#38;amp;</a>", &["+a[b=\"&lt;\"]", "\"&amp;\"", "-"]);
}

#[test]
fn cdata_sections_are_text() {
    assert_told("<a>1<![CDATA[<b>&amp;]]2]>\r\n]]>3</a>", &["+a", "\"1<b>&amp;]]2]>\\n3\"", "-"]);
}

#[test]
fn the_inside_of_an_element_is_told_as_it_was_written() {
    let inside = "a\r\n<x:b c=\"d\"><x:b/></x:b>&#13;<![CDATA[</t>]]>";
    let xml = format!("<t xmlns:x='urn:x'>{inside}</t>");
    let mut reader = Reader::new(xml.as_bytes(), &RULES).unwrap();
    reader.root().unwrap();
    assert_eq!(reader.namespaces().collect::<Vec<_>>(), [("x", "urn:x")]);
    assert_eq!(reader.inner().unwrap(), inside);
    reader.finish().unwrap();
}

#[test]
fn the_innermost_namespaces_are_in_scope() {
    let xml = "<a xmlns='1' xmlns:p='2' xmlns:xml='http://www.w3.org/XML/1998/namespace'>\
               <p:b xmlns='' xmlns:p='3' xmlns:q='4'><q:c/></p:b><p:d/></a>";
    let mut reader = Reader::new(xml.as_bytes(), &RULES).unwrap();
    reader.root().unwrap();
    assert_eq!(reader.namespaces().collect::<Vec<_>>(), [("", "1"), ("p", "2")]);
    reader.event().unwrap();
    assert_eq!(reader.namespaces().collect::<Vec<_>>(), [("p", "3"), ("q", "4")]);
    reader.inner().unwrap();
    reader.event().unwrap();
    assert_eq!(reader.namespaces().collect::<Vec<_>>(), [("", "1"), ("p", "2")]);
    reader.skip_to_end().unwrap();
    reader.finish().unwrap();
}

#[test]
fn limits_are_where_they_are_said_to_be() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(told(nested(16).as_bytes(), &RULES).is_ok());
    assert!(told(nested(16).replace("<a></a>", "<a/>").as_bytes(), &RULES).is_ok());
    for over in [nested(17), nested(17).replace("<a></a>", "<a/>")] {
        let refused = told(over.as_bytes(), &RULES);
        assert_eq!(refused, Err(XmlError { fault: XmlFault::TooDeep(16), at: 48 }));
    }
    let wide = |width: usize| {
        let attributes: String = (0..width).map(|number| format!(" a{number:02}=''")).collect();
        format!("<a{attributes}/>")
    };
    assert!(told(wide(32).as_bytes(), &RULES).is_ok());
    let refused = told(wide(33).as_bytes(), &RULES);
    assert_eq!(refused, Err(XmlError { fault: XmlFault::TooManyAttributes(32), at: 2 + 32 * 7 + 1 }));
}

#[test]
fn what_xml_cannot_hold_is_written_as_a_replacement() {
    let mut out = String::new();
    Writer::new(&mut out).start("a").attribute("b", "\0\u{FFFF}").open().text("\u{2}x").close("a");
    assert_eq!(out, "<a b='\u{FFFD}\u{FFFD}'>\u{FFFD}x</a>");
}

/// Characters that XML allows, the awkward ones often.
fn xml_text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(
        "\t\n\r '\"<>&;]#x-\u{85}\u{A0}\u{2028}\u{FFFD}\u{1F600}\u{10FFFF}".chars().collect::<Vec<_>>(),
    );
    let any = any::<char>().prop_filter("allowed", |c| is_char(*c));
    prop::collection::vec(prop_oneof![3 => awkward, 1 => any], 0..40).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in xml_text(), text in xml_text()) {
        let mut out = String::new();
        Writer::new(&mut out).start("a").attribute("b", &value).open().text(&text).close("a");
        let mut expected = vec![format!("+a[b={value:?}]"), format!("{text:?}"), "-".to_owned()];
        expected.retain(|told| told != "\"\"");
        prop_assert_eq!(told(out.as_bytes(), &RULES).unwrap(), expected);
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(told(&octets, &RULES));
    }

    #[test]
    fn any_markup_is_read_or_refused(xml in "[<>/!?a:=' \"&;#x1\\[\\]CDAT-]{0,60}") {
        drop(told(xml.as_bytes(), &RULES));
        drop(told(format!("<a>{xml}</a>").as_bytes(), &RULES));
    }
}
