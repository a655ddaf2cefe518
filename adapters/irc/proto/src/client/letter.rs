//! A message on its way over one connection, and what the server says of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::casemapping::{Casemapping, NameKey};
use crate::line::{LineBuilder, Verb};
use crate::message::Message;
use crate::names::Trailing;
use crate::numeric::Numeric;
use crate::standard_reply::{Severity, StandardReply};

/// How long an answer with a label may take: some servers give none for what goes to another server
/// (labeled-response, "Client considerations"). Longer than any server waits for another.
const LABEL_WAIT: Duration = Duration::from_secs(60);

/// A message of several lines, one behind the other.
#[derive(Debug)]
pub struct Letter {
    target: NameKey,
    /// What is not out yet, each a whole line.
    lines: VecDeque<Bytes>,
    of: usize,
    /// Lines that are out.
    out: usize,
    /// Lines whose answer with a label is to come.
    labelled: Vec<Labelled>,
    /// The word of the PING behind it, once that is out.
    fence: Option<String>,
    /// When its last line went out.
    sent: Option<Instant>,
    away: Option<String>,
    failed: Option<(Reason, String)>,
}

/// A line that went out with a label.
#[derive(Debug)]
struct Labelled {
    label: String,
    /// The batch that its answer comes in.
    batch: Option<Bytes>,
}

/// What became of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The server took all of it, and named no error.
    Taken {
        /// The person is away, and says so with these words (301).
        away: Option<String>,
    },
    /// The server refused it, or a part of it.
    Failed {
        /// Why.
        reason: Reason,
        /// Why, in the server's words.
        words: String,
        /// Lines that were out by then.
        out: usize,
        /// Lines in all.
        of: usize,
    },
    /// The server says nothing at all.
    Unanswered,
}

/// Why a server refuses a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Nobody has that nick (401).
    NoSuchNick,
    /// Try again later (263, 439).
    Later,
    /// The server does not want it: rights, modes, filters.
    Refused,
    /// A line was too long for the server (417).
    TooLong,
}

impl Letter {
    /// A message to somebody, as these whole lines.
    #[must_use]
    pub fn new(target: NameKey, lines: Vec<Bytes>) -> Self {
        let of = lines.len();
        Self {
            target,
            lines: lines.into(),
            of,
            out: 0,
            labelled: Vec::new(),
            fence: None,
            sent: None,
            away: None,
            failed: None,
        }
    }

    /// Lines that are out.
    #[must_use]
    pub const fn out(&self) -> usize {
        self.out
    }

    /// Lines in all.
    #[must_use]
    pub const fn of(&self) -> usize {
        self.of
    }

    /// Why it has failed already, where it has.
    #[must_use]
    pub fn failure(&self) -> Option<(Reason, &str)> {
        self.failed.as_ref().map(|(reason, words)| (*reason, &**words))
    }

    /// Octets of the next line, where there is one.
    pub(super) fn next_octets(&self) -> Option<usize> {
        match self.lines.front() {
            Some(line) => Some(line.len()),
            // A PING.
            None => (self.fence.is_none() && self.labelled.is_empty()).then_some(32),
        }
    }

    /// The next line, numbered for its label or its fence.
    pub(super) fn next_line(&mut self, number: u64, labels: bool, now: Instant) -> Option<Bytes> {
        let Some(line) = self.lines.pop_front() else {
            return self.fence(number);
        };
        self.out += 1;
        self.sent = Some(now);
        if !labels {
            return Some(line);
        }
        let label = format!("c{number}");
        let labelled = match line.strip_prefix(b"@") {
            Some(rest) => [format!("@label={label};").as_bytes(), rest].concat(),
            None => [format!("@label={label} ").as_bytes(), &line].concat(),
        };
        self.labelled.push(Labelled { label, batch: None });
        Some(labelled.into())
    }

    /// The PING whose PONG comes behind every error that its lines caused, since a server takes the lines of a
    /// connection one by one.
    fn fence(&mut self, number: u64) -> Option<Bytes> {
        let word = format!("cpim-{number}");
        let ping = LineBuilder::new(Verb::PING).last(&Trailing::lossy(&word)).ok();
        self.fence = Some(word);
        ping
    }

    /// Whether nothing of it is to be sent any more.
    fn is_out(&self) -> bool {
        self.lines.is_empty()
    }

