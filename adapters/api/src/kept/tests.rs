use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::{KeepError, KeptId, KeptLimits, MAX_CONTENT_OCTETS, Shelf, note};
use crate::{Content, ImUri, Memory, Message, Metadata, OperationId, Subject, VolatileMemory};

fn message(to: &str, octets: Bytes) -> Message {
    Message {
        source: ImUri::parse("im:Fred@A.example").unwrap(),
        destination: ImUri::parse(to).unwrap(),
        content: Content::new(octets),
        metadata: Metadata::default(),
    }
}

fn operation(name: &str) -> OperationId {
    OperationId::parse(name).unwrap()
}

fn shelf(memory: &Arc<VolatileMemory>, limits: KeptLimits) -> Shelf {
    Shelf::new(Arc::clone(memory) as Arc<dyn Memory>, limits)
}

proptest! {
    #[test]
    fn whatever_the_content_is_it_comes_out_as_it_went_in(octets: Vec<u8>) {
        let message = message("im:bob@b.example", octets.into());
        let read = note::read(&note::write(&message).unwrap()).unwrap();
        prop_assert_eq!(read.content.octets(), message.content.octets());
        prop_assert_eq!(read.source.spelled(), "im:Fred@A.example");
        prop_assert_eq!(read.metadata, Metadata::default());
    }
}

#[test]
fn what_belongs_to_it_is_kept_too() {
    let metadata = Metadata {
        subjects: vec![Subject { lang: None, text: "two\nlines".into() }],
        date: Some("2026-11-20T12:00:00Z".into()),
        source_name: Some("Fred".into()),
        automatic: true,
        ..Metadata::default()
    };
    let message = Message { metadata, ..message("im:bob@b.example", Bytes::from_static(b"\0")) };
    let read = note::read(&note::write(&message).unwrap()).unwrap();
    assert_eq!(read.metadata, message.metadata);
}

#[tokio::test]
async fn it_is_found_by_its_name_also_after_a_restart() {
    let memory = Arc::new(VolatileMemory::default());
    let message = message("im:bob@b.example", Bytes::from_static(b"Content-Type: image/png\r\n\r\n\x89PNG"));
    let before = shelf(&memory, KeptLimits::default());
    let offer = before.keep(&message, &operation("1")).await.unwrap();
    assert_eq!(offer.media_type.as_deref(), Some("image/png"));
    let get = format!("To get it, write to gateway: show {}]", offer.id);
    assert!(offer.sentence("gateway").ends_with(&get));
    let called = offer.clone().called("dino.png, image/png, 5 octets").sentence_to_guest("gateway");
    assert_eq!(called, format!("[dino.png, image/png, 5 octets, kept while you are here. {get}"));

    let after = shelf(&memory, KeptLimits::default());
    let kept = after.read(&KeptId::parse(&offer.id.as_str().to_uppercase()).unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.message.content.octets(), message.content.octets());
    let lines = after.of(message.destination.as_uri().address()).await.unwrap();
    assert_eq!(lines.len(), 1);
    after.forget(&offer.id).await.unwrap();
    assert!(after.read(&offer.id).await.unwrap().is_none());
}

#[tokio::test]
async fn an_operation_that_is_delivered_again_is_kept_once() {
    let memory = Arc::new(VolatileMemory::default());
    let shelf = shelf(&memory, KeptLimits::default());
    let message = message("im:bob@b.example", Bytes::from_static(b"x"));
    let first = shelf.keep(&message, &operation("1")).await.unwrap();
    assert_eq!(shelf.keep(&message, &operation("1")).await.unwrap().id, first.id);
    assert_ne!(shelf.keep(&message, &operation("2")).await.unwrap().id, first.id);
}

#[tokio::test]
async fn what_is_over_a_cap_is_refused_and_harms_nobody_else() {
    let memory = Arc::new(VolatileMemory::default());
    let limits = KeptLimits { octets_per_owner: 10_000, octets: 15_000, ..KeptLimits::default() };
    let shelf = shelf(&memory, limits);
    let large = Bytes::from(vec![b'x'; 6_000]);
    let to = |name: &str| message(&format!("im:{name}@b.example"), large.clone());
    shelf.keep(&to("bob"), &operation("1")).await.unwrap();
    assert_eq!(shelf.keep(&to("bob"), &operation("2")).await.unwrap_err(), KeepError::Full);
    let carol = shelf.keep(&to("carol"), &operation("3")).await.unwrap();
    assert_eq!(shelf.keep(&to("dave"), &operation("4")).await.unwrap_err(), KeepError::Full, "in all");
    shelf.forget(&carol.id).await.unwrap();
    shelf.keep(&to("dave"), &operation("4")).await.unwrap();

    let octets = MAX_CONTENT_OCTETS + 1;
    let too_large = message("im:erin@b.example", Bytes::from(vec![0; octets]));
    let refused = shelf.keep(&too_large, &operation("5")).await.unwrap_err();
    assert_eq!(refused, KeepError::TooLarge { octets });
}

#[tokio::test]
async fn what_has_expired_is_gone_and_makes_room() {
    let memory = Arc::new(VolatileMemory::default());
    let limits = KeptLimits { keep: Duration::ZERO, octets_per_owner: 300, octets: 300 };
    let shelf = shelf(&memory, limits);
    let message = message("im:bob@b.example", Bytes::from_static(b"x"));
    let first = shelf.keep(&message, &operation("1")).await.unwrap();
    assert!(shelf.read(&first.id).await.unwrap().is_none());
    for nth in 2..9 {
        shelf.keep(&message, &operation(&nth.to_string())).await.unwrap();
    }
}

#[test]
fn names_are_read_as_they_are_typed() {
    assert_eq!(KeptId::parse("OIL000000000").unwrap().as_str(), "011000000000");
    for wrong in ["", "0", "0000000000000", "00000000000u", "00000000000ß"] {
        assert!(KeptId::parse(wrong).is_none(), "{wrong}");
    }
}
