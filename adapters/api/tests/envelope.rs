//! What holds for every envelope, and for octets that are none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::envelope::{self, Departure, EnvelopeError, Joiner, Key, Opened, Replays, Reply};
use cpim_adapter::{
    Basic, Code, Content, Domain, ImUri, LangTag, Mapper, Message, Metadata, Notify, Operation, OperationId,
    Passage, PresUri, Presence, Publish, Response, Selectors, Standing, Status, Subject, Subscribe,
    SubscriptId, TransId, Tuple, Unsubscribe,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn mapper() -> Mapper {
    Mapper::new(domain("gw.b.example"), Selectors::default())
}

fn key() -> Key {
    Key::new(b"secret", &domain("gw.a.example"), &domain("gw.b.example"))
}

fn shared() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![any::<String>(), "[a-z&=%:; ]{0,6}"].prop_map(Arc::from)
}

fn mailbox() -> impl Strategy<Value = String> {
    "[A-Za-z0-9~=/+-]{1,12}@[a-c]\\.(example|EXAMPLE)"
}

fn inbox() -> impl Strategy<Value = ImUri> {
    mailbox().prop_filter_map("no address", |mailbox| ImUri::parse(&format!("im:{mailbox}")).ok())
}

fn presentity() -> impl Strategy<Value = PresUri> {
    mailbox().prop_filter_map("no address", |mailbox| PresUri::parse(&format!("pres:{mailbox}")).ok())
}

fn content() -> impl Strategy<Value = Content> {
    let entity = (".{0,20}", vec(any::<u8>(), 0..60)).prop_map(|(header, body)| {
        [b"Content-Type: text/plain\r\nX: ", header.as_bytes(), b"\r\n\r\n", &body].concat()
    });
    prop_oneof![entity, vec(any::<u8>(), 0..60)].prop_map(|octets| Content::new(octets.into()))
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let lang = option::of("[a-z]{2}(-[A-Z]{2})?".prop_map(|tag| LangTag::parse(&tag).unwrap()));
    let subject = (lang, shared()).prop_map(|(lang, text)| Subject { lang, text });
    let some = || option::of(shared());
    (vec(subject, 0..3), some(), some(), some(), some(), vec(shared(), 0..3), any::<bool>()).prop_map(
        |(subjects, date, source_name, destination_name, message_ref, references, automatic)| Metadata {
            subjects,
            date,
            source_name,
            destination_name,
            message_ref,
            references,
            automatic,
        },
    )
}

fn presence() -> impl Strategy<Value = Presence> {
    let status = prop_oneof![Just(Basic::Open), Just(Basic::Closed)];
    let namespace = ("[a-z]{0,3}".prop_map(Arc::<str>::from), shared());
    let tuple = (shared(), status, shared(), vec(namespace, 0..3)).prop_map(
        |(destination, status, markup, namespaces)| Tuple { destination, status, markup, namespaces },
    );
    (vec(tuple, 1..4), option::of(shared()))
        .prop_map(|(tuples, info)| Presence::from_tuples(tuples).unwrap().with_entity_info(info))
}

fn operation() -> impl Strategy<Value = Operation> {
    let subscript_id = option::of("[!-~]{1,40}".prop_map(|id| SubscriptId::parse(&id).unwrap()));
    prop_oneof![
        (inbox(), inbox(), content(), metadata()).prop_map(|(source, destination, content, metadata)| {
            Operation::Message(Message { source, destination, content, metadata })
        }),
        (presentity(), presentity(), presence(), option::of(content())).prop_map(
            |(watcher, target, presence, document)| {
                Operation::Notify(Notify { watcher, target, presence, document })
            }
        ),
        (presentity(), presence(), option::of(content()), any::<Option<u32>>()).prop_map(
            |(target, presence, document, duration)| {
                Operation::Publish(Publish { target, presence, document, duration })
            }
        ),
        (presentity(), presentity(), any::<u32>(), subscript_id).prop_map(
            |(watcher, target, duration, subscript_id)| {
                Operation::Subscribe(Subscribe { watcher, target, duration, subscript_id })
            }
        ),
        (presentity(), presentity())
            .prop_map(|(watcher, target)| Operation::Unsubscribe(Unsubscribe { watcher, target })),
    ]
}

