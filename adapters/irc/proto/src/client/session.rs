//! One connection of a client, from its first octet to its end.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::batches::Batches;
use super::letter::{Letter, Verdict};
use super::pace::Pace;
use super::registration::{Applicant, Ending, Registration, Step};
use crate::casemapping::Casemapping;
use crate::isupport::Isupport;
use crate::limits::ReadLimits;
use crate::line::{LineBuilder, Verb};
use crate::message::Message;
use crate::names::{Host, Nick, Trailing, User};
use crate::numeric::Numeric;
use crate::reader::LineReader;
use crate::source::Source;

/// Capabilities that are asked for, where the server has them.
const WANTED: &[&str] = &[
    "account-tag",
    "away-notify",
    "batch",
    "draft/extended-monitor",
    "echo-message",
    "extended-monitor",
    "labeled-response",
    "message-tags",
    "server-time",
];

/// Lines that wait for the pace beside a message. Nothing that is asked of this connection is worth more.
const LESSER: usize = 64;

/// Octets of a user name and of a host at most, until the server says what they are (RFC 2812 section 2.3.1; user
/// names of ten octets are the most that servers let have).
const USER_OCTETS: usize = 11;

/// What a connection goes by.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What a line costs (see [`Pace`]).
    pub line: Duration,
    /// How far ahead of the clock the server's timer may be.
    pub ahead: Duration,
    /// For registering.
    pub registration: Duration,
    /// Of silence, until the server is pinged; and for its answer.
    pub silence: Duration,
}

/// What happened on a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// Registered: from now on messages are taken.
    Registered,
    /// Somebody wrote to this client.
    Spoken(Spoken),
    /// What became of the message that was under way.
    Verdict(Verdict),
    /// This client has another nick from now on.
    Renamed {
        /// As it was.
        old: Nick,
        /// As it is.
        new: Nick,
    },
    /// Anything else, for whoever asked for it.
    Other(Message),
    /// It is over: the connection is to be closed.
    Over {
        /// Why, in the server's words or ours.
        why: String,
        /// What that means for trying again.
        ending: Ending,
    },
}

/// A PRIVMSG or NOTICE to this client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Spoken {
    /// Whoever wrote it.
    pub source: Source,
    /// It is a NOTICE, which nothing may answer by itself (RFC 2812 section 3.3.2).
    pub notice: bool,
    /// It was written before, and is told again: played back by a bouncer, or from a history.
    pub replayed: bool,
    /// The line, with its tags.
    pub message: Message,
}

impl Spoken {
    /// When it was written, by the network's clock: `2026-11-25T15:00:00.000Z` (server-time). Of two, the later one is the
    /// greater.
    #[must_use]
    pub fn time(&self) -> Option<&str> {
        const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";
        let fits =
            |(octet, form): (u8, &u8)| if *form == b'0' { octet.is_ascii_digit() } else { octet == *form };
        let time = self.message.tags.get("time")?;
        (time.len() == FORM.len() && time.bytes().zip(FORM).all(fits)).then_some(time)
    }

    /// What was written.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.message.param(1).map_or(&b""[..], |text| text)
    }

    /// The account of whoever wrote it, where the server says that (account-tag).
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.message.tags.get("account")
    }
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    reader: LineReader,
    /// While it registers, until when it must have.
    registration: Option<Box<(Registration, Instant)>>,
    nick: Nick,
    isupport: Isupport,
    capabilities: Vec<&'static str>,
    batches: Batches,
    user_octets: usize,
    host_octets: usize,
    terms: Terms,
    pace: Pace,
    /// What may not wait.
    urgent: BytesMut,
    lesser: VecDeque<Bytes>,
    /// Whether the last line that was paced was of the message.
    was_letter: bool,
    letter: Option<Letter>,
    number: u64,
    heard: Instant,
    pinged: Option<Instant>,
    over: bool,
}

