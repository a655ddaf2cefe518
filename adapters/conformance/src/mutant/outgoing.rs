//! What a mutant does to an operation on its way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cpim_adapter::{
    Basic, Content, Delivery, ImUri, Message, Metadata, Operation, OperationId, PresUri, Presence, TransId,
    Tuple,
};

use super::Mutant;

/// How often an adapter was started, in this process.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// A number that no other start has.
pub(super) fn start() -> u64 {
    STARTS.fetch_add(1, Ordering::Relaxed)
}

/// Changes a delivery as the fault has it. `start`: which of several starts this is.
pub(super) fn mutate(mutant: Mutant, delivery: &mut Delivery, start: u64) {
    let passage = &mut delivery.passage;
    match mutant {
        Mutant::CountsHops => passage.hops = passage.hops.saturating_sub(1),
        Mutant::DropsVia => passage.via.clear(),
        Mutant::RenamesOperation => {
            if let Ok(id) = OperationId::parse("another") {
                passage.id = id;
            }
        }
        Mutant::TurnsVia => passage.via.reverse(),
        Mutant::DropsWait => passage.wait = None,
        Mutant::FoldsId => {
            if let Ok(id) = OperationId::parse(&passage.id.as_str().to_ascii_lowercase()) {
                passage.id = id;
            }
        }
        Mutant::ReusesTransId => delivery.trans_id = TransId::from_draw(7),
        Mutant::RenamesAgain if delivery.again => {
            delivery.trans_id = TransId::from_draw(u32::try_from(delivery.leg).unwrap_or_default());
        }
        _ => {}
    }
    let mut operation = (*delivery.operation).clone();
    match &mut operation {
        Operation::Message(message) => mutate_message(mutant, message, start),
        Operation::Notify(notify) => match mutant {
            Mutant::FlipsNotified => notify.presence = flipped(&notify.presence),
            Mutant::DropsDocument => notify.document = None,
            _ => {}
        },
        Operation::Publish(publish) => match mutant {
            Mutant::FlipsPublished => publish.presence = flipped(&publish.presence),
            Mutant::DropsTuples => publish.presence = first_only(&publish.presence),
            Mutant::DropsLapse => publish.duration = None,
            Mutant::DropsPublishedDocument => publish.document = None,
            _ => {}
        },
        Operation::Subscribe(subscribe) => match mutant {
            Mutant::DropsDuration => subscribe.duration = 0,
            Mutant::ShortensDuration => subscribe.duration = subscribe.duration.min(600),
            Mutant::TakesFetchForLease => subscribe.duration = subscribe.duration.max(60),
            Mutant::AsksAnother => {
                let another = subscribe.target.spelled().replace("user0", "user1");
                if let Ok(another) = PresUri::parse(&another) {
                    subscribe.target = another;
                }
            }
            Mutant::DropsSubscriptId => subscribe.subscript_id = None,
            _ => {}
        },
        Operation::Unsubscribe(_) => {}
    }
    delivery.operation = Arc::new(operation);
}

fn mutate_message(mutant: Mutant, message: &mut Message, start: u64) {
    let octets = message.content.octets();
    let another = match mutant {
        Mutant::CutsAtBuffer if octets.len().is_multiple_of(4_096) => {
            octets.split_last().map(|(_, rest)| rest.to_vec())
        }
        Mutant::DropsCharset => Some(with_fields(&message.content, |lines| {
            lines.iter_mut().for_each(|line| {
                let bare = line.split(';').next().unwrap_or_default().trim_end();
                *line = format!("{bare}\r\n");
            });
        })),
        Mutant::DropsSecondField => Some(with_fields(&message.content, |lines| {
            let name = |line: &String| line.split(':').next().unwrap_or_default().to_owned();
            lines.dedup_by_key(|line| name(line));
        })),
        Mutant::SortsFields => Some(with_fields(&message.content, |lines| lines.sort())),
        Mutant::FoldsFieldNames => Some(with_fields(&message.content, |lines| {
            lines.iter_mut().for_each(|line| {
                if let Some((name, value)) = line.split_once(':') {
                    *line = format!("{}:{value}", name.to_ascii_lowercase());
                }
            });
        })),
        Mutant::SqueezesBlanks => Some(squeezed(octets)),
        Mutant::DropsControls => Some(octets.iter().copied().filter(|octet| *octet != 1).collect()),
        Mutant::FillsEmpty if message.content.body().is_empty() => {
            Some([octets.as_ref(), b"(empty)"].concat())
        }
        Mutant::ChangesContent => Some(octets.to_ascii_lowercase()),
        Mutant::CutsAtNul => octets.split(|octet| *octet == 0).next().map(<[u8]>::to_vec),
        Mutant::MakesUtf8 => Some(String::from_utf8_lossy(octets).into_owned().into_bytes()),
        Mutant::CutsLong => octets.get(..1_000).map(<[u8]>::to_vec),
        Mutant::MendsLineEnds => Some(mended(octets)),
        Mutant::TrimsBlanks => Some(octets.trim_ascii_end().to_vec()),
        Mutant::DropsContentFields => Some(known_fields(&message.content)),
        _ => None,
    };
    if let Some(another) = another {
        message.content = Content::new(Bytes::from(another));
    }
    drop_metadata(mutant, &mut message.metadata);
    let source = message.source.spelled().to_owned();
    let another = match mutant {
        Mutant::FoldsSources => Some(source.to_ascii_lowercase()),
        Mutant::ShowsAllAsOne => Some("im:somebody@core.example".to_owned()),
        Mutant::ForgetsNames => Some(source.replacen('@', &format!(".{start}@"), 1)),
        _ => None,
    };
    if let Some(source) = another.and_then(|another| ImUri::parse(&another).ok()) {
        message.source = source;
    }
    if mutant == Mutant::SendsToAnother
        && let Ok(another) = ImUri::parse(&message.destination.spelled().replace("user0", "user1"))
    {
        message.destination = another;
    }
}

