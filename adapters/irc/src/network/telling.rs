//! What people of the network are told of what became of what they wrote.
//!
//! A notice names the message by how it began, and a nick may have changed hands meanwhile: so word that comes late is for
//! whoever is known to be the one who wrote.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use cpim_adapter::{Answer, Response, Status};
use cpim_irc_proto::Nick;
use cpim_irc_proto::client::{Found, Spoken};
use tokio::time::timeout;

use super::inbound::Answers;
use super::joined::Joined;
use super::people::MOMENT;
use super::seat::Seat;
use crate::quote::{beginning, cut};
use crate::sync::lock;

/// How long word of a message waits for the network to come back, and to say who has the nick now.
const LATE: Duration = Duration::from_mins(30);

/// Characters of the address and of the reason at most, so that the beginning has room behind them.
const ADDRESS: usize = 60;
const REASON: usize = 130;

/// A message whose author is told what becomes of it, and by which seat.
#[derive(Debug)]
pub(super) struct Waiting {
    nick: Nick,
    seat: Weak<Seat>,
    /// It is a notice, which nothing answers.
    quiet: bool,
    mention: Mention,
    at: SystemTime,
    account: Option<String>,
    /// His user name and host.
    mask: Option<String>,
}

/// How a message is named to its author: to whom it was, where he said that, and how it began.
#[derive(Clone, Debug, Default)]
pub(super) struct Mention {
    to: Option<String>,
    text: String,
}

impl Mention {
    pub(super) fn new(to: Option<&str>, text: &str) -> Self {
        Self { to: to.map(str::to_owned), text: beginning(text) }
    }

    /// Word that it did not arrive.
    pub(super) fn not_delivered(&self, reason: &str) -> String {
        self.named("Not delivered", "not delivered", reason)
    }

    fn unknown(&self, reason: &str) -> String {
        let [capital, small] =
            ["Sent", "sent"].map(|sent| format!("{sent}, but nobody knows whether it arrived"));
        self.named(&capital, &small, reason)
    }

    /// The same, at the beginning of a sentence and within one.
    fn named(&self, capital: &str, small: &str, reason: &str) -> String {
        let (reason, text) = (cut(reason, REASON), &self.text);
        let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
        match &self.to {
            Some(to) => format!("{}: {small}{reason} (\"{text}\")", cut(to, ADDRESS)),
            None => format!("{capital}{reason} (\"{text}\")"),
        }
    }
}

impl Waiting {
    /// What somebody has just written to a seat.
    pub(super) fn new(nick: Nick, seat: &Arc<Seat>, spoken: &Spoken, mention: Mention) -> Self {
        let words = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let user_host = spoken.source.user().zip(spoken.source.host());
        Self {
            nick,
            seat: Arc::downgrade(seat),
            quiet: spoken.notice,
            mention,
            // What is played back was written who knows when.
            at: if spoken.replayed { SystemTime::UNIX_EPOCH } else { SystemTime::now() },
            account: spoken.account().map(str::to_owned),
            mask: user_host.map(|(user, host)| format!("{}@{}", words(user), words(host))),
        }
    }

    /// Who wrote it.
    pub(super) const fn nick(&self) -> &Nick {
        &self.nick
    }

    /// Whether whoever has the nick now is the one who wrote.
    fn is_by(&self, found: &Found) -> bool {
        let is_same = match (&self.account, &found.account) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => self.mask.is_some() && self.mask == found.mask,
        };
        found.is_there && is_same
    }

    /// What is said of an outcome; nothing where silence says it.
    fn words(&self, response: &Response) -> Option<String> {
        let reason = response.text();
        match response.status() {
            _ if self.quiet => None,
            Status::Success => None,
            Status::Failure => Some(self.mention.not_delivered(&reason)),
            Status::Indeterminant => Some(self.mention.unknown(&reason)),
        }
    }
}

