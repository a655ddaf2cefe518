//! What the relay does for all: it watches who is there, and asks who that is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cpim_irc_proto::client::{Change, Found, Inquiry, Session, Watch};
use cpim_irc_proto::{Casemapping, LineBuilder, Message, NameKey, Nick, Verb};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::joined::Joined;
use super::owners::Finding;
use crate::sync::lock;

/// Questions that wait. Whoever asks then is told that it is not known.
const WAITING: usize = 1_024;

/// Questions that wait for their answer at once, so that one without an answer holds up no other.
const AT_ONCE: usize = 8;

/// How long the network has to answer one.
const ANSWER: Duration = Duration::from_secs(15);

/// Who is asked for.
#[derive(Debug, Default)]
pub(super) struct Inquiries {
    asked: Vec<Asked>,
    waiting: VecDeque<Nick>,
    /// Who waits for what is found, by the nick as it was asked for.
    answers: Vec<(Nick, oneshot::Sender<Found>)>,
}

/// A question that is out.
#[derive(Debug)]
struct Asked {
    inquiry: Inquiry,
    until: Instant,
    /// Somebody asked for the same meanwhile: without an answer, it is asked once more.
    again: bool,
}

impl Inquiries {
    fn ask(&mut self, nick: Nick, answer: Option<oneshot::Sender<Found>>) {
        self.answers.retain(|(_, answer)| !answer.is_closed());
        if self.waiting.len() >= WAITING || self.answers.len() >= WAITING {
            return;
        }
        let asked = self.asked.iter_mut().find(|asked| *asked.inquiry.nick() == nick);
        let is_asked = asked.map(|asked| asked.again = true).is_some();
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
        for late in self.asked.extract_if(.., |asked| asked.until <= now).filter(|late| late.again) {
            self.waiting.push_back(late.inquiry.nick().clone());
        }
        if self.asked.len() >= AT_ONCE {
            return None;
        }
        let inquiry = Inquiry::new(self.waiting.pop_front()?);
        let line = inquiry.line();
        self.asked.push(Asked { inquiry, until: now + ANSWER, again: false });
        line
    }

    /// When a question has waited long enough for its answer.
    fn due(&self) -> Option<Instant> {
        self.asked.iter().map(|asked| asked.until).min()
    }

    /// Takes what the relay heard; gives a question that is answered by it, and how.
    fn hear(&mut self, message: &Message, mapping: Casemapping) -> Option<(Inquiry, Option<Found>)> {
        let heard = self.asked.iter_mut().enumerate().find_map(|(nth, asked)| {
            let found = asked.inquiry.hear(message, mapping)?;
            Some((nth, found))
        });
        let (nth, found) = heard?;
        Some((self.asked.remove(nth).inquiry, found))
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
        let people = lock(&self.people);
        // First whose coming and going somebody waits for.
        let observed = people.everybody().filter(|(_, is_observed)| *is_observed);
        for (key, is_observed) in observed.chain(people.everybody().filter(|(_, is_observed)| !is_observed)) {
            if let Ok(nick) = Nick::parse(key.as_str()) {
                watch.add(nick, is_observed);
            }
        }
        drop(people);
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
        let asked = lock(&self.inquiries).due();
        [watch, asked].into_iter().flatten().min()
    }

    /// Takes what the relay heard.
    pub(super) fn heard(self: &Arc<Self>, message: &Message, now: Instant) {
        let mapping = self.mapping();
        let answer = lock(&self.inquiries).hear(message, mapping);
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
        let (Some(found), Some(live)) = (found, self.live()) else { return };
        let key = self.key(nick.as_str());
        let noted = self.found(&key, &found);
        let answers = waiting.into_iter().map(|(_, answer)| answer).collect();
        if live.findings.try_send(Finding { key, found, noted, answers }).is_err() {
            tracing::warn!(network = self.name(), nick = nick.as_str(), "too many answers at once");
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
        assert!(inquiries.line(now).is_none(), "once at a time");
        assert!(inquiries.line(now + ANSWER).is_some());
        assert!(inquiries.line(now + 2 * ANSWER).is_none());
    }

    #[test]
    fn one_without_answer_holds_up_no_other() {
        let (mut inquiries, now) = (Inquiries::default(), Instant::now());
        for nth in 0..AT_ONCE + 1 {
            inquiries.ask(Nick::parse(&format!("n{nth}")).unwrap(), None);
        }
        assert_eq!(std::iter::from_fn(|| inquiries.line(now)).count(), AT_ONCE);
        let end = Message::parse(&Bytes::from_static(b":s 318 me n3 :End of WHOIS")).unwrap();
        let (inquiry, found) = inquiries.hear(&end, Casemapping::Ascii).unwrap();
        assert_eq!((inquiry.nick().as_str(), found), ("n3", Some(Found::default())));
        assert_eq!(inquiries.line(now).unwrap(), "WHOIS n8 n8\r\n");
    }
}
