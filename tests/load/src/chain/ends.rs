//! Both ends of a chain: a message as a protocol spells it, and what a receiver has to say while it reads.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

use super::Board;
use crate::native::{self, Reader};

/// Octets of a message's body.
const BODY: usize = 100;

/// Digits of a number, between `@@` and `@@`.
const DIGITS: usize = 12;

/// What a connection speaks.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// IRC, as a client.
    Irc,
    /// XMPP, as a client.
    Xmpp,
    /// Native CPIM, as this source.
    Native(String),
}

/// Who writes, and to whom in turn.
pub(crate) struct Sender {
    pub(super) writer: Rc<Mutex<OwnedWriteHalf>>,
    form: Form,
    to: Vec<String>,
    turn: Cell<usize>,
}

/// Who reads.
pub(crate) enum Receiver {
    /// IRC or XMPP.
    Text(OwnedReadHalf, Rc<Mutex<OwnedWriteHalf>>, Form),
    /// Native CPIM.
    Native(Reader, Rc<Mutex<OwnedWriteHalf>>),
}

impl Sender {
    /// Whether its protocol tells it the outcome of each message.
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.form, Form::Native(_))
    }

    /// Writes these octets.
    ///
    /// # Errors
    /// Where the connection has ended.
    pub(crate) async fn write(&self, octets: &[u8]) -> io::Result<()> {
        self.writer.lock().await.write_all(octets).await
    }

    /// Appends a message with this number.
    pub(super) fn put(&self, out: &mut Vec<u8>, index: usize, number: u64) {
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        let Some(to) = self.to.get(turn.wrapping_add(index) % self.to.len().max(1)) else { return };
        let mut body = format!("@@{number:012}@@");
        while body.len() < BODY {
            body.push_str(" x");
        }
        match &self.form {
            Form::Irc => out.extend_from_slice(format!("PRIVMSG {to} :{body}\r\n").as_bytes()),
            Form::Xmpp => out.extend_from_slice(
                format!("<message to='{to}' type='chat' id='m'><body>{body}</body></message>").as_bytes(),
            ),
            Form::Native(from) => {
                let xml = format!("<message source='{from}' destination='{to}' transID='{number}'/>");
                let content = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{body}");
                native::put(out, "", &xml, content.as_bytes());
            }
        }
    }
}

/// A connection that speaks text, as a sender to these and as a receiver.
pub(crate) fn text(stream: TcpStream, form: Form, to: Vec<String>) -> (Rc<Sender>, Receiver) {
    let (reader, writer) = stream.into_split();
    let writer = Rc::new(Mutex::new(writer));
    let sender = Sender { writer: Rc::clone(&writer), form: form.clone(), to, turn: Cell::default() };
    (Rc::new(sender), Receiver::Text(reader, writer, form))
}

/// A native session, as a sender to these and as a receiver.
pub(crate) fn native(
    (reader, writer): (Reader, OwnedWriteHalf),
    from: String,
    to: Vec<String>,
) -> (Rc<Sender>, Receiver) {
    let writer = Rc::new(Mutex::new(writer));
    let sender = Sender { writer: Rc::clone(&writer), form: Form::Native(from), to, turn: Cell::default() };
    (Rc::new(sender), Receiver::Native(reader, writer))
}

/// Reads until the connection ends: numbers, answers, and pings, which are answered.
///
/// # Errors
/// Where it ends.
pub(crate) async fn receive(board: &Board, receiver: Receiver) -> io::Result<()> {
    match receiver {
        Receiver::Native(reader, writer) => receive_native(board, reader, &writer).await,
        Receiver::Text(mut reader, writer, form) => {
            let (mut input, mut out) = (Vec::with_capacity(64 * 1024), Vec::new());
            loop {
                if reader.read_buf(&mut input).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let used = match form {
                    Form::Irc => lines(board, &input, &mut out),
                    Form::Xmpp | Form::Native(_) => numbers(board, &input),
                };
                input.drain(..used);
                if !out.is_empty() {
                    writer.lock().await.write_all(&out).await?;
                    out.clear();
                }
            }
        }
    }
}

async fn receive_native(board: &Board, mut reader: Reader, writer: &Mutex<OwnedWriteHalf>) -> io::Result<()> {
    let mut out = Vec::new();
    loop {
        reader
            .read(|frame| {
                if frame.is("message") {
                    numbers(board, frame.content);
                    native::put_success(&mut out, &frame);
                } else if frame.is("ping") {
                    native::put_success(&mut out, &frame);
                } else if frame.is("response") {
                    if frame.attribute("status") != Some(b"success") {
                        board.refuse(String::from_utf8_lossy(frame.xml).into_owned());
                    }
                    board.answered();
                }
            })
            .await?;
        if !out.is_empty() {
            writer.lock().await.write_all(&out).await?;
            out.clear();
        }
    }
}

/// The whole lines: numbers in them, and pings. How many octets they take.
fn lines(board: &Board, input: &[u8], out: &mut Vec<u8>) -> usize {
    let mut used = 0;
    for line in input.split_inclusive(|octet| *octet == b'\n') {
        if !line.ends_with(b"\n") {
            break;
        }
        used += line.len();
        if let Some(word) = line.strip_prefix(b"PING ") {
            out.extend_from_slice(b"PONG ");
            out.extend_from_slice(word);
        } else if line.starts_with(b"ERROR") {
            board.refuse(String::from_utf8_lossy(line).into_owned());
        } else {
            numbers(board, line);
        }
    }
    used
}

/// Marks every number as arrived. How many octets are done with: what may be the beginning of a number is kept.
fn numbers(board: &Board, input: &[u8]) -> usize {
    let mut used = 0;
    while let Some(rest) = input.get(used..) {
        let Some(at) = rest.windows(2).position(|pair| pair == b"@@") else {
            return used + rest.len().saturating_sub(1);
        };
        let Some(digits) = rest.get(at + 2..at + 2 + DIGITS) else { return used + at };
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        if let Some(number) = number {
            board.arrived(number);
            used = (used + at + 2 + DIGITS + 2).min(input.len());
        } else {
            used += at + 1;
        }
    }
    input.len()
}
