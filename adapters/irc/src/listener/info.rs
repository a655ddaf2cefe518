//! What clients ask a server about itself, most of it at connecting (RFC 2812 section 3.4).

use std::time::SystemTime;

use cpim_irc_proto::Numeric;
use cpim_irc_proto::server::tokens;

use super::client::Client;
use super::commands::AWAY_OCTETS;
use super::nick::{NICK_OCTETS, same};
use crate::line::Request;
use crate::time;

/// The version, as clients are told.
const VERSION: &str = concat!("cpim-gateway-", env!("CARGO_PKG_VERSION"));

impl Client {
    /// The words that end registration (RFC 2812 section 5.1), and what every client asks for next.
    pub(super) fn welcome(&mut self) {
        let name = self.server.name().to_string();
        let began = time::for_people(self.server.began);
        self.tell(Numeric::RPL_WELCOME, &format!("Welcome to {name}, {}", self.nick));
        self.tell(Numeric::RPL_YOURHOST, &format!("Your host is {name}, running version {VERSION}"));
        self.tell(Numeric::RPL_CREATED, &format!("This server was started {began}"));
        let line = self.numeric(Numeric::RPL_MYINFO).param(&name).param(VERSION).param("i").param("n");
        self.say(line);
        self.supported();
        self.lusers();
        self.say_motd();
    }

    /// `RPL_ISUPPORT` (modern-irc, "Feature Advertisement").
    fn supported(&mut self) {
        let (away, nick) = (AWAY_OCTETS.to_string(), NICK_OCTETS.to_string());
        let (monitor, network) =
            (self.loaded().settings.limits.monitor.to_string(), self.server.name().to_string());
        let all = [
            ("AWAYLEN", away.as_str()),
            ("CASEMAPPING", "ascii"),
            ("CHANTYPES", "#"),
            // Tags that clients make up for each other cross to nobody (message-tags).
            ("CLIENTTAGDENY", "*"),
            ("MONITOR", &monitor),
            ("NETWORK", &network),
            ("NICKLEN", &nick),
            ("TARGMAX", "PRIVMSG:1,NOTICE:1,WHOIS:1,USERHOST:5"),
            ("UTF8ONLY", ""),
        ];
        for tokens in tokens(&all) {
            let begun = self.numeric(Numeric::RPL_ISUPPORT);
            let line = tokens.iter().fold(begun, |line, token| line.param(token.as_str()));
            self.say(line.words("are supported by this server"));
        }
    }

    /// `LUSERS`.
    pub(super) fn lusers(&mut self) {
        let (now, most) = self.server.users().count();
        self.tell(Numeric::RPL_LUSERCLIENT, &format!("There are {now} users and 0 invisible on 1 servers"));
        self.tell(Numeric::RPL_LUSERME, &format!("I have {now} clients and 0 servers"));
        for numeric in [Numeric::RPL_LOCALUSERS, Numeric::RPL_GLOBALUSERS] {
            let line = self.numeric(numeric).param(now.to_string()).param(most.to_string());
            self.say(line.words(format!("Current users {now}, max {most}")));
        }
    }

    /// Whether a query is for this server; says so where it is not.
    fn is_for_us(&mut self, target: Option<&str>) -> bool {
        match target {
            Some(other) if !same(other, self.server.name().as_str()) && !same(other, &self.nick) => {
                self.tell_of(Numeric::ERR_NOSUCHSERVER, other, "No such server");
                false
            }
            _ => true,
        }
    }

    /// `MOTD`.
    pub(super) fn motd(&mut self, request: &Request) {
        if self.is_for_us(request.param(0)) {
            self.say_motd();
        }
    }

    fn say_motd(&mut self) {
        let loaded = self.loaded();
        if loaded.settings.motd.is_empty() {
            return self.tell(Numeric::ERR_NOMOTD, "MOTD File is missing");
        }
        self.tell(Numeric::RPL_MOTDSTART, &format!("- {} Message of the day -", self.server.name()));
        for line in &loaded.settings.motd {
            self.tell(Numeric::RPL_MOTD, &format!("- {line}"));
        }
        self.tell(Numeric::RPL_ENDOFMOTD, "End of /MOTD command");
    }

    /// `VERSION`.
    pub(super) fn version(&mut self, request: &Request) {
        if self.is_for_us(request.param(0)) {
            let name = self.server.name().to_string();
            let line = self.numeric(Numeric::RPL_VERSION).param(VERSION).param(name);
            self.say(line.words("a gateway between instant-messaging systems"));
            self.supported();
        }
    }

    /// `TIME`.
    pub(super) fn time(&mut self, request: &Request) {
        if self.is_for_us(request.param(0)) {
            let name = self.server.name().to_string();
            self.tell_of(Numeric::RPL_TIME, &name, &time::for_people(SystemTime::now()));
        }
    }

    /// `ADMIN`.
    pub(super) fn admin(&mut self, request: &Request) {
        if !self.is_for_us(request.param(0)) {
            return;
        }
        let name = self.server.name().to_string();
        let loaded = self.loaded();
        if loaded.settings.admin.is_empty() {
            return self.tell_of(Numeric::ERR_NOADMININFO, &name, "No administrative info available");
        }
        self.tell_of(Numeric::RPL_ADMINME, &name, "Administrative info");
        let numerics = [Numeric::RPL_ADMINLOC1, Numeric::RPL_ADMINLOC2, Numeric::RPL_ADMINEMAIL];
        for (numeric, line) in numerics.into_iter().zip(&loaded.settings.admin) {
            self.tell(numeric, line);
        }
    }

    /// `INFO`.
    pub(super) fn info(&mut self, request: &Request) {
        if !self.is_for_us(request.param(0)) {
            return;
        }
        for line in [
            &format!("{VERSION}: joins this network with other messaging systems."),
            "Write to anybody by address: /msg fred@a.example Hello",
            &format!("Running since {}", time::for_people(self.server.began)),
        ] {
            self.tell(Numeric::RPL_INFO, line);
        }
        self.tell(Numeric::RPL_ENDOFINFO, "End of INFO list");
    }

    /// `LIST`: there are no channels.
    pub(super) fn list(&mut self) {
        let line = self.numeric(Numeric::RPL_LISTSTART).param("Channel").words("Users  Name");
        self.say(line);
        self.tell(Numeric::RPL_LISTEND, "End of /LIST");
    }

    /// `WHOWAS`: nothing is kept of who has left.
    pub(super) fn whowas(&mut self, request: &Request) {
        match request.param(0) {
            None => self.tell(Numeric::ERR_NONICKNAMEGIVEN, "No nickname given"),
            Some(nick) => {
                self.tell_of(Numeric::ERR_WASNOSUCHNICK, nick, "There was no such nickname");
                self.tell_of(Numeric::RPL_ENDOFWHOWAS, nick, "End of WHOWAS");
            }
        }
    }
}
