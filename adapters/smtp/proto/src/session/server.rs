//! The session itself.

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};

use super::command::{self, Command};
use super::data::{DataReader, Excess, Read};
use super::envelope::{Envelope, Received, Recipient, Sender};
use super::limits::Limits;
use super::line::{self, Found};
use super::login::{self, Exchange, Login, Progress};
use super::reply::Reply;

/// What the server side of a connection offers beside the plain service.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Offers {
    /// STARTTLS (RFC 3207), as long as the connection is not encrypted.
    pub starttls: bool,
    /// AUTH (RFC 4954), once the connection is encrypted.
    pub login: bool,
    /// AUTH also where it is not.
    pub login_in_the_clear: bool,
}

/// What happened. All but [`Event::StartTls`], which [`Session::secured`] answers, are questions for
/// [`Session::decide`].
#[derive(Debug)]
pub enum Event {
    /// The reply is to be written, then TLS is to begin.
    StartTls,
    /// Somebody says who they are.
    Login(Login),
    /// A mail begins.
    Sender(Sender),
    /// A recipient of it.
    Recipient(Recipient),
    /// Its text is to begin: is there room for it?
    Data,
    /// It is all there.
    Mail(Received),
}

/// The answer to a question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Yes.
    Accept,
    /// No, in these words; a 421 ends the connection.
    Refuse(Reply),
}

/// The server side of one connection.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    hostname: String,
    offers: Offers,
    input: BytesMut,
    output: BytesMut,
    state: State,
    /// What the client calls itself, once it has greeted.
    client: Option<String>,
    is_secure: bool,
    user: Option<String>,
    sender: Option<Sender>,
    recipients: Vec<Recipient>,
    /// How many were refused because there are as many as may be.
    beyond: usize,
    mails: usize,
    errors: usize,
    idle: usize,
    /// When the last command was dealt with.
    since: Instant,
    /// When the last octets came.
    touched: Instant,
}

#[derive(Debug)]
enum State {
    Command,
    Login(Exchange),
    Data { reader: DataReader, began: Instant },
    Asked(Asked),
    StartTls,
    Closed,
}

#[derive(Debug)]
enum Asked {
    Login(String),
    Sender(Sender),
    Recipient(Recipient),
    Data,
    Mail,
}

const GREET_FIRST: Reply = Reply::fixed(503, "5.5.1", "EHLO or HELO first");
const OUT_OF_ORDER: Reply = Reply::fixed(503, "5.5.1", "out of order");
const NO_RECIPIENTS: Reply = Reply::fixed(554, "5.5.1", "no recipients");
/// Recipients beyond those that are taken, each of which is told so.
const MAX_BEYOND: usize = 1_000;

const TOO_MANY_RECIPIENTS: Reply = Reply::fixed(452, "4.5.3", "too many recipients");
const TOO_LARGE: Reply = Reply::fixed(552, "5.3.4", "too large a mail");
const LINE_TOO_LONG: Reply = Reply::fixed(554, "5.6.0", "too long a line in the mail");
const COMMAND_TOO_LONG: Reply = Reply::fixed(500, "5.5.2", "too long a line");
const BARE: Reply = Reply::fixed(554, "5.5.2", "a bare CR or LF; lines end with CR LF");
const TOO_EARLY: Reply = Reply::fixed(554, "5.5.0", "octets before the reply that they should await");
const TOO_MANY_ERRORS: Reply = Reply::fixed(421, "4.7.0", "too many errors");
const TOO_MANY_COMMANDS: Reply = Reply::fixed(421, "4.7.0", "too many commands");
const TOO_MANY_MAILS: Reply = Reply::fixed(421, "4.7.0", "too many mails on one connection");
const TIMED_OUT: Reply = Reply::fixed(421, "4.4.2", "waited too long");
const NO_LOGIN: Reply = Reply::fixed(538, "5.7.11", "encryption first");
const UNKNOWN_MECHANISM: Reply = Reply::fixed(504, "5.5.4", "PLAIN and LOGIN are known");
const BAD_RESPONSE: Reply = Reply::fixed(501, "5.5.2", "no such response");
const OK: Reply = Reply::fixed(250, "2.0.0", "OK");

