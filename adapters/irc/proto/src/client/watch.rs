//! Who of the network is there: MONITOR where the network has it, else ISON over and over, and what people say of being
//! away.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::casemapping::{Casemapping, NameKey};
use crate::line::{LineBuilder, Verb};
use crate::message::Message;
use crate::names::{Nick, Param};
use crate::numeric::Numeric;

/// Octets of nicks in one line at most: a list of them comes back with a source and more before it.
const NICKS_OCTETS: usize = 360;

/// Nicks that USERHOST takes at once (RFC 2812 section 4.8).
const USERHOST_NICKS: usize = 5;

/// How long the answer to a poll may take before it is asked again.
const ANSWER: Duration = Duration::from_secs(60);

/// What has changed of somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// There, or there again.
    Online,
    /// Not there.
    Offline,
    /// Away, with what is said of it where that was told; `None`: not away.
    Away(Option<String>),
    /// Away, and what is said of it was not told.
    AwayUntold,
}

/// Whom a connection watches.
#[derive(Debug)]
pub struct Watch {
    mapping: Casemapping,
    /// Nicks that the network lists at most; 0: no limit was told; absent: there is no MONITOR.
    monitor: Option<usize>,
    /// Away comes by itself for whoever is listed (extended-monitor with away-notify).
    away_told: bool,
    every: Duration,
    watched: BTreeMap<NameKey, Watched>,
    out: VecDeque<Bytes>,
    /// Who is to be put into the network's list: as many in a line as fit, since lines have a pace.
    unlisted: VecDeque<Nick>,
    /// Who is to be asked for now, and not at the next round only.
    fresh: Vec<NameKey>,
    /// The next round of polls.
    next: Instant,
    /// Polls of this round whose answers are to come, in order, and when to give them up.
    asked: VecDeque<Vec<NameKey>>,
    until: Instant,
    /// Polls of this round that are still to be sent.
    polls: VecDeque<Vec<NameKey>>,
}

#[derive(Debug)]
struct Watched {
    nick: Nick,
    /// The network has it in its list.
    listed: bool,
    is_there: Option<bool>,
    away: bool,
    /// Whether anybody wants to know of its being away.
    with_away: bool,
}

impl Watch {
    /// A watch of nobody yet.
    #[must_use]
    pub fn new(
        mapping: Casemapping,
        monitor: Option<usize>,
        away_told: bool,
        every: Duration,
        now: Instant,
    ) -> Self {
        Self {
            mapping,
            monitor,
            away_told,
            every,
            watched: BTreeMap::new(),
            out: VecDeque::new(),
            unlisted: VecDeque::new(),
            fresh: Vec::new(),
            next: now + every,
            asked: VecDeque::new(),
            until: now,
            polls: VecDeque::new(),
        }
    }

    /// Watches somebody from now on. `with_away`: also what he says of being away.
    pub fn add(&mut self, nick: Nick, with_away: bool) {
        let key = self.mapping.key(nick.as_str());
        if let Some(known) = self.watched.get_mut(&key) {
            known.with_away |= with_away;
            return;
        }
        let listed = self.monitor.filter(|most| *most == 0 || self.listed() < *most).is_some();
        if listed {
            self.unlisted.push_back(nick.clone());
        } else {
            self.fresh.push(key.clone());
        }
        self.watched.insert(key, Watched { nick, listed, is_there: None, away: false, with_away });
    }

    /// Watches somebody no longer.
    pub fn remove(&mut self, key: &NameKey) {
        let Some(Watched { nick, listed: true, .. }) = self.watched.remove(key) else { return };
        match self.unlisted.iter().position(|unlisted| *unlisted == nick) {
            // The network has not heard of him yet.
            Some(at) => drop(self.unlisted.remove(at)),
            None => self.out.extend(monitor_line("-", nick.as_str())),
        }
    }

    /// Whether every coming and going of somebody is told at once: whoever is only polled for may have been
    /// somebody else in between.
    #[must_use]
    pub fn is_told(&self, key: &NameKey) -> bool {
        self.watched.get(key).is_some_and(|watched| watched.listed)
    }

    /// WHOIS has said whether somebody who is there is away: what USERHOST says next is compared with that.
    pub fn found(&mut self, key: &NameKey, away: bool) {
        if let Some(watched) = self.watched.get_mut(key) {
            watched.away = away;
        }
    }

    fn listed(&self) -> usize {
        self.watched.values().filter(|watched| watched.listed).count()
    }