/// Loses what the fault loses of it.
pub(super) fn drop_metadata(mutant: Mutant, metadata: &mut Metadata) {
    match mutant {
        Mutant::DropsMetadata => *metadata = Metadata::default(),
        Mutant::DropsSubject | Mutant::DropsSubjectIn => metadata.subjects.clear(),
        Mutant::DropsSecondSubject => metadata.subjects.truncate(1),
        Mutant::DropsSecondReference => metadata.references.truncate(1),
        Mutant::TurnsReferences => metadata.references.reverse(),
        Mutant::DropsSubjectLanguage => {
            metadata.subjects.iter_mut().for_each(|subject| subject.lang = None);
        }
        Mutant::DropsDate | Mutant::DropsDateIn => metadata.date = None,
        Mutant::DropsSourceName => metadata.source_name = None,
        Mutant::DropsDestinationName => metadata.destination_name = None,
        Mutant::DropsNamesIn => (metadata.source_name, metadata.destination_name) = (None, None),
        Mutant::DropsMessageRef | Mutant::DropsMessageRefIn => metadata.message_ref = None,
        Mutant::DropsReferences | Mutant::DropsReferencesIn => metadata.references.clear(),
        Mutant::DropsAutomatic | Mutant::DropsAutomaticIn => metadata.automatic = false,
        _ => {}
    }
}

/// The same with one blank where there are several.
pub(super) fn squeezed(octets: &[u8]) -> Vec<u8> {
    let mut squeezed = octets.to_vec();
    squeezed.iter_mut().filter(|octet| **octet == b'\t').for_each(|octet| *octet = b' ');
    squeezed.dedup_by(|one, other| (*one, *other) == (b' ', b' '));
    squeezed
}

/// The same with every line end made CRLF.
fn mended(octets: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(octets.len());
    for octet in octets {
        match octet {
            b'\r' => {}
            b'\n' => mended.extend_from_slice(b"\r\n"),
            other => mended.push(*other),
        }
    }
    mended
}

/// A content with its header lines changed so.
fn with_fields(content: &Content, change: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
    let header = String::from_utf8_lossy(&content.header()).into_owned();
    let mut lines: Vec<String> = header.split_inclusive("\r\n").map(str::to_owned).collect();
    change(&mut lines);
    [lines.concat().as_bytes(), b"\r\n", &content.body()].concat()
}

/// A content without the fields that are not known.
fn known_fields(content: &Content) -> Vec<u8> {
    let header = String::from_utf8_lossy(&content.header()).into_owned();
    let known = header.split_inclusive("\r\n").filter(|line| line.starts_with("Content-"));
    [known.collect::<String>().as_bytes(), b"\r\n", &content.body()].concat()
}

/// The contrary of a presence.
pub(super) fn flipped(presence: &Presence) -> Presence {
    let status = match presence.basic() {
        Basic::Open => Basic::Closed,
        Basic::Closed => Basic::Open,
    };
    let tuples = presence.tuples().iter().map(|tuple| Tuple { status, ..tuple.clone() }).collect();
    Presence::from_tuples(tuples).unwrap_or_else(|| presence.clone())
}

/// The first tuple only.
pub(super) fn first_only(presence: &Presence) -> Presence {
    let first = presence.tuples().first().cloned().into_iter().collect();
    Presence::from_tuples(first).unwrap_or_else(|| presence.clone())
}
