//! Elements against the contract's own example, and back again.

mod presence;
mod round_trip;

use bytes::{Bytes, BytesMut};
use cpim_adapter::xml::is_char;
use cpim_adapter::{Content, ImUri, Message, Operation, Response, TransId};

use proptest::prelude::*;

use super::*;
use crate::{Decoder, Parameters, encode_head};

const EXAMPLE: [&str; 4] = [
    "CPIM/1 57 0\r\n<open version='1' serves='im:fred@a.example' secret='s'/>",
    "CPIM/1 56 0\r\n<open version='1' domain='gw.example' remembers='3600'/>",
    "CPIM/1 104 61\r\n<message source='im:fred@a.example' \
     destination='im:irc=irc.demo.example/alice@gw.example' transID='1'/>\
     Content-Type: text/plain; charset=\"us-ascii\"\r\n\r\nYabba, dabba!",
    "CPIM/1 40 0\r\n<response status='success' transID='1'/>",
];

fn frame(xml: &str, content: &'static str) -> Frame {
    Frame {
        parameters: Parameters::default(),
        xml: Bytes::copy_from_slice(xml.as_bytes()),
        content: Bytes::from_static(content.as_bytes()),
    }
}

fn read(xml: &str) -> Result<Element, Rejection> {
    Element::read(&frame(xml, ""), &Limits::default(), &PlainUris)
}

fn write(element: &Element) -> String {
    let mut xml = String::new();
    match element {
        Element::Close(close) => close.write(&mut xml),
        Element::Open(open) => open.write(&mut xml),
        Element::Operation { trans_id, operation } => {
            write_operation(&mut xml, trans_id, operation, &Limits::default()).unwrap();
        }
        Element::Ping { trans_id } => write_ping(&mut xml, trans_id),
        Element::Response { trans_id, response } => write_response(&mut xml, trans_id, response),
    }
    xml
}

#[test]
fn the_example_is_read_and_written_octet_for_octet() {
    for example in EXAMPLE {
        let mut input = BytesMut::from(example);
        let frame = Decoder::new(Limits::default()).decode(&mut input).unwrap().unwrap();
        assert!(input.is_empty(), "{example}");
        let element = Element::read(&frame, &Limits::default(), &PlainUris).unwrap();
        let mut head = BytesMut::new();
        let xml = write(&element);
        encode_head(&mut head, &frame.parameters, &xml, frame.content.len(), &Limits::default()).unwrap();
        head.extend_from_slice(&frame.content);
        assert_eq!(head, example.as_bytes());
    }
}

#[test]
fn the_example_can_be_built() {
    let message = Operation::Message(Message {
        source: ImUri::parse("im:fred@a.example").unwrap(),
        destination: ImUri::parse("im:irc=irc.demo.example/alice@gw.example").unwrap(),
        content: Content::new(Bytes::new()),
        metadata: Default::default(),
    });
    let trans_id = TransId::parse("1").unwrap();
    assert!(
        EXAMPLE[2].contains(&write(&Element::Operation { trans_id: trans_id.clone(), operation: message }))
    );
    let response = Response::success();
    assert!(EXAMPLE[3].ends_with(&write(&Element::Response { trans_id, response })));
}

#[test]
fn every_element_comes_back_as_it_was_written() {
    for xml in [
        "<close/>",
        "<close reason='shutdown'/>",
        "<close reason='bad-frame'>a &lt; b &amp; c&#13;</close>",
        "<open version='1'/>",
        "<open version='1' serves='a.example im:fred@b.example pepp:' speaks='pres:bob@c.example' \
         secret='it&apos;s &#9;&#10;&#13; &lt;&gt;&amp; \u{1F600}' domain='gw.example' remembers='0'>\
         <adapter xmlns='urn:x' a=\"1\"><x:b xmlns:x='urn:y'/>\r\n</adapter></open>",
        "<ping transID='7'/>",
        "<response status='failure' transID='&lt;\u{1F600}&apos;\"' duration='0' subscriptID='s' \
         xml:lang='de-CH'>busy: zu &lt;voll&gt;</response>",
        "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='4294967295' transID='x'/>",
        "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='0' transID='x' \
         subscriptID='&amp;'/>",
        "<unsubscribe watcher='pres:a@a.example' target='pres:b@b.example' transID='x'/>",
    ] {
        assert_eq!(write(&read(xml).unwrap()), xml);
    }
}