    /// The next line to send; to be asked again until there is none.
    pub fn line(&mut self, now: Instant) -> Option<Bytes> {
        if let Some(line) = self.out.pop_front() {
            return Some(line);
        }
        if let Some(first) = self.unlisted.pop_front() {
            let mut nicks = first.as_str().to_owned();
            while let Some(next) =
                self.unlisted.pop_front_if(|next| nicks.len() + 1 + next.as_str().len() <= NICKS_OCTETS)
            {
                nicks = nicks + "," + next.as_str();
            }
            return monitor_line("+", &nicks);
        }
        if !self.asked.is_empty() && self.until <= now {
            self.asked.clear();
        }
        if self.next <= now && self.polls.is_empty() && self.asked.is_empty() {
            self.next = now + self.every;
            self.fresh = self.watched.keys().cloned().collect();
        }
        if self.polls.is_empty() {
            let fresh = std::mem::take(&mut self.fresh);
            self.plan(fresh);
        }
        // One at a time, since their answers say in no other way which they answer.
        if !self.asked.is_empty() {
            return None;
        }
        let poll = self.polls.pop_front()?;
        let known: Vec<&Watched> = poll.iter().filter_map(|key| self.watched.get(key)).collect();
        let verb = match known.first() {
            Some(first) if first.is_polled_for_away(self.away_told) => Verb::USERHOST,
            Some(_) => Verb::ISON,
            None => return self.line(now),
        };
        let line = known.iter().fold(LineBuilder::new(verb), |line, watched| line.nick(&watched.nick)).end();
        self.asked.push_back(poll);
        self.until = now + ANSWER;
        line.ok()
    }

    /// Asks for those of them who are not listed, in as few lines as they fit in; and for those whose being away is
    /// wanted and not told.
    fn plan(&mut self, keys: Vec<NameKey>) {
        let mut rounds: [Vec<Vec<NameKey>>; 2] = [Vec::new(), Vec::new()];
        let mut octets = 0;
        for key in keys {
            let Some(watched) = self.watched.get(&key) else { continue };
            let away = watched.is_polled_for_away(self.away_told);
            let [ison, userhost] = &mut rounds;
            if away {
                match userhost.last_mut().filter(|last| last.len() < USERHOST_NICKS) {
                    Some(last) => last.push(key),
                    None => userhost.push(vec![key]),
                }
            } else if !watched.listed {
                octets += watched.nick.as_str().len() + 1;
                match ison.last_mut().filter(|_| octets <= NICKS_OCTETS) {
                    Some(last) => last.push(key),
                    None => {
                        octets = watched.nick.as_str().len() + 1;
                        ison.push(vec![key]);
                    }
                }
            }
        }
        self.polls.extend(rounds.into_iter().flatten());
    }

