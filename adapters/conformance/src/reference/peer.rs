//! A peer of the toy protocol, as the kit wants one.

use std::collections::VecDeque;
use std::net::SocketAddr;

use async_trait::async_trait;
use cpim_adapter::{ImUri, Kind, Mapper, Operation, Presence, Response};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::connection::next;
use super::wire::{Line, Lines};
use super::{Manner, map};
use crate::subject::{ForeignPeer, Notice, PeerError, Seen, Sent, Told};

const USERS: [&str; 2] = ["example.com/user0", "example.com/user1"];

/// A peer with two users.
pub(super) struct Peer {
    address: SocketAddr,
    manner: Manner,
    mapper: Mapper,
    open: Option<(OwnedReadHalf, OwnedWriteHalf, Lines)>,
    /// What came while it waited for something else.
    came: VecDeque<Notice>,
}

impl Peer {
    pub(super) fn new(address: SocketAddr, manner: Manner, mapper: Mapper) -> Self {
        Self { address, manner, mapper, open: None, came: VecDeque::new() }
    }

    async fn connect(&self, users: &[&str]) -> Result<(OwnedReadHalf, OwnedWriteHalf, Lines), PeerError> {
        let (mut reader, mut writer) = TcpStream::connect(self.address).await?.into_split();
        let hello = users.iter().fold(Line::new("HELLO"), |line, user| line.with("user", user));
        let hello = match self.manner {
            Manner::Whole => hello.with("remembers", "60"),
            Manner::Modest => hello,
        };
        writer.write_all(&hello.write()).await?;
        let mut lines = Lines::default();
        match next(&mut reader, &mut lines).await {
            Ok(Some(line)) if line.verb == "WELCOME" => Ok((reader, writer, lines)),
            other => Err(PeerError::Failed(format!("not welcome: {other:?}"))),
        }
    }

    async fn write(&mut self, line: &Line) -> Result<(), PeerError> {
        let Some((_, writer, _)) = &mut self.open else {
            return Err(PeerError::Failed("not connected".to_owned()));
        };
        Ok(writer.write_all(&line.write()).await?)
    }

