//! What is to be sent: what the peer is owed before what we want of it.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use cpim_adapter::TransId;

use crate::{EncodeError, Limits, Parameters, encode_head};

/// Octets handed out and not yet taken by the peer, beyond which nothing more is handed out: enough to fill
/// a socket's buffer, and little enough that a response never waits long behind operations.
const WINDOW_OCTETS: u64 = 65_536;

/// A content up to here is copied behind its element: cheaper than to hand it to the socket on its own,
/// and it no longer keeps the buffer that it was read into.
const SMALL_CONTENT_OCTETS: usize = 512;

/// What a frame's last octet means.
#[derive(Debug)]
pub(super) enum Mark<T> {
    /// An operation: once begun, it cannot be called back.
    Operation(TransId),
    /// A response, with the application's word on it.
    Response(TransId, T),
    /// Nothing.
    Other,
}

/// Frames in order, next to each other so that one write takes many.
#[derive(Debug)]
struct Lane<T> {
    /// Everything of the frames but their larger contents.
    octets: BytesMut,
    frames: VecDeque<Queued<T>>,
    /// All octets, the larger contents among them.
    owed: usize,
}

#[derive(Debug)]
struct Queued<T> {
    octets: usize,
    /// What follows them; empty where they are all.
    content: Bytes,
    mark: Mark<T>,
}

impl<T> Lane<T> {
    fn push(
        &mut self,
        parameters: &Parameters,
        xml: &str,
        content: &Bytes,
        mark: Mark<T>,
        limits: &Limits,
    ) -> Result<(), EncodeError> {
        let before = self.octets.len();
        encode_head(&mut self.octets, parameters, xml, content.len(), limits)?;
        let content = match content.len() {
            0..=SMALL_CONTENT_OCTETS => {
                self.octets.extend_from_slice(content);
                Bytes::new()
            }
            _ => content.clone(),
        };
        let octets = self.octets.len() - before;
        self.owed += octets + content.len();
        self.frames.push_back(Queued { octets, content, mark });
        Ok(())
    }

    fn clear(&mut self) -> impl Iterator<Item = Mark<T>> + use<T> {
        self.octets.clear();
        self.owed = 0;
        std::mem::take(&mut self.frames).into_iter().map(|frame| frame.mark)
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { octets: BytesMut::new(), frames: VecDeque::new(), owed: 0 }
    }
}

/// Both lanes, and what has been handed out of them.
#[derive(Debug)]
pub(super) struct Outgoing<T> {
    /// `open`, responses, pings and `close`.
    owed: Lane<T>,
    operations: Lane<T>,
    /// The content that must follow what was handed out last.
    content: Option<Bytes>,
    /// Octets handed out, and octets of them taken, since the beginning.
    handed_out: u64,
    taken: u64,
    /// What was handed out and not yet taken: where it ends, and what that means.
    marks: VecDeque<(u64, Mark<T>)>,
    /// Since when there has been something to take and nothing was taken.
    idle_since: Option<Instant>,
}

impl<T> Default for Outgoing<T> {
    fn default() -> Self {
        Self {
            owed: Lane::default(),
            operations: Lane::default(),
            content: None,
            handed_out: 0,
            taken: 0,
            marks: VecDeque::new(),
            idle_since: None,
        }
    }
}

impl<T> Outgoing<T> {
    /// Queues what the peer is owed: before every operation that has not begun. It is held to the contract's
    /// own limits, not to the configured ones.
    pub(super) fn owe(&mut self, now: Instant, xml: &str, mark: Mark<T>) -> Result<(), EncodeError> {
        self.owed.push(&Parameters::default(), xml, &Bytes::new(), mark, &Limits::CONTRACT)?;
        self.idle_since.get_or_insert(now);
        Ok(())
    }

