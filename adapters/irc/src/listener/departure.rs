//! What goes out to a client from elsewhere, and what becomes of it.

use std::sync::Arc;
use std::time::SystemTime;

use cpim_adapter::{Address, OperationId, Presence};
use cpim_irc_proto::{Origin, Trailing, Verb};

use crate::leg::Leg;

/// Something for one client.
#[derive(Debug)]
pub(crate) enum Departure {
    /// A message.
    Letter(Box<Letter>),
    /// The presence of somebody whom it watches or asked about.
    News(Box<News>),
    /// A foreign user appears by another nick.
    Renamed(Arc<Renamed>),
}

/// A message for one client.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) leg: Leg,
    /// Whoever wrote it.
    pub(crate) source: Origin,
    /// The account of whoever wrote it, where it is of this network.
    pub(crate) account: Option<Arc<str>>,
    /// By which command it goes.
    pub(crate) verb: Verb,
    /// Its lines, each of which fits.
    pub(crate) lines: Vec<Trailing>,
    /// Its name.
    pub(crate) id: OperationId,
    /// When the gateway took it.
    pub(crate) at: SystemTime,
}

/// The presence of a presentity, for a watcher.
#[derive(Debug)]
pub(crate) struct News {
    /// Whose.
    pub(crate) target: Address,
    pub(crate) presence: Presence,
}

/// A foreign user that appears by another nick from now on.
#[derive(Debug)]
pub(crate) struct Renamed {
    /// The nick that it had.
    pub(crate) old: Arc<str>,
    /// As it was.
    pub(crate) source: Origin,
    /// The nick that it has.
    pub(crate) new: Arc<str>,
}
