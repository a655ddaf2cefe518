//! The server of the network, played: whoever registers there, the two users, and what each is told.
//!
//! A connection of its own answers what a server answers by itself (registration, WHOIS, MONITOR, PING), whether anybody
//! looks or not. What is said to a user is handed to the peer, whole, once the PING behind it has come.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cpim_conformance::PeerError;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use super::connection;
use crate::failed;
use crate::line::Line;

/// The host of everybody.
pub(super) const HOST: &str = "users.example";

/// Lines that one connection has not taken yet, at most.
const LINES: usize = 1_024;

/// What was said to users and not looked at yet, at most.
const EVENTS: usize = 4_096;

/// Something that was said to a user.
#[derive(Debug)]
pub(super) enum Event {
    /// A notice of the moment, behind which no PING stands.
    Courtesy(Line),
    /// A message: its lines, by which connection they came, and the word of the PING behind them.
    Letter {
        /// The connection's number.
        connection: u64,
        /// The word of its PING.
        fence: String,
        /// Its lines, each with its source.
        lines: Vec<Line>,
    },
}

/// What a connection is told.
#[derive(Debug)]
pub(super) enum Out {
    /// These octets.
    Octets(Bytes),
    /// No more: it ends.
    End,
}

/// The server.
pub(super) struct Server {
    /// The nick by which the adapter is always there.
    relay: &'static str,
    /// Whether a PING behind a message waits for its user.
    pub(super) holds: bool,
    state: Mutex<State>,
    pub(super) events: mpsc::Sender<Event>,
    /// The connection of the relay, once it is in.
    relay_is: watch::Sender<Option<u64>>,
}

#[derive(Default)]
struct State {
    is_up: bool,
    last: u64,
    connections: HashMap<u64, Connected>,
    /// Who of the users is there, and since when.
    users: BTreeMap<String, u64>,
    /// A clock that never stands still, so that no two come in one second.
    clock: u64,
}

/// A connection.
struct Connected {
    /// Once it has registered.
    nick: Option<String>,
    watched: HashSet<String>,
    out: mpsc::Sender<Out>,
    task: AbortHandle,
}

/// How names are folded: `ascii`.
fn fold(nick: &str) -> String {
    nick.to_ascii_lowercase()
}