    /// Queues an operation.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        parameters: &Parameters,
        xml: &str,
        content: &Bytes,
        trans_id: TransId,
        limits: &Limits,
    ) -> Result<(), EncodeError> {
        self.operations.push(parameters, xml, content, Mark::Operation(trans_id), limits)?;
        self.idle_since.get_or_insert(now);
        Ok(())
    }

    /// The next octets to send, with the operations that begin in them. A frame that has begun is finished
    /// before anything else; then what is owed comes first.
    pub(super) fn next(&mut self, begun: &mut dyn FnMut(&TransId)) -> Option<Bytes> {
        if let Some(content) = self.content.take() {
            return Some(self.hand_out(content));
        }
        if self.handed_out - self.taken >= WINDOW_OCTETS {
            return None;
        }
        let lane = if self.owed.frames.is_empty() { &mut self.operations } else { &mut self.owed };
        let mut octets = 0;
        while let Some(frame) = lane.frames.pop_front() {
            octets += frame.octets;
            if let Mark::Operation(trans_id) = &frame.mark {
                begun(trans_id);
            }
            let end = self.handed_out + octets as u64 + frame.content.len() as u64;
            self.marks.push_back((end, frame.mark));
            if !frame.content.is_empty() {
                self.content = Some(frame.content);
                break;
            }
            if octets as u64 >= WINDOW_OCTETS {
                break;
            }
        }
        if octets == 0 {
            return None;
        }
        lane.owed -= octets + self.content.as_ref().map_or(0, Bytes::len);
        let chunk = lane.octets.split_to(octets).freeze();
        Some(self.hand_out(chunk))
    }

    fn hand_out(&mut self, chunk: Bytes) -> Bytes {
        self.handed_out += chunk.len() as u64;
        chunk
    }

    /// The peer took so many octets more; `done` is told what they ended.
    pub(super) fn taken(&mut self, now: Instant, octets: usize, done: &mut dyn FnMut(Mark<T>)) {
        if octets == 0 {
            return;
        }
        self.taken = self.handed_out.min(self.taken + octets as u64);
        while let Some((_, mark)) = self.marks.pop_front_if(|(end, _)| *end <= self.taken) {
            done(mark);
        }
        self.idle_since = (!self.is_empty()).then_some(now);
        if self.is_empty() {
            // As little as a silent session needs.
            self.marks = VecDeque::new();
            self.owed.frames = VecDeque::new();
            self.operations.frames = VecDeque::new();
        }
    }

    /// Whether the peer has taken everything.
    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.handed_out
            && self.content.is_none()
            && self.owed.frames.is_empty()
            && self.operations.frames.is_empty()
    }

    /// Octets of responses and the like that wait.
    pub(super) const fn owed_octets(&self) -> usize {
        self.owed.owed
    }

    /// Octets of operations that wait.
    pub(super) const fn queued_octets(&self) -> usize {
        self.operations.owed
    }

    /// Since when there has been something to take and nothing was taken.
    pub(super) const fn idle_since(&self) -> Option<Instant> {
        self.idle_since
    }

    /// Gives up the operations of which no octet was handed out.
    pub(super) fn withdraw(&mut self) -> impl Iterator<Item = TransId> + use<T> {
        let marks = self.operations.clear();
        if self.is_empty() {
            self.idle_since = None;
        }
        marks.filter_map(|mark| match mark {
            Mark::Operation(trans_id) => Some(trans_id),
            Mark::Response(..) | Mark::Other => None,
        })
    }

    /// Gives up everything, and tells which responses were not taken.
    pub(super) fn abandon(&mut self) -> impl Iterator<Item = (TransId, T)> + use<T> {
        self.content = None;
        self.taken = self.handed_out;
        self.idle_since = None;
        self.operations = Lane::default();
        let marks = std::mem::take(&mut self.marks).into_iter().map(|(_, mark)| mark);
        marks.chain(self.owed.clear()).filter_map(|mark| match mark {
            Mark::Response(trans_id, token) => Some((trans_id, token)),
            Mark::Operation(_) | Mark::Other => None,
        })
    }
}
