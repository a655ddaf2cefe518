//! What is refused, and where; each with the rule that is broken. Much of it passes readers in wide use.

use super::*;

#[track_caller]
fn assert_refused(xml: &[u8], fault: XmlFault, at: usize) {
    let shown = String::from_utf8_lossy(xml).into_owned();
    assert_eq!(told(xml, &RULES), Err(XmlError { fault, at }), "{shown}");
}

#[test]
fn markup_that_a_frame_may_not_hold() {
    for (xml, fault, at) in [
        ("<!DOCTYPE a><a/>", XmlFault::Doctype, 0),
        ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", XmlFault::Doctype, 21),
        ("<a><!DOCTYPE a></a>", XmlFault::Doctype, 3),
        ("<a><!ELEMENT a></a>", XmlFault::Doctype, 3),
        ("<!-- --><a/>", XmlFault::Comment, 0),
        ("<a><!-- --></a>", XmlFault::Comment, 3),
        ("<a><!----></a>", XmlFault::Comment, 3),
        ("<a/><!-- -->", XmlFault::Comment, 4),
        ("<?php ?><a/>", XmlFault::ProcessingInstruction, 0),
        ("<?xml-stylesheet href='x'?><a/>", XmlFault::ProcessingInstruction, 0),
        ("<a><?b?></a>", XmlFault::ProcessingInstruction, 3),
        ("<a/><?b?>", XmlFault::ProcessingInstruction, 4),
        (" <?xml version='1.0'?><a/>", XmlFault::ProcessingInstruction, 1),
        ("<a><?xml version='1.0'?></a>", XmlFault::ProcessingInstruction, 3),
    ] {
        assert_refused(xml.as_bytes(), fault, at);
    }
}

#[test]
fn declarations_of_something_else() {
    for (declaration, at) in [
        ("<?xml ?>", 6),
        ("<?xml version='1.1'?>", 6),
        ("<?xml version='2.0'?>", 6),
        ("<?xml version='&#49;.0'?>", 6),
        ("<?xml version='1.0' encoding='ISO-8859-1'?>", 20),
        ("<?xml version='1.0' encoding='UTF-16'?>", 20),
        ("<?xml encoding='UTF-8'?>", 6),
        ("<?xml encoding='UTF-8' version='1.0'?>", 6),
        ("<?xml version='1.0' version='1.0'?>", 20),
        ("<?xml version='1.0' standalone='maybe'?>", 20),
        ("<?xml version='1.0' standalone='yes' encoding='UTF-8'?>", 37),
        ("<?xml version='1.0' other='1'?>", 20),
        ("<?xml version='1.0'encoding='UTF-8'?>", 19),
        ("<?xml version='1.0'>", 19),
    ] {
        assert_refused(format!("{declaration}<a/>").as_bytes(), XmlFault::Declaration, at);
    }
}

#[test]
fn not_one_element() {
    for (xml, fault, at) in [
        ("", XmlFault::End, 0),
        (" ", XmlFault::End, 1),
        ("a", XmlFault::Element, 0),
        ("\u{FEFF}<a/>", XmlFault::Element, 0),
        ("&#32;<a/>", XmlFault::Element, 0),
        ("<a/><b/>", XmlFault::Junk, 4),
        ("<a/> x", XmlFault::Junk, 5),
        ("<a></a></a>", XmlFault::Junk, 7),
        ("<a/>\0", XmlFault::Character(0), 4),
        ("<a>", XmlFault::End, 3),
        ("<a", XmlFault::End, 2),
        ("<", XmlFault::End, 1),
        ("<a ", XmlFault::End, 3),
        ("<a b='c", XmlFault::End, 6),
        ("<a>text", XmlFault::End, 7),
        ("<a><![CDATA[x]]", XmlFault::End, 3),
        ("<a></a", XmlFault::Tag, 6),
    ] {
        assert_refused(xml.as_bytes(), fault, at);
    }
}

#[test]
fn tags_that_are_none() {
    for (xml, fault, at) in [
        ("<a></b>", XmlFault::MismatchedEnd, 5),
        ("<a><b></a></b>", XmlFault::MismatchedEnd, 8),
        ("<A></a>", XmlFault::MismatchedEnd, 5),
        ("<a></a b='c'>", XmlFault::Tag, 7),
        ("<a></ a>", XmlFault::Name, 5),
        ("<a></>", XmlFault::Name, 5),
        ("< a/>", XmlFault::Name, 1),
        ("<1a/>", XmlFault::Name, 1),
        ("<-a/>", XmlFault::Name, 1),
        ("<a@b/>", XmlFault::Tag, 2),
        ("<a\u{D7}/>", XmlFault::Tag, 2),
        ("<a/ >", XmlFault::Tag, 2),
        ("<a / >", XmlFault::Name, 3),
        ("<a<b/>", XmlFault::Tag, 2),
        ("<a 'b'/>", XmlFault::Name, 3),
        ("<a b/>", XmlFault::AttributeValue, 4),
        ("<a b=c/>", XmlFault::AttributeValue, 5),
        ("<a b='c'd='e'/>", XmlFault::Tag, 8),
        ("<a b='c' b='c'/>", XmlFault::DuplicateAttribute, 9),
        ("<a b='<'/>", XmlFault::LessThan, 6),
        ("<a b='c' 1='d'/>", XmlFault::Name, 9),
    ] {
        assert_refused(xml.as_bytes(), fault, at);
    }
}

