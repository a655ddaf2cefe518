//! Two users of a network that others run, and its server.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use cpim_adapter::{
    Basic, Class, Code, ImUri, Kind, Local, Mapper, Metadata, Presence, Response, Status, Tuple, Uri,
};
use cpim_conformance::{ForeignPeer, Notice, PeerError, Seen, Sent, Told};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::server::{Event, HOST, Server};
use super::{NETWORK, RELAY, presence_told, told};
use crate::failed;
use crate::line::Line;
use crate::peer::{USERS, sender, uttered};

/// Messages of which word may still come.
const REMEMBERED: usize = 256;

/// The peer.
pub(super) struct Peer {
    server: Arc<Server>,
    accepting: JoinHandle<()>,
    events: mpsc::Receiver<Event>,
    mapper: Mapper,
    /// What was sent, by its tag, as it was typed.
    said: VecDeque<(String, String)>,
    /// What was not asked for yet.
    read: VecDeque<Notice>,
    secrets: Vec<String>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
        self.server.fall();
    }
}

/// An operation as its user types it: to which nick, and what.
fn typed(sent: &Sent) -> Result<(String, String, bool), PeerError> {
    let (message, text) = uttered(sent)?;
    let (to, text) = match &sent.reply_to {
        Some(nick) if !nick.contains([':', '@']) => (nick.clone(), text),
        Some(address) => (RELAY.to_owned(), format!("{address}: {text}")),
        None => (RELAY.to_owned(), format!("{}: {text}", message.destination.spelled())),
    };
    Ok((to, text, message.metadata.automatic))
}

/// The line by which the server passes on what a user says.
fn line(user: &str, (to, text, automatic): &(String, String, bool), tags: &str) -> String {
    // What a bot says to the relay is no notice, since nobody could be told what became of one.
    let (bot, verb) = match (*automatic, to.as_str()) {
        (true, RELAY) => ("bot;", "PRIVMSG"),
        (true, _) => ("", "NOTICE"),
        (false, _) => ("", "PRIVMSG"),
    };
    format!("@{bot}{tags}account={user} :{user}!{user}@{HOST} {verb} {to} :{text}\r\n")
}

/// By which connection a message came, the word of the PING behind it, and for whom it is.
fn taken_apart(ticket: &str) -> Result<(u64, &str, &str), PeerError> {
    let mut words = ticket.splitn(3, ' ');
    let mut word = || words.next().ok_or(PeerError::Unutterable);
    let (connection, fence, to) = (word()?, word()?, word()?);
    Ok((connection.parse().map_err(|_| PeerError::Unutterable)?, fence, to))
}

impl Peer {
    pub(super) fn new(
        listener: TcpListener,
        (server, events): (Arc<Server>, mpsc::Receiver<Event>),
        mapper: Mapper,
    ) -> Result<Self, PeerError> {
        let address = listener.local_addr()?;
        let accepting = server.accept(listener);
        let secrets = vec![address.to_string(), address.ip().to_string(), HOST.to_owned()];
        let (said, read) = (VecDeque::new(), VecDeque::new());
        Ok(Self { server, accepting, events, mapper, said, read, secrets })
    }

    /// The connection of a nick of the adapter's.
    fn connection(&self, nick: &str) -> Result<u64, PeerError> {
        self.server.number_of(nick).ok_or_else(|| failed(format_args!("nobody is {nick}")))
    }

    fn remember(&mut self, sent: &Sent, text: &str) {
        if self.said.len() >= REMEMBERED {
            self.said.pop_front();
        }
        self.said.push_back((sent.tag.clone(), text.to_owned()));
    }

    /// Of which message a notice speaks: it repeats how that began.
    fn tag_of(&self, notice: &str) -> String {
        let quoted = notice.rsplit_once("(\"").map_or("", |(_, quoted)| quoted.trim_end_matches("\")"));
        let begins = quoted.trim_end_matches('\u{2026}');
        let is_of = |text: &str| {
            text.starts_with(begins)
                || text.split_once(": ").is_some_and(|(_, text)| text.starts_with(begins))
        };
        let of = self.said.iter().rev().find(|(_, text)| !begins.is_empty() && is_of(text));
        of.map_or_else(String::new, |(tag, _)| tag.clone())
    }

    fn blank(&self, kind: Kind, from: String, user: &str) -> Seen {
        let to = self.mapper.map(&format!("irc://{NETWORK}/{user}"), Class::Im);
        Seen {
            ticket: String::new(),
            kind,
            from,
            to: to.map_or_else(|_| user.to_owned(), |uri| uri.spelled().to_owned()),
            content: None,
            text: None,
            metadata: Metadata::default(),
            duration: None,
            subscript_id: None,
            presence: None,
            passage: None,
        }
    }

    /// What a notice of the moment says: what became of a message, or how somebody is.
    fn courtesy(&self, line: &Line) -> Notice {
        let words = line.param(1);
        if let Some((who, basic)) = presence_told(words) {
            let mut seen = self.blank(Kind::Notify, who.to_owned(), line.param(0));
            seen.presence = Some(Presence::new(Tuple::new(who, basic), Vec::new()));
            return Notice::Seen(Box::new(seen));
        }
        let response = match told(words) {
            Some(Status::Indeterminant) => Response::indeterminant(Code::Timeout, words),
            _ => Response::failure(Code::Refused, words),
        };
        Notice::Told(Told { tag: self.tag_of(words), response })
    }

