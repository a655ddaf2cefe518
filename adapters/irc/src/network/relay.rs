//! What the relay does for all: it watches who is there, and asks who that is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cpim_irc_proto::client::{Change, Found, Inquiry, Session, Watch};
use cpim_irc_proto::{LineBuilder, Message, NameKey, Nick, Verb};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::joined::Joined;
use crate::sync::lock;

/// Questions that wait. Whoever asks then is told that it is not known.
const WAITING: usize = 1_024;

/// How long the network has to answer one.
const ANSWER: Duration = Duration::from_secs(15);

/// Who was asked for, one after the other.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    asked: Option<(Inquiry, Instant)>,
    /// Somebody asked for the same meanwhile: without an answer, it is asked once more.
    again: bool,
    waiting: VecDeque<Nick>,
    /// Who waits for what is found, by the nick as it was asked for.
    answers: Vec<(Nick, oneshot::Sender<Found>)>,
}

impl Inquiries {
    fn ask(&mut self, nick: Nick, answer: Option<oneshot::Sender<Found>>) {
        self.answers.retain(|(_, answer)| !answer.is_closed());
        if self.waiting.len() >= WAITING || self.answers.len() >= WAITING {
            return;
        }
        let is_asked = self.asked.as_ref().is_some_and(|(inquiry, _)| *inquiry.nick() == nick);
        self.again |= is_asked;
        if !is_asked && !self.waiting.contains(&nick) {
            match answer.is_some() {
                // Somebody waits for it.
                true => self.waiting.push_front(nick.clone()),
                false => self.waiting.push_back(nick.clone()),
            }
        }
        self.answers.extend(answer.map(|answer| (nick, answer)));
    }

    fn line(&mut self, now: Instant) -> Option<Bytes> {
        if let Some((inquiry, _)) = self.asked.take_if(|(_, until)| *until <= now)
            && std::mem::take(&mut self.again)
        {
            self.waiting.push_back(inquiry.nick().clone());
        }
        if self.asked.is_some() {
            return None;
        }
        self.again = false;
        let inquiry = Inquiry::new(self.waiting.pop_front()?);
        let line = inquiry.line();
        self.asked = Some((inquiry, now + ANSWER));
        line
    }

    /// Nobody will answer any more.
    pub(super) fn give_up(&mut self) {
        *self = Self::default();
    }
}

impl Joined {
    /// The relay is on the network: it watches everybody who was watched before.
    pub(super) fn begin_watching(self: &Arc<Self>, session: &Session) {
        lock(&self.people).see(SystemTime::now());
        let now = Instant::now().into_std();
        let (mapping, monitor) = (self.mapping(), session.isupport().monitor);
        let mut watch = Watch::new(mapping, monitor, session.tells_away(), self.settings.poll, now);
        // The relay's own nick, should somebody have it.
        if session.nick() != &self.settings.nick {
            watch.add(self.settings.nick.clone(), false);
        }
        for (key, is_observed) in lock(&self.people).everybody() {
            if let Ok(nick) = Nick::parse(key.as_str()) {
                watch.add(nick, is_observed);
            }
        }
        *lock(&self.watch) = Some(watch);
        if self.settings.casemapping.is_none() {
            let (joined, word) = (Arc::clone(self), mapping.as_str());
            self.tasks.spawn(async move {
                let Some(live) = joined.live() else { return };
                let noted = live.cx.memory.set_note(
                    "irc.casemapping",
                    joined.name(),
                    Bytes::from_static(word.as_bytes()),
                    None,
                );
                if let Err(error) = noted.await {
                    tracing::warn!(%error, "how the network folds names could not be noted");
                }
            });
        }
    }

    /// Watches somebody, and no longer whoever is forgotten.
    pub(super) fn watches(&self, key: &NameKey, with_away: bool, forgotten: Option<&NameKey>) {
        if let Some(watch) = &mut *lock(&self.watch) {
            if let Ok(nick) = Nick::parse(key.as_str()) {
                watch.add(nick, with_away);
            }
            if let Some(forgotten) = forgotten {
                watch.remove(forgotten);
            }
        }
        self.relay.mailbox.wake();
    }

    /// Asks who somebody is, for whenever that will be of use.
    pub(super) fn wonders(&self, key: &NameKey) {
        if let Ok(nick) = Nick::parse(key.as_str()) {
            lock(&self.inquiries).ask(nick, None);
            self.relay.mailbox.wake();
        }
    }

