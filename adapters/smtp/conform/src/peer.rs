//! A mail server and its users.

use std::collections::VecDeque;
use std::net::SocketAddr;

use async_trait::async_trait;
use cpim_adapter::{
    Basic, Class, Code, Kind, Local, Mapper, Operation, Passage, Presence, Response, Status, Tuple,
};
use cpim_conformance::{ForeignPeer, Notice, PeerError, Seen, Sent, Told};
use tokio::net::TcpListener;

use crate::client::{Client, Outgoing};
use crate::failed;
use crate::mail;
use crate::server::{Got, Server};

/// The peer.
pub(crate) struct Peer {
    adapter: SocketAddr,
    address: SocketAddr,
    mapper: Mapper,
    /// The listener, before it is first used.
    bound: Option<TcpListener>,
    server: Option<Server>,
    client: Option<Client>,
    /// What a reply to its mail said already.
    told: VecDeque<Told>,
}

impl Peer {
    pub(crate) fn new(adapter: SocketAddr, bound: TcpListener, mapper: Mapper) -> Result<Self, PeerError> {
        let address = bound.local_addr()?;
        let told = VecDeque::new();
        Ok(Self { adapter, address, mapper, bound: Some(bound), server: None, client: None, told })
    }

    /// The mailbox by which a URI is reached through the gateway; a user of mail has his own.
    fn mailbox(&self, uri: &cpim_adapter::Uri) -> Result<String, PeerError> {
        if let Ok(Some(Local::Route(foreign))) = self.mapper.resident(uri.address()) {
            return Ok(foreign.value().to_owned());
        }
        let foreign = uri.address().to_string();
        let mapped = self.mapper.map(&foreign, Class::Im).map_err(|_| PeerError::Unutterable)?;
        let (local, domain) = (mapped.address().local(), mapped.address().domain());
        match local.len() <= 64 {
            true => Ok(format!("{local}@{domain}")),
            // Nobody can write that in mail.
            false => Err(PeerError::Unutterable),
        }
    }

    fn outgoing(&self, sent: &Sent) -> Result<Outgoing, PeerError> {
        let Operation::Message(message) = &sent.operation else { return Err(PeerError::Unutterable) };
        if sent.passage.is_some() {
            return Err(PeerError::Unutterable);
        }
        let from = match self.mailbox(message.source.as_uri())? {
            own if own.ends_with("@mail.example") => own,
            // Somebody else's address, as somebody who forges it writes it.
            _ => message.source.spelled().trim_start_matches("im:").to_owned(),
        };
        let to = match &sent.reply_to {
            Some(mailbox) => mailbox.clone(),
            None => self.mailbox(message.destination.as_uri())?,
        };
        let octets = mail::write(message, &sent.tag, &from, &to).ok_or(PeerError::Unutterable)?;
        Ok(Outgoing { from: Some(from), to, envid: Some(sent.tag.clone()), octets })
    }

    /// Sends a mail on the one connection there is. Cancelled, that connection is given up.
    async fn hand_over(&mut self, mail: &Outgoing) -> Result<Option<String>, PeerError> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => Client::connect(self.adapter).await?,
        };
        let refused = client.send(mail).await?;
        // A server may hang up on whoever has been refused often (RFC 5321 section 3.8).
        self.client = Some(client).filter(|_| refused.is_none());
        Ok(refused)
    }

    fn read(&self, got: Got) -> Result<Notice, PeerError> {
        if got.from.is_empty()
            && let Some((tag, status)) = mail::reported(&got.octets)
        {
            let response = match status {
                Status::Success => Response::success(),
                Status::Failure => Response::failure(Code::Refused, "reported"),
                Status::Indeterminant => Response::indeterminant(Code::Timeout, "reported"),
            };
            return Ok(Notice::Told(Told { tag, response }));
        }
        let read = mail::read(&got.octets).ok_or_else(|| failed("a mail that nobody can read"))?;
        let user = self.mapper.map(&format!("mailto:{}", got.to), Class::Im).map_err(failed)?;
        let envid = got.envid.unwrap_or_default();
        let presence = read.is_notice.then(|| presence_of(&read)).flatten();
        Ok(Notice::Seen(Box::new(Seen {
            ticket: format!("{envid} {} {}", got.to, got.from),
            kind: if read.is_notice { Kind::Notify } else { Kind::Message },
            from: read.from,
            to: user.spelled().to_owned(),
            content: Some(read.content),
            text: read.text,
            metadata: read.metadata,
            duration: None,
            subscript_id: None,
            presence,
            passage: None,
        })))
    }
}

