//! One client as it is told things, before and after it has said who it is.

use std::sync::Arc;
use std::time::SystemTime;

use cpim_adapter::MemoryError;
use cpim_irc_proto::server::{Answers, Capabilities, Capability as Cap, Exchange, Offer, SaslStep};
use cpim_irc_proto::{Numeric, Verb};

use super::aliases::Taken;
use super::manage::PASSWORD_OCTETS;
use super::nick::is_nick;
use super::owners;
use super::server::{Live, Loaded, Server};
use crate::config::Guests;
use crate::line::{Bad, Line, Request};
use crate::link::Peer;
use crate::time;
use crate::wire::Wire;

/// Passwords that a client may get wrong before it is sent away.
const WRONG_PASSWORDS: u32 = 3;

/// Why no account is made.
const NOT_BY_ONESELF: &str = "Accounts are made by the administrator here";
const ALREADY: &str = "You are logged in already";

/// How a connection ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The stream is gone.
    Lost(String),
    /// We end it, and say why.
    Said(String),
}

/// What was said before the client's command was done.
#[derive(Default)]
struct Collected {
    label: Option<String>,
    lines: Vec<Line>,
    /// The answer comes later.
    deferred: bool,
}

/// One client.
pub(crate) struct Client {
    pub(crate) server: Arc<Server>,
    pub(crate) live: Arc<Live>,
    pub(crate) wire: Wire,
    pub(crate) caps: Capabilities,
    /// Its nick, or `*` while it has none.
    pub(crate) nick: String,
    /// The account that it has proven.
    pub(crate) account: Option<Arc<str>>,
    /// The peer gateway that it has proven to be.
    pub(crate) peer: Option<Arc<Peer>>,
    /// What becomes of it without an account.
    pub(crate) guests: Guests,
    /// Whether the connection is encrypted, or does not leave the machine.
    pub(crate) private: bool,
    /// It is negotiating capabilities, which holds up its registration.
    pub(crate) negotiating: bool,
    version_302: bool,
    /// What it was last told that it can ask for.
    offered: Offer,
    sasl: Option<Exchange>,
    wrong_passwords: u32,
    collected: Option<Collected>,
    answers: Answers,
}

impl Client {
    pub(crate) fn new(
        server: Arc<Server>,
        live: Arc<Live>,
        wire: Wire,
        guests: Guests,
        private: bool,
    ) -> Self {
        let offered = Offer { registration: server.loaded().settings.registration };
        Self {
            server,
            live,
            wire,
            caps: Capabilities::default(),
            nick: "*".to_owned(),
            account: None,
            peer: None,
            guests,
            private,
            negotiating: false,
            version_302: false,
            offered,
            sasl: None,
            wrong_passwords: 0,
            collected: None,
            answers: Answers::default(),
        }
    }