    /// When [`Self::line`] may have one without anything happening; `None`: never.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if !self.asked.is_empty() {
            return Some(self.until);
        }
        let polled = |watched: &Watched| !watched.listed || watched.is_polled_for_away(self.away_told);
        self.watched.values().any(polled).then_some(self.next)
    }

    /// Takes a line; gives what has changed. `None`: it says nothing of that kind.
    pub fn hear(&mut self, message: &Message) -> Option<Vec<(NameKey, Change)>> {
        let mut changes = Vec::new();
        match message.numeric() {
            Some(Numeric::RPL_MONONLINE) => self.listing(message, true, &mut changes),
            Some(Numeric::RPL_MONOFFLINE) => self.listing(message, false, &mut changes),
            // `734 me limit nick,nick :Monitor list is full.`: these are polled for.
            Some(Numeric::ERR_MONLISTFULL) => {
                for nick in message.str(2).unwrap_or_default().split(',') {
                    let key = self.mapping.key(nick);
                    if let Some(watched) = self.watched.get_mut(&key) {
                        watched.listed = false;
                        self.fresh.push(key);
                    }
                }
            }
            Some(Numeric::RPL_ISON) => self.ison(&message.words(), &mut changes),
            Some(Numeric::RPL_USERHOST) => self.userhost(&message.words(), &mut changes),
            None if message.is("AWAY") => {
                let nick = message.source.as_ref().and_then(|source| source.name_str())?;
                let key = self.mapping.key(nick);
                let watched = self.watched.get_mut(&key)?;
                let words = message.str(0).filter(|words| !words.is_empty());
                watched.away = words.is_some();
                changes.push((key, Change::Away(words.map(str::to_owned))));
            }
            _ => return None,
        }
        Some(changes)
    }

    /// `730 me nick!user@host,nick`, `731 me nick,nick`.
    fn listing(&mut self, message: &Message, is_there: bool, changes: &mut Vec<(NameKey, Change)>) {
        let words = message.words();
        for target in words.split(',') {
            let nick = target.split('!').next().unwrap_or_default();
            self.saw(self.mapping.key(nick), is_there, changes);
        }
    }

    fn saw(&mut self, key: NameKey, is_there: bool, changes: &mut Vec<(NameKey, Change)>) {
        let Some(watched) = self.watched.get_mut(&key) else { return };
        if watched.is_there != Some(is_there) {
            watched.is_there = Some(is_there);
            watched.away = false;
            if watched.is_polled_for_away(self.away_told) {
                self.fresh.push(key.clone());
            }
            changes.push((key, if is_there { Change::Online } else { Change::Offline }));
        }
    }

    /// Of those who were asked for, whoever is named is there (RFC 2812 section 4.9).
    fn ison(&mut self, words: &str, changes: &mut Vec<(NameKey, Change)>) {
        let Some(asked) = self.asked.pop_front() else { return };
        let there: Vec<NameKey> = words.split_whitespace().map(|nick| self.mapping.key(nick)).collect();
        for key in asked {
            let is_there = there.contains(&key);
            self.saw(key, is_there, changes);
        }
    }

    /// `nick*=-user@host`: `-` is away (RFC 2812 section 4.8).
    fn userhost(&mut self, words: &str, changes: &mut Vec<(NameKey, Change)>) {
        let Some(asked) = self.asked.pop_front() else { return };
        let told: Vec<(NameKey, bool)> = words
            .split_whitespace()
            .filter_map(|reply| {
                let (nick, rest) = reply.split_once('=')?;
                Some((self.mapping.key(nick.trim_end_matches('*')), rest.starts_with('-')))
            })
            .collect();
        for key in asked {
            let Some((_, away)) = told.iter().find(|(nick, _)| *nick == key) else {
                // Whoever is listed is told of; the others are not there.
                if !self.is_told(&key) {
                    self.saw(key, false, changes);
                }
                continue;
            };
            self.saw(key.clone(), true, changes);
            let Some(watched) = self.watched.get_mut(&key) else { continue };
            if watched.away != *away {
                watched.away = *away;
                changes.push((key, if *away { Change::AwayUntold } else { Change::Away(None) }));
            }
        }
    }
}

impl Watched {
    /// Of whoever is there and not told of, USERHOST says both whether he is there and whether he is away.
    fn is_polled_for_away(&self, away_told: bool) -> bool {
        self.with_away && self.is_there == Some(true) && !(away_told && self.listed)
    }
}

