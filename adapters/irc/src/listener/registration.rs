//! From the first octet to knowing who it is (RFC 2812 section 3.1, IRCv3 capability negotiation).

use std::sync::Arc;
use std::time::SystemTime;

use cpim_irc_proto::{Numeric, Verb};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::client::{Client, End};
use super::departure::Departure;
use super::nick::{is_nick, is_reserved, same};
use super::owners;
use super::users::{Face, User};
use crate::config::Guests;
use crate::line::{Line, Request};
use crate::link::Peer;

/// What waits for a client until its task takes it: enough that a burst is written at once.
const DEPARTURES: usize = 32;

/// Octets of a user name that are kept: more is no help to anybody.
const USER_OCTETS: usize = 16;

/// Octets of a real name that are kept.
const REAL_NAME_OCTETS: usize = 128;

/// Who somebody is that has said so.
pub(crate) enum Registered {
    /// A peer gateway, which is no user.
    Peer(Arc<Peer>),
    /// A user.
    User(Entered),
}

/// A user who is on the network.
pub(crate) struct Entered {
    pub(crate) user: Arc<User>,
    pub(crate) departures: mpsc::Receiver<Departure>,
}

/// What a client has said of itself.
#[derive(Default)]
struct Said {
    password: Option<String>,
    nick: Option<String>,
    user: Option<(String, String)>,
}

/// Hears a client out until it is on the network.
///
/// # Errors
/// How its connection ends instead.
pub(crate) async fn register(
    client: &mut Client,
    deadline: Instant,
    mut evicted: oneshot::Receiver<()>,
) -> Result<Registered, End> {
    let mut said = Said::default();
    let shutdown = client.live.cx.shutdown.clone();
    loop {
        while let Some(request) = client.wire.next() {
            match request {
                Ok(request) => {
                    client.begin(&request);
                    take(client, &mut said, &request).await?;
                    client.finish();
                }
                Err(bad) => client.refuse_line(bad),
            }
            if let Some(registered) = complete(client, &mut said).await? {
                return Ok(registered);
            }
            if client.wire.queued() > client.loaded().settings.limits.send_queue {
                return Err(End::Said("SendQ exceeded".to_owned()));
            }
        }
        tokio::select! {
            turn = client.wire.turn(true) => turn.map_err(|error| End::Lost(error.to_string()))?,
            () = sleep_until(deadline) => return Err(End::Said("Registration timed out".to_owned())),
            Ok(()) = &mut evicted => return Err(End::Said("Too many connections that say nothing".to_owned())),
            () = shutdown.draining() => return Err(End::Said("Server is shutting down".to_owned())),
        }
    }
}

async fn take(client: &mut Client, said: &mut Said, request: &Request) -> Result<(), End> {
    match request.command.as_str() {
        "AUTHENTICATE" => client.authenticate(request).await?,
        "CAP" => client.cap(request, false),
        "NICK" => nick(client, said, request),
        "PASS" => match request.param(0) {
            Some(password) => said.password = Some(password.to_owned()),
            None => client.need_more("PASS"),
        },
        "PING" => client.pong(request),
        "PONG" => {}
        "QUIT" => return Err(End::Said(format!("Quit: {}", request.param(0).unwrap_or("leaving")))),
        "REGISTER" => client.register(request).await,
        "USER" => match (request.param(0), request.param(3)) {
            (Some(user), Some(real_name)) => {
                let keep = |text: &str, most: usize| {
                    text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned()
                };
                said.user = Some((keep(&clean(user), USER_OCTETS), keep(real_name, REAL_NAME_OCTETS)));
            }
            _ => client.need_more("USER"),
        },
        // Asked by bouncers of who has not said who it is; there is nothing to tell.
        "WEBIRC" => client.tell(Numeric::ERR_NOPRIVILEGES, "Nobody speaks for others' hosts here"),
        "GET" | "POST" | "HEAD" | "OPTIONS" | "CONNECT" => {
            // A browser that a page made connect: nothing that it sends is an IRC client's.
            return Err(End::Said("This is not a web server".to_owned()));
        }
        _ => client.tell(Numeric::ERR_NOTREGISTERED, "You have not registered"),
    }
    Ok(())
}

fn nick(client: &mut Client, said: &mut Said, request: &Request) {
    match request.param(0) {
        None => client.tell(Numeric::ERR_NONICKNAMEGIVEN, "No nickname given"),
        Some(nick) if !is_nick(nick) || is_reserved(nick) => {
            client.tell_of(Numeric::ERR_ERRONEUSNICKNAME, nick, "Erroneous nickname");
        }
        Some(nick) => {
            if client.server.users().with_nick(nick).is_some() {
                return client.tell_of(Numeric::ERR_NICKNAMEINUSE, nick, "Nickname is already in use");
            }
            client.nick = nick.to_owned();
            said.nick = Some(nick.to_owned());
        }
    }
}

