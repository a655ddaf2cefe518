//! The sending side of the peer: SMTP, command by command.

use std::net::SocketAddr;

use cpim_conformance::PeerError;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::failed;

/// A connection to the adapter.
pub(crate) struct Client(BufReader<TcpStream>);

/// A mail that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The reverse-path; none: a report.
    pub(crate) from: Option<String>,
    /// The recipient.
    pub(crate) to: String,
    /// The transaction's name in reports.
    pub(crate) envid: Option<String>,
    /// The mail.
    pub(crate) octets: Vec<u8>,
}

impl Outgoing {
    /// What is written, up to the reply that each waits for.
    fn steps(&self) -> [Vec<u8>; 4] {
        let from = self.from.as_deref().unwrap_or_default();
        let envid = self.envid.as_ref().map(|id| format!(" ENVID={id} RET=HDRS")).unwrap_or_default();
        let notify = if self.envid.is_some() { " NOTIFY=SUCCESS,FAILURE" } else { "" };
        let mut text = Vec::with_capacity(self.octets.len() + 8);
        for line in self.octets.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b".") {
                text.push(b'.');
            }
            text.extend_from_slice(line);
        }
        text.extend_from_slice(b".\r\n");
        [
            format!("MAIL FROM:<{from}> BODY=8BITMIME{envid}\r\n").into_bytes(),
            format!("RCPT TO:<{}>{notify}\r\n", self.to).into_bytes(),
            b"DATA\r\n".to_vec(),
            text,
        ]
    }
}

/// The reply that ended a transaction, where it was refused.
pub(crate) type Refused = Option<String>;

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, PeerError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Self(BufReader::new(stream));
        client.wanted("220").await?;
        client.0.write_all(b"EHLO mx.mail.example\r\n").await?;
        client.wanted("250").await?;
        Ok(client)
    }

    /// A reply, its last line.
    async fn reply(&mut self) -> Result<String, PeerError> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(failed("the adapter hung up"));
            }
            if line.get(3..4) != Some("-") {
                return Ok(line.trim_end().to_owned());
            }
        }
    }

    async fn wanted(&mut self, code: &str) -> Result<(), PeerError> {
        let reply = self.reply().await?;
        match reply.starts_with(code) {
            true => Ok(()),
            false => Err(failed(format!("{code} was expected, and came: {reply}"))),
        }
    }

    /// One mail. Refused, its last reply; then the connection is not used again.
    pub(crate) async fn send(&mut self, mail: &Outgoing) -> Result<Refused, PeerError> {
        for step in mail.steps() {
            self.0.write_all(&step).await?;
            let reply = self.reply().await?;
            if !reply.starts_with(['2', '3']) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// One mail, of which no more than so many octets are written. `true`: that was not all of it.
    pub(crate) async fn send_cut(mut self, mail: &Outgoing, octets: usize) -> Result<bool, PeerError> {
        let mut left = octets;
        for step in mail.steps() {
            let part = step.get(..left.min(step.len())).unwrap_or_default();
            self.0.write_all(part).await?;
            if part.len() < step.len() {
                return Ok(true);
            }
            left -= part.len();
            self.reply().await?;
        }
        Ok(false)
    }
}
