//! A home server with two users and more, spoken by hand.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use cpim_adapter::message_cpim::Mode;
use cpim_adapter::{
    Basic, Content, Domain, Kind, LangTag, MessageCpim, Metadata, Notify, Operation, OperationId, Passage,
    Presence, Publish, Response, Status, Subscribe, SubscriptId, Tuple, Unsubscribe,
};
use cpim_conformance::{ForeignPeer, Notice, PeerError, Seen, Sent, Told};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::frame::{self, Frame};
use crate::xml::{Element, escaped, unescaped};
use crate::{ELSEWHERE, HOME, failed};

/// The peer.
pub(crate) struct Peer {
    address: SocketAddr,
    open: Option<Connection>,
}

struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    /// Operations, of either side, that wait for their answer.
    open: usize,
}

impl Connection {
    /// Opens a session as the home of a domain.
    async fn open(address: SocketAddr, domain: &str) -> Result<Self, PeerError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, buffer: BytesMut::new(), open: 0 };
        let open = format!("<open version='1' domain='{domain}' serves='{domain}' remembers='60'/>");
        connection.stream.write_all(&frame::write("", &open, b"")).await?;
        let answer = connection.frame().await?;
        match answer.xml.starts_with("<open ") {
            true => Ok(connection),
            false => Err(failed(format!("not opened: {}", answer.xml))),
        }
    }

    /// The next frame. Cancelled, nothing is lost.
    async fn frame(&mut self) -> Result<Frame, PeerError> {
        loop {
            if let Some(frame) = Frame::take(&mut self.buffer).map_err(failed)? {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(failed("the adapter hung up"));
            }
        }
    }
}

impl Peer {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    /// An operation that will be answered is open from now on.
    fn begun(&mut self, kind: Kind) {
        if let Some(connection) = self.open.as_mut().filter(|_| kind != Kind::Notify) {
            connection.open += 1;
        }
    }