fn passage() -> impl Strategy<Value = Passage> {
    ("[A-Za-z0-9._-]{1,64}", any::<u8>(), vec("[a-z]{1,9}\\.example", 0..=16), any::<Option<u32>>()).prop_map(
        |(id, hops, via, wait)| Passage {
            id: OperationId::parse(&id).unwrap(),
            hops,
            via: via.iter().map(|via| domain(via)).collect(),
            wait: wait.map(|wait| Duration::from_millis(wait.into())),
        },
    )
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Anonymous), Just(Standing::Claimed), Just(Standing::Verified)]
}

/// Everything that an operation has, octet for octet: `Debug` gives spellings and attributes, but no content.
fn whole(operation: &Operation) -> (String, Option<Bytes>) {
    (format!("{operation:?}"), operation.content().map(|content| content.octets().clone()))
}

fn seal(operation: &Operation, passage: &Passage, standing: Standing) -> String {
    Departure { operation, passage, standing, sent_at_s: 1_764_000_000 }.seal(&key()).unwrap()
}

fn open(text: &str) -> Result<Opened, EnvelopeError> {
    envelope::open(text, &key(), &mapper())
}

proptest! {
    #[test]
    fn every_operation_comes_out_as_it_went_in(
        operation in operation(), passage in passage(), standing in standing(),
    ) {
        let text = seal(&operation, &passage, standing);
        prop_assert!(text.bytes().all(|octet| octet.is_ascii_graphic() && !br#";\"<>"#.contains(&octet)));
        let opened = open(&text).unwrap();
        prop_assert_eq!(opened.kind(), operation.kind());
        prop_assert_eq!(&opened.passage, &passage);
        prop_assert_eq!(opened.standing, standing);
        prop_assert_eq!(opened.sent_at_s, 1_764_000_000);
        if let Some(content) = operation.content() {
            let head = opened.content_head().unwrap();
            prop_assert_eq!([head.as_ref(), &content.body()].concat(), content.octets().to_vec());
        }
        let again = opened.with_content(operation.content().cloned()).unwrap();
        prop_assert_eq!(whole(&again), whole(&operation));
    }

    #[test]
    fn with_any_octet_changed_it_is_refused(
        operation in operation(), passage in passage(), at in any::<prop::sample::Index>(), with in 0x20u8..0x7f,
    ) {
        let text = seal(&operation, &passage, Standing::Verified);
        let mut octets = text.clone().into_bytes();
        let at = at.index(octets.len());
        octets[at] = with;
        let changed = String::from_utf8(octets).unwrap();
        prop_assert!(changed == text || open(&changed).is_err());
        prop_assert!(open(text.get(..at).unwrap()).is_err());
    }

    #[test]
    fn another_content_is_refused(operation in operation(), passage in passage(), other in content()) {
        let opened = open(&seal(&operation, &passage, Standing::Claimed)).unwrap();
        match operation.content() {
            Some(content) if *content == other => {}
            _ => prop_assert_eq!(opened.with_content(Some(other)).err(), Some(EnvelopeError::Content)),
        }
    }

    #[test]
    fn pieces_make_the_whole(operation in operation(), passage in passage(), room in 83usize..600) {
        let text = seal(&operation, &passage, Standing::Verified);
        let pieces = envelope::split(&text, room).unwrap();
        prop_assert!(pieces.iter().all(|piece| piece.len() <= room));
        let mut joiner = Joiner::default();
        let joined: Vec<_> = pieces.iter().filter_map(|piece| joiner.push(piece)).collect();
        prop_assert_eq!(joined, vec![text]);
    }

    #[test]
    fn whatever_comes_is_read_without_harm(text in any::<String>(), piece in "[a-z]{8}\\.[0-9]\\.[0-9]\\..{0,9}") {
        prop_assert!(open(&text).is_err());
        let mut joiner = Joiner::default();
        let _joined = (joiner.push(&text), joiner.push(&piece));
    }
}

fn message() -> (Operation, Passage) {
    let operation = Operation::Message(Message {
        source: ImUri::parse("im:fred@a.example").unwrap(),
        destination: ImUri::parse("im:bob@b.example").unwrap(),
        content: Content::text("Yabba, dabba!"),
        metadata: Metadata::default(),
    });
    let id = OperationId::parse("1").unwrap();
    (operation, Passage { id, hops: 127, via: vec![domain("gw.a.example")], wait: None })
}

#[test]
fn only_the_peers_key_opens_and_only_in_its_direction() {
    let (operation, passage) = message();
    let text = seal(&operation, &passage, Standing::Verified);
    let back = Key::new(b"secret", &domain("gw.b.example"), &domain("gw.a.example"));
    let other = Key::new(b"Secret", &domain("gw.a.example"), &domain("gw.b.example"));
    for key in [back, other] {
        assert_eq!(envelope::open(&text, &key, &mapper()).err(), Some(EnvelopeError::Unproven));
    }
    assert!(open(&text).is_ok());
}

#[test]
fn what_is_too_old_or_was_there_before_is_known() {
    let (operation, passage) = message();
    let opened = open(&seal(&operation, &passage, Standing::Verified)).unwrap();
    let window = Duration::from_secs(60);
    assert!(opened.is_current(1_764_000_060, window) && opened.is_current(1_763_999_940, window));
    assert!(!opened.is_current(1_764_000_061, window) && !opened.is_current(1_763_999_939, window));
    let mut replays = Replays::new(2);
    assert!(replays.is_first(opened.proof()) && !replays.is_first(opened.proof()));
    assert!(replays.is_first(&[1; 32]) && replays.is_first(&[2; 32]) && replays.is_first(opened.proof()));
}

#[test]
fn pieces_out_of_order_or_missing_make_nothing() {
    let (operation, passage) = message();
    let pieces = envelope::split(&seal(&operation, &passage, Standing::Verified), 100).unwrap();
    let [first, second, third, ..] = pieces.as_slice() else { panic!("{pieces:?}") };
    for order in [[second, first, third], [first, third, second], [first, first, third]] {
        let mut joiner = Joiner::default();
        assert_eq!(order.iter().filter_map(|piece| joiner.push(piece)).count(), 0, "{order:?}");
    }
    assert_eq!(envelope::split("v=1&m=xxxxxxxx", 82), None, "no room for a piece");
}

#[test]
fn more_than_an_envelope_may_hold_is_refused() {
    let (mut operation, passage) = message();
    if let Operation::Message(message) = &mut operation {
        message.metadata.date = Some("x".repeat(envelope::MAX_OCTETS).into());
    }
    let departure =
        Departure { operation: &operation, passage: &passage, standing: Standing::Verified, sent_at_s: 0 };
    assert!(matches!(departure.seal(&key()), Err(EnvelopeError::TooLarge { .. })));
}

/// A response comes back as it was given, names what it answers, and is believed from the peer alone.
#[test]
fn a_reply_names_what_it_answers() {
    let back = Key::new(b"secret", &domain("gw.b.example"), &domain("gw.a.example"));
    let passage = Passage { id: OperationId::parse("x").unwrap(), hops: 1, via: Vec::new(), wait: None };
    let watch = |text| PresUri::parse(text).unwrap();
    let operation = Operation::Unsubscribe(Unsubscribe {
        watcher: watch("pres:a@a.example"),
        target: watch("pres:b@b.example"),
    });
    let sealed =
        Departure { operation: &operation, passage: &passage, standing: Standing::Verified, sent_at_s: 0 }
            .seal(&key())
            .unwrap();
    let name = envelope::open(&sealed, &key(), &mapper()).unwrap().name();
    assert_eq!(envelope::name_of(&sealed), Some(&*name));
    assert!(!envelope::is_reply(&sealed) && TransId::parse(&name).is_ok());
    for response in [
        Response::success().with_duration(Some(60)).with_subscript_id(SubscriptId::parse("s1").ok()),
        Response::failure(Code::Denied, "nein & <nie>").with_lang(LangTag::parse("de")),
        Response::indeterminant(Code::Timeout, ""),
        Response::from_text(Status::Failure, "words alone"),
    ] {
        let reply = Reply { to: &name, response: &response, sent_at_s: 7 }.seal(&back).unwrap();
        assert!(envelope::is_reply(&reply));
        let opened = envelope::open_reply(&reply, &back).unwrap();
        assert_eq!((&opened.to, &opened.response, opened.sent_at_s), (&name, &response, 7));
        // Not by who was answered, not changed, and not as an operation.
        assert_eq!(envelope::open_reply(&reply, &key()), Err(EnvelopeError::Unproven));
        let changed = reply.replace("t=7", "t=8");
        assert_eq!(envelope::open_reply(&changed, &back), Err(EnvelopeError::Unproven));
        assert!(envelope::open(&reply, &back, &mapper()).is_err());
    }
    assert!(envelope::open_reply(&sealed, &key()).is_err());
}
