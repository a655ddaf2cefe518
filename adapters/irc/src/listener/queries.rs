//! `ISON`, `USERHOST`, `WHO`, `WHOIS`: who is there, asked once.
//!
//! Each is a fetch of presence (RFC 3859 section 3.4), so that nobody is seen here by whom the rules would not show him
//! to; what a client watches already it is told from that. The answer is given when all of them have come, or when it
//! has taken too long.

use std::time::Duration;

use cpim_adapter::{Address, Class, Response, Status as Outcome};
use cpim_irc_proto::{Numeric, Origin};
use tokio::time::Instant;

use super::nick::{fold, is_nick, same};
use super::presence::Status;
use super::session::{Session, origin_of};
use super::users::Face;
use super::watches::Ask;
use crate::line::{Line, Request};

/// How long an answer may take: people wait for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Names in one query: more than a line of `ISON` usually has.
const NAMES: usize = 64;

/// Queries of one client that are open.
const OPEN: usize = 16;

/// What is asked.
#[derive(Clone, Debug)]
enum Kind {
    Ison,
    Userhost,
    /// With the mask as it was written.
    Who(String),
    Whois,
}

/// A query that is open.
pub(super) struct Query {
    kind: Kind,
    label: Option<String>,
    items: Vec<Item>,
    /// When it is answered with what is known.
    pub(super) until: Instant,
}

/// One name in a query.
struct Item {
    spelling: String,
    target: Option<Address>,
    found: Found,
}

/// What came of a name.
enum Found {
    /// Nothing is known, or nobody there.
    Nothing,
    /// This client itself.
    Oneself,
    Status(Status),
    /// Not known yet.
    Waiting,
}

impl Session {
    /// `ISON` (RFC 2812 section 4.9).
    pub(super) async fn ison(&mut self, request: &Request) {
        let names: Vec<String> =
            request.params_from(0).flat_map(str::split_ascii_whitespace).map(str::to_owned).collect();
        match names.is_empty() {
            true => self.client.need_more("ISON"),
            false => self.query(Kind::Ison, names).await,
        }
    }

    /// `USERHOST` (RFC 2812 section 4.8).
    pub(super) async fn userhost(&mut self, request: &Request) {
        let names: Vec<String> = request.params_from(0).take(5).map(str::to_owned).collect();
        match names.is_empty() {
            true => self.client.need_more("USERHOST"),
            false => self.query(Kind::Userhost, names).await,
        }
    }

    /// `WHO` (RFC 2812 section 3.6.1): of one nick or address; nobody can be found who is not known.
    pub(super) async fn who(&mut self, request: &Request) {
        let mask = request.param(0).unwrap_or("*").to_owned();
        let names = if is_nick(&mask) || mask.contains('@') { vec![mask.clone()] } else { Vec::new() };
        self.query(Kind::Who(mask), names).await;
    }

    /// `WHOIS` (RFC 2812 section 3.6.2).
    pub(super) async fn whois(&mut self, request: &Request) {
        // `WHOIS server nick` asks the server of that nick; there is only one.
        match request.param(1).or_else(|| request.param(0)) {
            None => self.client.tell(Numeric::ERR_NONICKNAMEGIVEN, "No nickname given"),
            Some(name) => {
                let name = name.to_owned();
                self.query(Kind::Whois, vec![name]).await;
            }
        }
    }

    async fn query(&mut self, kind: Kind, names: Vec<String>) {
        let mut items = Vec::new();
        for spelling in names.into_iter().take(NAMES) {
            let (target, found) = self.look(&spelling).await;
            items.push(Item { spelling, target, found });
        }
        if self.queries.len() >= OPEN {
            items.iter_mut().filter(|item| item.is_waiting()).for_each(|item| item.found = Found::Nothing);
        }
        for item in items.iter().filter(|item| item.is_waiting()) {
            self.asks.extend(item.target.clone().map(Ask::Fetch));
        }
        let label = self.client.defer();
        self.queries.push(Query { kind, label, items, until: Instant::now() + PATIENCE });
        self.answer_queries(None).await;
    }

    async fn look(&self, spelling: &str) -> (Option<Address>, Found) {
        if same(spelling, &self.client.nick) {
            return (None, Found::Oneself);
        }
        let Ok(address) = self.resolve(spelling).await else { return (None, Found::Nothing) };
        let target = address.with_class(Class::Pres);
        if target == *self.me.pres.as_uri().address() {
            return (Some(target), Found::Oneself);
        }
        let known = self.watches.get(&fold(spelling)).and_then(|watch| watch.status.clone());
        (Some(target), known.map_or(Found::Waiting, Found::Status))
    }

