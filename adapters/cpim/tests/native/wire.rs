//! A client that speaks the binding by hand, knowing none of the code under test.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection, spoken by hand.
pub(crate) struct Client(pub(crate) BufReader<Box<dyn Stream>>);

/// A frame, as it came.
#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) parameters: String,
    pub(crate) xml: String,
    pub(crate) content: Vec<u8>,
}

/// A frame's octets.
pub(crate) fn frame(parameters: &str, xml: &str, content: &str) -> String {
    format!("CPIM/1 {} {}{parameters}\r\n{xml}{content}", xml.len(), content.len())
}

pub(crate) fn message(source: &str, destination: &str, trans_id: &str) -> String {
    let xml = format!("<message source='{source}' destination='{destination}' transID='{trans_id}'/>");
    frame("", &xml, "Content-Type: text/plain\r\n\r\nhello")
}

pub(crate) fn response(trans_id: &str) -> String {
    frame("", &format!("<response status='success' transID='{trans_id}'/>"), "")
}

impl Client {
    pub(crate) fn on(stream: impl Stream + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    pub(crate) async fn connect(address: std::net::SocketAddr) -> Self {
        Self::on(TcpStream::connect(address).await.unwrap())
    }

    /// Opens a session with these attributes, and wants it opened.
    pub(crate) async fn open(address: std::net::SocketAddr, attributes: &str) -> Self {
        let mut client = Self::connect(address).await;
        client.say_open(attributes).await;
        client
    }

    pub(crate) async fn say_open(&mut self, attributes: &str) {
        self.send(&frame("", &format!("<open version='1' {attributes}/>"), "")).await;
        let answer = self.frame().await;
        assert!(answer.xml.starts_with("<open "), "{answer:?}");
    }

    /// Tries to open a session, and gives the whole answer.
    pub(crate) async fn try_open(address: std::net::SocketAddr, attributes: &str) -> String {
        let mut client = Self::connect(address).await;
        client.send(&frame("", &format!("<open version='1' {attributes}/>"), "")).await;
        client.frame().await.xml
    }

    pub(crate) async fn send(&mut self, octets: &str) {
        self.0.write_all(octets.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    pub(crate) async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame, not the end")
    }

    /// The next frame, or nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        tokio::time::timeout(Duration::from_secs(200), self.read()).await.expect("a frame in time")
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.strip_suffix("\r\n").expect("CRLF");
        let rest = line.strip_prefix("CPIM/1 ").expect("a start line");
        let mut fields = rest.splitn(3, ' ');
        let mut count = || fields.next().unwrap().parse::<usize>().unwrap();
        let (xml_octets, content_octets) = (count(), count());
        let parameters = fields.next().unwrap_or_default().to_owned();
        let mut xml = vec![0; xml_octets];
        let mut content = vec![0; content_octets];
        self.0.read_exact(&mut xml).await.unwrap();
        self.0.read_exact(&mut content).await.unwrap();
        Some(Frame { parameters, xml: String::from_utf8(xml).unwrap(), content })
    }

    /// Wants the end of the stream, and nothing before it.
    pub(crate) async fn end(&mut self) {
        let next = self.next().await;
        assert!(next.is_none(), "expected the end, not {next:?}");
    }
}

impl Client {
    /// Wants a ping answered.
    pub(crate) async fn ping(&mut self) {
        self.send(&frame("", "<ping transID='are-you-there'/>", "")).await;
        assert_eq!(self.frame().await.xml, "<response status='success' transID='are-you-there'/>");
    }

    /// Ends the session in order, and waits for the other side to do so too.
    pub(crate) async fn close(mut self) {
        self.send(&frame("", "<close/>", "")).await;
        while self.next().await.is_some() {}
    }
}