impl Session {
    /// A session that begins now, with its greeting in the output. `is_secure`: TLS is there already.
    #[must_use]
    pub fn new(hostname: &str, offers: Offers, is_secure: bool, limits: Limits, now: Instant) -> Self {
        let mut session = Self {
            limits,
            hostname: hostname.to_owned(),
            offers,
            input: BytesMut::new(),
            output: BytesMut::new(),
            state: State::Command,
            client: None,
            is_secure,
            user: None,
            sender: None,
            recipients: Vec::new(),
            beyond: 0,
            mails: 0,
            errors: 0,
            idle: 0,
            since: now,
            touched: now,
        };
        session.say(&format!("220 {} ESMTP cpim-gateway", session.hostname));
        session
    }

    /// Takes octets that arrived. While [`Self::is_waiting`], none should be read.
    pub fn receive(&mut self, octets: &[u8], now: Instant) {
        self.touched = now;
        if !matches!(self.state, State::Closed) {
            self.input.extend_from_slice(octets);
        }
    }

    /// The next event, as far as octets are there.
    pub fn poll(&mut self, now: Instant) -> Option<Event> {
        loop {
            let event = match &mut self.state {
                State::Asked(_) | State::StartTls | State::Closed => return None,
                State::Command | State::Login(_) => {
                    let line = self.line()?;
                    self.since = now;
                    match std::mem::replace(&mut self.state, State::Command) {
                        State::Login(exchange) => self.response(exchange, &line),
                        _ => self.command(&line),
                    }
                }
                State::Data { reader, .. } => match reader.read(&self.input) {
                    Read::More => {
                        self.input.clear();
                        return None;
                    }
                    Read::Bare => {
                        self.end(&BARE);
                        None
                    }
                    Read::End(octets) => {
                        self.input.advance(octets);
                        self.since = now;
                        self.mail()
                    }
                },
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Answers the question that the last event asked.
    pub fn decide(&mut self, decision: Decision, now: Instant) {
        self.since = now;
        self.touched = now;
        let State::Asked(asked) = std::mem::replace(&mut self.state, State::Command) else {
            debug_assert!(false, "nothing was asked");
            return;
        };
        if let Decision::Refuse(reply) = decision {
            return self.refuse(&reply);
        }
        match asked {
            Asked::Login(name) => {
                self.user = Some(name);
                self.reply(&Reply::fixed(235, "2.7.0", "authenticated"));
            }
            Asked::Sender(sender) => {
                self.sender = Some(sender);
                self.reply(&Reply::fixed(250, "2.1.0", "OK"));
            }
            Asked::Recipient(recipient) => {
                self.recipients.push(recipient);
                self.reply(&Reply::fixed(250, "2.1.5", "OK"));
            }
            // Whoever sends before it is asked to does not listen, and nobody knows what it takes for what.
            Asked::Data if !self.input.is_empty() => self.end(&TOO_EARLY),
            Asked::Data => {
                let reader = DataReader::new(self.limits.line_octets, self.limits.mail_octets);
                self.state = State::Data { reader, began: now };
                self.reply(&Reply::fixed(354, "", "end with CR LF . CR LF"));
            }
            Asked::Mail => self.reply(&Reply::fixed(250, "2.0.0", "accepted")),
        }
    }

    /// TLS is there: what was said before is forgotten (RFC 3207 section 4.2).
    pub fn secured(&mut self, now: Instant) {
        self.since = now;
        self.touched = now;
        self.state = State::Command;
        self.input.clear();
        self.is_secure = true;
        self.client = None;
        self.user = None;
        self.reset();
    }

    /// Ends it with this reply, unless it has ended.
    pub fn end(&mut self, reply: &Reply) {
        if !matches!(self.state, State::Closed) {
            self.reply(reply);
            self.state = State::Closed;
            self.input.clear();
        }
    }

    /// What is to be written.
    pub fn take_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    /// Whether it has ended: what is to be written is written, then the connection is closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether an event waits for its answer.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Asked(_) | State::StartTls)
    }

    /// Whether no mail is under way, so that it can end in order.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Command) && self.sender.is_none()
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// What the client calls itself (RFC 5321 section 4.1.1.1), which proves nothing.
    #[must_use]
    pub fn client(&self) -> &str {
        self.client.as_deref().unwrap_or_default()
    }

    /// Who authenticated.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Until when the client has time; none while it is us who are waited for.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Command | State::Login(_) | State::StartTls => Some(self.since + self.limits.command_time),
            State::Data { began, .. } => {
                Some((*began + self.limits.mail_time).min(self.touched + self.limits.piece_time))
            }
            State::Asked(_) | State::Closed => None,
        }
    }

