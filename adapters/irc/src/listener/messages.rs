//! `PRIVMSG` and `NOTICE` of a client: to whom they go, and what it is told of what became of them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cpim_adapter::{
    Address, Class, Code, ImUri, Local, MemoryError, Message, Metadata, Operation, OperationId, Place,
    Response, Status, TransId, Uri,
};
use cpim_irc_proto::text::{Said, content};
use cpim_irc_proto::{Numeric, Origin, Verb};
use tokio::time::Instant;

use super::client::Client;
use super::nick::{fold, is_nick};
use super::session::{Asked, Session, origin_of};
use crate::line::{Line, Request};
use crate::quote::beginning;
use cpim_irc_proto::server::Capability as Cap;

/// How long an echo waits for the outcome, so that it says what became of the message. Clients that show nothing until
/// they see it would else show nothing while a mail is under way.
const ECHO_WAIT: Duration = Duration::from_secs(1);

/// A message that waits for its outcome.
pub(super) struct Sent {
    verb: Verb,
    /// As the client wrote them.
    target: String,
    text: String,
    label: Option<String>,
    at: SystemTime,
    /// As the gateway and its reader have it.
    name: Option<OperationId>,
    /// The client has had its echo, or needs none.
    told: bool,
}

impl Sent {
    /// The gateway has named it.
    pub(super) fn is_called(&mut self, name: Option<OperationId>) {
        self.name = name;
    }
}

/// Why a target is nobody's.
#[derive(Debug)]
pub(super) enum Unresolved {
    BadAddress(String),
    Channel,
    Memory(MemoryError),
    NoSuchNick,
}

/// Whether a request asks for an operation, and needs a place for its answer.
pub(super) fn submits(request: &Request) -> bool {
    matches!(request.command.as_str(), "NOTICE" | "PRIVMSG")
}

impl Session {
    /// Whom a target means: a nick, an address (`fred@a.example`), or a URI.
    pub(super) async fn resolve(&self, target: &str) -> Result<Address, Unresolved> {
        let live = &self.client.live;
        let mapper = live.cx.mapper();
        if target.starts_with(['#', '&', '$', '+', '!']) {
            return Err(Unresolved::Channel);
        }
        let network = self.client.server.name().as_str();
        // A nick in full, as RFC 2812 section 3.3.1 has it, is that nick.
        let nick = match target.split_once('@') {
            Some((name, host)) if host.eq_ignore_ascii_case(network) => {
                name.split_once('!').map_or(name, |(nick, _)| nick)
            }
            _ => target,
        };
        if is_nick(nick) {
            return self.resolve_nick(nick, &mapper).await;
        }
        let uri = match target.split_once(':') {
            Some(("im" | "pres", _)) => mapper.read_any(target).map_err(|error| error.to_string()),
            Some(_) => mapper.map(target, Class::Im).map_err(|error| error.to_string()),
            None if target.contains('@') => {
                mapper.read(&format!("im:{target}"), Class::Im).map_err(|error| error.to_string())
            }
            None => return Err(Unresolved::NoSuchNick),
        };
        uri.map(|uri| uri.address().clone().with_class(Class::Im)).map_err(Unresolved::BadAddress)
    }

    async fn resolve_nick(&self, nick: &str, mapper: &cpim_adapter::Mapper) -> Result<Address, Unresolved> {
        let (server, live) = (&self.client.server, &self.client.live);
        let of_person = |person: &str| {
            let uri = server.uri_of(person, Class::Im, mapper);
            uri.map(|uri: Uri| uri.address().clone()).ok_or(Unresolved::NoSuchNick)
        };
        if let Some(user) = server.users().with_nick(nick) {
            return of_person(&user.face().person());
        }
        if let Some(address) = live.aliases.named(nick, mapper).await.map_err(Unresolved::Memory)? {
            return Ok(address);
        }
        let loaded = self.client.loaded();
        match live.accounts.exists(&loaded.settings.accounts, nick).await.map_err(Unresolved::Memory)? {
            true => of_person(&fold(nick)),
            false => Err(Unresolved::NoSuchNick),
        }
    }

