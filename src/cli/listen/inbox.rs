//! What an instant inbox answers, and what it has answered before.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use cpim_adapter::{Code, Message, Response, Status, TransId};
use sha2::{Digest, Sha256};

/// Messages that are remembered at once; with so many, the next one is answered `busy`.
const REMEMBERED: usize = 100_000;

/// An instant inbox.
pub(super) struct Inbox {
    /// What it answers; nothing where it keeps silent.
    answer: Option<Response>,
    /// For how long it recognises retransmissions, where it does.
    remembers: Option<Duration>,
    known: HashMap<Key, Option<Response>>,
    /// Until when each is known.
    until: VecDeque<(Instant, Key)>,
}

/// What makes a message the same: transID, source, destination and content.
type Key = [u8; 32];

/// What is to be done about a message.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It was there before: answer the same, and do nothing else.
    Again(Option<Response>),
    /// It is new: show it, and answer.
    New(Option<Response>),
    /// There is no room to remember it, as was promised.
    NoRoom(Response),
}

impl Inbox {
    pub(super) fn new(answer: Option<Response>, remembers: Option<Duration>) -> Self {
        Self { answer, remembers, known: HashMap::new(), until: VecDeque::new() }
    }

    pub(super) fn judge(&mut self, now: Instant, trans_id: &TransId, message: &Message) -> Verdict {
        let Some(remembers) = self.remembers else {
            return Verdict::New(self.answer.clone());
        };
        while let Some((_, key)) = self.until.pop_front_if(|(until, _)| *until <= now) {
            self.known.remove(&key);
        }
        let key = key(trans_id, message);
        if let Some(answer) = self.known.get(&key) {
            return Verdict::Again(answer.clone());
        }
        if self.known.len() >= REMEMBERED {
            let words = format!("{REMEMBERED} messages are remembered already");
            return Verdict::NoRoom(Response::failure(Code::Busy, words));
        }
        self.known.insert(key, self.answer.clone());
        self.until.push_back((now + remembers, key));
        Verdict::New(self.answer.clone())
    }
}

fn key(trans_id: &TransId, message: &Message) -> Key {
    let (source, destination) =
        (message.source.address().to_string(), message.destination.address().to_string());
    let mut digest = Sha256::new();
    for part in [trans_id.as_str(), &source, &destination] {
        // No part holds a NUL, so that none can be mistaken for the beginning of the next.
        digest.update(part);
        digest.update([0]);
    }
    digest.update(message.content.octets());
    digest.finalize().into()
}

/// Reads what is to be answered: `success`, `failure`, `failure:CODE`, `indeterminant` or `none`.
pub(super) fn parse_answer(text: &str) -> Result<Option<Response>, String> {
    let expected = || {
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        format!("expected success, failure:CODE, indeterminant or none; CODE is one of {}", codes.join(", "))
    };
    match text.split_once(':').unwrap_or((text, "")) {
        ("none", "") => Ok(None),
        ("success", "") => Ok(Some(Response::success())),
        ("failure", "") => Ok(Some(Response::failure(Code::Refused, ""))),
        ("failure", code) => {
            let code = Code::from_word(code).ok_or_else(expected)?;
            Ok(Some(Response::failure(code, "")))
        }
        ("indeterminant", "") => Ok(Some(Response::from_text(Status::Indeterminant, ""))),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{Content, ImUri, Metadata};

    use super::*;

    fn message(text: &str) -> Message {
        Message {
            source: ImUri::parse("im:fred@a.example").unwrap(),
            destination: ImUri::parse("im:barney@b.example").unwrap(),
            content: Content::text(text),
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn a_retransmission_is_answered_the_same_while_it_is_remembered() {
        let mut inbox = Inbox::new(Some(Response::success()), Some(Duration::from_secs(60)));
        let (one, two) = (TransId::parse("1").unwrap(), TransId::parse("2").unwrap());
        let now = Instant::now();
        let new = Verdict::New(Some(Response::success()));
        let again = Verdict::Again(Some(Response::success()));
        assert_eq!(inbox.judge(now, &one, &message("a")), new);
        assert_eq!(inbox.judge(now, &one, &message("a")), again);
        assert_eq!(inbox.judge(now, &one, &message("b")), new, "other content");
        assert_eq!(inbox.judge(now, &two, &message("a")), new, "another transID");
        assert_eq!(inbox.judge(now + Duration::from_secs(59), &one, &message("a")), again);
        assert_eq!(inbox.judge(now + Duration::from_secs(60), &one, &message("a")), new, "forgotten");
    }

    #[test]
    fn without_a_memory_every_message_is_new() {
        let mut inbox = Inbox::new(None, None);
        let one = TransId::parse("1").unwrap();
        assert_eq!(inbox.judge(Instant::now(), &one, &message("a")), Verdict::New(None));
        assert_eq!(inbox.judge(Instant::now(), &one, &message("a")), Verdict::New(None));
    }

    #[test]
    fn answers() {
        assert_eq!(parse_answer("none"), Ok(None));
        assert_eq!(parse_answer("success"), Ok(Some(Response::success())));
        assert_eq!(parse_answer("failure:denied"), Ok(Some(Response::failure(Code::Denied, ""))));
        assert!(parse_answer("indeterminant").unwrap().is_some());
        for wrong in ["", "ok", "failure:because", "success:denied"] {
            assert!(parse_answer(wrong).is_err(), "{wrong}");
        }
    }
}
