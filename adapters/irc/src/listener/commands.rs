//! What a client that is on the network can ask for.

use std::sync::Arc;

use cpim_adapter::Place;
use cpim_irc_proto::Numeric;

use super::client::{Client, End};
use super::nick::{is_nick, is_reserved, same};
use super::registration::{begins_anew, make_way, may_have};
use super::session::Session;
use crate::line::{Line, Request};

/// Octets of the words of an `AWAY`, as `AWAYLEN` says.
pub(super) const AWAY_OCTETS: usize = 300;

impl Session {
    /// Does a command. `place`: for the operation that it asks for; none where there was none in time.
    pub(super) async fn command(&mut self, request: &Request, place: Option<Place>) -> Result<(), End> {
        let client = &mut self.client;
        match request.command.as_str() {
            "ADMIN" => client.admin(request),
            "AUTHENTICATE" => client.tell(Numeric::ERR_SASLFAIL, "Log in before you join the network"),
            "AWAY" => self.away(request),
            "CAP" => client.cap(request, true),
            "INFO" => client.info(request),
            // `INVITE nick channel`.
            "INVITE" => self.no_channels(request, 1),
            "ISON" => self.ison(request).await,
            "JOIN" | "KICK" | "PART" | "TOPIC" => self.no_channels(request, 0),
            "LIST" => client.list(),
            "LUSERS" => client.lusers(),
            "MODE" => self.mode(request),
            "MONITOR" => self.monitor(request).await,
            "MOTD" => client.motd(request),
            "NAMES" => {
                let channel = request.param(0).unwrap_or("*").to_owned();
                client.tell_of(Numeric::RPL_ENDOFNAMES, &channel, "End of /NAMES list");
            }
            "NICK" => self.nick(request).await,
            "NOTICE" | "PRIVMSG" => self.message(request, place).await,
            "PASS" | "USER" | "SERVICE" => {
                client.tell(Numeric::ERR_ALREADYREGISTERED, "You may not reregister");
            }
            "PING" => client.pong(request),
            "PONG" => {
                if let Some(token) = request.params_from(0).last() {
                    let token = token.to_owned();
                    self.pong(&token);
                }
            }
            "QUIT" => {
                let words =
                    request.param(0).map_or_else(|| "Quit".to_owned(), |words| format!("Quit: {words}"));
                return Err(End::Said(words));
            }
            "REGISTER" => client.register_too_late(request),
            "TAGMSG" => {}
            "TIME" => client.time(request),
            "USERHOST" => self.userhost(request).await,
            "VERSION" => client.version(request),
            "WHO" => self.who(request).await,
            "WHOIS" => self.whois(request).await,
            "WHOWAS" => client.whowas(request),
            "DIE" | "KILL" | "OPER" | "REHASH" | "RESTART" | "WALLOPS" | "SQUIT" | "CONNECT" => {
                client.tell(Numeric::ERR_NOPRIVILEGES, "Permission denied: there are no operators here");
            }
            other => client.tell_of(Numeric::ERR_UNKNOWNCOMMAND, other, "Unknown command"),
        }
        Ok(())
    }

    /// Whatever is about channels, which come later: `at` is where they are named.
    fn no_channels(&mut self, request: &Request, at: usize) {
        let Some(channels) = request.param(at) else {
            return self.client.need_more(&request.command);
        };
        for channel in channels.split(',').filter(|channel| !channel.is_empty()).take(16) {
            // `JOIN 0` leaves all channels, which is done.
            if channel != "0" || request.command != "JOIN" {
                self.client.tell_of(Numeric::ERR_NOSUCHCHANNEL, channel, "There are no channels here");
            }
        }
    }

    /// `MODE` of oneself (RFC 2812 section 3.1.5).
    fn mode(&mut self, request: &Request) {
        let client = &mut self.client;
        match (request.param(0), request.param(1)) {
            (None, _) => client.need_more("MODE"),
            (Some(nick), modes) if same(nick, &client.nick) => {
                match modes.map(|modes| modes.trim_start_matches('+')) {
                    // What clients set by habit: invisible, which everybody is here.
                    None | Some("" | "i") => {
                        let line = client.numeric(Numeric::RPL_UMODEIS).param("+i");
                        client.say(line);
                    }
                    Some(_) => client.tell(Numeric::ERR_UMODEUNKNOWNFLAG, "Unknown MODE flag"),
                }
            }
            (Some(target), _) if is_nick(target) => {
                client.tell(Numeric::ERR_USERSDONTMATCH, "Cannot change mode for other users");
            }
            (Some(channel), _) => client.tell_of(Numeric::ERR_NOSUCHCHANNEL, channel, "No such channel"),
        }
    }

    /// `AWAY` (RFC 2812 section 4.1).
    fn away(&mut self, request: &Request) {
        let words = request.param(0);
        let away: Option<Arc<str>> =
            words.map(|words| words.get(..words.floor_char_boundary(AWAY_OCTETS)).unwrap_or_default().into());
        let here = away.is_none();
        self.client.server.users().set_away(&self.user, away);
        match here {
            true => self.client.tell(Numeric::RPL_UNAWAY, "You are no longer marked as being away"),
            false => self.client.tell(Numeric::RPL_NOWAWAY, "You have been marked as being away"),
        }
        self.tell_presence(&self.user.face());
    }

    /// `NICK` (RFC 2812 section 3.1.2).
    async fn nick(&mut self, request: &Request) {
        let client = &mut self.client;
        let Some(nick) = request.param(0) else {
            return client.tell(Numeric::ERR_NONICKNAMEGIVEN, "No nickname given");
        };
        if !is_nick(nick) || is_reserved(nick) {
            return client.tell_of(Numeric::ERR_ERRONEUSNICKNAME, nick, "Erroneous nickname");
        }
        if nick == client.nick || !may_have(client, nick).await || !begins_anew(client, nick).await {
            return;
        }
        let before = self.user.face();
        if client.server.users().rename(&self.user, nick).is_err() {
            return client.tell_of(Numeric::ERR_NICKNAMEINUSE, nick, "Nickname is already in use");
        }
        let (server, live, loaded) = (Arc::clone(&client.server), Arc::clone(&client.live), client.loaded());
        make_way(&server, &live, &loaded, nick).await;
        self.renamed(&before);
    }
}

impl Client {
    /// `PING` (RFC 2812 section 3.7.2).
    pub(super) fn pong(&mut self, request: &Request) {
        match request.param(0) {
            Some(token) => {
                let server = self.server.name().to_string();
                let line =
                    Line::new(self.server.origin(), cpim_irc_proto::Verb::PONG).param(server).words(token);
                self.say(line);
            }
            None => self.tell(Numeric::ERR_NOORIGIN, "No origin specified"),
        }
    }
}