    /// What is configured now.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        self.server.loaded()
    }

    /// Begins a command: what it says from now on is its answer.
    pub(crate) fn begin(&mut self, request: &Request) {
        self.say_new_offer();
        let label = request.tag("label").filter(|label| Answers::is_label(label));
        let label = label.filter(|_| self.caps.has(Cap::LabeledResponse)).map(str::to_owned);
        self.collected = Some(Collected { label, ..Collected::default() });
    }

    /// The label of the command that is being done; its answer comes later, by [`Self::answer`].
    pub(crate) fn defer(&mut self) -> Option<String> {
        let collected = self.collected.as_mut()?;
        collected.deferred = true;
        collected.label.take()
    }

    /// Ends a command: everything that it said goes out as its answer.
    pub(crate) fn finish(&mut self) {
        if let Some(Collected { label, lines, deferred }) = self.collected.take() {
            match label {
                Some(label) if !deferred => self.answer(Some(label), lines),
                _ => lines.into_iter().for_each(|line| self.wire.push(line)),
            }
        }
    }

    /// Sends the answer to a command with a label: one line, or one batch (labeled-response).
    pub(crate) fn answer(&mut self, label: Option<String>, lines: Vec<Line>) {
        let Some(label) = label else {
            return lines.into_iter().for_each(|line| self.wire.push(line));
        };
        let frame = self.answers.frame(self.server.origin(), &label, lines.len());
        self.wire.push_built(frame.before);
        for line in lines {
            self.wire.push(match &frame.each {
                Some((key, value)) => line.tagged(key, value),
                None => line,
            });
        }
        self.wire.push_built(frame.behind);
    }

    /// Says a line: as part of the answer to the command that is being done, if one is.
    pub(crate) fn say(&mut self, line: Line) {
        match &mut self.collected {
            Some(collected) => collected.lines.push(line),
            None => self.wire.push(line),
        }
    }

    /// A numeric reply, to be said.
    pub(crate) fn numeric(&self, numeric: Numeric) -> Line {
        Line::reply(self.server.origin(), numeric, &self.nick)
    }

    /// Says a numeric reply with words only.
    pub(crate) fn tell(&mut self, numeric: Numeric, words: &str) {
        let line = self.numeric(numeric).words(words);
        self.say(line);
    }

    /// Says a numeric reply about something.
    pub(crate) fn tell_of(&mut self, numeric: Numeric, what: &str, words: &str) {
        let line = self.numeric(numeric).param(what).words(words);
        self.say(line);
    }

    /// A standard reply (IRCv3 standard-replies), or a notice to who does not know them.
    pub(crate) fn standard(
        &self,
        verb: Verb,
        command: &str,
        code: &str,
        context: &[&str],
        words: &str,
    ) -> Line {
        if !self.caps.has(Cap::StandardReplies) {
            return Line::new(self.server.origin(), Verb::NOTICE).param(&self.nick).words(words);
        }
        let line = Line::new(self.server.origin(), verb).param(command).param(code);
        context.iter().fold(line, Line::param).words(words)
    }

    /// A line of somebody's, with the tags that this client has asked for.
    pub(crate) fn tagged(&self, line: Line, at: SystemTime, id: Option<&str>, account: Option<&str>) -> Line {
        let mut line = line;
        if self.caps.has(Cap::ServerTime) {
            line = line.tag("time", &time::rfc3339(at));
        }
        if let Some(id) = id.filter(|_| self.caps.has(Cap::MessageTags)) {
            line = line.tag("msgid", id);
        }
        if let Some(account) = account.filter(|_| self.caps.has(Cap::AccountTag)) {
            line = line.tag("account", account);
        }
        line
    }

    /// Answers a line that cannot be read.
    pub(crate) fn refuse_line(&mut self, bad: Bad) {
        match bad {
            Bad::TooLong => self.tell(Numeric::ERR_INPUTTOOLONG, "Input line was too long"),
            Bad::NotUtf8 => {
                // IRCv3 UTF8ONLY: sent to everybody, since without it nothing says what went wrong.
                let line = Line::new(self.server.origin(), Verb::FAIL)
                    .param("*")
                    .param("INVALID_UTF8")
                    .words("The line was not UTF-8, and was not sent on");
                self.say(line);
            }
            Bad::Malformed => self.tell_of(Numeric::ERR_UNKNOWNCOMMAND, "*", "Not a line of IRC"),
        }
    }

    /// A command lacks something (RFC 2812 section 5.2).
    pub(crate) fn need_more(&mut self, command: &str) {
        self.tell_of(Numeric::ERR_NEEDMOREPARAMS, command, "Not enough parameters");
    }

    /// The memory is in trouble.
    pub(crate) fn trouble(&mut self, command: &str, error: &MemoryError) {
        tracing::warn!(network = %self.server.name(), command, %error, "not done");
        let line = self.standard(
            Verb::FAIL,
            command,
            "TEMPORARILY_UNAVAILABLE",
            &[],
            "That cannot be done at present; try again later",
        );
        self.say(line);
    }

    /// `CAP` (IRCv3 capability negotiation).
    pub(crate) fn cap(&mut self, request: &Request, registered: bool) {
        let sub = request.param(0).unwrap_or_default().to_ascii_uppercase();
        let offer = Offer { registration: self.loaded().settings.registration };
        let reply = |client: &Self, word: &str, list: &str| {
            Line::new(client.server.origin(), Verb::CAP).param(&client.nick).param(word).words(list)
        };
        match sub.as_str() {
            "LS" => {
                self.negotiating |= !registered;
                if request.param(1).and_then(|version| version.parse::<u32>().ok()).is_some_and(|v| v >= 302)
                {
                    self.version_302 = true;
                }
                let line = reply(self, "LS", &offer.list(self.version_302));
                self.say(line);
            }
            "LIST" => {
                let line = reply(self, "LIST", &self.caps.names());
                self.say(line);
            }
            "REQ" => {
                self.negotiating |= !registered;
                let list = request.param(1).unwrap_or_default().trim().to_owned();
                // Who asked for version 302 is told of changes, and cannot have that otherwise (IRCv3 cap-notify).
                let is_fixed = self.version_302 && list.split(' ').any(|word| word == "-cap-notify");
                let line = match self.caps.request(&list, &offer).filter(|_| !is_fixed) {
                    Some(caps) => {
                        self.caps = caps;
                        reply(self, "ACK", &list)
                    }
                    None => reply(self, "NAK", &list),
                };
                self.say(line);
            }
            "END" => self.negotiating = false,
            other => self.tell_of(Numeric::ERR_INVALIDCAPCMD, other, "Invalid CAP command"),
        }
    }

    /// `CAP NEW` and `CAP DEL`, where a reload has changed what can be asked for (IRCv3 cap-notify). A client is told when
    /// it speaks next, which it does at least in answer to a ping.
    fn say_new_offer(&mut self) {
        let offer = Offer { registration: self.loaded().settings.registration };
        let before = std::mem::replace(&mut self.offered, offer);
        if before == offer {
            return;
        }
        let (added, gone) = offer.changes(&before, self.version_302);
        self.caps = self.caps.without(&gone);
        // Version 302 asks for it by itself.
        if !self.version_302 && !self.caps.has(Cap::ChangesNotify) {
            return;
        }
        for (word, list) in [("NEW", added), ("DEL", gone)] {
            if !list.is_empty() {
                let line = Line::new(self.server.origin(), Verb::CAP).param(&self.nick).param(word);
                self.wire.push(line.words(list));
            }
        }
    }

    /// `AUTHENTICATE` (IRCv3 SASL 3.1).
    pub(crate) async fn authenticate(&mut self, request: &Request) -> Result<(), End> {
        let Some(word) = request.param(0).map(str::to_owned) else {
            self.need_more("AUTHENTICATE");
            return Ok(());
        };
        if self.account.is_some() || self.peer.is_some() {
            self.tell(Numeric::ERR_SASLALREADY, "You have already authenticated");
            return Ok(());
        }
        match self.sasl.take().unwrap_or_default().take(&word) {
            SaslStep::Aborted => self.tell(Numeric::ERR_SASLABORTED, "SASL authentication aborted"),
            SaslStep::Go(exchange) => {
                self.sasl = Some(exchange);
                self.say(Line::bare(Verb::AUTHENTICATE).param("+"));
            }
            SaslStep::More(exchange) => self.sasl = Some(exchange),
            SaslStep::TooLong => self.tell(Numeric::ERR_SASLTOOLONG, "SASL message too long"),
            SaslStep::Unknown => {
                self.tell_of(Numeric::RPL_SASLMECHS, "PLAIN", "are available SASL mechanisms");
                self.tell(Numeric::ERR_SASLFAIL, "SASL authentication failed");
            }
            SaslStep::Broken => self.tell(Numeric::ERR_SASLFAIL, "SASL authentication failed"),
            SaslStep::Plain { name, password } => {
                if may_be_known(&name) && self.prove(&name, &password).await? {
                    self.logged_in();
                    self.tell(Numeric::RPL_SASLSUCCESS, "SASL authentication successful");
                } else {
                    self.tell(Numeric::ERR_SASLFAIL, "SASL authentication failed");
                }
            }
        }
        Ok(())
    }

    /// Whether the password is that of the account, which then is proven. Who gets it wrong too often is sent away.
    pub(crate) async fn prove(&mut self, name: &str, password: &str) -> Result<bool, End> {
        if !self.private {
            let line = self.standard(
                Verb::FAIL,
                "AUTHENTICATE",
                "TLS_REQUIRED",
                &[],
                "Passwords are taken over TLS only",
            );
            self.say(line);
            return Ok(false);
        }
        let loaded = self.loaded();
        let peer = self.server.links().peer(name).filter(|peer| peer.secret.is(password));
        if peer.is_some() {
            self.peer = peer;
            return Ok(true);
        }
        let proven = self.live.accounts.proves(&loaded.settings.accounts, name, password).await;
        match proven {
            Ok(true) => {
                self.account = Some(name.into());
                return Ok(true);
            }
            Ok(false) => self.wrong_passwords += 1,
            Err(error) => self.trouble("AUTHENTICATE", &error),
        }
        match self.wrong_passwords >= WRONG_PASSWORDS {
            true => Err(End::Said("Too many wrong passwords".to_owned())),
            false => Ok(false),
        }
    }

    /// Says that it is logged in.
    pub(crate) fn logged_in(&mut self) {
        let peer = self.peer.as_ref().map(|peer| Arc::from(peer.domain.as_str()));
        if let Some(account) = self.account.clone().or(peer) {
            let mask = format!("{}!*@{}", self.nick, self.server.name());
            let line = self
                .numeric(Numeric::RPL_LOGGEDIN)
                .param(mask)
                .param(&account)
                .words(format!("You are now logged in as {account}"));
            self.say(line);
        }
    }

    /// `REGISTER` from a client that is on the network already, whose nick may be an account's by now.
    pub(crate) fn register_too_late(&mut self, request: &Request) {
        let (code, words) = if !self.loaded().settings.registration {
            ("DISALLOWED", NOT_BY_ONESELF)
        } else if self.account.is_some() {
            ("ALREADY_AUTHENTICATED", ALREADY)
        } else {
            (
                "TEMPORARILY_UNAVAILABLE",
                "Accounts are made while one connects: do so anew, and register before the welcome",
            )
        };
        self.not_registered(&self.account_meant(request), code, words);
    }

    /// The account that a `REGISTER` is about.
    fn account_meant(&self, request: &Request) -> String {
        match request.param(0) {
            None | Some("*") => self.nick.clone(),
            Some(name) => name.to_owned(),
        }
    }

    fn not_registered(&mut self, account: &str, code: &str, words: &str) {
        let line = self.standard(Verb::FAIL, "REGISTER", code, &[account], words);
        self.say(line);
    }

    /// `REGISTER ACCOUNT EMAIL PASSWORD` (IRCv3 draft/account-registration): makes an account of one's nick.
    pub(crate) async fn register(&mut self, request: &Request) {
        let account = self.account_meant(request);
        let fail = |client: &mut Self, code, words| client.not_registered(&account, code, words);
        let loaded = self.loaded();
        if !loaded.settings.registration {
            return fail(self, "DISALLOWED", NOT_BY_ONESELF);
        }
        let (Some(_), Some(password)) = (request.param(0), request.param(2)) else {
            return self.need_more("REGISTER");
        };
        if self.nick == "*" {
            return fail(self, "NEED_NICK", "Say your nick first: an account has its name");
        }
        let name = account.clone();
        if !super::nick::same(&name, &self.nick) {
            return fail(self, "ACCOUNT_NAME_MUST_BE_NICK", "An account has the name of your nick");
        }
        if self.account.is_some() {
            return fail(self, "ALREADY_AUTHENTICATED", ALREADY);
        }
        if !self.private {
            return fail(self, "TLS_REQUIRED", "Passwords are taken over TLS only");
        }
        if password.len() < PASSWORD_OCTETS {
            return fail(self, "WEAK_PASSWORD", "Passwords of 8 to 300 octets are accepted");
        }
        if password.len() > crate::config::Password::MAX_OCTETS {
            return fail(self, "UNACCEPTABLE_PASSWORD", "Passwords of 8 to 300 octets are accepted");
        }
        match self.live.accounts.make(&loaded.settings.accounts, &name, password).await {
            Ok(()) => {
                let noted = match self.server.users().with_nick(&name) {
                    Some(_) => owners::stays(&self.server, &self.live, &name).await,
                    // Not on the network yet: whatever was said by this nick, another said.
                    None => owners::for_account(&self.server, &self.live, &name).await,
                };
                if let Err(error) = noted {
                    tracing::warn!(%error, account = name, "its owner is taken for a newcomer when he logs in");
                }
                self.account = Some(name.as_str().into());
                if let Some(verb) = Verb::parse("REGISTER") {
                    let line = Line::new(self.server.origin(), verb).param("SUCCESS").param(&name);
                    self.say(line.words("The account is made, and you are logged in"));
                }
                self.logged_in();
            }
            Err(super::accounts::NotMade::Taken) => {
                fail(self, "ACCOUNT_EXISTS", "There is an account of this name");
            }
            Err(super::accounts::NotMade::Trouble(error)) => {
                self.trouble("REGISTER", &MemoryError::Store(error));
            }
        }
    }

    /// Nicks that are real users'.
    pub(crate) fn taken<'a>(server: &'a Server, live: &'a Live, loaded: &'a Loaded) -> Taken<'a> {
        Taken { users: server.users(), accounts: &live.accounts, configured: &loaded.settings.accounts }
    }
}

/// Accounts are called like nicks, and peer gateways by their domains.
fn may_be_known(name: &str) -> bool {
    is_nick(name) || name.contains('.') && cpim_adapter::Domain::parse(name).is_ok()
}