    /// The gateway's answer to a fetch; what is there comes as presence.
    pub(super) async fn fetched(&mut self, target: &Address, response: &Response) {
        if response.status() != Outcome::Success {
            self.found(target, None).await;
        }
    }

    /// Somebody's presence is known, or that it will not be.
    pub(super) async fn found(&mut self, target: &Address, status: Option<&Status>) {
        let waiting = self.queries.iter_mut().flat_map(|query| &mut query.items);
        for item in waiting.filter(|item| item.is_waiting() && item.target.as_ref() == Some(target)) {
            item.found = status.map_or(Found::Nothing, |status| Found::Status(status.clone()));
        }
        self.answer_queries(None).await;
    }

    /// Answers what has taken too long with what is known.
    pub(super) async fn give_up_queries(&mut self, now: Instant) {
        self.answer_queries(Some(now)).await;
    }

    async fn answer_queries(&mut self, now: Option<Instant>) {
        let mut at = 0;
        while let Some(query) = self.queries.get(at) {
            let late = now.is_some_and(|now| query.until <= now);
            if !late && query.items.iter().any(Item::is_waiting) {
                at += 1;
                continue;
            }
            let query = self.queries.remove(at);
            let lines = self.lines_of(&query).await;
            self.client.answer(query.label, lines);
        }
    }

    async fn lines_of(&self, query: &Query) -> Vec<Line> {
        let mut lines = Vec::new();
        match &query.kind {
            Kind::Ison => {
                let here: Vec<&str> =
                    query.items.iter().filter(|item| item.is_here()).map(|item| &*item.spelling).collect();
                lines.push(self.client.numeric(Numeric::RPL_ISON).words(here.join(" ")));
            }
            Kind::Userhost => {
                let mut words = Vec::new();
                for item in query.items.iter().filter(|item| item.is_here()) {
                    if let Some(Origin::Person { nick, user, host }) = self.face_of(item).await {
                        let away = if self.is_away(item) { '-' } else { '+' };
                        words.push(format!("{nick}={away}{user}@{host}"));
                    }
                }
                lines.push(self.client.numeric(Numeric::RPL_USERHOST).words(words.join(" ")));
            }
            Kind::Who(mask) => {
                for item in query.items.iter().filter(|item| item.is_here()) {
                    lines.extend(self.who_line(item).await);
                }
                let end = self.client.numeric(Numeric::RPL_ENDOFWHO).param(mask);
                lines.push(end.words("End of /WHO list"));
            }
            Kind::Whois => {
                if let Some(item) = query.items.first() {
                    lines = self.whois_lines(item).await;
                }
            }
        }
        lines
    }

    async fn who_line(&self, item: &Item) -> Option<Line> {
        let Origin::Person { nick, user, host } = self.face_of(item).await? else { return None };
        let flags = if self.is_away(item) { "G" } else { "H" };
        let line = self.client.numeric(Numeric::RPL_WHOREPLY).param("*").param(user).param(host);
        let line = line.param(self.client.server.name().as_str()).param(nick.as_str()).param(flags);
        Some(line.words(format!("0 {}", self.real_name(item))))
    }

