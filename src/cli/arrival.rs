//! What arrives over a session, as it is printed: a block for people, an object for programs.

use std::fmt;

use cpim_adapter::message_cpim::{MAX_DEPTH, MessageCpim, Mode};
use cpim_adapter::{Content, Notify, Operation, Presence};
use cpim_native_proto::{Incoming, Parameters};
use serde::Serialize;

use super::base64;
use super::out::printable;
use crate::clock::UnixMs;

/// Octets of a content that is no text that are shown.
const SAMPLE: usize = 16;

/// An operation that arrived.
#[derive(Debug, Serialize)]
pub(super) struct Arrived {
    /// When.
    at: UnixMs,
    /// Which operation.
    operation: &'static str,
    trans_id: String,
    /// Who sends, asks or tells.
    source: String,
    /// To whom.
    destination: String,
    /// Its name end to end.
    id: Option<String>,
    /// Hops that are left.
    hops: Option<u8>,
    /// Relay domains it has crossed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
    /// How the gateway knows the source.
    auth: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<Vec<Tuple>>,
    #[serde(flatten)]
    content: Option<Entity>,
}

/// One presence tuple.
#[derive(Debug, Serialize)]
struct Tuple {
    destination: String,
    status: &'static str,
    /// What it holds, as XML.
    #[serde(skip_serializing_if = "String::is_empty")]
    markup: String,
}

/// A MIME entity: as text where it is some, else in base 64.
#[derive(Debug, Serialize)]
struct Entity {
    /// Octets of the whole.
    octets: usize,
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_base64: Option<String>,
    /// What was put around it as Message/CPIM (RFC 3862) says that this is its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The body alone, where it is text: of the entity within what was put around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// For people, the type of that entity, and its octets.
    #[serde(skip)]
    shown_type: Option<String>,
    #[serde(skip)]
    shown_octets: usize,
    /// For people, where its body is no text.
    #[serde(skip)]
    sample: String,
}

impl Arrived {
    pub(super) fn new(at: UnixMs, incoming: &Incoming) -> Self {
        let Incoming { trans_id, parameters, operation } = incoming;
        let Parameters { hops, via, id, auth, .. } = parameters;
        let presence = match operation {
            Operation::Notify(Notify { presence, .. }) => Some(tuples(presence)),
            Operation::Publish(publish) => Some(tuples(&publish.presence)),
            Operation::Message(_) | Operation::Subscribe(_) | Operation::Unsubscribe(_) => None,
        };
        Self {
            at,
            operation: operation.kind().as_str(),
            trans_id: trans_id.to_string(),
            source: operation.speaks_for().to_string(),
            destination: operation.goes_to().to_string(),
            id: id.as_ref().map(ToString::to_string),
            hops: *hops,
            via: via.iter().map(ToString::to_string).collect(),
            auth: auth.map(cpim_adapter::Standing::as_str),
            presence,
            content: operation.content().map(Entity::new),
        }
    }
}

fn tuples(presence: &Presence) -> Vec<Tuple> {
    let tuple = |tuple: &cpim_adapter::Tuple| Tuple {
        destination: tuple.destination.to_string(),
        status: tuple.status.as_str(),
        markup: tuple.markup.to_string(),
    };
    presence.tuples().iter().map(tuple).collect()
}

/// The entity within what was put around it on the way, and its subject, where that says one.
fn unwrapped(content: &Content) -> (Content, Option<String>) {
    let (mut inner, mut subject) = (content.clone(), None);
    for _ in 0..MAX_DEPTH {
        if !inner.is("message/cpim") {
            break;
        }
        let Ok(around) = MessageCpim::read(&inner, Mode::Tolerant) else { break };
        let said = around.metadata().subjects.into_iter().next();
        subject = subject.or_else(|| said.map(|subject| subject.text.to_string()));
        inner = around.content().clone();
    }
    (inner, subject)
}

impl Entity {
    fn new(content: &Content) -> Self {
        let (inner, subject) = unwrapped(content);
        let media_type = inner.media_type();
        // Several parts, or a message in a message, are read as they are written.
        let is_text = media_type
            .is_some_and(|media_type| matches!(media_type.kind(), "text" | "multipart" | "message"));
        let body = inner.body();
        let whole = std::str::from_utf8(content.octets()).ok().map(ToOwned::to_owned);
        let sample: String = body.iter().take(SAMPLE).map(|octet| format!(" {octet:02x}")).collect();
        let more = if body.len() > SAMPLE { " .." } else { "" };
        Self {
            octets: content.len(),
            content_type: content.field("Content-Type"),
            content_base64: whole.is_none().then(|| base64::encode(content.octets())),
            content: whole,
            subject,
            body: std::str::from_utf8(&body).ok().filter(|_| is_text).map(ToOwned::to_owned),
            shown_type: inner.field("Content-Type"),
            shown_octets: inner.len(),
            sample: format!("[{} octets:{sample}{more}]", body.len()),
        }
    }
}

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- {} {}", self.at, self.operation)?;
        let mut fact = |name: &str, value: &str| match value.is_empty() {
            true => Ok(()),
            false => writeln!(f, "{name:<9}{}", printable(value)),
        };
        fact(
            "from",
            &match self.auth {
                Some(auth) => format!("{} ({auth})", self.source),
                None => self.source.clone(),
            },
        )?;
        fact("to", &self.destination)?;
        fact("transID", &self.trans_id)?;
        fact("id", self.id.as_deref().unwrap_or_default())?;
        fact("hops", &self.hops.map(|hops| hops.to_string()).unwrap_or_default())?;
        fact("via", &self.via.join(", "))?;
        for tuple in self.presence.iter().flatten() {
            fact(tuple.status, format!("{}  {}", tuple.destination, tuple.markup).trim_end())?;
        }
        let Some(content) = &self.content else {
            return Ok(());
        };
        let unsaid = "no content type".to_owned();
        fact("subject", content.subject.as_deref().unwrap_or_default())?;
        fact(
            "type",
            &format!("{}, {} octets", content.shown_type.as_ref().unwrap_or(&unsaid), content.shown_octets),
        )?;
        let body = content.body.as_deref().unwrap_or(&content.sample);
        writeln!(f, "\n{}", printable(body).trim_end_matches('\n'))
    }
}