    /// Asks who somebody is; `None` where nobody answers. Cancel safe.
    pub(super) async fn who_is(&self, key: &NameKey) -> Option<Found> {
        let nick = Nick::parse(key.as_str()).ok()?;
        let (sender, answer) = oneshot::channel();
        self.is_up().await;
        lock(&self.inquiries).ask(nick, Some(sender));
        self.relay.mailbox.wake();
        answer.await.ok()
    }

    /// What the relay wants to ask next.
    pub(super) fn asks(&self, now: Instant) -> Option<Bytes> {
        if let Some(line) = lock(&self.inquiries).line(now) {
            return Some(line);
        }
        lock(&self.watch).as_mut().and_then(|watch| watch.line(now.into_std()))
    }

    /// When it wants to ask something without anything happening.
    pub(super) fn asks_at(&self) -> Option<Instant> {
        let watch = lock(&self.watch).as_ref().and_then(Watch::due).map(Instant::from_std);
        let asked = lock(&self.inquiries).asked.as_ref().map(|(_, until)| *until);
        [watch, asked].into_iter().flatten().min()
    }

    /// Takes what the relay heard.
    pub(super) fn heard(self: &Arc<Self>, message: &Message, now: Instant) {
        let mapping = self.mapping();
        let answer = {
            let mut inquiries = lock(&self.inquiries);
            let heard = inquiries.asked.as_mut().and_then(|(inquiry, _)| inquiry.hear(message, mapping));
            heard.and_then(|found| Some((inquiries.asked.take()?.0, found)))
        };
        if let Some((inquiry, found)) = answer {
            self.answered(&inquiry, found);
            return;
        }
        let changes = lock(&self.watch).as_mut().and_then(|watch| {
            let changes = watch.hear(message)?.into_iter();
            Some(changes.map(|(key, change)| (watch.is_told(&key), key, change)).collect::<Vec<_>>())
        });
        let Some(changes) = changes else { return self.saw_go(message, now) };
        for (is_told, key, change) in changes {
            self.changes(&key, &change, is_told, now);
        }
    }

    /// Somebody left or took another nick before the relay's eyes, which it sees of those who share a channel with it
    /// or with whom the network makes it share one.
    fn saw_go(self: &Arc<Self>, message: &Message, now: Instant) {
        if message.is("QUIT") || message.is("NICK") {
            let nick = message.source.as_ref().and_then(|source| source.name_str());
            if let Some(nick) = nick {
                self.changes(&self.key(nick), &Change::Offline, true, now);
            }
        }
    }

    fn changes(self: &Arc<Self>, key: &NameKey, change: &Change, is_told: bool, now: Instant) {
        let own = &self.settings.nick;
        if *change == Change::Offline && *key == self.key(own.as_str()) {
            // Whoever had the relay's nick has left.
            if let Ok(line) = LineBuilder::new(Verb::NICK).nick(own).end() {
                self.relay.mailbox.line(line);
            }
            return;
        }
        let wonders = lock(&self.people).changed(key, change, is_told, SystemTime::now(), now);
        if wonders {
            self.wonders(key);
        }
        self.told(key);
    }

    fn answered(self: &Arc<Self>, inquiry: &Inquiry, found: Option<Found>) {
        let nick = inquiry.nick();
        let waiting: Vec<_> = {
            let mut inquiries = lock(&self.inquiries);
            let (those, others) =
                std::mem::take(&mut inquiries.answers).into_iter().partition(|(of, _)| of == nick);
            inquiries.answers = others;
            those
        };
        let Some(found) = found else { return };
        self.found(&self.key(nick.as_str()), &found);
        for (_, answer) in waiting {
            // Whoever asked may have stopped waiting.
            let _gone = answer.send(found.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A question goes down with the server that it was for.
    #[test]
    fn what_is_asked_for_while_no_answer_comes_is_asked_again() {
        let nick = || Nick::parse("alice").unwrap();
        let (mut inquiries, now) = (Inquiries::default(), Instant::now());
        inquiries.ask(nick(), None);
        assert!(inquiries.line(now).is_some());
        assert!(inquiries.line(now + ANSWER).is_none(), "nobody wants to know any more");
        inquiries.ask(nick(), None);
        assert!(inquiries.line(now).is_some());
        inquiries.ask(nick(), None);
        assert!(inquiries.line(now).is_none(), "one at a time");
        assert!(inquiries.line(now + ANSWER).is_some());
        assert!(inquiries.line(now + 2 * ANSWER).is_none());
    }
}