    /// A message, as its reader sees it. The relay says in each line for whom it writes.
    fn letter(&self, ticket: String, lines: &[Line]) -> Notice {
        let nick = lines.first().map_or("", Line::nick);
        let by_relay = |line: &Line| match nick == RELAY {
            true => line
                .param(1)
                .strip_prefix('<')?
                .split_once("> ")
                .map(|(of, text)| (of.to_owned(), text.to_owned())),
            false => None,
        };
        let from = lines.first().and_then(by_relay).map_or_else(|| nick.to_owned(), |(of, _)| of);
        let mut seen = self.blank(Kind::Message, from, lines.first().map_or("", |line| line.param(0)));
        let text = |line: &Line| by_relay(line).map_or_else(|| line.param(1).to_owned(), |(_, text)| text);
        // A blank line is a space on IRC.
        let text: Vec<String> = lines.iter().map(|line| text(line).trim_end().to_owned()).collect();
        seen.ticket = ticket;
        seen.text = Some(text.join("\n"));
        seen.metadata.automatic = lines.first().is_some_and(|line| line.command == "NOTICE");
        Notice::Seen(Box::new(seen))
    }

    fn number_of(&self, user: &Uri) -> usize {
        match self.mapper.resident(user.address()) {
            Ok(Some(Local::Route(foreign))) => usize::from(foreign.value().ends_with(USERS[1])),
            _ => 0,
        }
    }
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        self.server.rise(&USERS).await
    }

    async fn leave(&mut self) {
        self.server.fall();
        self.read.clear();
        while self.events.try_recv().is_ok() {}
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let typed = typed(sent)?;
        let user = USERS.get(sender(sent)).copied().unwrap_or_default();
        let Some(connection) = self.server.number_of(&typed.0) else {
            // The network says so itself.
            let response = Response::failure(Code::Unreachable, "No such nick");
            self.read.push_back(Notice::Told(Told { tag: sent.tag.clone(), response }));
            return Ok(());
        };
        self.remember(sent, &typed.1);
        self.server.tell(connection, line(user, &typed, ""));
        Ok(())
    }

    /// The server goes down in the middle of a line.
    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError> {
        let typed = typed(sent)?;
        let user = USERS.get(sender(sent)).copied().unwrap_or_default();
        let line = line(user, &typed, "");
        let part = line.as_bytes().get(..octets.min(line.len())).unwrap_or_default().to_vec();
        let connection = self.connection(&typed.0)?;
        self.server.tell(connection, part);
        self.server.hang_up(connection);
        // A line without its LF is a line (RFC 1459 section 8), but not one without its end.
        Ok(octets + 1 < line.len())
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let honest = Sent { passage: None, ..sent.clone() };
        let tags = if sent.passage.is_some() { "+cpim-gateway/envelope=AAAAAAAA;" } else { "" };
        let forged = line("forger", &typed(&honest)?, tags);
        self.server.tell(self.connection(RELAY)?, forged);
        Ok(())
    }

    /// A user sends to the seat what only its server may say.
    async fn forge_answer(&mut self, ticket: &str, _response: &Response) -> Result<(), PeerError> {
        let (connection, fence, _) = taken_apart(ticket)?;
        let (of, to) = (USERS[1], self.server.nick_of(connection));
        let line = format!(":{of}!{of}@{HOST} NOTICE {to} :\u{1}PONG {fence}\u{1}\r\n");
        self.server.tell(connection, line);
        Ok(())
    }

    /// The server has gone mad, and comes to itself at the next line.
    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        let octets = [octets, b"\r\n"].concat();
        self.server.tell(self.connection(RELAY)?, octets);
        Ok(())
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        if let Some(notice) = self.read.pop_front() {
            return Ok(notice);
        }
        match self.events.recv().await.ok_or_else(|| failed("the network is gone"))? {
            Event::Courtesy(line) => Ok(self.courtesy(&line)),
            Event::Letter { connection, fence, lines } => {
                let to = lines.first().map_or("", |line| line.param(0));
                Ok(self.letter(format!("{connection} {fence} {to}"), &lines))
            }
        }
    }

    /// What the server says of it is the answer. Where nothing more than having taken it is ever said, there is none.
    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        if !self.server.holds || response.status() == Status::Indeterminant {
            return Err(PeerError::Unutterable);
        }
        let (connection, fence, to) = taken_apart(ticket)?;
        let nick = self.server.nick_of(connection);
        if response.status() == Status::Failure {
            let numeric = match response.code() {
                Some(Code::Unreachable) => "401",
                Some(Code::TooLarge) => "417",
                _ => "404",
            };
            self.server.tell(connection, format!(":s {numeric} {nick} {to} :No\r\n"));
        }
        self.server.tell(connection, format!(":s PONG s :{fence}\r\n"));
        Ok(())
    }

    async fn show_presence(&mut self, user: &ImUri, presence: &Presence) -> Result<(), PeerError> {
        let user = USERS.get(self.number_of(user.as_uri())).copied().unwrap_or_default();
        match presence.basic() {
            Basic::Open => self.server.comes(user),
            Basic::Closed => self.server.goes(user),
        }
        Ok(())
    }

    fn private(&self) -> Vec<String> {
        self.secrets.clone()
    }
}
