//! The operations that cross the gateway (RFC 3860 section 3, RFC 3859 section 3).

use std::fmt;
use std::time::Duration;

use crate::{Content, Domain, ImUri, Metadata, OperationId, PresUri, Presence, SubscriptId, Uri};

/// An instant message to one inbox (RFC 3860 section 3.4.1).
#[derive(Clone, Debug)]
pub struct Message {
    /// Who writes.
    pub source: ImUri,
    /// Whose inbox it is for.
    pub destination: ImUri,
    /// The MIME entity, relayed octet for octet (RFC 3860 section 3.3).
    pub content: Content,
    /// What belongs to the message but not to the entity.
    pub metadata: Metadata,
}

/// A watcher asks for presence: once, or for a time (RFC 3859 section 3.4.1).
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Who asks.
    pub watcher: PresUri,
    /// Whose presence.
    pub target: PresUri,
    /// For how many seconds; 0 asks once, or ends the subscription that `subscript_id` names.
    pub duration: u32,
    /// The subscription's name, where the watcher gave it one.
    pub subscript_id: Option<SubscriptId>,
}

/// A watcher ends its subscription (the draft's section 3.4.3).
#[derive(Clone, Debug)]
pub struct Unsubscribe {
    /// Who watched.
    pub watcher: PresUri,
    /// Whose presence.
    pub target: PresUri,
}

/// A presentity's state, told to one watcher; never answered (RFC 3859 section 3.4.2).
#[derive(Clone, Debug)]
pub struct Notify {
    /// Who is told.
    pub watcher: PresUri,
    /// Whose presence it is.
    pub target: PresUri,
    /// The presence in the draft's form.
    pub presence: Presence,
    /// The full document it came with, untouched.
    pub document: Option<Content>,
}

/// A presentity sets its own presence: the operation that the draft leaves to each system.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Whose presence it is.
    pub target: PresUri,
    /// The presence in the draft's form.
    pub presence: Presence,
    /// The full document it came with, untouched.
    pub document: Option<Content>,
    /// After how many seconds it lapses, where it does.
    pub duration: Option<u32>,
}

/// Everything that crosses the gateway. Exhaustive on purpose: a new operation must be thought of in
/// every adapter's `match`.
#[derive(Clone, Debug)]
pub enum Operation {
    /// An instant message.
    Message(Message),
    /// Presence told to a watcher.
    Notify(Notify),
    /// Presence set by its presentity.
    Publish(Publish),
    /// Presence asked for.
    Subscribe(Subscribe),
    /// Presence asked for no longer.
    Unsubscribe(Unsubscribe),
}

/// Which operation it is, without what is in it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// An instant message.
    Message,
    /// Presence told to a watcher.
    Notify,
    /// Presence set by its presentity.
    Publish,
    /// Presence asked for.
    Subscribe,
    /// Presence asked for no longer.
    Unsubscribe,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 5] =
        [Self::Message, Self::Notify, Self::Publish, Self::Subscribe, Self::Unsubscribe];

    /// The operation's name in the draft.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Notify => "notify",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Operation {
    /// Which operation it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Message(_) => Kind::Message,
            Self::Notify(_) => Kind::Notify,
            Self::Publish(_) => Kind::Publish,
            Self::Subscribe(_) => Kind::Subscribe,
            Self::Unsubscribe(_) => Kind::Unsubscribe,
        }
    }

    /// For whom the sender speaks: the source, the watcher who asks, or the presentity that tells.
    #[must_use]
    pub fn speaks_for(&self) -> &Uri {
        match self {
            Self::Message(message) => message.source.as_uri(),
            Self::Notify(notify) => notify.target.as_uri(),
            Self::Publish(publish) => publish.target.as_uri(),
            Self::Subscribe(subscribe) => subscribe.watcher.as_uri(),
            Self::Unsubscribe(unsubscribe) => unsubscribe.watcher.as_uri(),
        }
    }

    /// To whom it goes.
    #[must_use]
    pub fn goes_to(&self) -> &Uri {
        match self {
            Self::Message(message) => message.destination.as_uri(),
            Self::Notify(notify) => notify.watcher.as_uri(),
            Self::Publish(publish) => publish.target.as_uri(),
            Self::Subscribe(subscribe) => subscribe.target.as_uri(),
            Self::Unsubscribe(unsubscribe) => unsubscribe.target.as_uri(),
        }
    }

    /// The MIME entity that travels with it, where one does.
    #[must_use]
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Message(message) => Some(&message.content),
            Self::Notify(notify) => notify.document.as_ref(),
            Self::Publish(publish) => publish.document.as_ref(),
            Self::Subscribe(_) | Self::Unsubscribe(_) => None,
        }
    }
}

/// How an operation has come so far, and how far it may go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Passage {
    /// Its name, end to end.
    pub id: OperationId,
    /// Hops that are left (RFC 3860 section 3.4.2, MaxForwards).
    pub hops: u8,
    /// Relay domains it has crossed, oldest first.
    pub via: Vec<Domain>,
    /// For how long the sender will still wait for the response.
    pub wait: Option<Duration>,
}

impl Passage {
    /// Hops of an operation that came without a count: RFC 3860 section 3.4.2 wants over one hundred.
    pub const DEFAULT_HOPS: u8 = 128;
    /// Most relay domains that an operation may have crossed.
    pub const MAX_VIA: usize = 16;
}