    /// The next line that comes.
    async fn line_in(&mut self) -> Result<Line, PeerError> {
        let Some((reader, _, lines)) = &mut self.open else {
            return Err(PeerError::Failed("not connected".to_owned()));
        };
        match next(reader, lines).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => Err(PeerError::Failed("the adapter hung up".to_owned())),
            Err(_) => Err(PeerError::Failed("what came is no line".to_owned())),
        }
    }

    /// What a line means; nothing where it only says that something was taken.
    fn notice(&self, line: &Line) -> Result<Option<Notice>, PeerError> {
        if line.verb == "TAKEN" {
            return Ok(None);
        }
        if let Some((tag, response)) = map::answered(line) {
            return Ok(Some(Notice::Told(Told { tag: tag.to_owned(), response })));
        }
        let unread = || PeerError::Failed(format!("what came is no operation: {}", line.verb));
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&line.verb));
        let to = line.text("to").ok_or_else(unread)?;
        let named = self.mapper.map(&format!("pepp://{to}"), cpim_adapter::Class::Im);
        let operation = map::operation(line, &self.mapper);
        let metadata = match &operation {
            Some(Operation::Message(message)) => message.metadata.clone(),
            _ => cpim_adapter::Metadata::default(),
        };
        let (hops, id, via) = map::passage(line);
        Ok(Some(Notice::Seen(Box::new(Seen {
            ticket: line.text("tag").ok_or_else(unread)?.to_owned(),
            kind: kind.ok_or_else(unread)?,
            from: line.text("from").ok_or_else(unread)?.to_owned(),
            to: named.map_or_else(|_| to.to_owned(), |uri| uri.spelled().to_owned()),
            content: line.octets("content").and_then(|_| map::content(line)),
            text: line.text("text").map(str::to_owned),
            metadata,
            duration: line.text("duration").and_then(|text| text.parse().ok()),
            subscript_id: line.text("sub").and_then(|id| id.parse().ok()),
            presence: map::presence(line),
            passage: hops.zip(id).map(|(hops, id)| cpim_adapter::Passage {
                id,
                hops,
                via,
                wait: map::wait(line),
            }),
        }))))
    }

    /// What is sent, as a line. Nothing where the manner cannot say it.
    fn line(&self, sent: &Sent) -> Option<Line> {
        if self.manner == Manner::Modest {
            match &sent.operation {
                Operation::Message(message)
                    if message.metadata.is_empty()
                        && map::is_text(&message.content)
                        && sent.passage.is_none() => {}
                _ => return None,
            }
        }
        let line = map::line(&sent.operation, &self.mapper, self.manner);
        let line = match &sent.reply_to {
            Some(to) => {
                // The first of a name counts.
                let replied = Line::new(&line.verb).with("to", to);
                line.all_fields()
                    .filter(|(name, _)| *name != "to")
                    .fold(replied, |line, (name, value)| line.with(name, value))
            }
            None => line,
        };
        let line = line.with("tag", &sent.tag);
        Some(match &sent.passage {
            Some(passage) => map::with_passage(line, passage),
            None => line,
        })
    }
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        self.open = Some(self.connect(&USERS).await?);
        Ok(())
    }

    async fn leave(&mut self) {
        self.open = None;
        self.came.clear();
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let line = self.line(sent).ok_or(PeerError::Unutterable)?;
        self.write(&line).await?;
        // Without other answers, what was sent counts once it is said to be taken.
        while self.manner == Manner::Modest {
            let line = self.line_in().await?;
            if line.verb == "TAKEN" && line.text("tag") == Some(&sent.tag) {
                break;
            }
            let Some(notice) = self.notice(&line)? else { continue };
            let is_word = matches!(&notice, Notice::Told(told) if told.tag == sent.tag);
            self.came.push_back(notice);
            if is_word {
                break;
            }
        }
        Ok(())
    }

    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError> {
        let line = self.line(sent).ok_or(PeerError::Unutterable)?.write();
        let Some((_, mut writer, _)) = self.open.take() else {
            return Err(PeerError::Failed("not connected".to_owned()));
        };
        let part = line.get(..octets.min(line.len())).unwrap_or_default();
        writer.write_all(part).await?;
        writer.shutdown().await?;
        Ok(octets < line.len())
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let line = self.line(sent).ok_or(PeerError::Unutterable)?;
        let (_, mut writer, _) = self.connect(&["example.com/forger"]).await?;
        writer.write_all(&line.write()).await?;
        writer.shutdown().await?;
        Ok(())
    }

    async fn forge_answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        if self.manner == Manner::Modest {
            return Err(PeerError::Unutterable);
        }
        let (_, mut writer, _) = self.connect(&["example.com/forger"]).await?;
        writer.write_all(&map::answer(ticket, response).write()).await?;
        writer.shutdown().await?;
        Ok(())
    }

    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        let mut stream = TcpStream::connect(self.address).await?;
        // Whoever hangs up in the middle of it is right.
        drop(stream.write_all(octets).await);
        Ok(())
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        if let Some(notice) = self.came.pop_front() {
            return Ok(notice);
        }
        loop {
            let line = self.line_in().await?;
            if let Some(notice) = self.notice(&line)? {
                return Ok(notice);
            }
        }
    }

    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        match self.manner {
            Manner::Whole => self.write(&map::answer(ticket, response)).await,
            Manner::Modest => Err(PeerError::Unutterable),
        }
    }

    async fn show_presence(&mut self, user: &ImUri, presence: &Presence) -> Result<(), PeerError> {
        if self.manner == Manner::Whole {
            return Err(PeerError::Unutterable);
        }
        let foreign = map::foreign(user.as_uri(), &self.mapper).ok_or(PeerError::Unutterable)?;
        let line = Line::new("PRESENCE")
            .with("user", foreign.value())
            .with("tuple", format!("{}||", presence.basic()));
        self.write(&line).await
    }

    fn private(&self) -> Vec<String> {
        vec![self.address.to_string(), self.address.ip().to_string()]
    }
}
