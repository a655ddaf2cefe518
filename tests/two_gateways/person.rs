//! A person's client: native CPIM written and read octet by octet.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::stage::within;

/// What a person says the first time that it can be said in one piece.
pub(crate) const HELLO: &[u8] = b"Content-Type: text/plain\r\n\r\nYabba, dabba!";

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection to a gateway.
pub(crate) struct Person {
    pub(crate) ears: Ears,
    pub(crate) mouth: Mouth,
}

/// What comes.
pub(crate) struct Ears {
    stream: ReadHalf<Box<dyn Stream>>,
    unread: Vec<u8>,
}

/// What goes.
pub(crate) struct Mouth(WriteHalf<Box<dyn Stream>>);

/// One frame.
#[derive(Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) xml: String,
    pub(crate) content: Vec<u8>,
}

impl Person {
    /// A person of a domain of the gateway's own, at its door for such, who serves this and recognises
    /// retransmissions.
    pub(crate) async fn at(door: u16, serves: &str) -> Self {
        let open = format!("<open version='1' serves='{serves}' remembers='3600'/>");
        let (person, answer) = Self::open(tcp(door).await, &open).await;
        let answer = answer.unwrap_or_else(|| panic!("{serves}: hung up"));
        assert_eq!(answer.name(), "open", "{answer:?}");
        person
    }

    /// The same, who serves nothing and only sends.
    pub(crate) async fn speaking(door: u16, speaks: &str) -> Self {
        let (person, answer) =
            Self::open(tcp(door).await, &format!("<open version='1' speaks='{speaks}'/>")).await;
        assert_eq!(answer.as_ref().map(Frame::name), Some("open"), "{answer:?}");
        person
    }

    /// What is answered to an `open` at that door; nothing where it hangs up.
    pub(crate) async fn tries(door: u16, open: &str) -> Option<Frame> {
        Self::open(tcp(door).await, open).await.1
    }

    /// Somebody with a certificate, at the gateway's door for such, who wants this domain. What the gateway
    /// answers to `open`; nothing where it hangs up.
    pub(crate) async fn with_certificate(
        port: u16,
        config: ClientConfig,
        domain: &str,
        open: &str,
    ) -> (Self, Option<Frame>) {
        let name = ServerName::try_from(domain.to_owned()).unwrap();
        let secured = TlsConnector::from(Arc::new(config))
            .connect(name, TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap());
        let secured = within("TLS", secured).await.unwrap();
        Self::open(Box::new(secured), open).await
    }

    async fn open(stream: Box<dyn Stream>, open: &str) -> (Self, Option<Frame>) {
        let (reader, writer) = tokio::io::split(stream);
        let mut person = Self { ears: Ears { stream: reader, unread: Vec::new() }, mouth: Mouth(writer) };
        let answer = match person.mouth.write(&frame("", open, b"")).await {
            Ok(()) => within("an answer to `open`", person.ears.next()).await,
            Err(_) => None,
        };
        (person, answer)
    }

    /// Sends a message, from and to as in `im:fred@a.example im:barney@b.example`.
    pub(crate) async fn says(&mut self, trans_id: &str, from_to: &str, content: &[u8]) {
        self.says_with("", trans_id, from_to, content).await;
    }

    /// The same, with parameters in the start line.
    pub(crate) async fn says_with(
        &mut self,
        parameters: &str,
        trans_id: &str,
        from_to: &str,
        content: &[u8],
    ) {
        self.mouth.write(&message(parameters, trans_id, from_to, content)).await.unwrap();
    }

    /// Answers a message with `success`.
    pub(crate) async fn thanks(&mut self, message: &Frame) {
        self.answers(message, "success", "").await;
    }

    /// Answers a message.
    pub(crate) async fn answers(&mut self, message: &Frame, status: &str, text: &str) {
        self.mouth.answer(&message.attribute("transID"), status, text).await.unwrap();
    }

    /// The next frame; pings are answered on the way. Nothing where the gateway hangs up.
    ///
    /// # Cancel safety
    /// Cancelled, no frame is lost.
    pub(crate) async fn hears(&mut self) -> Option<Frame> {
        loop {
            let frame = self.ears.next().await?;
            if frame.name() != "ping" {
                return Some(frame);
            }
            self.mouth.answer(&frame.attribute("transID"), "success", "").await.ok()?;
        }
    }

