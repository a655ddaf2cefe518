//! Presence: what a tuple holds is kept, and means the same wherever it goes.

use cpim_adapter::{Notify, PresUri, Presence, Tuple};

use super::*;
use crate::EncodeError;

const AROUND: [&str; 2] = [
    "<notify watcher='pres:a@a.example' target='pres:b@b.example' transID='1'><presence>",
    "</presence></notify>",
];

fn read_presence(xml: &str) -> Presence {
    match read(xml).unwrap() {
        Element::Operation { operation: Operation::Notify(notify), .. } => notify.presence,
        other => panic!("{other:?}"),
    }
}

fn notify(tuple: Tuple) -> Operation {
    Operation::Notify(Notify {
        watcher: PresUri::parse("pres:a@a.example").unwrap(),
        target: PresUri::parse("pres:b@b.example").unwrap(),
        presence: Presence::new(tuple, Vec::new()),
        document: None,
    })
}

fn tuple(markup: &str) -> Tuple {
    Tuple {
        destination: "x".into(),
        status: cpim_adapter::Basic::Open,
        markup: markup.into(),
        namespaces: Vec::new(),
    }
}

#[test]
fn presence_comes_back_as_it_was_written() {
    for tuples in [
        "<tuple destination='im:b@b.example' status='open'/>",
        "<tuple destination='' status='closed'>back &amp; forth</tuple><tuple destination='tel:+1' status='open'/>",
        "<tuple destination='x' status='open'>a\r\nb&#13;<c d=\"e\"><!\u{5B}CDATA[<&]]></c>\t</tuple>",
        "<tuple destination='x' status='open' xmlns:p='urn:p' xmlns='urn:q'><p:c/><d/></tuple>",
    ] {
        let xml = format!("{}{tuples}{}", AROUND[0], AROUND[1]);
        assert_eq!(write(&read(&xml).unwrap()), xml);
    }
    let xml = "<publish target='pres:b@b.example' transID='1' duration='60'>\
               <presence entityInfo='http://b.example/?a&amp;b'><tuple destination='x' status='open'/></presence></publish>";
    assert_eq!(write(&read(xml).unwrap()), xml);
}

#[test]
fn markup_is_kept_octet_for_octet() {
    let markup = " a\r\n\r<b  c = \"1\"\n/>&#x41;<![CDATA[]]>é ";
    let presence = read_presence(&format!(
        "{}<tuple destination='x' status='open'>{markup}</tuple>{}",
        AROUND[0], AROUND[1]
    ));
    assert_eq!(&*presence.tuples()[0].markup, markup);
}

#[test]
fn namespaces_declared_around_a_tuple_go_with_it() {
    let xml = "<notify xmlns='urn:1' xmlns:p='urn:2' watcher='pres:a@a.example' target='pres:b@b.example' transID='1'>\
               <presence xmlns:q='urn:3'>\
               <tuple destination='x' status='open' xmlns:p='urn:4'><p:a/><q:b/><c/></tuple>\
               <tuple destination='y' status='open' xmlns=''><c/></tuple>\
               <tuple destination='z' status='open'>text</tuple></presence></notify>";
    let presence = read_presence(xml);
    let namespaces = |at: usize| -> Vec<(&str, &str)> {
        presence.tuples()[at].namespaces.iter().map(|(prefix, name)| (&**prefix, &**name)).collect()
    };
    assert_eq!(namespaces(0), [("", "urn:1"), ("q", "urn:3"), ("p", "urn:4")]);
    assert_eq!(namespaces(1), [("p", "urn:2"), ("q", "urn:3")]);
    assert_eq!(namespaces(2), []);
    // Written without what was around it, it means the same, and is read as the same.
    let written = write(&read(xml).unwrap());
    assert!(written.starts_with(AROUND[0]), "{written}");
    assert_eq!(read_presence(&written), presence);
}

#[test]
fn markup_that_is_no_markup_is_not_sent() {
    let mut xml = String::new();
    let mut write = |markup: &str, limits: &Limits| {
        let trans_id = TransId::parse("1").unwrap();
        write_operation(&mut xml, &trans_id, &notify(tuple(markup)), limits)
    };
    for markup in ["<a>", "a & b", "<a/", "]]>", "\0", "<x:a/>", "<!-- -->", "<?a?>", "&nbsp;", "</a>"] {
        assert!(matches!(write(markup, &Limits::default()), Err(EncodeError::Markup(_))), "{markup:?}");
    }
    for markup in ["</tuple>", "</tuple><tuple destination='im:mallory@b.example' status='open'>"] {
        assert_eq!(write(markup, &Limits::default()), Err(EncodeError::MarkupEnds), "{markup:?}");
    }
    // Within its tuple it is as deep as the whole may be.
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!(write(&nested(13), &Limits::default()), Ok(()));
    assert!(write(&nested(14), &Limits::default()).is_err());
    let whole = |depth: usize| {
        read(&format!(
            "{}<tuple destination='x' status='open'>{}</tuple>{}",
            AROUND[0],
            nested(depth),
            AROUND[1]
        ))
    };
    assert!(whole(13).is_ok() && whole(14).is_err());
}

#[test]
fn a_document_travels_beside_it() {
    let xml = format!("{}<tuple destination='x' status='open'/>{}", AROUND[0], AROUND[1]);
    let document = "Content-Type: application/pidf+xml\r\n\r\n<presence/>";
    let read = Element::read(&frame(&xml, document), &Limits::default(), &PlainUris).unwrap();
    let Element::Operation { operation, .. } = read else { panic!() };
    assert_eq!(&**operation.content().unwrap().octets(), document.as_bytes());
}
