//! Between operations and lines.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{
    Basic, Class, Content, Domain, ForeignAddress, ImUri, LangTag, Local, Mapper, Message, Metadata, Notify,
    Operation, OperationId, Passage, PresUri, Presence, Publish, Response, Status, Subject, Subscribe,
    SubscriptId, Tuple, Unsubscribe, Uri,
};

use super::Manner;
use super::wire::Line;

/// The foreign address that a URI of ours stands for.
pub(super) fn foreign(uri: &Uri, mapper: &Mapper) -> Option<ForeignAddress> {
    match mapper.resident(uri.address()).ok()?? {
        Local::Route(foreign) => Some(foreign),
        _ => None,
    }
}

/// An address as the toy protocol spells it: its own users by their foreign address, all others by their URI.
fn spelt(uri: &Uri, mapper: &Mapper) -> String {
    match foreign(uri, mapper) {
        Some(foreign) => foreign.value().to_owned(),
        None => uri.spelled().to_owned(),
    }
}

/// The other way.
fn read(text: &str, class: Class, mapper: &Mapper) -> Option<Uri> {
    match text.contains(':') {
        true => mapper.read(text, class).ok(),
        false => mapper.map(&format!("pepp://{text}"), class).ok(),
    }
}

/// An operation as a line. What the manner cannot carry is left out, by its claims.
pub(super) fn line(operation: &Operation, mapper: &Mapper, manner: Manner) -> Line {
    let (from, to) = (spelt(operation.speaks_for(), mapper), spelt(operation.goes_to(), mapper));
    let line = Line::new(&operation.kind().as_str().to_ascii_uppercase()).with("from", from).with("to", to);
    match operation {
        Operation::Message(message) => match manner {
            Manner::Whole => with_metadata(line, &message.metadata).with("content", message.content.octets()),
            Manner::Modest => line.with("text", text(message)),
        },
        Operation::Subscribe(subscribe) => line
            .with("duration", subscribe.duration.to_string())
            .with_some("sub", subscribe.subscript_id.as_ref().map(SubscriptId::as_str)),
        Operation::Unsubscribe(_) => line,
        Operation::Notify(Notify { presence, document, .. }) => {
            with_presence(line, presence, document.as_ref(), manner)
        }
        Operation::Publish(Publish { presence, document, duration, .. }) => {
            with_presence(line, presence, document.as_ref(), manner)
                .with_some("duration", duration.map(|duration| duration.to_string()))
        }
    }
}

/// What a modest reader sees: the text, lines ended by LF, and the subject before it.
fn text(message: &Message) -> String {
    let text = String::from_utf8_lossy(&message.content.body()).replace("\r\n", "\n");
    match message.metadata.subjects.first() {
        Some(subject) => format!("[{}] {text}", subject.text),
        None => text,
    }
}

/// Whether a modest reader can be shown it.
pub(super) fn is_text(content: &Content) -> bool {
    content.is("text/plain") && std::str::from_utf8(&content.body()).is_ok()
}

fn with_metadata(mut line: Line, metadata: &Metadata) -> Line {
    for subject in &metadata.subjects {
        let lang = subject.lang.as_ref().map_or("", LangTag::as_str);
        line = line.with("subject", format!("{lang}|{}", subject.text));
    }
    line = line
        .with_some("date", metadata.date.as_deref())
        .with_some("fname", metadata.source_name.as_deref())
        .with_some("tname", metadata.destination_name.as_deref())
        .with_some("ref", metadata.message_ref.as_deref())
        .with_some("auto", metadata.automatic.then_some("yes"));
    metadata.references.iter().fold(line, |line, reference| line.with("refs", reference.as_bytes()))
}

fn metadata(line: &Line) -> Metadata {
    let one = |name: &str| line.text(name).map(Arc::from);
    let subject = |text: &str| {
        let (lang, text) = text.split_once('|')?;
        Some(Subject { lang: LangTag::parse(lang).filter(|_| !lang.is_empty()), text: text.into() })
    };
    Metadata {
        subjects: line.all("subject").filter_map(subject).collect(),
        date: one("date"),
        source_name: one("fname"),
        destination_name: one("tname"),
        message_ref: one("ref"),
        references: line.all("refs").map(Arc::from).collect(),
        automatic: line.text("auto").is_some(),
    }
}

fn with_presence(line: Line, presence: &Presence, document: Option<&Content>, manner: Manner) -> Line {
    if manner == Manner::Modest {
        return line.with("tuple", format!("{}||", presence.basic()));
    }
    let line = line.with_some("info", presence.entity_info());
    let line = presence.tuples().iter().fold(line, |line, tuple| {
        line.with("tuple", format!("{}|{}|{}", tuple.status, tuple.destination, tuple.markup))
    });
    line.with_some("content", document.map(Content::octets))
}

