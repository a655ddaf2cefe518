//! The other side of a native CPIM session, octet by octet, by none of the code under test.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::process::PATIENCE;

/// Where sessions are accepted.
pub struct Listener(TcpListener);

/// One session, from the listening side.
pub struct Peer<S = TcpStream>(BufReader<S>);

/// A frame as it came.
#[derive(Debug, Eq, PartialEq)]
pub struct Frame {
    /// What stands behind the counts.
    pub parameters: String,
    pub xml: String,
    pub content: Vec<u8>,
}

impl Frame {
    /// The value of an attribute, as it stands there.
    pub fn attribute(&self, name: &str) -> &str {
        let (_, rest) =
            self.xml.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("{name} in {}", self.xml));
        let quote = rest.chars().next().unwrap();
        rest[1..].split(quote).next().unwrap()
    }
}

impl Listener {
    pub async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection, bare.
    pub async fn stream(&self) -> TcpStream {
        let accepted = timeout(PATIENCE, self.0.accept()).await;
        accepted.expect("somebody connects").unwrap().0
    }

    /// Takes the next connection.
    pub async fn accept(&self) -> Peer {
        Peer::new(self.stream().await)
    }

    /// Takes the next connection and opens the session; gives back what the other side said.
    pub async fn open(&self) -> (Peer, Frame) {
        let mut peer = self.accept().await;
        let open = peer.open().await;
        (peer, open)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// The listening side of a connection of any kind.
    pub fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    /// Opens the session; gives back what the other side said.
    pub async fn open(&mut self) -> Frame {
        let open = self.frame().await.expect("an open");
        assert!(open.xml.starts_with("<open "), "{}", open.xml);
        self.write("<open version='1' domain='gw.example'/>", b"").await;
        open
    }

    /// The next frame; nothing at the end of the connection.
    pub async fn frame(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.read()).await.expect("a frame in time")
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await.unwrap() == 0 {
            return None;
        }
        let line = line.strip_suffix("\r\n").expect("CRLF");
        let mut words = line.splitn(4, ' ');
        assert_eq!(words.next(), Some("CPIM/1"));
        let mut count = || words.next().unwrap().parse::<usize>().unwrap();
        let (mut xml, mut content) = (vec![0; count()], vec![0; count()]);
        let parameters = words.next().unwrap_or_default().to_owned();
        self.0.read_exact(&mut xml).await.unwrap();
        self.0.read_exact(&mut content).await.unwrap();
        Some(Frame { parameters, xml: String::from_utf8(xml).unwrap(), content })
    }

    /// Writes a frame.
    pub async fn write(&mut self, xml: &str, content: &[u8]) {
        let mut octets = format!("CPIM/1 {} {}\r\n{xml}", xml.len(), content.len()).into_bytes();
        octets.extend_from_slice(content);
        self.0.write_all(&octets).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads up to the other side's `close`, and hangs up.
    pub async fn until_closed(mut self) {
        let close = self.frame().await.expect("a close");
        assert!(close.xml.starts_with("<close"), "{}", close.xml);
    }
}