impl Session {
    /// A connection that has just been made.
    #[must_use]
    pub fn new(applicant: Applicant, terms: Terms, now: Instant) -> Self {
        let mut urgent = BytesMut::new();
        let nick = applicant.nicks.first().cloned().unwrap_or_else(Nick::anybody);
        let registration = Registration::new(applicant, WANTED);
        registration.begin().iter().for_each(|line| urgent.extend_from_slice(line));
        Self {
            reader: LineReader::new(ReadLimits::CLIENT),
            registration: Some(Box::new((registration, now + terms.registration))),
            nick,
            isupport: Isupport::default(),
            capabilities: Vec::new(),
            batches: Batches::default(),
            user_octets: USER_OCTETS,
            host_octets: Host::MAX_OCTETS,
            pace: Pace::new(terms.line, terms.ahead, now),
            terms,
            urgent,
            lesser: VecDeque::new(),
            was_letter: false,
            letter: None,
            number: 0,
            heard: now,
            pinged: None,
            over: false,
        }
    }

    /// Its nick, as the server has it.
    #[must_use]
    pub const fn nick(&self) -> &Nick {
        &self.nick
    }

    /// What the server says of itself.
    #[must_use]
    pub const fn isupport(&self) -> &Isupport {
        &self.isupport
    }

    /// Whether a capability is switched on.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Whether people's being away is told by itself of whoever is monitored.
    #[must_use]
    pub fn tells_away(&self) -> bool {
        self.has("away-notify") && (self.has("extended-monitor") || self.has("draft/extended-monitor"))
    }

    /// Octets of `nick!user@host` as others see it before what this client writes: as the server says, else the most
    /// that it can be.
    #[must_use]
    pub fn source_octets(&self) -> usize {
        self.nick.as_str().len() + 1 + self.user_octets + 1 + self.host_octets
    }

