//! Two users of the network.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use async_trait::async_trait;
use cpim_adapter::{
    Basic, Class, Code, ImUri, Kind, Local, Mapper, Message, Metadata, Operation, Presence, Response, Status,
    Tuple, Uri,
};
use cpim_conformance::{ForeignPeer, Notice, PeerError, Seen, Sent, Told};

use crate::client::Client;
use crate::failed;
use crate::line::Line;

/// The users.
pub(crate) const USERS: [&str; 2] = ["user0", "user1"];

/// Octets of a text that fit into a line, whoever it goes to.
const MOST: usize = 350;

/// How an answer begins that was kept.
const KEPT: &str = "A message that you sent before you left";

/// The peer.
pub(crate) struct Peer {
    address: SocketAddr,
    mapper: Mapper,
    clients: [Option<Client>; 2],
    /// Which message was sent to a target last, for words that come without a label.
    last: HashMap<String, String>,
    /// What came behind one ping, and was not asked for yet.
    read: VecDeque<Notice>,
}

/// The user who sends an operation.
pub(crate) fn sender(sent: &Sent) -> usize {
    usize::from(sent.operation.speaks_for().spelled().contains(USERS[1]))
}

/// A message that a user can say, in one line, and its text.
pub(crate) fn uttered(sent: &Sent) -> Result<(&Message, String), PeerError> {
    let Operation::Message(message) = &sent.operation else { return Err(PeerError::Unutterable) };
    let Metadata { automatic, .. } = message.metadata;
    let said = Metadata { automatic, ..Metadata::default() };
    if message.metadata != said || sent.passage.is_some() {
        return Err(PeerError::Unutterable);
    }
    let is_text = message.content.is("text/plain");
    let body = message.content.body();
    let text = std::str::from_utf8(&body).map_err(|_| PeerError::Unutterable)?;
    let is_line = !text.is_empty() && text.len() <= MOST && !text.chars().any(|c| c.is_ascii_control());
    match is_text && is_line {
        true => Ok((message, text.to_owned())),
        false => Err(PeerError::Unutterable),
    }
}

/// An operation as a line, and its target.
fn line(sent: &Sent) -> Result<(String, String), PeerError> {
    let (message, text) = uttered(sent)?;
    let verb = if message.metadata.automatic { "NOTICE" } else { "PRIVMSG" };
    let target = match &sent.reply_to {
        Some(nick) => nick.clone(),
        None => message.destination.spelled().to_owned(),
    };
    Ok((format!("@label={} {verb} {target} :{text}", sent.tag), target))
}

/// The messages that lines are: each line after the first has the first one's name and a number.
fn messages(lines: &[Line]) -> Vec<&[Line]> {
    let id = |line: &Line| line.tag("msgid").unwrap_or_default().to_owned();
    let (mut messages, mut begin) = (Vec::new(), 0);
    for at in 1..=lines.len() {
        let first = lines.get(begin).map(id).unwrap_or_default();
        let goes_on = lines.get(at).is_some_and(|line| id(line) == format!("{first}-{}", at - begin + 1));
        if !goes_on {
            messages.extend(lines.get(begin..at));
            begin = at;
        }
    }
    messages
}

impl Peer {
    pub(crate) fn new(address: SocketAddr, mapper: Mapper) -> Self {
        Self { address, mapper, clients: [None, None], last: HashMap::new(), read: VecDeque::new() }
    }

    fn client(&mut self, at: usize) -> Result<&mut Client, PeerError> {
        self.clients.get_mut(at).and_then(Option::as_mut).ok_or_else(|| failed("not there"))
    }

    fn number_of(&self, user: &Uri) -> usize {
        match self.mapper.resident(user.address()) {
            Ok(Some(Local::Route(foreign))) => usize::from(foreign.value().ends_with(USERS[1])),
            _ => 0,
        }
    }

    /// What a line means to the user who sees it; nothing where that is not the kit's affair.
    fn notice(&mut self, at: usize, line: Line) -> Result<Option<Notice>, PeerError> {
        let told = |tag: String, response| Ok(Some(Notice::Told(Told { tag, response })));
        match line.command.as_str() {
            "PRIVMSG" | "NOTICE" if line.source.contains('!') => {
                self.client(at)?.lines.push(line);
                Ok(None)
            }
            "NOTICE" if line.param(1).starts_with(KEPT) => {
                let response = match line.param(1).contains("indeterminant") {
                    true => Response::indeterminant(Code::Timeout, line.param(1)),
                    false => Response::failure(Code::Refused, line.param(1)),
                };
                told(String::new(), response)
            }
            "PING" => {
                let lines = std::mem::take(&mut self.client(at)?.lines);
                let seen: Vec<Notice> =
                    messages(&lines).into_iter().map(|lines| self.seen(at, line.param(0), lines)).collect();
                self.read.extend(seen);
                Ok(self.read.pop_front())
            }
            "730" | "731" => {
                let status = if line.command == "730" { Basic::Open } else { Basic::Closed };
                let whom = line.param(1).split('!').next().unwrap_or_default().to_owned();
                let tuple = Tuple {
                    destination: whom.as_str().into(),
                    status,
                    markup: "".into(),
                    namespaces: Vec::new(),
                };
                let mut seen = self.blank(at, Kind::Notify, whom);
                seen.presence = Some(Presence::new(tuple, Vec::new()));
                Ok(Some(Notice::Seen(Box::new(seen))))
            }
            "401" | "404" | "531" | "FAIL" | "WARN" => {
                let words = line.params.last().cloned().unwrap_or_default();
                let target = line.params.iter().rev().nth(1).cloned().unwrap_or_default();
                let tag = line.tag("label").map(str::to_owned).or_else(|| self.last.get(&target).cloned());
                let Some(tag) = tag else { return Ok(None) };
                match line.command.as_str() {
                    "WARN" => told(tag, Response::indeterminant(Code::Timeout, words)),
                    "FAIL" => told(tag, Response::failure(Code::Busy, words)),
                    _ => told(tag, Response::failure(Code::Refused, words)),
                }
            }
            _ => Ok(None),
        }
    }

