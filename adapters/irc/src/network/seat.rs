//! A seat on a network: the relay's, or a puppet's. It lasts over connections.

use std::sync::Mutex;

use bytes::Bytes;
use cpim_adapter::ImUri;
use cpim_irc_proto::Nick;

use super::heard::Heard;
use super::mailbox::Mailbox;
use crate::sync::lock;

/// One seat.
#[derive(Debug)]
pub(super) struct Seat {
    /// For whom it is; none: it is the relay's.
    pub(super) principal: Option<ImUri>,
    pub(super) mailbox: Mailbox,
    pub(super) heard: Heard,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Its nick, while it is on the network.
    nick: Option<Nick>,
    /// Why the network does not let it in, where that is final.
    barred: Option<String>,
    /// Why it stays off the network for a while.
    held: Option<String>,
    /// How it is to look while its user is not open.
    away: Option<Bytes>,
}

impl Seat {
    pub(super) fn new(principal: Option<ImUri>) -> Self {
        Self { principal, mailbox: Mailbox::default(), heard: Heard::default(), state: Mutex::default() }
    }

    pub(super) const fn is_relay(&self) -> bool {
        self.principal.is_none()
    }

    /// Whose it is, for the log.
    pub(super) fn label(&self) -> String {
        self.principal.as_ref().map_or_else(|| "relay".to_owned(), |uri| uri.address().to_string())
    }

    /// Its nick, while it is on the network.
    pub(super) fn nick(&self) -> Option<Nick> {
        lock(&self.state).nick.clone()
    }

    /// How it is on the network, in words.
    pub(super) fn state(&self) -> String {
        let State { nick, barred, held, .. } = &*lock(&self.state);
        match (nick, barred, held) {
            (_, Some(why), _) => format!("not let in: {why}"),
            (Some(nick), None, _) => nick.to_string(),
            (None, None, Some(why)) => format!("away for a while: {why}"),
            (None, None, None) => "connecting".to_owned(),
        }
    }

    pub(super) fn set_nick(&self, nick: Option<Nick>) -> Option<Nick> {
        std::mem::replace(&mut lock(&self.state).nick, nick)
    }

    /// How it is to look from now on, also after it comes back: a line.
    pub(super) fn set_away(&self, line: Bytes) {
        lock(&self.state).away = Some(line);
        self.show();
    }

    /// Looks as it is to look.
    pub(super) fn show(&self) {
        let away = lock(&self.state).away.clone();
        away.into_iter().for_each(|line| self.mailbox.line(line));
    }

    /// Why the network does not let it in.
    pub(super) fn barred(&self) -> Option<String> {
        lock(&self.state).barred.clone()
    }

    /// The network does not let it in, and nothing is tried any more.
    pub(super) fn bar(&self, why: Option<String>) {
        lock(&self.state).barred = why;
    }

    /// Why it stays off the network for a while.
    pub(super) fn held(&self) -> Option<String> {
        lock(&self.state).held.clone()
    }

    /// It stays off the network for a while, and whoever waits for it is told why; `None`: it no longer does.
    pub(super) fn hold(&self, why: Option<String>) {
        let is_held = why.is_some();
        lock(&self.state).held = why;
        self.mailbox.hold(is_held);
    }
}