impl Joined {
    /// Tells people what became of what they wrote, as long as the gateway runs.
    pub(super) async fn answer(self: &Arc<Self>, answers: Answers) {
        let Answers([mut people, mut owners]) = answers;
        loop {
            let answer = tokio::select! {
                Some(answer) = people.recv() => answer,
                Some(answer) = owners.recv() => answer,
                else => return,
            };
            let waiting = self.live().and_then(|live| live.inbound.waiting(&answer.trans_id));
            let words = waiting.as_ref().and_then(|waiting| waiting.words(&answer.response));
            match (waiting, words) {
                (Some(waiting), Some(words)) if !self.knows(&waiting) => {
                    let (joined, shutdown) = (Arc::clone(self), self.shutdown());
                    self.tasks.spawn(async move {
                        tokio::select! {
                            () = joined.tells_late(&waiting, &words) => joined.is_told(answer),
                            () = shutdown.draining() => {}
                        }
                    });
                }
                (Some(waiting), Some(words)) => {
                    self.tells(&waiting, &words);
                    self.is_told(answer);
                }
                _ => self.is_told(answer),
            }
        }
    }

    /// Whether the nick is still his for certain: as long as what waits for somebody is his.
    fn knows(&self, waiting: &Waiting) -> bool {
        let is_recent = waiting.at.elapsed().is_ok_and(|since| since <= MOMENT);
        is_recent && self.is_in_sight() && lock(&self.people).saw_all_since(waiting.at)
    }

    /// Tells him once the network has said that it is he; nobody, where it is another.
    async fn tells_late(&self, waiting: &Waiting, words: &str) {
        let key = self.key(waiting.nick.as_str());
        match timeout(LATE, self.who_is(&key)).await {
            Ok(Some(found)) if waiting.is_by(&found) => self.tells(waiting, words),
            _ => {
                tracing::info!(network = self.name(), nick = %waiting.nick, "word of a message found nobody")
            }
        }
    }

    fn tells(&self, waiting: &Waiting, words: &str) {
        // A seat that has left meanwhile says nothing any more, and the relay always does.
        let seat = waiting.seat.upgrade().filter(|seat| seat.nick().is_some());
        self.notices(seat.as_deref().unwrap_or(&self.relay), &waiting.nick, words);
    }

    fn is_told(&self, answer: Answer) {
        if let Some(live) = self.live() {
            live.inbound.is_told(&answer.trans_id);
        }
        if let Some(receipt) = answer.receipt {
            receipt.handed_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_by_how_it_began() {
        let mention = Mention::new(None, "hello");
        assert_eq!(mention.not_delivered("refused"), "Not delivered: refused (\"hello\")");
        let mention = Mention::new(Some("fred@a.example"), "hello");
        assert_eq!(mention.not_delivered("refused"), "fred@a.example: not delivered: refused (\"hello\")");
        let long = Mention::new(Some(&"a".repeat(100)), &"é".repeat(100)).unknown(&"r".repeat(500));
        assert!(long.chars().count() <= 300 && long.ends_with("é\u{2026}\")"), "{long}");
    }

    #[test]
    fn word_of_a_message_is_for_its_author() {
        let found = |account: Option<&str>, mask: &str| Found {
            is_there: true,
            account: account.map(str::to_owned),
            mask: Some(mask.to_owned()),
            ..Found::default()
        };
        let waiting = |account: Option<&str>| Waiting {
            nick: Nick::parse("alice").unwrap(),
            seat: Weak::new(),
            quiet: false,
            mention: Mention::default(),
            at: SystemTime::UNIX_EPOCH,
            account: account.map(str::to_owned),
            mask: Some("a@h".to_owned()),
        };
        assert!(waiting(None).is_by(&found(None, "a@h")) && waiting(None).is_by(&found(Some("x"), "a@h")));
        assert!(waiting(Some("Alice")).is_by(&found(Some("alice"), "else@where")));
        assert!(!waiting(Some("alice")).is_by(&found(Some("bob"), "a@h")));
        assert!(!waiting(None).is_by(&found(None, "else@where")));
        assert!(!waiting(None).is_by(&Found { is_there: false, ..found(None, "a@h") }));
    }
}
