//! Between the model and the rows of the store.

use std::borrow::Cow;
use std::sync::Arc;

use cpim_adapter::{
    Code, Content, Domain, ImUri, Kind, LangTag, Mapper, Message, Metadata, Operation, OperationId, Passage,
    Response, Standing, Status, Subject, SubscriptId, TransId,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::owner::Owner;
use super::step::Step;
use crate::clock::UnixMs;
use crate::store::{Acceptance, Outcome};

/// What makes a retransmission one, beside its transID: kind, source, destination, content.
pub(crate) fn digest(operation: &Operation) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut field = |octets: &[u8]| {
        hash.update((octets.len() as u64).to_be_bytes());
        hash.update(octets);
    };
    field(operation.kind().as_str().as_bytes());
    for uri in [operation.speaks_for(), operation.goes_to()] {
        field(uri.address().local().as_bytes());
        field(uri.address().domain().as_str().as_bytes());
    }
    field(operation.content().map_or(&[], |content| content.octets()));
    hash.finalize().into()
}

/// What is to be accepted, before it has a number.
pub(crate) struct Entry {
    pub(crate) operation: Arc<Operation>,
    pub(crate) passage: Passage,
    pub(crate) standing: Standing,
    pub(crate) owner: Owner,
    /// Its transID on the leg by which it came.
    pub(crate) trans_id: TransId,
    pub(crate) digest: [u8; 32],
    pub(crate) at: UnixMs,
}

impl Entry {
    pub(crate) fn row(&self, number: i64, received: String) -> Acceptance {
        let (source, destination) = (self.operation.speaks_for(), self.operation.goes_to());
        Acceptance {
            number,
            id: self.passage.id.as_str().to_owned(),
            owner: self.owner.to_string(),
            owner_domain: self.owner.domain().as_str().to_owned(),
            trans_id: self.trans_id.as_str().to_owned(),
            digest: self.digest,
            kind: Cow::Borrowed(self.operation.kind().as_str()),
            source: source.spelled().to_owned(),
            destination: destination.spelled().to_owned(),
            source_key: source.address().to_string(),
            destination_key: destination.address().to_string(),
            content: self.operation.content().map(|content| content.octets().clone()).unwrap_or_default(),
            metadata: metadata_text(&self.operation),
            hops: self.passage.hops,
            via: self.passage.via.iter().map(Domain::as_str).collect::<Vec<_>>().join(","),
            wait_until: self.passage.wait.map(|wait| self.at.plus(wait).0),
            standing: self.standing.as_str().to_owned(),
            accepted_at: self.at.0,
            intent: None,
            steps: Step::to_text(&[Step::new(self.at, "accepted", received)]),
        }
    }
}

/// Reads a row back. What this gateway wrote it can read; an error names the column that it cannot.
pub(crate) fn recovered(row: &Acceptance, mapper: &Mapper) -> Result<Entry, &'static str> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == row.kind).ok_or("kind")?;
    let inbox = |text: &str| mapper.read_any(text).ok().and_then(|uri| ImUri::try_from(uri).ok());
    let operation = match kind {
        Kind::Message => Operation::Message(Message {
            source: inbox(&row.source).ok_or("source")?,
            destination: inbox(&row.destination).ok_or("destination")?,
            content: Content::new(row.content.clone()),
            metadata: metadata_of(&row.metadata).ok_or("metadata")?,
        }),
        Kind::Notify | Kind::Publish | Kind::Subscribe | Kind::Unsubscribe => return Err("kind"),
    };
    let via: Result<Vec<Domain>, _> =
        row.via.split(',').filter(|domain| !domain.is_empty()).map(Domain::parse).collect();
    Ok(Entry {
        operation: Arc::new(operation),
        passage: Passage {
            id: OperationId::parse(&row.id).map_err(|_| "id")?,
            hops: row.hops,
            via: via.map_err(|_| "via")?,
            wait: row.wait_until.map(|until| UnixMs(until).since(UnixMs::now())),
        },
        standing: Standing::from_word(&row.standing).ok_or("standing")?,
        owner: Owner::parse(&row.owner).ok_or("owner")?,
        trans_id: TransId::parse(&row.trans_id).map_err(|_| "trans_id")?,
        digest: row.digest,
        at: UnixMs(row.accepted_at),
    })
}

/// Metadata in the form that the store keeps: absent fields are left out.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct MetadataRow {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<(Option<String>, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_ref: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<String>,
    automatic: bool,
}

fn metadata_text(operation: &Operation) -> String {
    let metadata = match operation {
        Operation::Message(message) if !message.metadata.is_empty() => &message.metadata,
        _ => return String::new(),
    };
    let owned = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
    let row = MetadataRow {
        subjects: metadata
            .subjects
            .iter()
            .map(|subject| {
                (subject.lang.as_ref().map(|lang| lang.as_str().to_owned()), subject.text.as_ref().to_owned())
            })
            .collect(),
        date: owned(&metadata.date),
        source_name: owned(&metadata.source_name),
        destination_name: owned(&metadata.destination_name),
        message_ref: owned(&metadata.message_ref),
        references: metadata.references.iter().map(|text| text.as_ref().to_owned()).collect(),
        automatic: metadata.automatic,
    };
    serde_json::to_string(&row).unwrap_or_default()
}

fn metadata_of(text: &str) -> Option<Metadata> {
    if text.is_empty() {
        return Some(Metadata::default());
    }
    let row: MetadataRow = serde_json::from_str(text).ok()?;
    let shared = |text: Option<String>| text.map(Arc::from);
    Some(Metadata {
        subjects: row
            .subjects
            .into_iter()
            .map(|(lang, text)| Subject { lang: lang.as_deref().and_then(LangTag::parse), text: text.into() })
            .collect(),
        date: shared(row.date),
        source_name: shared(row.source_name),
        destination_name: shared(row.destination_name),
        message_ref: shared(row.message_ref),
        references: row.references.into_iter().map(Arc::from).collect(),
        automatic: row.automatic,
    })
}

pub(crate) fn outcome(response: &Response) -> Outcome {
    Outcome {
        status: Cow::Borrowed(response.status().as_str()),
        code: response.code().map(|code| Cow::Borrowed(code.as_str())),
        text: response.words().to_owned(),
        lang: response.lang().map(|lang| lang.as_str().to_owned()),
        duration: response.duration(),
        subscript_id: response.subscript_id().map(|id| id.as_str().to_owned()),
    }
}

/// Reads an outcome back. One that cannot be read tells the sender that nobody can know.
pub(crate) fn response(outcome: &Outcome) -> Response {
    let Some(status) = Status::from_word(&outcome.status) else {
        return Response::indeterminant(Code::Internal, "the outcome was recorded but cannot be read");
    };
    let response = match outcome.code.as_deref().and_then(Code::from_word) {
        Some(code) => Response::from_text(status, &format!("{code}: {}", outcome.text)),
        None => Response::from_text(status, &outcome.text),
    };
    response
        .with_lang(outcome.lang.as_deref().and_then(LangTag::parse))
        .with_duration(outcome.duration)
        .with_subscript_id(outcome.subscript_id.as_deref().and_then(|id| SubscriptId::parse(id).ok()))
}