    fn answered(&mut self) {
        if let Some(connection) = &mut self.open {
            connection.open = connection.open.saturating_sub(1);
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        let connection = self.open.as_mut().ok_or_else(|| failed("not connected"))?;
        Ok(connection.stream.write_all(octets).await?)
    }
}

/// An operation as octets.
fn octets(sent: &Sent) -> Result<Vec<u8>, PeerError> {
    let mut parameters = String::new();
    if let Some(Passage { id, hops, via, wait }) = &sent.passage {
        let via: Vec<&str> = via.iter().map(Domain::as_str).collect();
        parameters = format!(" hops={hops} id={} via={}", id.as_str(), via.join(","));
        if let Some(wait) = wait {
            parameters.push_str(&format!(" wait={}", wait.as_secs()));
        }
    }
    // What XML cannot hold is no frame, whoever writes it.
    let is_xml = |text: &String| !text.chars().any(|c| c.is_control() || c == '\u{fffe}');
    if !sent.reply_to.as_ref().is_none_or(is_xml) {
        return Err(PeerError::Unutterable);
    }
    let tag = escaped(&sent.tag);
    let to = |own: &str| escaped(sent.reply_to.as_deref().unwrap_or(own));
    let (xml, content) = match &sent.operation {
        Operation::Message(message) => {
            let (source, destination) =
                (escaped(message.source.spelled()), to(message.destination.spelled()));
            let xml = format!("<message source='{source}' destination='{destination}' transID='{tag}'/>");
            (xml, Some(message.with_metadata_around().map_err(failed)?))
        }
        Operation::Subscribe(Subscribe { watcher, target, duration, subscript_id }) => {
            let id = subscript_id.as_ref().map(|id| format!(" subscriptID='{}'", id.as_str()));
            let (watcher, target) = (escaped(watcher.spelled()), to(target.spelled()));
            let xml = format!(
                "<subscribe watcher='{watcher}' target='{target}' duration='{duration}' transID='{tag}'{}/>",
                id.unwrap_or_default()
            );
            (xml, None)
        }
        Operation::Unsubscribe(Unsubscribe { watcher, target }) => {
            let (watcher, target) = (escaped(watcher.spelled()), to(target.spelled()));
            (format!("<unsubscribe watcher='{watcher}' target='{target}' transID='{tag}'/>"), None)
        }
        Operation::Notify(Notify { watcher, target, presence, document }) => {
            let (watcher, target) = (to(watcher.spelled()), escaped(target.spelled()));
            let inside = presence_xml(presence);
            let xml =
                format!("<notify watcher='{watcher}' target='{target}' transID='{tag}'>{inside}</notify>");
            (xml, document.clone())
        }
        Operation::Publish(Publish { target, presence, document, duration }) => {
            let duration = duration.map(|seconds| format!(" duration='{seconds}'")).unwrap_or_default();
            let (target, inside) = (escaped(target.spelled()), presence_xml(presence));
            let xml = format!("<publish target='{target}' transID='{tag}'{duration}>{inside}</publish>");
            (xml, document.clone())
        }
    };
    Ok(frame::write(&parameters, &xml, content.as_ref().map_or(b"", |content| content.octets())))
}

fn presence_xml(presence: &Presence) -> String {
    let mut xml = "<presence".to_owned();
    if let Some(uri) = presence.entity_info() {
        xml.push_str(&format!(" entityInfo='{}'", escaped(uri)));
    }
    xml.push('>');
    for Tuple { destination, status, markup, .. } in presence.tuples() {
        let destination = escaped(destination);
        // Writing into a string cannot fail.
        let _written = write!(xml, "<tuple destination='{destination}' status='{status}'>{markup}</tuple>");
    }
    xml.push_str("</presence>");
    xml
}

fn read_presence(element: &Element<'_>) -> Option<Presence> {
    let (presence, _) = Element::first(element.inner)?;
    let (mut tuples, mut rest) = (Vec::new(), presence.inner);
    while let Some((tuple, behind)) = Element::first(rest) {
        tuples.push(Tuple {
            destination: tuple.attribute("destination")?.into(),
            status: Basic::from_word(&tuple.attribute("status")?)?,
            markup: tuple.inner.into(),
            namespaces: Vec::new(),
        });
        rest = behind;
    }
    let presence_of = Presence::from_tuples(tuples)?;
    Some(presence_of.with_entity_info(presence.attribute("entityInfo").map(Into::into)))
}

fn read_response(element: &Element<'_>) -> Option<Told> {
    let status = Status::from_word(&element.attribute("status")?)?;
    let response = Response::from_text(status, &unescaped(element.inner))
        .with_lang(element.attribute("xml:lang").and_then(|lang| LangTag::parse(&lang)))
        .with_duration(element.attribute("duration").and_then(|duration| duration.parse().ok()))
        .with_subscript_id(element.attribute("subscriptID").and_then(|id| SubscriptId::parse(&id).ok()));
    Some(Told { tag: element.attribute("transID")?, response })
}

fn read_passage(frame: &Frame) -> Option<Passage> {
    let via = frame.parameter("via").unwrap_or_default();
    Some(Passage {
        id: OperationId::parse(frame.parameter("id")?).ok()?,
        hops: frame.parameter("hops")?.parse().ok()?,
        via: via.split(',').filter_map(|domain| Domain::parse(domain).ok()).collect(),
        wait: frame.parameter("wait").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
    })
}

/// The content as its author made it, and what an RFC 3862 wrapper said about it.
fn unwrapped(content: Content) -> (Content, Metadata) {
    match MessageCpim::read(&content, Mode::Strict) {
        Ok(cpim) => (cpim.content().clone(), cpim.metadata()),
        Err(_) => (content, Metadata::default()),
    }
}

fn read_operation(frame: &Frame, element: &Element<'_>) -> Option<Seen> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == element.name)?;
    let (from, to) = match kind {
        Kind::Message => ("source", "destination"),
        Kind::Subscribe | Kind::Unsubscribe => ("watcher", "target"),
        Kind::Notify => ("target", "watcher"),
        Kind::Publish => ("target", "target"),
    };
    let content = (!frame.content.is_empty()).then(|| Content::new(frame.content.clone()));
    let (content, metadata) = match content {
        Some(content) if kind == Kind::Message => {
            let (content, metadata) = unwrapped(content);
            (Some(content), metadata)
        }
        other => (other, Metadata::default()),
    };
    Some(Seen {
        ticket: element.attribute("transID")?,
        kind,
        from: element.attribute(from)?,
        to: element.attribute(to)?,
        content,
        text: None,
        metadata,
        duration: element.attribute("duration").and_then(|duration| duration.parse().ok()),
        subscript_id: element.attribute("subscriptID").and_then(|id| SubscriptId::parse(&id).ok()),
        presence: read_presence(element),
        passage: read_passage(frame),
    })
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        self.open = Some(Connection::open(self.address, HOME).await?);
        Ok(())
    }

