//! The peer that an author's program plays.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cpim_adapter::{
    Basic, Class, Content, ImUri, Kind, Local, Mapper, Message, Metadata, Operation, Presence, Response,
    Selector, Status, Subject, SubscriptId, Tuple, Uri,
};
use cpim_conformance::{ForeignPeer, Notice, PeerError, Said, Seen, Sent, Told};
use cpim_native::NativeAdapter;
use cpim_native_proto::Description;
use serde_json::{Value, json};

use super::process::Process;
use super::program::Program;
use crate::failed;

/// For the external adapter to have its session.
const CONTACT: Duration = Duration::from_secs(10);

/// The peer, and what must be there for it.
pub(super) struct Peer {
    pub(super) program: Program,
    pub(super) adapter: Arc<NativeAdapter>,
    /// What the adapter claims, once it is in contact.
    pub(super) claims: Arc<OnceLock<Arc<Description>>>,
    pub(super) selector: Selector,
    pub(super) mapper: Mapper,
    /// The adapter's own process: it ends with the peer.
    pub(super) process: Process,
}

impl Peer {
    /// One of its users by the foreign address, everybody else by the URI.
    fn spelt(&self, uri: &Uri) -> String {
        match self.mapper.resident(uri.address()) {
            Ok(Some(Local::Route(foreign))) if *foreign.selector() == self.selector => {
                foreign.value().to_owned()
            }
            _ => uri.spelled().to_owned(),
        }
    }