#[test]
fn references_to_nothing() {
    for reference in [
        "&",
        "& ",
        "&;",
        "&b;",
        "&nbsp;",
        "&AMP;",
        "&amp",
        "&amp ;",
        "& amp;",
        "&#;",
        "&#x;",
        "&#X41;",
        "&#+65;",
        "&#x+41;",
        "&#-1;",
        "&#6 5;",
        "&#a;",
        "&#xG;",
        "&#0;",
        "&#1;",
        "&#x1F;",
        "&#xB;",
        "&#xD800;",
        "&#xDFFF;",
        "&#xFFFE;",
        "&#xFFFF;",
        "&#x110000;",
        "&#99999999999999999999;",
    ] {
        assert_refused(format!("<a>x{reference}</a>").as_bytes(), XmlFault::BadReference, 4);
        assert_refused(format!("<a b='x{reference}'/>").as_bytes(), XmlFault::BadReference, 7);
    }
}

#[test]
fn characters_that_xml_does_not_allow() {
    for c in ['\0', '\u{1}', '\u{8}', '\u{B}', '\u{C}', '\u{E}', '\u{1B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
        assert_refused(format!("<a>{c}</a>").as_bytes(), XmlFault::Character(c.into()), 3);
        assert_refused(format!("<a b='{c}'/>").as_bytes(), XmlFault::Character(c.into()), 6);
        assert_refused(format!("<a><![CDATA[{c}]]></a>").as_bytes(), XmlFault::Character(c.into()), 12);
    }
    assert!(told("<a>\u{7F}\u{85}\u{9F}\u{2028}</a>".as_bytes(), &RULES).is_ok());
    assert_refused(b"<a>\xFF</a>", XmlFault::NotUtf8, 3);
    assert_refused(b"<a>\xC0\xAF</a>", XmlFault::NotUtf8, 3);
    assert_refused(b"<a>\xED\xA0\x80</a>", XmlFault::NotUtf8, 3);
    assert_refused(b"\xFF\xFE<\0a\0/\0>\0", XmlFault::NotUtf8, 0);
    assert_refused(b"<a/>\xE2\x82", XmlFault::NotUtf8, 4);
}

#[test]
fn the_end_of_a_cdata_section_outside_one() {
    assert_refused(b"<a>x]]></a>", XmlFault::CdataEnd, 4);
    assert!(told(b"<a>]] >]&gt;]]&gt;</a>", &RULES).is_ok());
    assert!(told(b"<a b=']]>'/>", &RULES).is_ok());
}

#[test]
fn prefixes_that_are_not_declared_or_cannot_be() {
    for (xml, fault, at) in [
        ("<x:a/>", XmlFault::UndeclaredPrefix, 1),
        ("<a x:b='c'/>", XmlFault::UndeclaredPrefix, 3),
        ("<a><b xmlns:x='urn:x'/><x:c/></a>", XmlFault::UndeclaredPrefix, 24),
        ("<a><b xmlns:x='urn:x'></b><x:c/></a>", XmlFault::UndeclaredPrefix, 27),
        ("<a:b:c xmlns:a='urn:a'/>", XmlFault::Tag, 4),
        ("<a:/>", XmlFault::Name, 3),
        ("<:a/>", XmlFault::Name, 1),
        ("<a:1 xmlns:a='urn:a'/>", XmlFault::Name, 3),
        ("<a xmlns:x=''/>", XmlFault::NamespaceDeclaration, 3),
        ("<a xmlns:xmlns='urn:x'/>", XmlFault::NamespaceDeclaration, 3),
        ("<a xmlns:xml='urn:x'/>", XmlFault::NamespaceDeclaration, 3),
        ("<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>", XmlFault::NamespaceDeclaration, 3),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", XmlFault::NamespaceDeclaration, 3),
        ("<xmlns:a/>", XmlFault::UndeclaredPrefix, 1),
        ("<a xmlns:x='urn:1' xmlns:y='urn:1' x:b='' y:b=''/>", XmlFault::DuplicateAttribute, 42),
    ] {
        assert_refused(xml.as_bytes(), fault, at);
    }
    assert!(told(b"<a xml:lang='de' b='' xmlns:x='urn:1' x:b=''/>", &RULES).is_ok());
}