impl Server {
    /// A server that is down, and what will be said to its users.
    pub(super) fn new(relay: &'static str, holds: bool) -> (Arc<Self>, mpsc::Receiver<Event>) {
        let (events, said) = mpsc::channel(EVENTS);
        let (state, relay_is) = (Mutex::default(), watch::Sender::new(None));
        (Arc::new(Self { relay, holds, state, events, relay_is }), said)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes connections for as long as the task runs. While the server is down they end at once.
    pub(super) fn accept(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let server = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A stream without it is slower, and no worse.
                drop(stream.set_nodelay(true));
                let mut state = server.state();
                if state.is_up {
                    state.last += 1;
                    let number = state.last;
                    let (out, lines) = mpsc::channel(LINES);
                    let task = tokio::spawn(connection::serve(Arc::clone(&server), number, stream, lines));
                    let task = task.abort_handle();
                    let connected = Connected { nick: None, watched: HashSet::new(), out, task };
                    state.connections.insert(number, connected);
                }
            }
        })
    }

    /// The server is there, with these users, and the adapter's relay is in.
    pub(super) async fn rise(&self, users: &[&str]) -> Result<(), PeerError> {
        self.state().is_up = true;
        users.iter().for_each(|user| self.comes(user));
        let mut relay = self.relay_is.subscribe();
        let is_in = relay.wait_for(Option::is_some).await;
        is_in.map(drop).map_err(|_| failed("the network is gone"))
    }

    /// The server is gone, and everybody with it.
    pub(super) fn fall(&self) {
        let connections = {
            let mut state = self.state();
            state.is_up = false;
            state.users.clear();
            std::mem::take(&mut state.connections)
        };
        self.relay_is.send_replace(None);
        connections.into_values().for_each(|connected| connected.task.abort());
    }

    /// A user comes.
    pub(super) fn comes(&self, user: &str) {
        let mut state = self.state();
        if !state.users.contains_key(user) {
            state.clock += 1;
            let at = 1_700_000_000 + state.clock;
            state.users.insert(user.to_owned(), at);
            state.tell_watchers(user, &format!("730 * :{user}!{user}@{HOST}"));
        }
    }

    /// A user leaves.
    pub(super) fn goes(&self, user: &str) {
        let mut state = self.state();
        if state.users.remove(user).is_some() {
            state.tell_watchers(user, &format!("731 * :{user}"));
        }
    }

    /// Since when a user is there.
    pub(super) fn user_since(&self, nick: &str) -> Option<u64> {
        self.state().users.get(&fold(nick)).copied()
    }

    /// A connection has registered by this nick, unless somebody has it.
    pub(super) fn takes(&self, number: u64, nick: &str) -> bool {
        let mut state = self.state();
        if state.users.contains_key(&fold(nick)) || state.number_of(nick).is_some_and(|of| of != number) {
            return false;
        }
        state.connections.get_mut(&number).is_some_and(|connected| {
            connected.nick = Some(nick.to_owned());
            true
        })
    }

    /// A connection has read its welcome.
    pub(super) fn is_in(&self, number: u64) {
        let is_relay = self.state().nick_of(number).is_some_and(|nick| nick == self.relay);
        if is_relay {
            self.relay_is.send_replace(Some(number));
        }
    }

    /// A connection has ended.
    pub(super) fn is_gone(&self, number: u64) {
        drop(self.forget(number));
    }

    fn forget(&self, number: u64) -> Option<Connected> {
        self.relay_is.send_if_modified(|relay| relay.take_if(|relay| *relay == number).is_some());
        self.state().connections.remove(&number)
    }

    /// A connection is told from now on of these nicks; gives who of them is there.
    pub(super) fn watches(&self, number: u64, nicks: &[&str]) -> Vec<(String, bool)> {
        let mut state = self.state();
        let there = nicks.iter().map(|nick| ((*nick).to_owned(), state.users.contains_key(&fold(nick))));
        let there = there.collect();
        if let Some(connected) = state.connections.get_mut(&number) {
            connected.watched.extend(nicks.iter().map(|nick| fold(nick)));
        }
        there
    }

    /// The connection of a nick.
    pub(super) fn number_of(&self, nick: &str) -> Option<u64> {
        self.state().number_of(nick)
    }

    /// The nick of a connection, while it is there.
    pub(super) fn nick_of(&self, number: u64) -> String {
        self.state().nick_of(number).unwrap_or_default().to_owned()
    }

    /// Says something to a connection; nothing where that is gone.
    pub(super) fn tell(&self, number: u64, octets: impl Into<Bytes>) {
        self.state().tell(number, octets.into());
    }

    /// Ends a connection, once it has been told everything.
    pub(super) fn hang_up(&self, number: u64) {
        // One that takes nothing more ends without.
        if let Some(connected) = self.forget(number)
            && connected.out.try_send(Out::End).is_err()
        {
            connected.task.abort();
        }
    }
}

impl State {
    fn number_of(&self, nick: &str) -> Option<u64> {
        let is = |connected: &Connected| connected.nick.as_deref().is_some_and(|of| fold(of) == fold(nick));
        self.connections.iter().find(|(_, connected)| is(connected)).map(|(number, _)| *number)
    }

    fn nick_of(&self, number: u64) -> Option<&str> {
        self.connections.get(&number)?.nick.as_deref()
    }

    fn tell(&mut self, number: u64, octets: Bytes) {
        if let Some(connected) = self.connections.get(&number)
            && connected.out.try_send(Out::Octets(octets)).is_err()
        {
            // As a server does with a client that does not read.
            connected.task.abort();
            self.connections.remove(&number);
        }
    }

    fn tell_watchers(&mut self, user: &str, words: &str) {
        let watching = self.connections.iter().filter(|(_, connected)| connected.watched.contains(user));
        let watching: Vec<u64> = watching.map(|(number, _)| *number).collect();
        for number in watching {
            self.tell(number, format!(":s {words}\r\n").into());
        }
    }
}