    /// Takes what has come; gives the next thing that happened. To be called again until there is none.
    pub fn next(&mut self, input: &mut BytesMut, now: Instant) -> Option<Event> {
        while !self.over {
            // What cannot be read says nothing, and what follows it can be.
            let Ok(line) = self.reader.read(input)? else { continue };
            let Ok(message) = Message::parse(&line) else { continue };
            self.heard = now;
            self.pinged = None;
            let event = match self.registration.is_some() {
                true => self.register(&message, now),
                false => self.hear(message),
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    fn register(&mut self, message: &Message, now: Instant) -> Option<Event> {
        if message.is("PING") {
            self.pong(message);
            return None;
        }
        self.learn(message);
        let (registration, _) = &mut **self.registration.as_mut()?;
        let (step, lines) = registration.handle(message);
        lines.iter().for_each(|line| self.urgent.extend_from_slice(line));
        match step {
            Step::Going => None,
            Step::Refused { why, ending } => Some(self.end(why, ending)),
            Step::Registered(nick) => {
                let (registration, _) = *self.registration.take()?;
                self.nick = nick;
                self.isupport = registration.isupport;
                self.capabilities = registration.capabilities;
                self.pace = Pace::new(self.terms.line, self.terms.ahead, now);
                Some(Event::Registered)
            }
        }
    }

    fn hear(&mut self, message: Message) -> Option<Event> {
        if message.is("PING") {
            self.pong(&message);
            return None;
        }
        if message.is("ERROR") {
            let why = message.words().into_owned();
            return Some(self.end(why.clone(), Ending::of_error(&why)));
        }
        if self.batches.is_replay(&message) {
            // Of what was, only what was written may not have been heard yet. Who came and went is told by who is there.
            return self.spoken(message, true);
        }
        self.learn(&message);
        let mapping = self.isupport.casemapping;
        if let Some(verdict) = self.letter.as_mut().and_then(|letter| letter.hear(&message, mapping)) {
            self.letter = None;
            return Some(Event::Verdict(verdict));
        }
        if message.is("PONG") {
            return None;
        }
        if message.numeric() == Some(Numeric::RPL_ISUPPORT) {
            self.isupport.take(&message);
            return None;
        }
        if self.is_mine(&message) {
            return self.mine(&message);
        }
        // A server, which has no user, is no person who writes.
        let is_persons = message.source.as_ref().is_some_and(|source| source.user().is_some());
        match is_persons && (message.is("NOTICE") || message.is("PRIVMSG")) {
            true => self.spoken(message, false),
            false => Some(Event::Other(message)),
        }
    }

    /// What a person wrote to this client.
    fn spoken(&self, message: Message, replayed: bool) -> Option<Event> {
        let source = message.source.clone().filter(|source| source.user().is_some())?;
        let notice = message.is("NOTICE");
        let is_for_me = self.is_me(message.str(0)) && message.params().len() > 1;
        ((notice || message.is("PRIVMSG")) && is_for_me && !self.is_mine(&message))
            .then_some(Event::Spoken(Spoken { source, notice, replayed, message }))
    }

    fn is_me(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.isupport.casemapping.same(name, self.nick.as_str()))
    }

    fn is_mine(&self, message: &Message) -> bool {
        self.is_me(message.source.as_ref().and_then(|source| source.name_str()))
    }

    /// What the server says this client did.
    fn mine(&mut self, message: &Message) -> Option<Event> {
        if message.is("NICK") {
            let new = Nick::parse(message.str(0)?).ok()?;
            let old = std::mem::replace(&mut self.nick, new.clone());
            return Some(Event::Renamed { old, new });
        }
        None
    }

    /// Learns what others see before the lines of this client.
    fn learn(&mut self, message: &Message) {
        match message.numeric() {
            // `Welcome to the Internet Relay Network nick!user@host` (RFC 2812 section 5.1).
            Some(Numeric::RPL_WELCOME) => {
                let words = message.words();
                let last = words.rsplit(' ').next().unwrap_or_default();
                if let Some((_, rest)) = last.split_once('!')
                    && let Some((user, host)) = rest.split_once('@')
                {
                    self.appears(user, host);
                }
            }
            // `396 nick host :is now your displayed host`.
            Some(Numeric::RPL_HOSTHIDDEN) => {
                let host = message.str(1).map(|host| host.rsplit('@').next().unwrap_or(host));
                if let Some(host) = host.and_then(|host| Host::parse(host).ok()) {
                    self.host_octets = host.as_str().len();
                }
            }
            None if message.is("CHGHOST") && self.is_mine(message) => {
                if let (Some(user), Some(host)) = (message.str(0), message.str(1)) {
                    self.appears(user, host);
                }
            }
            _ => {}
        }
    }

    /// Only what can be: a lie would leave room for nothing.
    fn appears(&mut self, user: &str, host: &str) {
        if let (Ok(user), Ok(host)) = (User::parse(user), Host::parse(host))
            && user.as_str().len() <= Host::MAX_OCTETS
        {
            self.user_octets = user.as_str().len();
            self.host_octets = host.as_str().len();
        }
    }

    /// The answer to a PING (RFC 2812 section 3.7.3).
    fn pong(&mut self, ping: &Message) {
        if let Ok(line) = LineBuilder::new(Verb::PONG).last(&Trailing::lossy(&ping.words())) {
            self.urgent.extend_from_slice(&line);
        }
    }

    fn end(&mut self, why: String, ending: Ending) -> Event {
        self.over = true;
        Event::Over { why, ending }
    }

    /// Whether a message can be begun, and its first line can go at once.
    #[must_use]
    pub fn takes_letter(&self, now: Instant) -> bool {
        self.is_free() && self.pace.ready_at(0) <= now
    }

    fn is_free(&self) -> bool {
        !self.over && self.registration.is_none() && self.letter.is_none()
    }

    /// When a message can be begun, where nothing but the pace is in the way.
    #[must_use]
    pub fn letter_at(&self) -> Option<Instant> {
        self.is_free().then(|| self.pace.ready_at(0))
    }

    /// Begins a message. One at a time, so that each error is its own.
    pub fn begin(&mut self, letter: Letter) {
        self.letter = Some(letter);
    }

    /// Whether a message is under way.
    #[must_use]
    pub const fn is_sending(&self) -> bool {
        self.letter.is_some()
    }

    /// Sends a line when the pace lets it. `false`: too many wait already.
    #[must_use]
    pub fn queue(&mut self, line: Bytes) -> bool {
        let has_room = self.has_room();
        if has_room {
            self.lesser.push_back(line);
        }
        has_room
    }

    /// Whether [`Self::queue`] takes a line.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.lesser.len() < LESSER
    }

    /// Whether nothing waits to be sent and no answer is waited for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.letter.is_none() && self.lesser.is_empty() && self.urgent.is_empty()
    }