    fn blank(&self, at: usize, kind: Kind, from: String) -> Seen {
        let user = USERS.get(at).copied().unwrap_or_default();
        let to = self.mapper.map(&format!("irc://{}/{user}", crate::NETWORK), Class::Im);
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

    /// The message whose end the server's ping is.
    fn seen(&self, at: usize, token: &str, lines: &[Line]) -> Notice {
        let from = lines.first().map_or("", Line::nick);
        let mut seen = self.blank(at, Kind::Message, from.to_owned());
        // A blank line is a space on IRC.
        let text: Vec<&str> = lines.iter().map(|line| line.param(1).trim_end()).collect();
        seen.ticket = format!("{at} {token}");
        seen.text = Some(text.join("\n"));
        seen.metadata.automatic = lines.first().is_some_and(|line| line.command == "NOTICE");
        Notice::Seen(Box::new(seen))
    }
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        for (client, user) in self.clients.iter_mut().zip(USERS) {
            if client.is_none() {
                *client = Some(Client::log_in(self.address, user).await?);
            }
        }
        Ok(())
    }

    async fn leave(&mut self) {
        self.clients = [None, None];
        self.read.clear();
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let (line, target) = line(sent)?;
        self.last.insert(target, sent.tag.clone());
        self.client(sender(sent))?.send(&line).await
    }

    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError> {
        let (line, _) = line(sent)?;
        let line = format!("{line}\r\n");
        let part = line.as_bytes().get(..octets.min(line.len())).unwrap_or_default().to_vec();
        let at = sender(sent);
        self.client(at)?.send_octets(&part).await?;
        if let Some(client) = self.clients.get_mut(at).and_then(Option::take) {
            client.hang_up().await;
        }
        // A line without its LF is a line (RFC 1459 section 8), but not one without its end.
        Ok(octets + 1 < line.len())
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let honest = Sent { passage: None, ..sent.clone() };
        let (line, _) = line(&honest)?;
        let forged = match sent.passage {
            Some(_) => line.replacen("@label=", "@+cpim-gateway/envelope=AAAAAAAA;label=", 1),
            None => line,
        };
        let mut forger = Client::come(self.address, "forger").await?;
        forger.send(&forged).await?;
        forger.hang_up().await;
        Ok(())
    }

    async fn forge_answer(&mut self, ticket: &str, _response: &Response) -> Result<(), PeerError> {
        let (_, token) = ticket.split_once(' ').ok_or(PeerError::Unutterable)?;
        let pong = format!("PONG {token}");
        self.client(1)?.send(&pong).await
    }

    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = tokio::net::TcpStream::connect(self.address).await?;
        // Whoever hangs up in the middle of it is right.
        drop(stream.write_all(octets).await);
        Ok(())
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        if let Some(notice) = self.read.pop_front() {
            return Ok(notice);
        }
        loop {
            let (at, line) = match &mut self.clients {
                [Some(first), Some(second)] => tokio::select! {
                    line = first.next() => (0, line?),
                    line = second.next() => (1, line?),
                },
                [Some(first), None] => (0, first.next().await?),
                [None, Some(second)] => (1, second.next().await?),
                [None, None] => return Err(failed("not there")),
            };
            if let Some(notice) = self.notice(at, line)? {
                return Ok(notice);
            }
        }
    }

    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        // A client says that it has something, and nothing else.
        if response.status() != Status::Success {
            return Err(PeerError::Unutterable);
        }
        let (at, token) = ticket.split_once(' ').unwrap_or(("0", ticket));
        let pong = format!("PONG {token}");
        self.client(usize::from(at == "1"))?.send(&pong).await
    }

    async fn show_presence(&mut self, user: &ImUri, presence: &Presence) -> Result<(), PeerError> {
        let at = self.number_of(user.as_uri());
        let nick = USERS.get(at).copied().unwrap_or_default();
        let Some(client) = self.clients.get_mut(at) else { return Ok(()) };
        match (presence.basic(), client.is_some()) {
            (Basic::Open, false) => *client = Some(Client::log_in(self.address, nick).await?),
            (Basic::Closed, true) => *client = None,
            _ => {}
        }
        Ok(())
    }

    async fn watch(&mut self, user: &ImUri, target: &Uri) -> Result<(), PeerError> {
        let at = self.number_of(user.as_uri());
        let whom = target.spelled().trim_start_matches("pres:");
        let line = format!("MONITOR + {whom}");
        self.client(at)?.send(&line).await
    }

    fn private(&self) -> Vec<String> {
        vec![self.address.to_string(), self.address.ip().to_string()]
    }
}
