//! Native CPIM from the other side: a session that reads and writes frames itself, so that what the gateway's own
//! codec would get wrong twice is seen once.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::gateway::{PATIENCE, breathe};

/// One frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// The start line, without its end.
    pub start: String,
    pub xml: String,
    pub content: Vec<u8>,
}

impl Frame {
    /// The name of the element.
    pub fn element(&self) -> &str {
        let rest = self.xml.trim_start_matches('<');
        rest.split([' ', '/', '>']).next().unwrap_or_default()
    }

    /// An attribute of the element, with its references resolved.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let tag = self.xml.split('>').next()?;
        let (_, rest) = tag.split_once(&format!(" {name}="))?;
        let quote = rest.chars().next()?;
        rest.split(quote).nth(1).map(resolve)
    }

    /// What stands between the tags.
    pub fn text(&self) -> String {
        let (_, rest) = self.xml.split_once('>').unwrap_or_default();
        resolve(rest.split('<').next().unwrap_or_default())
    }

    /// A parameter of the start line.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.start.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }

    pub fn trans_id(&self) -> String {
        self.attribute("transID").unwrap_or_default()
    }

    /// The body of the content.
    pub fn body(&self) -> &str {
        let content = std::str::from_utf8(&self.content).unwrap_or_default();
        content.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

fn resolve(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&amp;", "&")
}

/// Why there is no next frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Silence {
    /// The connection ended.
    Over,
    /// Nothing came in time.
    Time,
}

/// An answer.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Answer {
    pub trans_id: String,
    pub status: String,
    /// `code: words`.
    pub text: String,
}

impl Answer {
    /// Whether it has this status and, where one is given, this code.
    pub fn is(&self, status: &str, code: &str) -> bool {
        self.status == status && (code.is_empty() || self.text.split(':').next() == Some(code))
    }

    fn of(frame: &Frame) -> Self {
        Self {
            trans_id: frame.trans_id(),
            status: frame.attribute("status").unwrap_or_default(),
            text: frame.text(),
        }
    }
}

/// What an `open` says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open<'a> {
    pub serves: &'a str,
    pub speaks: &'a str,
    pub domain: &'a str,
    pub secret: &'a str,
    /// Retransmissions are recognised.
    pub remembers: bool,
    /// The `<adapter>` element of an external adapter.
    pub adapter: &'a str,
}

/// One end of a session.
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    /// Opens a session, which must be granted.
    pub fn open(port: u16, open: Open<'_>) -> Self {
        Self::try_open(port, open).expect("the session is granted")
    }

    /// Opens a session that only receives for a URI, or also sends as it.
    pub fn serving(port: u16, uri: &str, remembers: bool) -> Self {
        Self::open(port, Open { serves: uri, remembers, ..Open::default() })
    }

    /// Opens a session where there is a gateway.
    pub fn try_open(port: u16, open: Open<'_>) -> Option<Self> {
        let mut client = Self::on(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?);
        client.try_send("", &open_element(open), b"").ok()?;
        let answer = client.next(PATIENCE).ok()?;
        assert_eq!(answer.element(), "open", "refused: {answer:?}");
        Some(client)
    }

    /// Tries to open a session, which must be refused: with what.
    pub fn refused(port: u16, open: Open<'_>) -> String {
        let mut client = Self::connected(port);
        client.send_open(open);
        let answer = client.next(PATIENCE).expect("an answer");
        assert_eq!(answer.element(), "close", "{answer:?}");
        answer.xml
    }

    /// A connection on which nothing has been said.
    pub fn connected(port: u16) -> Self {
        Self::on(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
    }

    /// Says `open`; what it is answered is read by [`Self::next`].
    pub fn send_open(&mut self, open: Open<'_>) {
        self.try_send("", &open_element(open), b"").unwrap();
    }

    fn on(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream, input: Vec::new() }
    }

    /// Another end of the same session, to write with while this one reads.
    pub fn writer(&self) -> Self {
        Self { stream: self.stream.try_clone().unwrap(), input: Vec::new() }
    }

    /// Writes one frame; whether it arrives is another matter.
    pub fn try_send(&mut self, parameters: &str, xml: &str, content: &[u8]) -> std::io::Result<()> {
        let mut frame = format!("CPIM/1 {} {}{parameters}\r\n{xml}", xml.len(), content.len()).into_bytes();
        frame.extend_from_slice(content);
        self.stream.write_all(&frame)
    }

    /// Sends a text.
    pub fn message(&mut self, trans_id: &str, from: &str, to: &str, text: &str) {
        self.try_message("", trans_id, from, to, text).expect("the gateway is there");
    }

    /// As [`Self::message`], with parameters such as ` id=1`.
    pub fn try_message(
        &mut self,
        parameters: &str,
        trans_id: &str,
        from: &str,
        to: &str,
        text: &str,
    ) -> std::io::Result<()> {
        let xml = format!("<message source='{from}' destination='{to}' transID='{trans_id}'/>");
        self.try_send(parameters, &xml, format!("Content-Type: text/plain\r\n\r\n{text}").as_bytes())
    }

    /// Answers a frame with a status and, maybe, a text.
    pub fn respond(&mut self, frame: &Frame, status: &str, text: &str) {
        self.try_respond(frame, status, text).expect("the gateway is there");
    }

    pub fn try_respond(&mut self, frame: &Frame, status: &str, text: &str) -> std::io::Result<()> {
        let xml = format!("<response status='{status}' transID='{}'>{text}</response>", frame.trans_id());
        self.try_send("", &xml, b"")
    }

    /// The next frame within a time.
    ///
    /// # Errors
    /// There is none.
    pub fn next(&mut self, within: Duration) -> Result<Frame, Silence> {
        let until = Instant::now() + within;
        loop {
            if let Some(frame) = take_frame(&mut self.input) {
                return Ok(frame);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Silence::Time);
            }
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut octets = [0; 16_384];
            match self.stream.read(&mut octets) {
                Ok(0) => return Err(Silence::Over),
                Ok(count) => self.input.extend_from_slice(&octets[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Silence::Over),
            }
        }
    }

    /// The next message, which must come.
    pub fn expect_message(&mut self) -> Frame {
        let frame = self.next(PATIENCE).expect("a message");
        assert_eq!(frame.element(), "message", "{frame:?}");
        frame
    }

    /// The next answer, which must come.
    pub fn expect_answer(&mut self) -> Answer {
        let frame = self.next(PATIENCE).expect("an answer");
        assert_eq!(frame.element(), "response", "{frame:?}");
        Answer::of(&frame)
    }

    /// As [`Self::next`], of answers; whatever else comes is passed over.
    ///
    /// # Errors
    /// There is none.
    pub fn next_answer(&mut self, within: Duration) -> Result<Answer, Silence> {
        let until = Instant::now() + within;
        loop {
            let frame = self.next(until.saturating_duration_since(Instant::now()))?;
            if frame.element() == "response" {
                return Ok(Answer::of(&frame));
            }
        }
    }

    /// Everything that still comes until the connection ends, which it must.
    pub fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            match self.next(PATIENCE) {
                Ok(frame) => frames.push(frame),
                Err(Silence::Over) => return frames,
                Err(Silence::Time) => panic!("the connection does not end"),
            }
        }
    }
}