    /// Takes leave, in these words.
    pub fn quit(&mut self, words: &str) {
        if let Ok(line) = LineBuilder::new(Verb::QUIT).last(&Trailing::lossy(words)) {
            self.urgent.extend_from_slice(&line);
        }
    }

    /// Puts what may be sent now behind what is to be written.
    pub fn flush(&mut self, output: &mut BytesMut, now: Instant) {
        output.extend_from_slice(&std::mem::take(&mut self.urgent));
        if self.registration.is_some() || self.over {
            return;
        }
        while let Some((octets, of_letter)) = self.waiting() {
            if self.pace.ready_at(octets) > now {
                return;
            }
            let line = match of_letter {
                true => {
                    self.number += 1;
                    let labels = self.has("labeled-response") && self.has("batch");
                    self.letter.as_mut().and_then(|letter| letter.next_line(self.number, labels, now))
                }
                false => self.lesser.pop_front(),
            };
            let Some(line) = line else { return };
            self.was_letter = of_letter;
            self.pace.spend(line.len(), now);
            output.extend_from_slice(&line);
        }
    }

    /// The next line's octets, and whether it is of the message: by turns, so that neither waits for all of the other.
    fn waiting(&self) -> Option<(usize, bool)> {
        let letter = self.letter.as_ref().and_then(Letter::next_octets).map(|octets| (octets, true));
        let lesser = self.lesser.front().map(|line| (line.len(), false));
        match self.was_letter {
            true => lesser.or(letter),
            false => letter.or(lesser),
        }
    }

    /// When [`Self::tick`] or [`Self::flush`] have something to do without anything coming.
    #[must_use]
    pub fn due(&self) -> Instant {
        if let Some(registration) = &self.registration {
            return registration.1;
        }
        let silence = self.pinged.unwrap_or(self.heard) + self.terms.silence;
        let paced = self.waiting().map(|(octets, _)| self.pace.ready_at(octets));
        let overdue = self.letter.as_ref().and_then(Letter::due);
        [paced, overdue].into_iter().flatten().fold(silence, Instant::min)
    }

    /// Does what the time alone makes due.
    pub fn tick(&mut self, now: Instant) -> Option<Event> {
        if self.over {
            return None;
        }
        if let Some(registration) = &self.registration {
            return (registration.1 <= now)
                .then(|| self.end("the server did not let it in in time".into(), Ending::Dropped));
        }
        if let Some(verdict) = self.letter.as_ref().and_then(|letter| letter.overdue(now)) {
            self.letter = None;
            return Some(Event::Verdict(verdict));
        }
        if self.pinged.unwrap_or(self.heard) + self.terms.silence <= now {
            if self.pinged.is_some() {
                return Some(self.end("the server is silent".into(), Ending::Dropped));
            }
            self.pinged = Some(now);
            if let Ok(line) = LineBuilder::new(Verb::PING).last(&Trailing::lossy("cpim")) {
                self.urgent.extend_from_slice(&line);
            }
        }
        None
    }

    /// Gives back the message that was under way when the connection ended.
    pub fn take_letter(&mut self) -> Option<Letter> {
        self.letter.take()
    }

    /// How the network folds names.
    #[must_use]
    pub const fn casemapping(&self) -> Casemapping {
        self.isupport.casemapping
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
