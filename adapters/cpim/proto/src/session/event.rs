//! What a session tells its application.

use cpim_adapter::{Operation, Response, TransId};
use thiserror::Error;

use crate::{Close, EncodeError, Open, Parameters, Violation};

/// What happened. Pings, malformed operations and operations over the cap are answered without a word.
#[derive(Clone, Debug)]
pub enum Event {
    /// The session is over; nothing follows. What is left is in [`Session::into_remains`].
    ///
    /// [`Session::into_remains`]: super::Session::into_remains
    Closed(Closure),
    /// The other side began the session. On the listening side it now waits for
    /// [`accept`](super::Session::accept) or [`close`](super::Session::close).
    Opened(Open),
    /// An operation arrived. All but a notify must be answered, once.
    Operation(Incoming),
    /// The peer ends the session in order: it sends no operation any more and takes none; what it is owed
    /// is best answered soon.
    PeerClosing(Close),
    /// An operation of ours was answered.
    Response {
        /// Which.
        trans_id: TransId,
        /// What became of it.
        response: Response,
    },
    /// An operation that still waits on this session arrived again, the same in every part. One response
    /// answers both.
    Retransmission(Incoming),
    /// A response to an operation that this session did not send, or that was answered before.
    StrayResponse {
        /// What it says that it answers.
        trans_id: TransId,
        /// What became of that.
        response: Response,
    },
    /// An operation of ours will not be sent: the session ends, and not an octet of it has left.
    Unsent {
        /// Which.
        trans_id: TransId,
    },
}

/// An operation as it arrived.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What its response must echo.
    pub trans_id: TransId,
    /// What its frame says of this hop.
    pub parameters: Parameters,
    /// What is asked for.
    pub operation: Operation,
}

/// How a session ended.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum Closure {
    /// The peer closed it for a reason, or would not open it.
    #[error("closed by the peer: {}", said(.0))]
    ByPeer(Close),
    /// Our application closed it for a reason.
    #[error("closed: {}", said(.0))]
    ByUs(Close),
    /// The transport ended without a word.
    #[error("the connection was lost")]
    Lost,
    /// Closed by either side, and what was under way had its time.
    #[error("closed in order")]
    Orderly,
    /// Nothing was heard of the peer, and it did not answer a ping: it is out of contact.
    #[error("nothing was heard of the peer")]
    Silent,
    /// The peer does not read what it is owed.
    #[error("the peer does not read")]
    Stalled,
    /// The other side did not open the session in time.
    #[error("the other side did not open the session in time")]
    Unopened,
    /// The peer broke the contract.
    #[error("the peer broke the contract: {0}")]
    Violated(Violation),
}

fn said(close: &Close) -> String {
    let reason = close.reason.as_ref().map_or("no reason", |reason| reason.as_str());
    match close.text.is_empty() {
        true => reason.to_owned(),
        false => format!("{reason} ({})", close.text),
    }
}

/// Why something cannot be sent. Nothing of it was.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// It does not fit a frame.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// There is no room now: see [`Session::has_room`](super::Session::has_room).
    #[error("no room for it now")]
    NoRoom,
    /// The session is not open, or no longer.
    #[error("the session is not open")]
    NotOpen,
    /// Another operation of ours still waits under this transID.
    #[error("the transID is that of an operation that still waits")]
    TransIdTaken,
}

/// What is left of a session that is over.
#[derive(Debug)]
pub struct Remains<T> {
    /// Operations of the peer that were never answered here.
    pub abandoned: Vec<TransId>,
    /// What [`poll_handed_over`](super::Session::poll_handed_over) had still to give.
    pub handed_over: Vec<T>,
    /// Responses that the peer may not have got: those not sent, and those sent after it was last heard.
    pub in_doubt: Vec<(TransId, T)>,
    /// Operations of ours of which an octet at least was sent, and no answer came.
    pub unanswered: Vec<TransId>,
}
