//! The receiving side of the peer: a mail server that goes on only while somebody asks it for its mail.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Mails that nobody has asked for yet; a connection with one more waits.
const UNREAD: usize = 64;

/// A mail as it came.
#[derive(Debug)]
pub(crate) struct Got {
    /// The reverse-path, without its brackets.
    pub(crate) from: String,
    /// The recipient, without its brackets.
    pub(crate) to: String,
    /// The transaction's name in reports.
    pub(crate) envid: Option<String>,
    /// The mail, its dots as its author wrote them.
    pub(crate) octets: Vec<u8>,
}

/// The server. Its connections stand still while nobody polls it.
pub(crate) struct Server {
    listener: TcpListener,
    connections: Vec<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
    sender: mpsc::Sender<Got>,
    mails: mpsc::Receiver<Got>,
}

impl Server {
    pub(crate) fn new(listener: TcpListener) -> Self {
        let (sender, mails) = mpsc::channel(UNREAD);
        Self { listener, connections: Vec::new(), sender, mails }
    }

    /// The next mail. Cancelled, nothing is lost.
    pub(crate) async fn next(&mut self) -> Option<Got> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Got>> {
        while let Poll::Ready(accepted) = self.listener.poll_accept(cx) {
            let Ok((stream, _)) = accepted else { continue };
            let sender = self.sender.clone();
            self.connections.push(Box::pin(async move {
                // A connection that breaks is the other side's affair.
                drop(serve(stream, sender).await);
            }));
        }
        self.connections.retain_mut(|connection| connection.as_mut().poll(cx).is_pending());
        self.mails.poll_recv(cx)
    }
}

/// What stands between the brackets of a path.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
    inside.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

async fn serve(stream: TcpStream, mails: mpsc::Sender<Got>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mx.mail.example\r\n").await?;
    let mut got = Got { from: String::new(), to: String::new(), envid: None, octets: Vec::new() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-mx.mail.example\r\n250-8BITMIME\r\n250 DSN",
            "MAIL" => {
                got.from = path(line);
                got.envid = line.split(' ').find_map(|word| word.strip_prefix("ENVID=")).map(str::to_owned);
                "250 ok"
            }
            "RCPT" => {
                got.to = path(line);
                "250 ok"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                got.octets = text(&mut stream).await?;
                let Got { from, to, envid, octets } = &mut got;
                let mail = Got {
                    from: std::mem::take(from),
                    to: std::mem::take(to),
                    envid: envid.take(),
                    octets: std::mem::take(octets),
                };
                // Whoever asked for it may be gone.
                drop(mails.send(mail).await);
                "250 taken"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 ok",
            _ => "502 not here",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// A mail's text, up to the line with the dot.
async fn text(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_slice() {
            b".\r\n" => return Ok(text),
            [b'.', rest @ ..] => text.extend_from_slice(rest),
            whole => text.extend_from_slice(whole),
        }
    }
}