#[test]
fn what_is_unknown_is_passed_over() {
    for (xml, as_if) in [
        ("<ping transID='1' x='2' xml:space='default'>text<x/></ping>", "<ping transID='1'/>"),
        ("<close reason='shutdown' x=''><x>y</x></close>", "<close reason='shutdown'/>"),
        ("<open x='' version='1'/>", "<open version='1'/>"),
        (
            "<open version='1' serves='  a.example   b.example ' speaks=''/>",
            "<open version='1' serves='a.example b.example'/>",
        ),
        (
            "<response x='' transID='1' status='success' xml:lang='not a tag'>  </response>",
            "<response status='success' transID='1'>  </response>",
        ),
        (
            "<message xmlns='urn:x' transID='1' source='im:a@a.example' x='' destination='im:b@b.example'> \n</message>",
            "<message source='im:a@a.example' destination='im:b@b.example' transID='1'/>",
        ),
    ] {
        assert_eq!(write(&read(xml).unwrap()), as_if);
    }
}

#[test]
fn a_reason_that_is_not_known_is_kept() {
    let Ok(Element::Close(close)) = read("<close reason='of-another-version'>a<![CDATA[<]]>b</close>") else {
        panic!()
    };
    assert_eq!(close, Close::because(Reason::Other("of-another-version".into()), "a<b"));
    assert!(!close.is_orderly());
}

#[test]
fn a_secret_is_not_shown() {
    let opened = read("<open version='1' secret='hush'/>").unwrap();
    assert!(!format!("{opened:?}").contains("hush"));
}

#[test]
fn claims_are_domains_addresses_and_selectors() {
    let Ok(Element::Open(open)) =
        read("<open version='1' serves='A.Example IM:fred@b.example pres:x@c.example PEPP: im:'/>")
    else {
        panic!()
    };
    let claims: Vec<_> = open.serves.iter().map(ToString::to_string).collect();
    assert_eq!(claims, ["a.example", "IM:fred@b.example", "pres:x@c.example", "pepp:", "im:"]);
    assert!(matches!(
        open.serves[..],
        [Claim::Domain(_), Claim::Uri(_), Claim::Uri(_), Claim::Selector(_), Claim::Selector(_)]
    ));
}

#[test]
fn a_mapper_reads_what_lives_at_its_own_domain() {
    let xml =
        "<message source='im:a@a.example' destination='im:sip=fred%40example.com@gw.example' transID='1'/>";
    assert!(matches!(read(xml), Err(Rejection::Refused(_))), "elsewhere it is no mailbox");
    let mapper =
        Mapper::new(cpim_adapter::Domain::parse("gw.example").unwrap(), cpim_adapter::Selectors::default());
    let read = Element::read(&frame(xml, ""), &Limits::default(), &mapper).unwrap();
    let Element::Operation { operation, .. } = &read else { panic!() };
    assert_eq!(operation.goes_to().address().local(), "sip=fred~40example.com");
    assert_eq!(write(&read), xml, "the spelling stays the peer's");
}

/// Characters that XML allows, the awkward ones often.
fn xml_text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(
        "\t\n\r '\"<>&;]#x-\u{85}\u{A0}\u{2028}\u{FFFD}\u{1F600}\u{10FFFF}".chars().collect::<Vec<_>>(),
    );
    let any = any::<char>().prop_filter("allowed", |c| is_char(*c));
    prop::collection::vec(prop_oneof![3 => awkward, 1 => any], 0..40).prop_map(String::from_iter)
}