/// What a person reads out of a mail about presence.
fn presence_of(read: &mail::Read) -> Option<Presence> {
    let subject = &read.metadata.subjects.first()?.text;
    let (whom, is) = subject.rsplit_once(" is ")?;
    let status = if is == "available" { Basic::Open } else { Basic::Closed };
    let tuple = Tuple { destination: whom.into(), status, markup: "".into(), namespaces: Vec::new() };
    Some(Presence::new(tuple, Vec::new()))
}

#[async_trait]
impl ForeignPeer for Peer {
    async fn arrive(&mut self) -> Result<(), PeerError> {
        if self.server.is_none() {
            let listener = match self.bound.take() {
                Some(listener) => listener,
                None => TcpListener::bind(self.address).await?,
            };
            self.server = Some(Server::new(listener));
        }
        self.client = Some(Client::connect(self.adapter).await?);
        Ok(())
    }

    async fn leave(&mut self) {
        (self.server, self.client) = (None, None);
    }

    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let mail = self.outgoing(sent)?;
        if let Some(reply) = self.hand_over(&mail).await? {
            let code = if reply.starts_with('4') { Code::Busy } else { Code::Refused };
            self.told.push_back(Told { tag: sent.tag.clone(), response: Response::failure(code, reply) });
        }
        Ok(())
    }

    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError> {
        let mail = self.outgoing(sent)?;
        Client::connect(self.adapter).await?.send_cut(&mail, octets).await
    }

    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError> {
        let honest = Sent { passage: None, ..sent.clone() };
        let mut mail = self.outgoing(&honest)?;
        if let Some(Passage { id, hops, via, .. }) = &sent.passage {
            let via: Vec<&str> = via.iter().map(cpim_adapter::Domain::as_str).collect();
            let forged = format!(
                "CPIM-Envelope: AAAAAAAAAAAAAAAA\r\nCPIM-Max-Forwards: {hops}\r\nCPIM-Operation-ID: {}\r\nCPIM-Via: {}\r\n",
                id.as_str(),
                via.join(", ")
            );
            mail.octets = [forged.as_bytes(), &mail.octets].concat();
        }
        let mut client = Client::connect(self.adapter).await?;
        // Refused or not, the kit sees what became of it.
        client.send(&mail).await.map(drop)
    }

    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError> {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = tokio::net::TcpStream::connect(self.adapter).await?;
        // Whoever hangs up in the middle of it is right.
        drop(stream.write_all(octets).await);
        Ok(())
    }

    async fn next(&mut self) -> Result<Notice, PeerError> {
        if let Some(told) = self.told.pop_front() {
            return Ok(Notice::Told(told));
        }
        let server = self.server.as_mut().ok_or_else(|| failed("not there"))?;
        let got = server.next().await.ok_or_else(|| failed("no server"))?;
        self.read(got)
    }

    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError> {
        let mut parts = ticket.split(' ');
        let (envid, recipient) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let to = parts.next().map_or_else(|| format!("b={ticket}-made-up@gw.example"), str::to_owned);
        let octets = mail::report(envid, recipient, &to, response.status());
        // A report that the adapter does not believe is refused, and that is the end of it.
        self.hand_over(&Outgoing { from: None, to, envid: None, octets }).await.map(drop)
    }

    fn private(&self) -> Vec<String> {
        vec![self.address.to_string(), self.address.ip().to_string()]
    }
}
