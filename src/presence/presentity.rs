//! Presentities: whose presence is watched or told here.

use std::collections::VecDeque;
use std::sync::Arc;

use cpim_adapter::{Address, ForeignAddress};

use super::names::Name;
use super::state::{Publication, Source, State, merged};

/// Watchers that are gone and still told about, of one presentity: enough for a person to read.
const PAST: usize = 256;

/// Where a presentity's presence comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// From whoever serves it on another server, who sends each notification himself.
    Elsewhere,
    /// From an adapter that observes it.
    Foreign {
        /// The adapter, by its place in the registry.
        port: usize,
        /// As the adapter knows it.
        foreign: ForeignAddress,
    },
    /// From its sessions: this gateway is its presence service.
    Hosted,
    /// It is the information about another's watchers.
    Winfo(Name),
}

/// A watcher that watches no more, or only asked once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Past {
    pub(crate) watcher: Address,
    /// When it began, and when it ended; both are the same for a fetch. In Unix milliseconds.
    pub(crate) since: i64,
    pub(crate) until: i64,
    /// How it ended.
    pub(crate) how: How,
}

/// How watching ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum How {
    /// It ran out.
    Expired,
    /// It was a single look.
    Fetched,
    /// The presentity, or its system, ended it.
    Refused,
    /// The watcher ended it.
    Unsubscribed,
}

impl How {
    pub(crate) const ALL: [Self; 4] = [Self::Expired, Self::Fetched, Self::Refused, Self::Unsubscribed];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Fetched => "fetched",
            Self::Refused => "refused",
            Self::Unsubscribed => "unsubscribed",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.as_str() == word)
    }
}

/// One presentity.
#[derive(Debug)]
pub(crate) struct Presentity {
    pub(crate) kind: Kind,
    /// What is known of its presence; not kept of what is elsewhere, where each watcher may see something else.
    pub(crate) state: Option<Arc<State>>,
    /// Its sessions, the newest last.
    sources: Vec<Source>,
    past: VecDeque<Past>,
    /// The presentity that is the information about its watchers, while that is watched.
    pub(crate) winfo: Option<Name>,
    /// Its adapter observes it, or is about to.
    pub(crate) observed: bool,
    /// Its presence is written down.
    pub(crate) noted: bool,
}

impl Presentity {
    pub(crate) fn new(address: &Address, kind: Kind) -> Self {
        let state = (kind == Kind::Hosted).then(|| Arc::new(State::closed(address)));
        Self {
            kind,
            state,
            sources: Vec::new(),
            past: VecDeque::new(),
            winfo: None,
            observed: false,
            noted: false,
        }
    }

    /// Its sessions, the newest last.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// A session of it is there. What was only held for its return goes.
    pub(crate) fn join(&mut self, session: u64, reachable: bool) {
        self.sources.retain(|source| source.session != HELD_OVER && source.session != session);
        self.sources.push(Source { session, reachable, published: None });
    }

    /// A session is gone, and its publication with it. `false`: it had none here.
    pub(crate) fn leave(&mut self, session: u64) -> bool {
        let before = self.sources.len();
        self.sources.retain(|source| source.session != session);
        self.sources.len() != before
    }

    /// What a session says from now on; a session that is not its own may say it for it.
    pub(crate) fn say(&mut self, session: u64, published: Option<Publication>) {
        match self.sources.iter_mut().find(|source| source.session == session) {
            Some(source) => source.published = published,
            None if published.is_some() => self.sources.push(Source { session, reachable: false, published }),
            None => {}
        }
    }

    /// Puts its presence together anew. `true`: it is another one.
    #[must_use]
    pub(crate) fn merge(&mut self, address: &Address) -> bool {
        let state = merged(address, &self.sources);
        let changed = self.state.as_deref() != Some(&state);
        if changed {
            self.state = Some(Arc::new(state));
        }
        changed
    }

    /// Notes somebody who watches no more, instead of what was noted of the same watcher.
    pub(crate) fn note(&mut self, past: Past) {
        self.past.retain(|other| other.watcher != past.watcher);
        self.past.push_back(past);
        if self.past.len() > PAST {
            self.past.pop_front();
        }
    }

    /// Those who watched until lately, the oldest first.
    pub(crate) fn past(&self) -> impl Iterator<Item = &Past> {
        self.past.iter()
    }

    /// Forgets who watched no more before then. `true`: there was somebody.
    pub(crate) fn forget_before(&mut self, then: i64) -> bool {
        let before = self.past.len();
        self.past.retain(|past| past.until >= then);
        self.past.len() != before
    }

    /// Whether nothing of it is worth keeping, but for what others hold.
    pub(crate) fn is_idle(&self) -> bool {
        self.sources.is_empty() && self.past.is_empty() && self.winfo.is_none()
    }
}

/// The session of a publication that is held over a restart.
pub(crate) const HELD_OVER: u64 = 0;

/// The session of a publication that came by no session.
pub(crate) const BY_COMMAND: u64 = u64::MAX;
