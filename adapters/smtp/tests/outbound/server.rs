//! A mail server: what it does is said beforehand, and what it gets is told.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// It offers reports.
    pub(crate) dsn: bool,
    /// It answers this command so. `.` is the final dot.
    pub(crate) refuse: Option<(&'static str, &'static str)>,
    /// It hangs up at the final dot.
    pub(crate) hang_up: bool,
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
}

pub(crate) struct Server {
    pub(crate) port: u16,
    got: mpsc::Receiver<Got>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, got) = mpsc::channel(16);
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, manner, connection, sender.clone()));
            }
        });
        Self { port, got, task }
    }

    pub(crate) async fn mail(&mut self) -> Got {
        timeout(Duration::from_secs(20), self.got.recv()).await.unwrap().unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    manner: Manner,
    connection: usize,
    sender: mpsc::Sender<Got>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mx.example\r\n").await.ok()?;
    let mut got = Got { connection, ..Got::default() };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        let verb = line.split(' ').next().unwrap_or_default().to_owned();
        let refused = manner.refuse.filter(|(at, _)| *at == verb).map(|(_, reply)| reply);
        let reply = match (refused, verb.as_str()) {
            (Some(reply), _) => reply,
            (None, "EHLO") if manner.dsn => "250-mx.example\r\n250-8BITMIME\r\n250 DSN",
            (None, "EHLO") => "250 mx.example",
            (None, "MAIL") => {
                got.from = line;
                "250 ok"
            }
            (None, "RCPT") => {
                got.to = line;
                "250 ok"
            }
            (None, "DATA") => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                got.octets.clear();
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.ok()?;
                    if line == ".\r\n" {
                        break;
                    }
                    got.octets.push_str(&line);
                }
                if manner.hang_up {
                    return None;
                }
                match manner.refuse.filter(|(at, _)| *at == ".") {
                    Some((_, reply)) => reply,
                    None => {
                        sender.send(got.clone()).await.ok()?;
                        "250 taken"
                    }
                }
            }
            (None, "QUIT") => return None,
            (None, _) => "250 ok",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    }
}
