//! One connection of the adapter to the server, from its first line to its end.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::server::{Event, HOST, Out, Server};
use crate::line::Line;

/// What the server has of IRCv3.
const CAPABILITIES: &str = "account-tag away-notify extended-monitor message-tags";

/// What it says of itself (numeric 005).
const ISUPPORT: &str = "CASEMAPPING=ascii MONITOR=100 NICKLEN=30 NETWORK=Played";

/// The PING behind the welcome: whoever answers has read it.
const WELCOMED: &str = "welcomed";

/// How the PING behind a message begins.
const FENCE: &str = "cpim-";

/// A connection.
struct Connection {
    server: Arc<Server>,
    number: u64,
    nick: String,
    is_in: bool,
    /// Lines to users since the last PING.
    lines: Vec<Line>,
    is_over: bool,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    server: Arc<Server>,
    number: u64,
    mut stream: TcpStream,
    mut told: mpsc::Receiver<Out>,
) {
    let mut connection =
        Connection { server, number, nick: String::new(), is_in: false, lines: Vec::new(), is_over: false };
    let mut buffer = BytesMut::new();
    while !connection.is_over {
        let written = tokio::select! {
            read = stream.read_buf(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(_) => stream.write_all(connection.read(&mut buffer).await.as_bytes()).await,
            },
            out = told.recv() => match out {
                Some(Out::Octets(octets)) => stream.write_all(&octets).await,
                Some(Out::End) | None => break,
            },
        };
        if written.is_err() {
            break;
        }
    }
    // Whether the other side still takes it makes no difference.
    drop(stream.shutdown().await);
    connection.server.is_gone(number);
}

impl Connection {
    /// Takes every line that has come; gives what the server says to that.
    async fn read(&mut self, buffer: &mut BytesMut) -> String {
        let mut said = String::new();
        while let Some(end) = buffer.windows(2).position(|two| two == b"\r\n") {
            let line = buffer.split_to(end + 2);
            let text = String::from_utf8_lossy(&line).into_owned();
            if let Some(line) = Line::read(text.trim_end_matches("\r\n")) {
                said += &self.hear(line).await;
            }
        }
        said
    }

    async fn hear(&mut self, line: Line) -> String {
        let (nick, first) = (self.nick.clone(), line.param(0).to_owned());
        match line.command.as_str() {
            "CAP" if first == "LS" => format!(":s CAP * LS :{CAPABILITIES}\r\n"),
            "CAP" if first == "REQ" => format!(":s CAP * ACK :{}\r\n", line.param(1)),
            "CAP" if first == "END" => self.welcome(),
            "NICK" => self.is_called(first),
            "PING" if first.starts_with(FENCE) && !self.lines.is_empty() => self.fenced(first).await,
            "PING" => format!(":s PONG s :{first}\r\n"),
            "PONG" if first == WELCOMED => {
                self.server.is_in(self.number);
                String::new()
            }
            "PRIVMSG" | "NOTICE" => self.says(line).await,
            "WHOIS" => self.whois(&first),
            "MONITOR" if first == "+" => {
                let asked: Vec<&str> = line.param(1).split(',').collect();
                let told = self.server.watches(self.number, &asked).into_iter();
                told.map(|(user, is_there)| match is_there {
                    true => format!(":s 730 {nick} :{user}!{user}@{HOST}\r\n"),
                    false => format!(":s 731 {nick} :{user}\r\n"),
                })
                .collect()
            }
            "QUIT" => {
                self.is_over = true;
                "ERROR :Closing link\r\n".to_owned()
            }
            _ => String::new(),
        }
    }

    /// The nick that it wants, before it is in and afterwards.
    fn is_called(&mut self, wanted: String) -> String {
        let is_free = !self.is_in || self.server.takes(self.number, &wanted);
        let old = std::mem::replace(&mut self.nick, wanted);
        match (self.is_in, is_free) {
            (false, _) => String::new(),
            (true, true) => format!(":{old}!{old}@{HOST} NICK :{}\r\n", self.nick),
            (true, false) => {
                let wanted = std::mem::replace(&mut self.nick, old);
                format!(":s 433 {} {wanted} :Nickname is already in use\r\n", self.nick)
            }
        }
    }

    fn welcome(&mut self) -> String {
        let nick = &self.nick;
        if !self.server.takes(self.number, nick) {
            return format!(":s 433 * {nick} :Nickname is already in use\r\n");
        }
        self.is_in = true;
        format!(
            ":s 001 {nick} :Welcome {nick}!{nick}@{HOST}\r\n:s 005 {nick} {ISUPPORT} :are supported\r\n\
             :s 422 {nick} :No MOTD\r\nPING :{WELCOMED}\r\n"
        )
    }

    fn whois(&self, of: &str) -> String {
        let nick = &self.nick;
        let answer = match self.server.user_since(of) {
            Some(at) => format!(
                ":s 311 {nick} {of} {of} {HOST} * :{of}\r\n:s 330 {nick} {of} {of} :is logged in as\r\n\
                 :s 317 {nick} {of} 1 {at} :seconds idle, signon time\r\n"
            ),
            None => format!(":s 401 {nick} {of} :No such nick\r\n"),
        };
        answer + &format!(":s 318 {nick} {of} :End of WHOIS\r\n")
    }

    /// Says something to a user.
    async fn says(&mut self, mut line: Line) -> String {
        if self.server.user_since(line.param(0)).is_none() {
            return format!(":s 401 {} {} :No such nick\r\n", self.nick, line.param(0));
        }
        line.source = format!("{0}!{0}@{HOST}", self.nick);
        match line.command == "NOTICE" && super::is_courtesy(line.param(1)) {
            true => drop(self.server.events.send(Event::Courtesy(line)).await),
            false => self.lines.push(line),
        }
        String::new()
    }

    /// The PING behind a message: its answer says that the message was taken.
    async fn fenced(&mut self, fence: String) -> String {
        let lines = std::mem::take(&mut self.lines);
        let letter = Event::Letter { connection: self.number, fence: fence.clone(), lines };
        drop(self.server.events.send(letter).await);
        match self.server.holds {
            true => String::new(),
            false => format!(":s PONG s :{fence}\r\n"),
        }
    }
}
