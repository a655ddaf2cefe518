//! A mail server: what it does is said beforehand, and what it gets is told.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How the server behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// It offers reports.
    pub(crate) dsn: bool,
    /// It offers SMTPUTF8.
    pub(crate) utf8: bool,
    /// It offers PIPELINING, and answers none of MAIL, RCPT and DATA before it has all three.
    pub(crate) pipelining: bool,
    /// It offers STARTTLS.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// It answers STARTTLS so, instead of with what is right.
    pub(crate) starttls: Option<&'static str>,
    /// It answers this command so. `.` is the final dot.
    pub(crate) refuse: Option<(&'static str, &'static str)>,
    /// What it does in DATA.
    pub(crate) data: Data,
}

/// What the server does in DATA.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Data {
    /// It takes the mail.
    #[default]
    Take,
    /// It hangs up at the final dot.
    HangUp,
    /// It hangs up at once.
    Cut,
    /// It reads nothing, and tells that it got there.
    Stall,
}

/// What it got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Got {
    pub(crate) from: String,
    pub(crate) to: String,
    /// With the dots as they came.
    pub(crate) octets: String,
    /// The how-manieth connection it was on.
    pub(crate) connection: usize,
    /// It came under TLS.
    pub(crate) encrypted: bool,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    got: mpsc::Receiver<Got>,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::start_at("127.0.0.1:0", manner).await
    }

    pub(crate) async fn start_at(address: &str, manner: Manner) -> Self {
        Self::try_start_at(address, manner).await.unwrap()
    }

    /// Nothing where the port is somebody else's.
    pub(crate) async fn try_start_at(address: &str, manner: Manner) -> Option<Self> {
        let listener = TcpListener::bind(address).await.ok()?;
        let port = listener.local_addr().unwrap().port();
        let (sender, got) = mpsc::channel(16);
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            for connection in 0.. {
                tokio::select! {
                    accepted = listener.accept() => {
                        let stream = Box::new(accepted.unwrap().0);
                        connections.spawn(serve(stream, manner.clone(), connection, sender.clone()));
                    }
                    _ = &mut stopped => break,
                }
            }
            connections.shutdown().await;
        });
        Some(Self { port, got, stop: Some(stop), task })
    }

    /// Hangs up, and listens no more.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap();
    }

    pub(crate) async fn mail(&mut self) -> Got {
        timeout(Duration::from_secs(20), self.got.recv()).await.unwrap().unwrap()
    }

    /// Whether it has got nothing more until now.
    pub(crate) fn has_nothing(&mut self) -> bool {
        self.got.try_recv().is_err()
    }
}

async fn serve(
    stream: Box<dyn Stream>,
    manner: Manner,
    connection: usize,
    sender: mpsc::Sender<Got>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mx.example\r\n").await.ok()?;
    let mut got = Got { connection, ..Got::default() };
    let mut held = String::new();
    loop {
        let line = line(&mut stream).await?;
        let verb = line.split(' ').next().unwrap_or_default().to_owned();
        let refused = manner.refuse.filter(|(at, _)| *at == verb).map(|(_, reply)| reply);
        let reply = match (refused, verb.as_str()) {
            (Some(reply), _) => reply.to_owned(),
            (None, "EHLO") => offers(&manner, got.encrypted),
            (None, "STARTTLS") => {
                let reply = manner.starttls.unwrap_or("220 go on\r\n");
                stream.write_all(reply.as_bytes()).await.ok()?;
                let acceptor = TlsAcceptor::from(manner.tls.clone()?);
                let encrypted = acceptor.accept(stream.into_inner()).await.ok()?;
                stream = BufReader::new(Box::new(encrypted));
                got.encrypted = true;
                continue;
            }
            (None, "MAIL") => {
                got.from = line;
                "250 ok".to_owned()
            }
            (None, "RCPT") => {
                got.to = line;
                "250 ok".to_owned()
            }
            (None, "DATA") => {
                held += "354 go on\r\n";
                stream.write_all(std::mem::take(&mut held).as_bytes()).await.ok()?;
                match manner.data {
                    Data::Cut => return None,
                    Data::Stall => {
                        sender.send(got.clone()).await.ok()?;
                        std::future::pending::<()>().await;
                    }
                    Data::HangUp | Data::Take => {}
                }
                got.octets = data(&mut stream).await?;
                if manner.data == Data::HangUp {
                    return None;
                }
                match manner.refuse.filter(|(at, _)| *at == ".") {
                    Some((_, reply)) => reply.to_owned(),
                    None => {
                        sender.send(got.clone()).await.ok()?;
                        "250 taken".to_owned()
                    }
                }
            }
            (None, "QUIT") => return None,
            (None, _) => "250 ok".to_owned(),
        };
        held += &format!("{reply}\r\n");
        if !(manner.pipelining && matches!(verb.as_str(), "MAIL" | "RCPT")) {
            stream.write_all(std::mem::take(&mut held).as_bytes()).await.ok()?;
        }
    }
}

fn offers(manner: &Manner, encrypted: bool) -> String {
    let mut offers = vec!["mx.example"];
    if manner.dsn {
        offers.extend(["8BITMIME", "DSN"]);
    }
    if manner.pipelining {
        offers.push("PIPELINING");
    }
    if manner.utf8 {
        offers.extend(["8BITMIME", "SMTPUTF8"]);
    }
    if manner.tls.is_some() && !encrypted {
        offers.push("STARTTLS");
    }
    let last = offers.pop().unwrap();
    offers.iter().map(|offer| format!("250-{offer}\r\n")).collect::<String>() + "250 " + last
}

async fn line(stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut line = String::new();
    let octets = stream.read_line(&mut line).await.ok()?;
    (octets > 0).then(|| line.trim_end().to_owned())
}

/// What stands before the final dot.
async fn data(stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut octets = Vec::new();
    while !octets.ends_with(b"\r\n.\r\n") {
        octets.push(stream.read_u8().await.ok()?);
    }
    octets.truncate(octets.len() - 3);
    String::from_utf8(octets).ok()
}
