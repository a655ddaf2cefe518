//! Elements against the contract's own example, and back again.

use bytes::{Bytes, BytesMut};
use cpim_adapter::{Content, ImUri, Message, Operation, Response, TransId};

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
        let frame = Decoder::new(Limits::default())
            .decode(&mut input)
            .unwrap()
            .unwrap();
        assert!(input.is_empty(), "{example}");
        let element = Element::read(&frame, &Limits::default(), &PlainUris).unwrap();
        let mut head = BytesMut::new();
        let xml = write(&element);
        encode_head(
            &mut head,
            &frame.parameters,
            &xml,
            frame.content.len(),
            &Limits::default(),
        )
        .unwrap();
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
    assert!(EXAMPLE[2].contains(&write(&Element::Operation {
        trans_id: trans_id.clone(),
        operation: message
    })));
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
         <adapter xmlns='urn:x' a=\"1\"><!-- --></adapter></open>",
        "<ping transID='7'/>",
        "<response status='failure' transID='&lt;\u{1F600}&apos;\"' duration='0' subscriptID='s'\
         xml:lang='de-CH'>busy: zu &lt;voll&gt;</response>",
        "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='4294967295' transID='x'/>",
        "<subscribe watcher='pres:a@a.example' target='pres:b@b.example' duration='0' transID='x' \
         subscriptID='&amp;'/>",
        "<unsubscribe watcher='pres:a@a.example' target='pres:b@b.example' transID='x'/>",
    ] {
        let expected = xml.replace("<!-- -->", "").replace("'s'xml", "'s' xml");
        assert_eq!(write(&read(&expected).unwrap()), expected);
    }
}