    async fn leave(&mut self) {
        self.open = None;
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let octets = octets(sent)?;
        self.begun(sent.operation.kind());
        self.write(&octets).await
    }

    async fn send_cut(&mut self, sent: &Sent, length: usize) -> Result<bool, PeerError> {
        let octets = octets(sent)?;
        let part = octets.get(..length.min(octets.len())).unwrap_or_default();
        self.write(part).await?;
        if let Some(mut connection) = self.open.take() {
            connection.stream.shutdown().await?;
        }
        Ok(length < octets.len())
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let octets = octets(sent)?;
        let mut stranger = Connection::open(self.address, ELSEWHERE).await?;
        stranger.stream.write_all(&octets).await?;
        stranger.stream.shutdown().await?;
        Ok(())
    }

    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        let mut stream = TcpStream::connect(self.address).await?;
        // Whoever hangs up in the middle of it is right.
        drop(stream.write_all(octets).await);
        Ok(())
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        loop {
            let connection = self.open.as_mut().ok_or_else(|| failed("not connected"))?;
            let frame = connection.frame().await?;
            let unread = || failed(format!("what came is none of the binding's elements: {}", frame.xml));
            let (element, _) = Element::first(&frame.xml).ok_or_else(unread)?;
            match element.name {
                "response" => {
                    let told = read_response(&element).ok_or_else(unread)?;
                    self.answered();
                    return Ok(Notice::Told(told));
                }
                "ping" => {
                    let tag = element.attribute("transID").ok_or_else(unread)?;
                    let pong = format!("<response status='success' transID='{}'/>", escaped(&tag));
                    self.write(&frame::write("", &pong, b"")).await?;
                }
                // What is open may still be answered; with nothing open, this is the end.
                "close" if connection.open == 0 => {
                    self.open = None;
                    return Err(failed("closed in order"));
                }
                "close" => {}
                _ => {
                    let seen = read_operation(&frame, &element).ok_or_else(unread)?;
                    self.begun(seen.kind);
                    return Ok(Notice::Seen(Box::new(seen)));
                }
            }
        }
    }

    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        let mut xml =
            format!("<response status='{}' transID='{}'", response.status().as_str(), escaped(ticket));
        // Writing into a string cannot fail.
        if let Some(duration) = response.duration() {
            let _written = write!(xml, " duration='{duration}'");
        }
        if let Some(id) = response.subscript_id() {
            let _written = write!(xml, " subscriptID='{}'", escaped(id.as_str()));
        }
        if let Some(lang) = response.lang() {
            let _written = write!(xml, " xml:lang='{}'", escaped(lang.as_str()));
        }
        let _written = write!(xml, ">{}</response>", escaped(&response.text()));
        self.answered();
        self.write(&frame::write("", &xml, b"")).await
    }

    fn private(&self) -> Vec<String> {
        vec![self.address.to_string(), self.address.ip().to_string()]
    }
}