    async fn whois_lines(&self, item: &Item) -> Vec<Line> {
        let name = &item.spelling;
        let end = self.client.numeric(Numeric::RPL_ENDOFWHOIS).param(name).words("End of /WHOIS list");
        let foreign = item.target.as_ref().filter(|_| self.person_of(item).is_none());
        // Of one's own network, whoever is not there, or may not be seen, is nobody. Of a foreign user the address is no
        // secret, since it is what is written to.
        let face = match (&item.found, foreign) {
            (Found::Nothing, Some(address)) => self.known_face(address).await,
            (_, None) if !item.is_here() => None,
            _ => self.face_of(item).await,
        };
        let Some(Origin::Person { nick, user, host }) = face else {
            let nobody = self.client.numeric(Numeric::ERR_NOSUCHNICK).param(name);
            return vec![nobody.words("No such nick"), end];
        };
        // A client finds the answer by what it asked for.
        let by_nick = is_nick(name);
        let called = if by_nick { nick.as_str() } else { name };
        let reply = |numeric| self.client.numeric(numeric).param(called);
        let mut lines = vec![
            reply(Numeric::RPL_WHOISUSER).param(user).param(host).param("*").words(self.real_name(item)),
            reply(Numeric::RPL_WHOISSERVER)
                .param(self.client.server.name().as_str())
                .words("a gateway between instant-messaging systems"),
        ];
        if let Some(account) = self.account_of(item) {
            lines.push(reply(Numeric::RPL_WHOISACCOUNT).param(account).words("is logged in as"));
        }
        if let Some(address) = self.address_of(item) {
            lines.push(reply(Numeric::RPL_WHOISSPECIAL).words(format!("is written to as {address}")));
        }
        if !by_nick {
            lines.push(reply(Numeric::RPL_WHOISSPECIAL).words(format!("is called {nick} here")));
        }
        let is_closed = matches!(&item.found, Found::Status(Status { open: false, .. }));
        match (self.is_away(item) || is_closed, self.note_of(item)) {
            (true, note) => {
                let otherwise = if is_closed { "not in contact" } else { "away" };
                lines.push(reply(Numeric::RPL_AWAY).words(note.as_deref().unwrap_or(otherwise)));
            }
            // Words that go with being there are no absence, and IRC has no numeric of their own for them.
            (false, Some(note)) => {
                lines.push(reply(Numeric::RPL_WHOISSPECIAL).words(format!("is here: {note}")));
            }
            (false, None) => {}
        }
        lines.push(end);
        lines
    }

    fn is_away(&self, item: &Item) -> bool {
        match &item.found {
            Found::Oneself => self.user.face().away.is_some(),
            Found::Status(status) => status.away,
            Found::Nothing | Found::Waiting => false,
        }
    }

    fn note_of(&self, item: &Item) -> Option<String> {
        match &item.found {
            Found::Oneself => self.user.face().away.map(|away| away.to_string()),
            Found::Status(status) => status.note.clone(),
            Found::Nothing | Found::Waiting => None,
        }
    }

    /// The person of this network that a name means.
    fn person_of(&self, item: &Item) -> Option<String> {
        match &item.target {
            None => None,
            Some(address) => self.client.server.person_at(address, &self.client.live.cx.mapper()),
        }
    }

    /// The client of this network that is meant: of several of one account, the one with the nick that was asked for, else
    /// the newest.
    fn client_of(&self, item: &Item) -> Option<Face> {
        if matches!(item.found, Found::Oneself) {
            return Some(self.user.face());
        }
        let (person, users) = (self.person_of(item)?, self.client.server.users());
        let named = users.with_nick(&item.spelling).map(|user| user.face());
        named
            .filter(|face| face.person() == person)
            .or_else(|| users.of(&person).last().map(|user| user.face()))
    }

    /// As whom somebody appears.
    async fn face_of(&self, item: &Item) -> Option<Origin> {
        match (self.client_of(item), &item.target) {
            (Some(face), _) => origin_of(&face, self.client.server.name().as_str()).ok(),
            (None, Some(target)) => self.origin(target).await,
            (None, None) => None,
        }
    }

    /// As whom a foreign user appears of whom nothing else is known.
    async fn known_face(&self, address: &Address) -> Option<Origin> {
        let live = &self.client.live;
        live.aliases.known(address, &live.cx.mapper()).await.ok().flatten()
    }

    /// Under which address somebody is written to from anywhere.
    fn address_of(&self, item: &Item) -> Option<Address> {
        let address = match (&item.found, &item.target) {
            (Found::Oneself, _) => self.me.pres.as_uri().address(),
            (_, target) => target.as_ref()?,
        };
        Some(address.clone().with_class(Class::Im))
    }

    fn real_name(&self, item: &Item) -> String {
        match (self.client_of(item), &item.target) {
            (Some(face), _) => face.real_name.to_string(),
            (None, Some(target)) => self.client.live.aliases.real_name(target),
            (None, None) => String::new(),
        }
    }

    fn account_of(&self, item: &Item) -> Option<String> {
        self.client_of(item)?.account.map(|account| account.to_string())
    }
}

impl Item {
    const fn is_waiting(&self) -> bool {
        matches!(self.found, Found::Waiting)
    }

    const fn is_here(&self) -> bool {
        matches!(self.found, Found::Oneself | Found::Status(Status { open: true, .. }))
    }
}
