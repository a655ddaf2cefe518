//! One operation as a memory store holds it: there are very many of these, so it is packed.

use std::sync::Arc;

use bytes::Bytes;

use crate::store::write::{Acceptance, Label, Outcome};
use crate::store::{Attempt, Settled, Story};

/// One operation.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: i64,
    digest: [u8; 32],
    kind: Label,
    hops: u8,
    wait_until: Option<i64>,
    pub(super) accepted_at: i64,
    texts: Texts,
    /// Octets of content it came with.
    pub(super) content_octets: usize,
    /// Octets that it counts for while it is open.
    pub(super) octets: usize,
    /// What it came with; nothing once it is settled.
    body: Option<(Bytes, String)>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) ended: Option<Ended>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// One for all that ended alike.
    pub(super) outcome: Arc<Outcome>,
    pub(super) at: i64,
    pub(super) handed_over: bool,
    pub(super) steps: Box<str>,
}

/// What a retransmission is recognised by: owner, transID, digest.
pub(super) type RememberedKey<'a> = (&'a str, &'a str, [u8; 32]);

/// What a loop is recognised by: the name, and the destination.
pub(super) type IdKey<'a> = (&'a str, &'a str);

impl Row {
    pub(super) fn new(acceptance: Acceptance) -> Self {
        let octets = acceptance.octets();
        let texts = Texts::new([
            &acceptance.id,
            &acceptance.owner,
            &acceptance.owner_domain,
            &acceptance.trans_id,
            &acceptance.source,
            &acceptance.destination,
            &acceptance.source_key,
            &acceptance.destination_key,
            &acceptance.via,
            &acceptance.standing,
            &acceptance.steps,
        ]);
        Self {
            number: acceptance.number,
            digest: acceptance.digest,
            kind: acceptance.kind,
            hops: acceptance.hops,
            wait_until: acceptance.wait_until,
            accepted_at: acceptance.accepted_at,
            texts,
            content_octets: acceptance.content.len(),
            octets,
            body: Some((acceptance.content, acceptance.metadata)),
            attempts: Vec::new(),
            ended: None,
        }
    }

    /// It has ended so: its content is needed no more.
    pub(super) fn end(&mut self, outcome: Arc<Outcome>, at: i64, steps: &str) {
        self.ended = Some(Ended { outcome, at, handed_over: false, steps: steps.into() });
        self.body = None;
    }

    pub(super) fn id(&self) -> &str {
        self.texts.get(0)
    }

    pub(super) fn owner(&self) -> &str {
        self.texts.get(1)
    }

    pub(super) fn owner_domain(&self) -> &str {
        self.texts.get(2)
    }

    pub(super) fn trans_id(&self) -> &str {
        self.texts.get(3)
    }

    pub(super) fn remembered_key(&self) -> RememberedKey<'_> {
        (self.owner(), self.trans_id(), self.digest)
    }

    pub(super) fn id_key(&self) -> IdKey<'_> {
        (self.id(), self.texts.get(7))
    }

    /// As it was accepted, but for the intent.
    pub(super) fn acceptance(&self) -> Acceptance {
        let text = |at| self.texts.get(at).to_owned();
        let (content, metadata) = self.body.clone().unwrap_or_default();
        Acceptance {
            number: self.number,
            id: text(0),
            owner: text(1),
            owner_domain: text(2),
            trans_id: text(3),
            digest: self.digest,
            kind: self.kind.clone(),
            source: text(4),
            destination: text(5),
            source_key: text(6),
            destination_key: text(7),
            content,
            metadata,
            hops: self.hops,
            via: text(8),
            wait_until: self.wait_until,
            standing: text(9),
            accepted_at: self.accepted_at,
            intent: None,
            steps: text(10),
        }
    }

    pub(super) fn story(&self) -> Story {
        let from = self.acceptance();
        Story {
            number: from.number,
            id: from.id,
            owner: from.owner,
            trans_id: from.trans_id,
            kind: from.kind,
            source: from.source,
            destination: from.destination,
            octets: self.content_octets as u64,
            hops: from.hops,
            via: from.via,
            wait_until: from.wait_until,
            standing: from.standing,
            accepted_at: from.accepted_at,
            attempts: self.attempts.clone(),
            steps: from.steps,
            settled: self.ended.as_ref().map(|ended| Settled {
                outcome: Outcome::clone(&ended.outcome),
                at: ended.at,
                handed_over: ended.handed_over,
                steps: ended.steps.as_ref().to_owned(),
            }),
        }
    }
}

/// The texts of an acceptance, one behind the other: each by itself would take more room for itself than for its text.
#[derive(Debug)]
struct Texts {
    all: Box<str>,
    /// Where each ends.
    ends: [usize; Self::COUNT],
}

impl Texts {
    const COUNT: usize = 11;

    fn new(texts: [&str; Self::COUNT]) -> Self {
        let mut end = 0;
        let ends = texts.map(|text| {
            end += text.len();
            end
        });
        Self { all: texts.concat().into(), ends }
    }

    fn get(&self, at: usize) -> &str {
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|end| self.all.get(begin..*end)).unwrap_or_default()
    }
}