    /// As whom an address appears on this network.
    pub(super) async fn origin(&self, address: &Address) -> Option<Origin> {
        let (server, live) = (&self.client.server, &self.client.live);
        super::delivery::origin(server, live, address).await.ok()
    }

    /// `PRIVMSG`, `NOTICE` (RFC 2812 section 3.3). `place` is none where the gateway had no room in time.
    pub(super) async fn message(&mut self, request: &Request, place: Option<Place>) {
        let notice = request.command == "NOTICE";
        let refused = self.try_message(request, place, notice).await;
        // Nothing answers a notice (RFC 2812 section 3.3.2), but for who labels it.
        if let Err(line) = refused
            && (!notice || request.tag("label").is_some())
        {
            self.client.say(line);
        }
    }

    async fn try_message(
        &mut self,
        request: &Request,
        place: Option<Place>,
        notice: bool,
    ) -> Result<(), Line> {
        let client = &self.client;
        let Some(target) = request.param(0) else {
            let words = format!("No recipient given ({})", request.command);
            return Err(client.numeric(Numeric::ERR_NORECIPIENT).words(words));
        };
        let Some(text) = request.param(1) else {
            return Err(client.numeric(Numeric::ERR_NOTEXTTOSEND).words("No text to send"));
        };
        let of_target = |numeric, words: &str| client.numeric(numeric).param(target).words(words);
        if target.contains(',') && !target.contains('@') {
            return Err(of_target(Numeric::ERR_TOOMANYTARGETS, "One target at a time is accepted"));
        }
        let destination = match self.resolve(target).await {
            Ok(address) => address,
            Err(Unresolved::NoSuchNick) => return Err(of_target(Numeric::ERR_NOSUCHNICK, "No such nick")),
            Err(Unresolved::Channel) => {
                return Err(of_target(Numeric::ERR_CANNOTSENDTOCHAN, "There are no channels here"));
            }
            Err(Unresolved::BadAddress(why)) => {
                return Err(of_target(Numeric::ERR_NOSUCHNICK, &format!("Not an address: {why}")));
            }
            Err(Unresolved::Memory(error)) => {
                tracing::warn!(%error, "a target cannot be looked up");
                return Err(self.busy(&request.command, target));
            }
        };
        let content = match Said::read(text.as_bytes()) {
            Said::Text(text) => content(&text),
            Said::Ctcp { command, .. } => {
                let what = if command.is_empty() { "CTCP".to_owned() } else { format!("CTCP {command}") };
                let words = format!("{what} is for programs, and is not passed on; only ACTION is");
                return Err(of_target(Numeric::ERR_CANNOTSENDTOUSER, &words));
            }
        };
        let Some(place) = place else {
            return Err(self.busy(&request.command, target));
        };
        let Ok(destination) = ImUri::try_from(Uri::from(destination)) else {
            return Err(of_target(Numeric::ERR_NOSUCHNICK, "Not an address"));
        };
        if is_nick(target) {
            let target = target.to_owned();
            self.meet(&target);
        }
        let mapper = self.client.live.cx.mapper();
        self.commands |= matches!(mapper.resident(destination.as_uri().address()), Ok(Some(Local::Gateway)));
        let operation = Operation::Message(Message {
            source: self.me.im.clone(),
            destination,
            content,
            metadata: Metadata { automatic: notice, ..Metadata::default() },
        });
        let label = self.client.defer();
        let echoes = label.is_some() || self.client.caps.has(Cap::EchoMessage);
        let sent = Sent {
            verb: if notice { Verb::NOTICE } else { Verb::PRIVMSG },
            target: target.to_owned(),
            text: text.to_owned(),
            label,
            at: SystemTime::now(),
            name: None,
            told: !echoes,
        };
        if let Some(id) = self.submit(place, operation, false, Asked::Message(sent))
            && echoes
        {
            self.echoes.push_back((Instant::now() + ECHO_WAIT, id));
        }
        Ok(())
    }