pub(super) fn presence(line: &Line) -> Option<Presence> {
    let tuple = |text: &str| {
        let mut parts = text.splitn(3, '|');
        Some(Tuple {
            status: Basic::from_word(parts.next()?)?,
            destination: parts.next()?.into(),
            markup: parts.next()?.into(),
            namespaces: Vec::new(),
        })
    };
    let tuples = line.all("tuple").map(tuple).collect::<Option<Vec<_>>>()?;
    Some(Presence::from_tuples(tuples)?.with_entity_info(line.text("info").map(Arc::from)))
}

/// The content of a line, either way of carrying it.
pub(super) fn content(line: &Line) -> Option<Content> {
    match (line.octets("content"), line.text("text")) {
        (Some(octets), _) => Some(Content::new(Bytes::copy_from_slice(octets))),
        (None, Some(text)) => Some(Content::text(text)),
        (None, None) => None,
    }
}

/// The operation that a line is. Nothing where it is none.
pub(super) fn operation(line: &Line, mapper: &Mapper) -> Option<Operation> {
    let (from, to) = (line.text("from")?, line.text("to")?);
    let im = |text: &str| ImUri::try_from(read(text, Class::Im, mapper)?).ok();
    let pres = |text: &str| PresUri::try_from(read(text, Class::Pres, mapper)?).ok();
    let duration = || line.text("duration").and_then(|text| text.parse::<u32>().ok());
    Some(match line.verb.as_str() {
        "MESSAGE" => Operation::Message(Message {
            source: im(from)?,
            destination: im(to)?,
            content: content(line)?,
            metadata: metadata(line),
        }),
        "SUBSCRIBE" => Operation::Subscribe(Subscribe {
            watcher: pres(from)?,
            target: pres(to)?,
            duration: duration()?,
            subscript_id: line.text("sub").and_then(|text| SubscriptId::parse(text).ok()),
        }),
        "UNSUBSCRIBE" => Operation::Unsubscribe(Unsubscribe { watcher: pres(from)?, target: pres(to)? }),
        "NOTIFY" => Operation::Notify(Notify {
            target: pres(from)?,
            watcher: pres(to)?,
            presence: presence(line)?,
            document: content(line),
        }),
        "PUBLISH" => Operation::Publish(Publish {
            target: pres(from)?,
            presence: presence(line)?,
            document: content(line),
            duration: duration(),
        }),
        _ => return None,
    })
}

pub(super) fn with_passage(line: Line, passage: &Passage) -> Line {
    let via: Vec<String> = passage.via.iter().map(ToString::to_string).collect();
    line.with("hops", passage.hops.to_string())
        .with("id", passage.id.as_str())
        .with("via", via.join(","))
        .with_some("wait", passage.wait.map(|wait| wait.as_secs().to_string()))
}

/// For how long its sender waits, as far as a line says so.
pub(super) fn wait(line: &Line) -> Option<Duration> {
    line.text("wait").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs)
}

/// Hops, name and way, as far as a line has them.
pub(super) fn passage(line: &Line) -> (Option<u8>, Option<OperationId>, Vec<Domain>) {
    let via = line.text("via").unwrap_or_default();
    (
        line.text("hops").and_then(|hops| hops.parse().ok()),
        line.text("id").and_then(|id| OperationId::parse(id).ok()),
        via.split(',').filter_map(|domain| Domain::parse(domain).ok()).collect(),
    )
}

/// An answer as a line.
pub(super) fn answer(tag: &str, response: &Response) -> Line {
    Line::new("ANSWER")
        .with("tag", tag)
        .with("status", response.status().as_str())
        .with("text", response.text().as_bytes())
        .with_some("lang", response.lang().map(LangTag::as_str))
        .with_some("duration", response.duration().map(|duration| duration.to_string()))
        .with_some("sub", response.subscript_id().map(SubscriptId::as_str))
}

/// The tag and the answer that a line is.
pub(super) fn answered(line: &Line) -> Option<(&str, Response)> {
    let status = Status::from_word(line.text("status")?)?;
    let response = Response::from_text(status, line.text("text").unwrap_or_default())
        .with_lang(line.text("lang").and_then(LangTag::parse))
        .with_duration(line.text("duration").and_then(|duration| duration.parse().ok()))
        .with_subscript_id(line.text("sub").and_then(|id| SubscriptId::parse(id).ok()));
    Some((line.text("tag")?, response))
}