/// Enters a client that has said everything.
async fn complete(client: &mut Client, said: &mut Said) -> Result<Option<Registered>, End> {
    let (Some(nick), Some((user, real_name)), false) =
        (said.nick.clone(), said.user.clone(), client.negotiating)
    else {
        return Ok(None);
    };
    if let Some(peer) = client.peer.clone() {
        client.welcome();
        return Ok(Some(Registered::Peer(peer)));
    }
    if let (Some(password), None) = (said.password.take(), &client.account) {
        // `PASS secret` for the account of one's nick, `PASS name:secret` for another.
        let (name, password) = password.split_once(':').filter(|(name, _)| is_nick(name)).map_or_else(
            || (nick.clone(), password.clone()),
            |(name, rest)| (name.to_owned(), rest.to_owned()),
        );
        if !client.prove(&name, &password).await? {
            client.tell(Numeric::ERR_PASSWDMISMATCH, "Password incorrect");
            return Err(End::Said("Bad password".to_owned()));
        }
        client.logged_in();
    }
    if let Some(account) = client.account.clone()
        && let Err(error) = owners::for_account(&client.server, &client.live, &account).await
    {
        // Of the configuration since its last reload: what a guest said by its name cannot be ended now.
        client.trouble("NICK", &error);
        return Err(End::Said("Try again later".to_owned()));
    }
    if client.account.is_none() && client.guests == Guests::Refused {
        let words = "Log in to an account, by SASL or PASS, to join this network";
        let line =
            Line::new(client.server.origin(), Verb::FAIL).param("*").param("ACCOUNT_REQUIRED_TO_CONNECT");
        client.say(line.words(words));
        client.tell(Numeric::ERR_PASSWDMISMATCH, words);
        return Err(End::Said("Account required".to_owned()));
    }
    let (server, live, loaded) = (Arc::clone(&client.server), Arc::clone(&client.live), client.loaded());
    if !may_have(client, &nick).await || !begins_anew(client, &nick).await {
        said.nick = None;
        client.nick = "*".to_owned();
        return Ok(None);
    }
    let face = Face {
        nick: nick.as_str().into(),
        nick_since: SystemTime::now(),
        user: user.into(),
        real_name: real_name.into(),
        account: client.account.clone(),
        away: None,
    };
    let (room, departures) = mpsc::channel(DEPARTURES);
    let Ok(user) = server.users().enter(face, room) else {
        client.tell_of(Numeric::ERR_NICKNAMEINUSE, &nick, "Nickname is already in use");
        said.nick = None;
        client.nick = "*".to_owned();
        return Ok(None);
    };
    make_way(&server, &live, &loaded, &nick).await;
    client.welcome();
    Ok(Some(Registered::User(Entered { user, departures })))
}

/// Whether a client can have a nick: that of an account is its owner's alone.
pub(super) async fn may_have(client: &mut Client, nick: &str) -> bool {
    if client.account.as_deref().is_some_and(|account| same(account, nick)) {
        return true;
    }
    let loaded = client.loaded();
    match client.live.accounts.exists(&loaded.settings.accounts, nick).await {
        Ok(false) => true,
        Ok(true) => {
            let words = "Nickname belongs to an account; log in to have it";
            client.tell_of(Numeric::ERR_NICKNAMEINUSE, nick, words);
            false
        }
        Err(error) => {
            client.trouble("NICK", &error);
            false
        }
    }
}

/// A nick without an account that somebody takes up is a new person: what whoever had it before has said, and what was
/// kept for him, is not his, and ends. `false`: that cannot be done at present.
pub(super) async fn begins_anew(client: &mut Client, nick: &str) -> bool {
    // Whoever has it now keeps it, and what is his.
    if client.account.is_some() || client.server.users().with_nick(nick).is_some() {
        return true;
    }
    match owners::for_guest(&client.server, &client.live, nick).await {
        Ok(()) => true,
        Err(error) => {
            client.trouble("NICK", &error);
            false
        }
    }
}

/// A real user has taken a nick: a foreign user that was seen by it gets another, and everybody is told who may have
/// seen it.
pub(super) async fn make_way(
    server: &super::server::Server,
    live: &super::server::Live,
    loaded: &super::server::Loaded,
    nick: &str,
) {
    let taken = Client::taken(server, live, loaded);
    match live.aliases.give_way(nick, &live.cx.mapper(), &taken).await {
        Ok(None) => {}
        Ok(Some(renamed)) => {
            tracing::info!(
                old = &*renamed.old,
                new = &*renamed.new,
                "a foreign user gives way to a real one"
            );
            let renamed = Arc::new(renamed);
            for user in server.users().all() {
                // Whoever is so far behind learns it with the next message.
                let _told = user.room.try_send(Departure::Renamed(Arc::clone(&renamed)));
            }
        }
        Err(error) => tracing::warn!(nick, %error, "the alias of this nick could not be moved"),
    }
}

/// A user name without what would end it.
fn clean(user: &str) -> String {
    user.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect()
}