    /// When the server has had long enough for its labels.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.is_out() && !self.labelled.is_empty()).then_some(self.sent? + LABEL_WAIT)
    }

    /// The verdict, where it is due by the time alone.
    pub(super) fn overdue(&self, now: Instant) -> Option<Verdict> {
        self.due().filter(|due| *due <= now)?;
        Some(self.failed().unwrap_or(Verdict::Unanswered))
    }

    /// Takes a line of the server; gives the verdict, once that is known.
    pub(super) fn hear(&mut self, message: &Message, mapping: Casemapping) -> Option<Verdict> {
        if self.out == 0 {
            return None;
        }
        let answered = self.answers(message);
        if answered || !message.is("PONG") {
            self.judge(message, mapping, answered);
        }
        let fenced = message.is("PONG") && self.fence.as_deref() == Some(&*message.words());
        let by_labels = answered && self.fence.is_none() && self.is_out() && self.labelled.is_empty();
        (fenced || by_labels)
            .then(|| self.failed().unwrap_or_else(|| Verdict::Taken { away: self.away.clone() }))
    }

    fn failed(&self) -> Option<Verdict> {
        let (reason, words) = self.failed.clone()?;
        Some(Verdict::Failed { reason, words, out: self.out, of: self.of })
    }

    /// Whether it belongs to the answer of a line of ours. An answer is one line, or one batch of lines
    /// (labeled-response).
    fn answers(&mut self, message: &Message) -> bool {
        let label = message.tags.get("label");
        if message.is("BATCH") {
            let Some(name) = message.param(0) else { return false };
            let begins = name.strip_prefix(b"+").map(Bytes::copy_from_slice);
            if let Some(of) = self.labelled.iter_mut().find(|of| Some(&*of.label) == label) {
                of.batch = begins;
                return false;
            }
            let before = self.labelled.len();
            let ended = name.strip_prefix(b"-").unwrap_or_default();
            self.labelled.retain(|of| of.batch.as_deref() != Some(ended));
            return self.labelled.len() < before;
        }
        let batch = message.tags.get("batch").map(str::as_bytes);
        if batch.is_some() && self.labelled.iter().any(|of| of.batch.as_deref() == batch) {
            return true;
        }
        let before = self.labelled.len();
        self.labelled.retain(|of| Some(&*of.label) != label);
        self.labelled.len() < before
    }

    /// What a line says of it. `answers`: by its label it is about this message.
    fn judge(&mut self, message: &Message, mapping: Casemapping, answers: bool) {
        if let Some(reply) = StandardReply::read(message) {
            let about = answers || ["PRIVMSG", "NOTICE"].contains(&reply.command.as_str());
            if reply.severity == Severity::Fail && about {
                self.fail(Reason::Refused, format!("{}: {}", reply.code, reply.words));
            }
            return;
        }
        let Some(numeric) = message.numeric() else { return };
        // Between the client's own nick and the words.
        let named = message.params().get(1..message.params().len().saturating_sub(1)).unwrap_or_default();
        let names_it = named
            .iter()
            .any(|name| std::str::from_utf8(name).is_ok_and(|name| mapping.key(name) == self.target));
        let words = message.words().into_owned();
        match numeric {
            Numeric::RPL_AWAY if names_it => self.away = Some(words),
            Numeric::ERR_NOSUCHNICK | Numeric::ERR_NOSUCHSERVER if names_it || answers => {
                self.fail(Reason::NoSuchNick, words);
            }
            Numeric::RPL_TRYAGAIN | Numeric::ERR_TARGETTOOFAST if names_it || answers => {
                self.fail(Reason::Later, words);
            }
            // These name nobody.
            Numeric::ERR_INPUTTOOLONG => self.fail(Reason::TooLong, words),
            Numeric::ERR_NOTEXTTOSEND | Numeric::ERR_NORECIPIENT | Numeric::ERR_NOTREGISTERED => {
                self.fail(Reason::Refused, words);
            }
            Numeric::RPL_TARGNOTIFY | Numeric::ERR_TARGUMODEG if names_it => {
                self.fail(Reason::Refused, words)
            }
            // 401 for another person, a WHOIS of somebody else: not about this message.
            numeric if numeric.is_error() && (names_it || answers) => self.fail(Reason::Refused, words),
            _ => {}
        }
    }

    /// The first error counts, and nothing more of it is sent.
    fn fail(&mut self, reason: Reason, words: String) {
        if self.failed.is_none() {
            self.failed = Some((reason, words));
            self.lines.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(lines: &[&str], labels: bool) -> Letter {
        let octets = lines.iter().map(|line| Bytes::from(format!("PRIVMSG Alice :{line}\r\n"))).collect();
        let mut letter = Letter::new(Casemapping::Rfc1459.key("Alice"), octets);
        let mut number = 0;
        while letter.next_octets().is_some() {
            number += 1;
            letter.next_line(number, labels, Instant::now());
        }
        letter
    }

    fn hear(letter: &mut Letter, line: &'static str) -> Option<Verdict> {
        letter.hear(&Message::parse(&line.into()).unwrap(), Casemapping::Rfc1459)
    }

    fn taken() -> Option<Verdict> {
        Some(Verdict::Taken { away: None })
    }

    fn failed(reason: Reason, words: &str) -> Option<Verdict> {
        Some(Verdict::Failed { reason, words: words.into(), out: 1, of: 1 })
    }

    #[test]
    fn a_pong_behind_it_says_that_it_was_taken() {
        let mut letter = letter(&["a", "b"], false);
        assert_eq!((letter.out(), letter.of()), (2, 2));
        assert_eq!(hear(&mut letter, "PONG s :cpim-2"), None);
        assert_eq!(hear(&mut letter, ":s 401 me bob :No such nick"), None, "about another");
        assert_eq!(hear(&mut letter, "PONG s :cpim-3"), taken());
    }

    /// standards.md I12.
    #[test]
    fn an_error_before_the_pong_is_its_own_and_away_is_none() {
        let mut gone = letter(&["a"], false);
        assert_eq!(hear(&mut gone, ":s 401 me ALICE :No such nick"), None);
        assert_eq!(hear(&mut gone, "PONG s :cpim-2"), failed(Reason::NoSuchNick, "No such nick"));
        let mut away = letter(&["a"], false);
        hear(&mut away, ":s 301 me alice :At lunch");
        let expected = Some(Verdict::Taken { away: Some("At lunch".into()) });
        assert_eq!(hear(&mut away, "PONG s :cpim-2"), expected);
        for (line, reason, words) in [
            (":s 404 me alice :Cannot send", Reason::Refused, "Cannot send"),
            (":s 439 me alice :Too fast", Reason::Later, "Too fast"),
            (":s 417 me :Too long", Reason::TooLong, "Too long"),
            (":s 716 me alice :is +g", Reason::Refused, "is +g"),
            (":s 531 me alice :no", Reason::Refused, "no"),
        ] {
            let mut letter = letter(&["a"], false);
            hear(&mut letter, line);
            assert_eq!(hear(&mut letter, "PONG s :cpim-2"), failed(reason, words), "{line}");
        }
    }

    /// standards.md I13.
    #[test]
    fn fail_is_a_failure_and_warn_is_none() {
        let mut letter = letter(&["a"], false);
        hear(&mut letter, "WARN PRIVMSG INVALID_UTF8 :altered");
        hear(&mut letter, "FAIL JOIN X :not ours");
        assert_eq!(letter.failure(), None);
        hear(&mut letter, "FAIL PRIVMSG INVALID_UTF8 :no");
        assert_eq!(hear(&mut letter, "PONG :cpim-2"), failed(Reason::Refused, "INVALID_UTF8: no"));
    }

    /// standards.md I10 and I11.
    #[test]
    fn labels_answer_by_echo_ack_numeric_or_batch() {
        for line in ["@label=c1 :me!u@h PRIVMSG Alice :b", "@label=c1 ACK", "@label=c1 :s NOTE * X :y"] {
            assert_eq!(hear(&mut letter(&["a"], true), line), taken(), "{line}");
        }
        let gone = failed(Reason::NoSuchNick, "No such nick");
        assert_eq!(hear(&mut letter(&["a"], true), "@label=c1 :s 401 me Alice :No such nick"), gone);
        let mut batched = letter(&["a"], true);
        assert_eq!(hear(&mut batched, "@label=c1 :s BATCH +x labeled-response"), None);
        assert_eq!(hear(&mut batched, "@batch=x :s 301 me Alice :out"), None);
        assert_eq!(hear(&mut batched, "@batch=x :me!u@h PRIVMSG Alice :a"), None);
        let away = Some(Verdict::Taken { away: Some("out".into()) });
        assert_eq!(hear(&mut batched, ":s BATCH -x"), away);
    }

    #[test]
    fn all_labels_must_answer_and_time_ends_the_waiting() {
        let mut two = letter(&["a", "b"], true);
        assert_eq!(hear(&mut two, "@label=c2 ACK"), None);
        let due = two.due().unwrap();
        assert_eq!(two.overdue(due - Duration::from_secs(1)), None);
        assert_eq!(two.overdue(due), Some(Verdict::Unanswered));
        assert_eq!(hear(&mut two, "@label=c1 ACK"), taken());
    }

    #[test]
    fn after_an_error_nothing_more_of_it_goes_out() {
        let lines = ["a", "b", "c"].map(|line| Bytes::from(format!("PRIVMSG alice :{line}\r\n")));
        let mut letter = Letter::new(Casemapping::Ascii.key("alice"), lines.to_vec());
        letter.next_line(1, false, Instant::now());
        assert_eq!(hear(&mut letter, ":s 401 me alice :gone"), None);
        let fence = letter.next_line(2, false, Instant::now()).unwrap();
        assert_eq!(&fence[..], b"PING :cpim-2\r\n");
        let expected = Verdict::Failed { reason: Reason::NoSuchNick, words: "gone".into(), out: 1, of: 3 };
        assert_eq!(hear(&mut letter, "PONG :cpim-2"), Some(expected));
    }
}
