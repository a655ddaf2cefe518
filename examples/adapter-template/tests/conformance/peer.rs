//! Two users of LINES, played octet by octet. It shares no code with the adapter.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Basic, Class, ImUri, Kind, Local, Mapper, Metadata, Operation, Presence, Response, Status, Uri,
};
use cpim_conformance::{ForeignPeer, Notice, PeerError, Seen, Sent, Told};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const NAMES: [&str; 2] = ["user0", "user1"];

fn failed(what: impl ToString) -> PeerError {
    PeerError::Failed(what.to_string())
}

/// Somebody who has said who he is.
struct Person {
    stream: BufReader<TcpStream>,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Person {
    async fn connect(address: SocketAddr, name: &str) -> Result<Self, PeerError> {
        /// For a connection before this one to end, whose name is then free.
        const TRIES: usize = 500;
        for _ in 0..TRIES {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut person = Self { stream: BufReader::new(stream), begun: Vec::new() };
            person.say(format!("I {name}\n").as_bytes()).await?;
            if person.line().await? == format!("hello {name}") {
                return Ok(person);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(failed(format!("{name} is not free")))
    }

    async fn say(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        Ok(self.stream.get_mut().write_all(octets).await?)
    }

    /// The next line.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is lost: what has come stays in `begun`.
    async fn line(&mut self) -> Result<String, PeerError> {
        self.stream.read_until(b'\n', &mut self.begun).await?;
        let line = String::from_utf8(std::mem::take(&mut self.begun)).map_err(failed)?;
        line.strip_suffix('\n').map(str::to_owned).ok_or_else(|| failed("the adapter hung up"))
    }
}

/// The users.
pub(crate) struct Peer {
    address: SocketAddr,
    mapper: Mapper,
    people: [Option<Person>; 2],
}

impl Peer {
    pub(crate) const fn new(address: SocketAddr, mapper: Mapper) -> Self {
        Self { address, mapper, people: [None, None] }
    }

    /// Which of the users an address is.
    fn number(&self, uri: &Uri) -> Option<usize> {
        match self.mapper.resident(uri.address()) {
            Ok(Some(Local::Route(foreign))) => NAMES.iter().position(|name| *name == foreign.value()),
            _ => None,
        }
    }

    fn person(&mut self, number: usize) -> Result<&mut Person, PeerError> {
        self.people.get_mut(number).and_then(Option::as_mut).ok_or_else(|| failed("not connected"))
    }

    /// A message as a user types it. Nothing where LINES cannot say it.
    fn typed(sent: &Sent) -> Result<String, PeerError> {
        let Operation::Message(message) = &sent.operation else { return Err(PeerError::Unutterable) };
        let body = message.content.body();
        let text = std::str::from_utf8(&body).map_err(|_| PeerError::Unutterable)?;
        let is_text = message.content.is("text/plain");
        let one_line = !text.is_empty() && text == text.trim() && !text.contains(['\r', '\n', '\0']);
        let to = sent.reply_to.as_deref().unwrap_or_else(|| message.destination.spelled());
        let line = format!("to {to} {} {text}\n", sent.tag);
        let is_sayable = is_text && one_line && message.metadata.is_empty() && sent.passage.is_none();
        match is_sayable && line.len() <= 1_000 {
            true => Ok(line),
            false => Err(PeerError::Unutterable),
        }
    }

    /// What a line means to the user who reads it.
    fn read(&self, number: usize, line: &str) -> Result<Notice, PeerError> {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let status = match words.first() {
            Some(&"from") => return self.seen(number, &words),
            Some(&"ok") => Status::Success,
            Some(&"no") => Status::Failure,
            Some(&"maybe") => Status::Indeterminant,
            _ => return Err(failed(format!("what came is no word of LINES: {line}"))),
        };
        let tag = words.get(1).copied().unwrap_or_default().to_owned();
        let text = words.get(2..).unwrap_or_default().join(" ");
        Ok(Notice::Told(Told { tag, response: Response::from_text(status, &text) }))
    }

    fn seen(&self, number: usize, words: &[&str]) -> Result<Notice, PeerError> {
        let [_, from, ticket, rest @ ..] = words else { return Err(failed("a message without a number")) };
        let name = NAMES.get(number).copied().unwrap_or_default();
        let user = self.mapper.map(&format!("lines:{name}"), Class::Im).map_err(failed)?;
        Ok(Notice::Seen(Box::new(Seen {
            ticket: format!("{number} {ticket}"),
            kind: Kind::Message,
            from: (*from).to_owned(),
            to: user.spelled().to_owned(),
            content: None,
            text: Some(rest.join(" ")),
            metadata: Metadata::default(),
            duration: None,
            subscript_id: None,
            presence: None,
            passage: None,
        })))
    }

    /// Somebody, by his number, says that he has the message of this ticket.
    async fn acknowledge(
        &mut self,
        number: usize,
        ticket: &str,
        response: &Response,
    ) -> Result<(), PeerError> {
        // Nobody can refuse.
        if response.status() != Status::Success {
            return Err(PeerError::Unutterable);
        }
        let shown: u64 =
            ticket.rsplit(' ').next().and_then(|shown| shown.parse().ok()).ok_or(PeerError::Unutterable)?;
        self.person(number)?.say(format!("got {shown}\n").as_bytes()).await
    }
}

fn number_of(ticket: &str) -> usize {
    ticket.split_once(' ').and_then(|(number, _)| number.parse().ok()).unwrap_or_default()
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        for (person, name) in self.people.iter_mut().zip(NAMES) {
            if person.is_none() {
                *person = Some(Person::connect(self.address, name).await?);
            }
        }
        Ok(())
    }

    async fn leave(&mut self) {
        self.people = [None, None];
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let line = Self::typed(sent)?;
        let number = self.number(sent.operation.speaks_for()).ok_or(PeerError::Unutterable)?;
        self.person(number)?.say(line.as_bytes()).await
    }

    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError> {
        let line = Self::typed(sent)?;
        let number = self.number(sent.operation.speaks_for()).ok_or(PeerError::Unutterable)?;
        let part = line.as_bytes().get(..octets).unwrap_or(line.as_bytes());
        let person = self.person(number)?;
        person.say(part).await?;
        person.stream.get_mut().shutdown().await?;
        if let Some(person) = self.people.get_mut(number) {
            *person = None;
        }
        Ok(octets < line.len())
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        // Whom a message is from cannot be said: it is from whoever says it.
        let line = Self::typed(&Sent { passage: None, ..sent.clone() })?;
        Person::connect(self.address, "forger").await?.say(line.as_bytes()).await
    }

    async fn forge_answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        self.acknowledge(1 - number_of(ticket).min(1), ticket, response).await
    }

    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        let mut stream = TcpStream::connect(self.address).await?;
        // Whoever hangs up in the middle of it is right.
        drop(stream.write_all(octets).await);
        Ok(())
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        let (number, line) = match &mut self.people {
            [Some(first), Some(second)] => tokio::select! {
                line = first.line() => (0, line),
                line = second.line() => (1, line),
            },
            [Some(first), None] => (0, first.line().await),
            [None, Some(second)] => (1, second.line().await),
            [None, None] => return Err(failed("not connected")),
        };
        match line {
            Ok(line) => self.read(number, &line),
            Err(error) => {
                if let Some(person) = self.people.get_mut(number) {
                    *person = None;
                }
                Err(error)
            }
        }
    }

    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        self.acknowledge(number_of(ticket), ticket, response).await
    }

    async fn show_presence(&mut self, user: &ImUri, presence: &Presence) -> Result<(), PeerError> {
        let number = self.number(user.as_uri()).ok_or(PeerError::Unutterable)?;
        let line: &[u8] = match presence.basic() {
            Basic::Open => b"here\n",
            Basic::Closed => b"away\n",
        };
        self.person(number)?.say(line).await
    }

    fn private(&self) -> Vec<String> {
        vec![self.address.to_string(), self.address.ip().to_string()]
    }
}