    fn busy(&self, command: &str, target: &str) -> Line {
        let words = "Not sent: too much is under way; try again";
        self.client.standard(Verb::FAIL, command, "BUSY", &[target], words)
    }

    /// The echo of a message whose outcome takes its time (echo-message, labeled-response).
    pub(super) fn echo(&mut self, id: &TransId) {
        if let Some(Asked::Message(sent)) = self.asked.get_mut(id)
            && !std::mem::replace(&mut sent.told, true)
        {
            let label = sent.label.take();
            let line = echo_line(&self.client, &self.user.face(), sent);
            self.client.answer(label, line.into_iter().collect());
        }
    }

    /// A message has its outcome. Success needs no words beyond the echo; the rest is told in IRC's way.
    pub(super) fn message_answered(&mut self, mut sent: Sent, response: &Response, id: &TransId) {
        self.echoes.retain(|(_, waiting)| waiting != id);
        let label = sent.label.take();
        let face = self.user.face();
        let echo = if sent.told { None } else { echo_line(&self.client, &face, &sent) };
        let quiet = sent.verb == Verb::NOTICE && label.is_none();
        let client = &self.client;
        let lines = match response.status() {
            Status::Success => {
                let away = response.words().strip_prefix("away: ").filter(|_| !quiet);
                let away =
                    away.map(|words| client.numeric(Numeric::RPL_AWAY).param(&sent.target).words(words));
                echo.into_iter().chain(away).collect()
            }
            Status::Indeterminant => {
                let words = format!(
                    "Sent to {}, but nobody knows whether it arrived: {} (\"{}\")",
                    sent.target,
                    response.text(),
                    beginning(&sent.text)
                );
                let verb = sent.verb.to_string();
                let warning = client.standard(Verb::WARN, &verb, "DELIVERY_UNKNOWN", &[&sent.target], &words);
                echo.into_iter().chain((!quiet).then_some(warning)).collect()
            }
            Status::Failure if quiet => Vec::new(),
            Status::Failure => vec![failure(client, &sent, response)],
        };
        match (label, sent.told) {
            // The label was used up by the echo.
            (None, _) | (_, true) => lines.into_iter().for_each(|line| self.client.wire.push(line)),
            (label, false) => self.client.answer(label, lines),
        }
    }
}

/// A message as its sender sees it.
fn echo_line(client: &Client, face: &super::users::Face, sent: &Sent) -> Option<Line> {
    if !client.caps.has(Cap::EchoMessage) {
        return None;
    }
    let origin = origin_of(face, client.server.name().as_str()).ok()?;
    let line = Line::new(&origin, sent.verb.clone()).param(&sent.target).words(&sent.text);
    let account: Option<Arc<str>> = face.account.clone();
    let name = sent.name.as_ref().map(OperationId::as_str);
    Some(client.tagged(line, sent.at, name, account.as_deref()))
}

/// Why a message was not delivered, in the numeric that says it best.
fn failure(client: &Client, sent: &Sent, response: &Response) -> Line {
    let words = match response.words() {
        "" => "the message was not delivered".to_owned(),
        words => format!("the message was not delivered: {words}"),
    };
    let of =
        |numeric, what: &str| client.numeric(numeric).param(&sent.target).words(format!("{what}; {words}"));
    match response.code() {
        Some(Code::BadAddress | Code::NoRoute) => of(Numeric::ERR_NOSUCHNICK, "No such nick or address"),
        Some(Code::Unreachable) => of(Numeric::ERR_NOSUCHNICK, "Not in contact"),
        Some(Code::Denied) => of(Numeric::ERR_CANNOTSENDTOUSER, "Not allowed"),
        Some(Code::Busy) => {
            let verb = sent.verb.to_string();
            client.standard(Verb::FAIL, &verb, "BUSY", &[&sent.target], &format!("Busy; {words}"))
        }
        code => {
            let code = code.map_or("refused", Code::as_str);
            of(Numeric::ERR_CANNOTSENDTOUSER, code)
        }
    }
}
