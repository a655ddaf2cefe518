//! Whatever can be said is understood as it was meant.

use cpim_adapter::{
    Basic, Code, LangTag, Notify, PresUri, Presence, Publish, Status, Subscribe, SubscriptId, Tuple,
    Unsubscribe,
};
use proptest::prelude::*;

use super::xml_text;
use super::*;

fn trans_id() -> impl Strategy<Value = TransId> {
    prop_oneof!["[!-~]{1,40}", "[!-~é\u{1F600}]{255}"].prop_map(|text| TransId::parse(&text).unwrap())
}

fn local_part() -> impl Strategy<Value = String> {
    "[a-z0-9=~/'+_-]{0,20}[a-z0-9]"
}

fn im() -> impl Strategy<Value = ImUri> {
    local_part().prop_filter_map("an address", |local| ImUri::parse(&format!("im:{local}@a.example")).ok())
}

fn pres() -> impl Strategy<Value = PresUri> {
    local_part()
        .prop_filter_map("an address", |local| PresUri::parse(&format!("pres:{local}@b.example")).ok())
}

fn escaped(text: &str) -> String {
    let mut xml = String::new();
    Writer::new(&mut xml).text(text);
    xml
}

fn presence() -> impl Strategy<Value = Presence> {
    let markup = prop_oneof![
        xml_text().prop_map(|text| escaped(&text)),
        xml_text().prop_map(|text| format!("<a b='{}'/>\r\n", escaped(&text).replace('\'', "\""))),
    ];
    let basic = prop::sample::select(vec![Basic::Open, Basic::Closed]);
    let tuple = (xml_text(), basic, markup).prop_map(|(destination, status, markup)| Tuple {
        destination: destination.into(),
        status,
        markup: markup.into(),
        namespaces: Vec::new(),
    });
    (prop::collection::vec(tuple, 1..4), prop::option::of(xml_text())).prop_map(|(tuples, info)| {
        Presence::from_tuples(tuples).unwrap().with_entity_info(info.map(Into::into))
    })
}

fn subscript_id() -> impl Strategy<Value = Option<SubscriptId>> {
    prop::option::of("[!-~]{1,40}".prop_map(|text| SubscriptId::parse(&text).unwrap()))
}

fn operation() -> impl Strategy<Value = Operation> {
    let content = prop::collection::vec(any::<u8>(), 0..40).prop_map(|octets| Content::new(octets.into()));
    let document = prop::option::of(
        prop::collection::vec(any::<u8>(), 1..40).prop_map(|octets| Content::new(octets.into())),
    );
    prop_oneof![
        (im(), im(), content).prop_map(|(source, destination, content)| {
            Operation::Message(Message { source, destination, content, metadata: Default::default() })
        }),
        (pres(), pres(), any::<u32>(), subscript_id()).prop_map(
            |(watcher, target, duration, subscript_id)| {
                Operation::Subscribe(Subscribe { watcher, target, duration, subscript_id })
            }
        ),
        (pres(), pres())
            .prop_map(|(watcher, target)| Operation::Unsubscribe(Unsubscribe { watcher, target })),
        (pres(), pres(), presence(), document.clone()).prop_map(|(watcher, target, presence, document)| {
            Operation::Notify(Notify { watcher, target, presence, document })
        }),
        (pres(), presence(), document, prop::option::of(any::<u32>())).prop_map(
            |(target, presence, document, duration)| {
                Operation::Publish(Publish { target, presence, document, duration })
            }
        ),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    let status = prop::sample::select(vec![Status::Success, Status::Failure, Status::Indeterminant]);
    let code = prop::option::of(prop::sample::select(Code::ALL));
    let lang = prop::option::of("[a-z]{2,8}(-[A-Z0-9]{1,8})?".prop_map(|tag| LangTag::parse(&tag).unwrap()));
    (status, code, xml_text(), lang, prop::option::of(any::<u32>()), subscript_id()).prop_map(
        |(status, code, words, lang, duration, id)| {
            let text = code.map_or_else(|| words.clone(), |code| format!("{code}: {words}"));
            Response::from_text(status, &text).with_lang(lang).with_duration(duration).with_subscript_id(id)
        },
    )
}

/// The same, with the content that a frame would have.
fn reread(xml: &str, content: &[u8]) -> Element {
    let frame = Frame {
        parameters: Parameters::default(),
        xml: Bytes::copy_from_slice(xml.as_bytes()),
        content: Bytes::copy_from_slice(content),
    };
    Element::read(&frame, &Limits::default(), &PlainUris).unwrap()
}

proptest! {
    #[test]
    fn operations(trans_id in trans_id(), operation in operation()) {
        let content = operation.content().map(|content| content.octets().clone()).unwrap_or_default();
        let element = Element::Operation { trans_id, operation };
        let xml = write(&element);
        let again = reread(&xml, &content);
        // Neither has an equality, for addresses have two; every field is shown.
        prop_assert_eq!(format!("{again:?}"), format!("{element:?}"));
        prop_assert_eq!(write(&again), xml);
    }

    #[test]
    fn responses(trans_id in trans_id(), response in response()) {
        let xml = write(&Element::Response { trans_id: trans_id.clone(), response: response.clone() });
        let Element::Response { trans_id: named, response: again } = reread(&xml, b"") else { panic!() };
        prop_assert_eq!((named, again), (trans_id, response));
    }

    #[test]
    fn closes(reason in prop::option::of("[a-z-]{1,20}"), text in xml_text()) {
        let close = Close { reason: reason.map(|word| Reason::from_word(&word)), text };
        let Element::Close(again) = reread(&write(&Element::Close(close.clone())), b"") else { panic!() };
        prop_assert_eq!(again, close);
    }

    #[test]
    fn secrets(secret in xml_text()) {
        let open = Open { secret: Some(Secret::new(&*secret)), ..Open::default() };
        let Element::Open(again) = reread(&write(&Element::Open(open)), b"") else { panic!() };
        prop_assert_eq!(again.secret.as_ref().map(Secret::expose), Some(&*secret));
    }

    #[test]
    fn any_xml_is_read_or_rejected(xml in "(<(message|notify|open|close|response|ping)|[<>/a-z='\" &;#]| transID='1'){0,30}") {
        drop(read(&xml));
    }
}