    /// The time is over, where it is.
    pub fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.end(&TIMED_OUT);
        }
    }

    fn line(&mut self) -> Option<Bytes> {
        match line::find(&self.input, self.limits.command_octets) {
            Found::Line(octets) => {
                let line = self.input.split_to(octets).freeze();
                self.input.advance(2);
                return Some(line);
            }
            Found::Incomplete => {}
            Found::Bare => self.end(&BARE),
            Found::TooLong => self.end(&COMMAND_TOO_LONG),
        }
        None
    }

    fn command(&mut self, line: &[u8]) -> Option<Event> {
        let command = match command::read(line) {
            Ok(command) => command,
            Err(reply) => {
                self.refuse(&reply);
                return None;
            }
        };
        let counts = !matches!(command, Command::Data | Command::Rcpt(_) | Command::Quit);
        self.idle += usize::from(counts);
        if self.idle > self.limits.idle_commands {
            self.end(&TOO_MANY_COMMANDS);
            return None;
        }
        match command {
            Command::Ehlo(client) => self.greet(client, true),
            Command::Helo(client) => self.greet(client, false),
            Command::Help => self.reply(&Reply::fixed(214, "2.0.0", "RFC 5321 helps")),
            Command::Noop => self.reply(&OK),
            Command::Quit => self.end(&Reply::fixed(221, "2.0.0", "bye")),
            Command::Rset => {
                self.reset();
                self.reply(&OK);
            }
            // One answer for everybody: who is here is told to nobody.
            Command::Verify => self.reply(&Reply::fixed(252, "2.1.5", "send, and see")),
            Command::StartTls => return self.start_tls(),
            _ if self.client.is_none() => self.refuse(&GREET_FIRST),
            Command::Auth { mechanism, initial } => return self.auth(&mechanism, initial.as_deref()),
            Command::Mail(sender) => return self.mail_from(sender),
            Command::Rcpt(recipient) => return self.rcpt_to(recipient),
            Command::Data => return self.data(),
        }
        None
    }

    fn greet(&mut self, client: String, extended: bool) {
        self.reset();
        self.client = Some(client);
        if !extended {
            return self.say(&format!("250 {}", self.hostname));
        }
        let mut lines = vec![
            self.hostname.clone(),
            "PIPELINING".to_owned(),
            format!("SIZE {}", self.limits.mail_octets),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "DSN".to_owned(),
        ];
        if self.offers.starttls && !self.is_secure {
            lines.push("STARTTLS".to_owned());
        }
        if self.may_log_in() {
            lines.push("AUTH PLAIN LOGIN".to_owned());
        }
        for line in lines {
            self.say(&format!("250-{line}"));
        }
        self.say("250 ENHANCEDSTATUSCODES");
    }

    const fn may_log_in(&self) -> bool {
        self.offers.login && (self.is_secure || self.offers.login_in_the_clear)
    }

    fn start_tls(&mut self) -> Option<Event> {
        if !self.offers.starttls || self.is_secure {
            self.refuse(&Reply::fixed(502, "5.5.1", "not implemented"));
            return None;
        }
        // What stands behind it in the clear could be taken for what came encrypted.
        if !self.input.is_empty() {
            self.end(&TOO_EARLY);
            return None;
        }
        self.reply(&Reply::fixed(220, "2.0.0", "begin"));
        self.state = State::StartTls;
        Some(Event::StartTls)
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&str>) -> Option<Event> {
        let refusal = match mechanism {
            _ if !self.offers.login => Some(Reply::fixed(502, "5.5.1", "not implemented")),
            _ if self.user.is_some() || self.sender.is_some() => Some(OUT_OF_ORDER),
            _ if !self.may_log_in() => Some(NO_LOGIN),
            "PLAIN" | "LOGIN" => None,
            _ => Some(UNKNOWN_MECHANISM),
        };
        if let Some(reply) = refusal {
            self.refuse(&reply);
            return None;
        }
        let (exchange, challenge) = match mechanism {
            "LOGIN" => (Exchange::Name, login::NAME),
            _ => (Exchange::Plain, ""),
        };
        match initial {
            Some(response) => self.response(exchange, response.as_bytes()),
            None => {
                self.state = State::Login(exchange);
                self.say(&format!("334 {challenge}"));
                None
            }
        }
    }

    fn response(&mut self, exchange: Exchange, response: &[u8]) -> Option<Event> {
        // "=" is an initial response of nothing (RFC 4954 section 4).
        let text = std::str::from_utf8(response).ok().map(|text| if text == "=" { "" } else { text });
        match text.map_or(Progress::Bad, |text| exchange.take(text)) {
            Progress::Bad => self.refuse(&BAD_RESPONSE),
            Progress::Next(exchange, challenge) => {
                self.state = State::Login(exchange);
                self.say(&format!("334 {challenge}"));
            }
            Progress::Done(login) => {
                self.state = State::Asked(Asked::Login(login.name.clone()));
                return Some(Event::Login(login));
            }
        }
        None
    }

    fn mail_from(&mut self, sender: Sender) -> Option<Event> {
        if self.sender.is_some() {
            self.refuse(&OUT_OF_ORDER);
        } else if self.mails >= self.limits.mails {
            self.end(&TOO_MANY_MAILS);
        } else if sender.size.is_some_and(|size| size > self.limits.mail_octets as u64) {
            self.refuse(&TOO_LARGE);
        } else {
            self.state = State::Asked(Asked::Sender(sender.clone()));
            return Some(Event::Sender(sender));
        }
        None
    }

    fn rcpt_to(&mut self, recipient: Recipient) -> Option<Event> {
        if self.sender.is_none() {
            self.refuse(&OUT_OF_ORDER);
        } else if self.recipients.len() >= self.limits.recipients {
            // Whoever has many sends the rest in another mail (RFC 5321 section 4.5.3.1.10): no mistake, and no idleness.
            self.beyond += 1;
            match self.beyond <= MAX_BEYOND {
                true => self.reply(&TOO_MANY_RECIPIENTS),
                false => self.refuse(&TOO_MANY_RECIPIENTS),
            }
        } else {
            self.state = State::Asked(Asked::Recipient(recipient.clone()));
            return Some(Event::Recipient(recipient));
        }
        None
    }

    fn data(&mut self) -> Option<Event> {
        if self.sender.is_none() {
            self.refuse(&OUT_OF_ORDER);
        } else if self.recipients.is_empty() {
            self.refuse(&NO_RECIPIENTS);
        } else {
            self.state = State::Asked(Asked::Data);
            return Some(Event::Data);
        }
        None
    }

    fn mail(&mut self) -> Option<Event> {
        let State::Data { reader, .. } = std::mem::replace(&mut self.state, State::Command) else {
            return None;
        };
        let recipients = std::mem::take(&mut self.recipients);
        self.beyond = 0;
        let sender = self.sender.take()?;
        self.mails += 1;
        match reader.finish() {
            Ok(octets) => {
                self.idle = 0;
                self.state = State::Asked(Asked::Mail);
                return Some(Event::Mail(Received { envelope: Envelope { sender, recipients }, octets }));
            }
            Err(Excess::Line) => self.refuse(&LINE_TOO_LONG),
            Err(Excess::Mail) => self.refuse(&TOO_LARGE),
        }
        None
    }

    fn reset(&mut self) {
        self.sender = None;
        self.beyond = 0;
        self.recipients.clear();
    }

    fn refuse(&mut self, reply: &Reply) {
        if reply.code() == 421 {
            return self.end(reply);
        }
        self.reply(reply);
        // What is refused for now is no mistake of the client's; still it must not go on for ever.
        match reply.is_permanent() {
            true => self.errors += 1,
            false => self.idle += 1,
        }
        if self.errors > self.limits.errors {
            self.end(&TOO_MANY_ERRORS);
        } else if self.idle > self.limits.idle_commands {
            self.end(&TOO_MANY_COMMANDS);
        }
    }

    fn reply(&mut self, reply: &Reply) {
        self.say(&reply.to_string());
    }

    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }
}