    /// What the adapter claims, once it has its session.
    ///
    /// # Errors
    /// It will have none: it was refused, or has ended.
    async fn contact(&mut self) -> Result<Arc<Description>, PeerError> {
        loop {
            if let Some(claims) = self.adapter.external(&self.selector) {
                return Ok(claims);
            }
            if let Some(why) = self.adapter.last_refusal() {
                return Err(failed(format!("the gateway refused the adapter's `open`: {why}")));
            }
            if let Some(how) = self.process.ended() {
                return Err(failed(format!("the adapter ended with {how} before it had a session")));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn message(&self, sent: &Sent) -> Result<Value, PeerError> {
        let Operation::Message(Message { source, destination, content, metadata }) = &sent.operation else {
            return Err(PeerError::Unutterable);
        };
        if sent.passage.is_some() {
            return Err(PeerError::Unutterable);
        }
        let to = sent.reply_to.clone().unwrap_or_else(|| self.spelt(destination.as_uri()));
        let mut message = json!({
            "tag": sent.tag,
            "from": self.spelt(source.as_uri()),
            "to": to,
            "content": BASE64_STANDARD.encode(content.octets()),
        });
        let is_text = content.is("text/plain");
        let mut put = |name: &str, value: Option<Value>| {
            if let (Some(object), Some(value)) = (message.as_object_mut(), value) {
                object.insert(name.to_owned(), value);
            }
        };
        let body = content.body();
        let text = std::str::from_utf8(&body).ok().filter(|_| is_text);
        put("text", text.map(|text| json!(text.replace("\r\n", "\n"))));
        put("subject", metadata.subjects.first().map(|subject| json!(subject.text.as_ref())));
        put("date", metadata.date.as_deref().map(|date| json!(date)));
        put("from_name", metadata.source_name.as_deref().map(|name| json!(name)));
        put("to_name", metadata.destination_name.as_deref().map(|name| json!(name)));
        put("ref", metadata.message_ref.as_deref().map(|name| json!(name)));
        put("automatic", metadata.automatic.then_some(json!(true)));
        if !metadata.references.is_empty() {
            put("refs", Some(json!(metadata.references.iter().map(AsRef::as_ref).collect::<Vec<&str>>())));
        }
        Ok(message)
    }

    fn seen(&self, said: &Value) -> Option<Seen> {
        let text = |name: &str| said.get(name).and_then(Value::as_str);
        let user = text("to")?;
        let to = self.mapper.map(&format!("{}{user}", scheme(&self.selector)), Class::Im);
        let kind = match text("kind") {
            Some(word) => Kind::ALL.into_iter().find(|kind| kind.as_str() == word)?,
            None => Kind::Message,
        };
        let content = text("content").and_then(|content| BASE64_STANDARD.decode(content).ok());
        let subject = |text: &str| Subject { lang: None, text: text.into() };
        let status = text("presence").and_then(Basic::from_word);
        let references = said.get("refs").and_then(Value::as_array);
        Some(Seen {
            ticket: text("ticket").unwrap_or_default().to_owned(),
            kind,
            from: text("from")?.to_owned(),
            to: to.map_or_else(|_| user.to_owned(), |uri| uri.spelled().to_owned()),
            content: content.map(|octets| Content::new(Bytes::from(octets))),
            text: text("text").map(str::to_owned),
            metadata: Metadata {
                subjects: text("subject").map(subject).into_iter().collect(),
                date: text("date").map(Into::into),
                source_name: text("from_name").map(Into::into),
                destination_name: text("to_name").map(Into::into),
                message_ref: text("ref").map(Into::into),
                references: references
                    .map(|all| all.iter().filter_map(Value::as_str).map(Into::into).collect())
                    .unwrap_or_default(),
                automatic: said.get("automatic").and_then(Value::as_bool).unwrap_or_default(),
            },
            duration: said
                .get("duration")
                .and_then(Value::as_u64)
                .and_then(|seconds| u32::try_from(seconds).ok()),
            subscript_id: text("subscript_id").and_then(|id| SubscriptId::parse(id).ok()),
            presence: status.map(|status| presence(text("from").unwrap_or_default(), status)),
            passage: None,
        })
    }
}

fn presence(whose: &str, status: Basic) -> Presence {
    let tuple = Tuple { destination: whose.into(), status, markup: "".into(), namespaces: Vec::new() };
    Presence::new(tuple, Vec::new())
}

/// What stands before an address: `pepp://`, `lines:`.
pub(super) fn scheme(selector: &Selector) -> String {
    format!("{}{}", selector.as_str(), selector.shape().separator())
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        let late = |_| {
            failed(
                "the adapter opened no session: it must claim the selector at CPIM_SERVER with CPIM_SECRET",
            )
        };
        let claims = tokio::time::timeout(CONTACT, self.contact()).await.map_err(late)??;
        self.claims.get_or_init(|| claims);
        self.program.tell("arrive", json!({})).await.map(drop)
    }

    async fn leave(&mut self) {
        // Whoever cannot leave is gone anyway.
        drop(self.program.tell("leave", json!({})).await);
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let message = self.message(sent)?;
        self.program.tell("send", message).await.map(drop)
    }

    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError> {
        let mut message = self.message(sent)?;
        if let Some(object) = message.as_object_mut() {
            object.insert("cut".to_owned(), json!(octets));
        }
        let done = self.program.tell("send", message).await?;
        Ok(done.get("partial").and_then(Value::as_bool).unwrap_or_default())
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let message = self.message(&Sent { passage: None, ..sent.clone() })?;
        self.program.tell("forge", message).await.map(drop)
    }

    async fn forge_answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        let answer = json!({"ticket": ticket, "status": response.status().as_str()});
        self.program.tell("forge-answer", answer).await.map(drop)
    }

    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        let octets = json!({"octets": BASE64_STANDARD.encode(octets)});
        self.program.tell("raw", octets).await.map(drop)
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        loop {
            let said = self.program.next().await?;
            let unread = || failed(format!("what the peer's program says means nothing: {said}"));
            if let Some(seen) = said.get("seen") {
                let seen = self.seen(seen).ok_or_else(unread)?;
                return Ok(Notice::Seen(Box::new(seen)));
            }
            if let Some(told) = said.get("told") {
                let text = |name: &str| told.get(name).and_then(Value::as_str);
                let status = text("status").and_then(Status::from_word).ok_or_else(unread)?;
                let tag = text("tag").unwrap_or_default().to_owned();
                let response = Response::from_text(status, text("text").unwrap_or_default());
                return Ok(Notice::Told(Told { tag, response }));
            }
            if said.get("gone").is_some() {
                return Err(failed("the adapter hung up"));
            }
            if said.get("n").is_none() {
                return Err(unread());
            }
        }
    }

    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        let mut answer =
            json!({"ticket": ticket, "status": response.status().as_str(), "text": response.text()});
        if let Some(object) = answer.as_object_mut() {
            object.extend(response.duration().map(|seconds| ("duration".to_owned(), json!(seconds))));
            let id = response.subscript_id().map(|id| json!(id.as_str()));
            object.extend(id.map(|id| ("subscript_id".to_owned(), id)));
        }
        self.program.tell("answer", answer).await.map(drop)
    }

    async fn story(&mut self) -> Vec<Said> {
        vec![self.process.said().await, self.program.story().await]
    }

    async fn show_presence(&mut self, user: &ImUri, presence: &Presence) -> Result<(), PeerError> {
        let shown = json!({"user": self.spelt(user.as_uri()), "status": presence.basic().as_str()});
        self.program.tell("presence", shown).await.map(drop)
    }

    async fn watch(&mut self, user: &ImUri, target: &Uri) -> Result<(), PeerError> {
        let whom = json!({"user": self.spelt(user.as_uri()), "target": target.spelled()});
        self.program.tell("watch", whom).await.map(drop)
    }
}