fn monitor_line(sign: &str, nicks: &str) -> Option<Bytes> {
    let line = LineBuilder::new(Verb::MONITOR).param(&Param::lossy(sign)).param(&Param::lossy(nicks));
    line.end().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    fn nick(text: &str) -> Nick {
        Nick::parse(text).unwrap()
    }

    fn lines(watch: &mut Watch, now: Instant) -> String {
        std::iter::from_fn(|| watch.line(now))
            .map(|line| String::from_utf8_lossy(&line).replace("\r\n", "|"))
            .collect()
    }

    fn hear(watch: &mut Watch, line: &'static str) -> Vec<(String, Change)> {
        let changes = watch.hear(&Message::parse(&line.into()).unwrap()).unwrap_or_default();
        changes.into_iter().map(|(key, change)| (key.to_string(), change)).collect()
    }

    fn one(nick: &str, change: Change) -> Vec<(String, Change)> {
        vec![(nick.to_owned(), change)]
    }

    /// standards.md I14.
    #[test]
    fn monitor_tells_and_a_full_list_is_polled_for() {
        let now = Instant::now();
        let mut watch = Watch::new(Casemapping::Rfc1459, Some(2), true, EVERY, now);
        for name in ["Alice", "bob[", "carol"] {
            watch.add(nick(name), true);
        }
        watch.add(nick("alice"), true);
        assert_eq!(lines(&mut watch, now), "MONITOR + Alice,bob[|ISON carol|");
        assert_eq!(hear(&mut watch, ":s 730 me :ALICE!u@h"), one("alice", Change::Online));
        assert_eq!(hear(&mut watch, ":s 730 me :ALICE!u@h"), []);
        assert_eq!(hear(&mut watch, ":s 731 me :BOB{"), one("bob{", Change::Offline));
        assert_eq!(hear(&mut watch, ":s 303 me :carol"), one("carol", Change::Online));
        assert_eq!(
            hear(&mut watch, ":Alice!u@h AWAY :lunch"),
            one("alice", Change::Away(Some("lunch".into())))
        );
        assert_eq!(hear(&mut watch, ":Alice!u@h AWAY"), one("alice", Change::Away(None)));
        watch.remove(&Casemapping::Rfc1459.key("bob["));
        assert_eq!(lines(&mut watch, now), "MONITOR - bob[|USERHOST carol|");
        assert_eq!(hear(&mut watch, ":s 302 me :carol=+u@h"), []);
        assert!(watch.is_told(&Casemapping::Rfc1459.key("alice")) && watch.due().is_some());
        hear(&mut watch, ":s 734 me 1 alice :full");
        assert!(!watch.is_told(&Casemapping::Rfc1459.key("alice")));
        assert_eq!(lines(&mut watch, now), "USERHOST Alice|");
        assert_eq!(hear(&mut watch, ":s 302 me :Alice=-u@h"), one("alice", Change::AwayUntold));
    }

    #[test]
    fn without_monitor_everybody_is_polled_for() {
        let now = Instant::now();
        let mut watch = Watch::new(Casemapping::Ascii, None, false, EVERY, now);
        assert_eq!((watch.due(), lines(&mut watch, now)), (None, String::new()));
        watch.add(nick("alice"), true);
        watch.add(nick("bob"), false);
        assert_eq!(lines(&mut watch, now), "ISON alice bob|");
        watch.add(nick("carol"), false);
        assert_eq!(lines(&mut watch, now), "", "one at a time");
        let changes = hear(&mut watch, ":s 303 me :alice");
        assert_eq!(changes, [one("alice", Change::Online), one("bob", Change::Offline)].concat());
        assert_eq!(lines(&mut watch, now), "ISON carol|");
        assert_eq!(hear(&mut watch, ":s 303 me :carol"), one("carol", Change::Online));
        assert_eq!(lines(&mut watch, now), "USERHOST alice|", "as soon as he is there");
        assert_eq!(hear(&mut watch, ":s 302 me :alice*=-u@h"), one("alice", Change::AwayUntold));
        assert_eq!((watch.due(), lines(&mut watch, now)), (Some(now + EVERY), String::new()));
        let later = now + EVERY;
        assert_eq!(lines(&mut watch, later), "ISON bob carol|");
        assert_eq!(hear(&mut watch, ":s 303 me :carol"), []);
        assert_eq!(lines(&mut watch, later), "USERHOST alice|");
        assert_eq!(hear(&mut watch, ":s 302 me :alice=+u@h"), one("alice", Change::Away(None)));
        let last = later + EVERY;
        lines(&mut watch, last);
        hear(&mut watch, ":s 303 me :");
        lines(&mut watch, last);
        assert_eq!(hear(&mut watch, ":s 302 me :"), one("alice", Change::Offline));
    }

    #[test]
    fn what_whois_has_found_is_what_the_next_poll_is_compared_with() {
        let now = Instant::now();
        let mut watch = Watch::new(Casemapping::Ascii, None, false, EVERY, now);
        watch.add(nick("alice"), true);
        lines(&mut watch, now);
        assert_eq!(hear(&mut watch, ":s 303 me :alice"), one("alice", Change::Online));
        watch.found(&Casemapping::Ascii.key("alice"), true);
        assert_eq!(lines(&mut watch, now), "USERHOST alice|");
        assert_eq!(hear(&mut watch, ":s 302 me :alice=+u@h"), one("alice", Change::Away(None)), "back");
    }

    #[test]
    fn many_nicks_take_several_lines_and_none_is_too_long() {
        let now = Instant::now();
        let mut watch = Watch::new(Casemapping::Ascii, None, false, EVERY, now);
        for number in 0..100 {
            watch.add(nick(&format!("somebody-{number}")), false);
        }
        let mut polls = 0;
        while let Some(line) = watch.line(now) {
            assert!(line.len() < 400);
            hear(&mut watch, ":s 303 me :");
            polls += 1;
        }
        assert!((3..8).contains(&polls), "{polls}");
    }

    #[test]
    fn what_is_out_of_place_changes_nothing() {
        let now = Instant::now();
        let mut watch = Watch::new(Casemapping::Ascii, Some(0), false, EVERY, now);
        for line in
            [":s 303 me :x", ":s 302 me :x=+y", ":s 730 me", ":s 734", ":x AWAY :y", ":s 731 me :,,,!"]
        {
            assert_eq!(hear(&mut watch, line), [], "{line}");
        }
        watch.add(nick("alice"), false);
        lines(&mut watch, now);
        // An answer that never comes is not waited for for ever.
        let mut polled = Watch::new(Casemapping::Ascii, None, false, EVERY, now);
        polled.add(nick("alice"), false);
        assert_eq!(lines(&mut polled, now), "ISON alice|");
        assert_eq!(lines(&mut polled, now + ANSWER), "ISON alice|");
    }
}