    /// The next frame, which must be a message.
    pub(crate) async fn message(&mut self) -> Frame {
        let frame = within("a message", self.hears()).await.expect("a message, not the end");
        assert_eq!(frame.name(), "message", "{frame:?}");
        frame
    }

    /// The next frame, which must answer this; its status and its code.
    pub(crate) async fn answer_to(&mut self, trans_id: &str) -> String {
        let frame = within("a response", self.hears()).await.expect("a response, not the end");
        assert_eq!((frame.name(), frame.attribute("transID").as_str()), ("response", trans_id), "{frame:?}");
        frame.outcome()
    }
}

impl Ears {
    /// The next frame; nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, octets)) = Frame::parse(&self.unread) {
                self.unread.drain(..octets);
                return Some(frame);
            }
            match self.stream.read_buf(&mut self.unread).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

impl Mouth {
    /// Writes octets.
    pub(crate) async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.0.write_all(octets).await?;
        self.0.flush().await
    }

    /// Answers what came under a transID.
    pub(crate) async fn answer(&mut self, trans_id: &str, status: &str, text: &str) -> std::io::Result<()> {
        let xml = format!("<response status='{status}' transID='{trans_id}'>{text}</response>");
        self.write(&frame("", &xml, b"")).await
    }
}

impl Frame {
    /// A frame and its length in octets, where all of it is there.
    fn parse(octets: &[u8]) -> Option<(Self, usize)> {
        let line = octets.windows(2).position(|two| two == b"\r\n")?;
        let start = std::str::from_utf8(&octets[..line]).expect("a start line in ASCII");
        let mut words = start.split(' ');
        assert_eq!(words.next(), Some("CPIM/1"), "{start}");
        let mut count = || words.next().and_then(|count| count.parse::<usize>().ok()).expect("a count");
        let (xml, content) = (count(), count());
        let parameters = words.map(|word| word.split_once('=').expect("name=value"));
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (begin, middle) = (line + 2, line + 2 + xml);
        let end = middle + content;
        if octets.len() < end {
            return None;
        }
        let xml = String::from_utf8(octets[begin..middle].to_vec()).expect("UTF-8");
        Some((Self { parameters, xml, content: octets[middle..end].to_vec() }, end))
    }

    /// The name of the element.
    pub(crate) fn name(&self) -> &str {
        let begin = self.xml.trim_start_matches('<');
        &begin[..begin.find([' ', '/', '>']).unwrap()]
    }

    /// An attribute, or nothing. None here has a character that must be escaped.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let tag = &self.xml[..=self.xml.find('>').unwrap()];
        let Some(at) = tag.find(&format!(" {name}=")) else { return String::new() };
        let value = &tag[at + name.len() + 2..];
        let quote = value.chars().next().unwrap();
        value[1..].split(quote).next().unwrap().to_owned()
    }

    /// A parameter of the start line, or nothing.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A response's status, with its code where it has one: `failure loop`.
    pub(crate) fn outcome(&self) -> String {
        let text = self.xml.split_once('>').map_or("", |(_, rest)| rest.split('<').next().unwrap());
        let code = text.split(':').next().unwrap();
        format!("{} {code}", self.attribute("status")).trim_end().to_owned()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} and {} octets", self.parameters, self.xml, self.content.len())
    }
}

/// A message as it stands on the wire.
pub(crate) fn message(parameters: &str, trans_id: &str, from_to: &str, content: &[u8]) -> Vec<u8> {
    let (from, to) = from_to.split_once(' ').expect("two addresses");
    let xml = format!("<message source='{from}' destination='{to}' transID='{trans_id}'/>");
    frame(parameters, &xml, content)
}

pub(crate) fn frame(parameters: &str, xml: &str, content: &[u8]) -> Vec<u8> {
    let space = if parameters.is_empty() { "" } else { " " };
    let line = format!("CPIM/1 {} {}{space}{parameters}\r\n", xml.len(), content.len());
    [line.as_bytes(), xml.as_bytes(), content].concat()
}

async fn tcp(port: u16) -> Box<dyn Stream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Box::new(stream)
}