/// A server of some domain that the gateway connects to.
pub struct Server {
    listener: TcpListener,
    domain: &'static str,
}

impl Server {
    pub fn bind(port: u16, domain: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener, domain }
    }

    /// The next session that the gateway opens, which it must; `remembers` is what it is told.
    pub fn accept(&self, remembers: bool) -> Client {
        let until = Instant::now() + PATIENCE;
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(_) => assert!(Instant::now() < until, "nobody connects"),
            }
            breathe();
        };
        stream.set_nonblocking(false).unwrap();
        let mut client = Client::on(stream);
        assert_eq!(client.next(PATIENCE).expect("an open").element(), "open");
        let answer = Open { domain: self.domain, remembers, ..Open::default() };
        client.try_send("", &open_element(answer), b"").unwrap();
        client
    }
}

fn open_element(open: Open<'_>) -> String {
    let mut xml = "<open version='1'".to_owned();
    let remembers = if open.remembers { "3600" } else { "" };
    let attributes = [
        ("serves", open.serves),
        ("speaks", open.speaks),
        ("domain", open.domain),
        ("secret", open.secret),
        ("remembers", remembers),
    ];
    for (name, value) in attributes.into_iter().filter(|(_, value)| !value.is_empty()) {
        xml.push_str(&format!(" {name}='{value}'"));
    }
    match open.adapter {
        "" => xml + "/>",
        adapter => format!("{xml}>{adapter}</open>"),
    }
}

/// Cuts the first frame off, once all of it is there.
fn take_frame(input: &mut Vec<u8>) -> Option<Frame> {
    let end = input.windows(2).position(|pair| pair == b"\r\n")?;
    let start = String::from_utf8(input[..end].to_vec()).unwrap();
    let mut words = start.split(' ');
    assert_eq!(words.next(), Some("CPIM/1"), "{start}");
    let mut count = || words.next().and_then(|word| word.parse::<usize>().ok()).expect("a count");
    let (xml, content) = (count(), count());
    let (xml_at, content_at) = (end + 2, end + 2 + xml);
    if input.len() < content_at + content {
        return None;
    }
    let frame = Frame {
        start,
        xml: String::from_utf8(input[xml_at..content_at].to_vec()).unwrap(),
        content: input[content_at..content_at + content].to_vec(),
    };
    input.drain(..content_at + content);
    Some(frame)
}
