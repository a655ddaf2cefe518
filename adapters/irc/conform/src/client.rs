//! One client: a connection that is registered and logged in.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use cpim_conformance::PeerError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::line::Line;
use crate::{PASSWORD, failed};

/// What a client asks for.
const CAPABILITIES: &str = "batch labeled-response message-tags server-time standard-replies";

/// A client.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: BytesMut,
    /// Lines of a message that is not whole yet: it ends with the server's ping.
    pub(crate) lines: Vec<Line>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Result<Self, PeerError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::new(), lines: Vec::new() })
    }

    /// Comes as somebody who has an account.
    pub(crate) async fn log_in(address: SocketAddr, nick: &str) -> Result<Self, PeerError> {
        let mut client = Self::connect(address).await?;
        client.send("CAP LS 302").await?;
        client.send(&format!("CAP REQ :{CAPABILITIES} sasl")).await?;
        client.send(&format!("NICK {nick}")).await?;
        client.send(&format!("USER {nick} 0 * :{nick}")).await?;
        client.send("AUTHENTICATE PLAIN").await?;
        client.until("AUTHENTICATE").await?;
        let proof = BASE64_STANDARD.encode(format!("\0{nick}\0{PASSWORD}"));
        client.send(&format!("AUTHENTICATE {proof}")).await?;
        client.until("903").await?;
        client.send("CAP END").await?;
        client.until("422").await?;
        Ok(client)
    }

    /// Comes as a guest.
    pub(crate) async fn come(address: SocketAddr, nick: &str) -> Result<Self, PeerError> {
        let mut client = Self::connect(address).await?;
        client.send(&format!("CAP REQ :{CAPABILITIES}")).await?;
        client.send(&format!("NICK {nick}")).await?;
        client.send(&format!("USER {nick} 0 * :{nick}")).await?;
        client.send("CAP END").await?;
        client.until("422").await?;
        Ok(client)
    }

    /// Passes over lines up to one of this command.
    async fn until(&mut self, command: &str) -> Result<(), PeerError> {
        loop {
            let line = self.next().await?;
            if line.command == command {
                return Ok(());
            }
            match line.command.as_str() {
                "PING" => self.send(&format!("PONG {}", line.param(0))).await?,
                // Whoever had it a moment ago is about to be gone.
                "433" => {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    self.send(&format!("NICK {}", line.param(1))).await?;
                }
                _ => {}
            }
        }
    }

    /// Sends a line.
    pub(crate) async fn send(&mut self, line: &str) -> Result<(), PeerError> {
        self.send_octets(format!("{line}\r\n").as_bytes()).await
    }

    /// Sends octets.
    pub(crate) async fn send_octets(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        Ok(self.stream.write_all(octets).await?)
    }

    /// The next line. Cancelled, nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Line, PeerError> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line = self.buffer.split_to(end + 2);
                let text = String::from_utf8_lossy(&line).into_owned();
                return Line::read(text.trim_end_matches("\r\n")).ok_or_else(|| failed("no line"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(failed("the adapter hung up"));
            }
        }
    }

    /// Leaves in the middle of whatever it is.
    pub(crate) async fn hang_up(mut self) {
        // Whether the server still takes it makes no difference.
        drop(self.stream.shutdown().await);
    }
}
