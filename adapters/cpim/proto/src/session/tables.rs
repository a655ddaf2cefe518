//! What waits for an answer, in either direction, and what was answered and may not have been heard.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use cpim_adapter::{Operation, TransId};

use crate::Frame;

/// Operations of the peer that were taken in and not yet answered.
///
/// Each is kept as it came, which costs two references: what it means is looked at again only where its
/// transID comes again.
#[derive(Debug, Default)]
pub(super) struct Inbound(HashMap<TransId, Frame>);

/// What an operation is to those that wait.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Arrival {
    /// Its transID is free; now it is taken.
    New,
    /// As many as may wait do.
    NoRoom,
    /// The same transID came with the same octets.
    Same,
    /// The same transID came with other octets than these: whether they mean the same is to be seen.
    Other(Frame),
}

impl Inbound {
    pub(super) fn arrive(&mut self, trans_id: &TransId, frame: Frame, max: usize) -> Arrival {
        let full = self.0.len() >= max;
        match self.0.entry(trans_id.clone()) {
            Entry::Vacant(_) if full => Arrival::NoRoom,
            Entry::Vacant(place) => {
                place.insert(frame);
                Arrival::New
            }
            Entry::Occupied(first)
                if first.get().xml == frame.xml && first.get().content == frame.content =>
            {
                Arrival::Same
            }
            Entry::Occupied(first) => Arrival::Other(first.get().clone()),
        }
    }

    pub(super) fn contains(&self, trans_id: &TransId) -> bool {
        self.0.contains_key(trans_id)
    }

    pub(super) fn answered(&mut self, trans_id: &TransId) {
        self.0.remove(trans_id);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = TransId> {
        self.0.drain().map(|(trans_id, _)| trans_id)
    }
}

/// Whether two operations ask for the same: of the same kind, by and to the same addresses however spelled,
/// with the same content and whatever else they say.
pub(super) fn same(one: &Operation, other: &Operation) -> bool {
    let parts = one.kind() == other.kind()
        && one.speaks_for().address() == other.speaks_for().address()
        && one.goes_to().address() == other.goes_to().address()
        && one.content() == other.content();
    parts
        && match (one, other) {
            (Operation::Subscribe(one), Operation::Subscribe(other)) => {
                one.duration == other.duration && one.subscript_id == other.subscript_id
            }
            (Operation::Publish(one), Operation::Publish(other)) => {
                one.duration == other.duration && one.presence == other.presence
            }
            _ => true,
        }
}

/// Operations of ours that wait for their response.
#[derive(Debug, Default)]
pub(super) struct Outbound(HashMap<TransId, Sent>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sent {
    /// In the queue.
    Not,
    /// Its first octet was handed out.
    Begun,
}

impl Outbound {
    pub(super) fn queued(&mut self, trans_id: TransId) {
        self.0.insert(trans_id, Sent::Not);
    }

    pub(super) fn begun(&mut self, trans_id: &TransId) {
        if let Some(sent) = self.0.get_mut(trans_id) {
            *sent = Sent::Begun;
        }
    }

    /// Whether a response to it was waited for. One that comes before the operation was sent answers
    /// something else.
    pub(super) fn answered(&mut self, trans_id: &TransId) -> bool {
        let begun = self.0.get(trans_id) == Some(&Sent::Begun);
        begun && self.0.remove(trans_id).is_some()
    }

    pub(super) fn withdrawn(&mut self, trans_id: &TransId) {
        self.0.remove(trans_id);
    }

    pub(super) fn contains(&self, trans_id: &TransId) -> bool {
        self.0.contains_key(trans_id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = TransId> {
        self.0.drain().map(|(trans_id, _)| trans_id)
    }
}

/// For how long a response that the transport took is still in doubt: a long round trip. A connection that is
/// gone by then may not have carried it. To doubt longer would give a peer that has its response the same one
/// again, on a later session, where it may be taken for another's.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// Responses that were sent, for as long as they are in doubt; beyond the cap, the oldest no longer are.
#[derive(Debug)]
pub(super) struct Receipts<T> {
    max: usize,
    sent: VecDeque<(Instant, TransId, T)>,
    /// How many of `sent`, the newest, nobody has been told of.
    untold: usize,
    handed_over: VecDeque<T>,
}

impl<T> Receipts<T> {
    pub(super) const fn new(max: usize) -> Self {
        Self { max, sent: VecDeque::new(), untold: 0, handed_over: VecDeque::new() }
    }

    /// The last octet of a response was taken by the transport.
    pub(super) fn sent(&mut self, now: Instant, trans_id: TransId, token: T) {
        self.sent.push_back((now, trans_id, token));
        self.untold += 1;
        while self.sent.len() > self.max {
            self.hand_over();
        }
    }

    /// The next response that the transport took, told once. One that is no longer in doubt is not told.
    pub(super) fn next_sent(&mut self) -> Option<&T> {
        self.untold = self.untold.min(self.sent.len());
        let at = self.sent.len() - self.untold;
        self.untold = self.untold.saturating_sub(1);
        self.sent.get(at).map(|(_, _, token)| token)
    }

    /// When the oldest is no longer in doubt.
    pub(super) fn due(&self) -> Option<Instant> {
        self.sent.front().map(|(sent, ..)| *sent + ROUND_TRIP)
    }

    /// The connection still stands.
    pub(super) fn ripen(&mut self, now: Instant) {
        while self.sent.front().is_some_and(|(sent, ..)| *sent + ROUND_TRIP <= now) {
            self.hand_over();
        }
    }

    /// The peer ended the session in order: it has heard everything.
    pub(super) fn all_heard(&mut self) {
        while !self.sent.is_empty() {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        self.handed_over.extend(self.sent.pop_front().map(|(_, _, token)| token));
    }

    /// A response that is no longer in doubt.
    pub(super) fn next(&mut self) -> Option<T> {
        self.handed_over.pop_front()
    }

    /// What is still in doubt.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (TransId, T)> {
        self.sent.drain(..).map(|(_, trans_id, token)| (trans_id, token))
    }
}
