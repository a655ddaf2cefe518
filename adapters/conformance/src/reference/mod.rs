//! The reference adapter: a protocol of lines over TCP that exists nowhere else, and passes every case.
//!
//! It is the judge's own witness, and the smallest adapter that is right: read it before you write one. Its peer
//! says `HELLO` with its users, is told `WELCOME`, and from then on both sides send one operation or one `ANSWER` a
//! line. [`Reference::whole`] carries everything; [`Reference::modest`] carries text, observes presence and never
//! learns what became of anything, so that the cases for lesser claims have something to pass as well.

mod adapter;
mod connection;
mod map;
mod peer;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cpim_adapter::{
    Adapter, Capabilities, Class, Feature, ForeignAddress, ImUri, Kind, Message, NextHop, PresenceSupport,
    Support, Uri,
};

pub use adapter::ReferenceAdapter;

use crate::mutant::{Mutant, Mutated};
use crate::subject::{ForeignPeer, PeerError, Spelling, Subject};

/// The reference adapter as a subject of the kit.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    manner: Manner,
    mutant: Option<Mutant>,
}

/// How much the toy protocol can carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manner {
    /// Everything.
    Whole,
    /// Text, without answers; presence is observed.
    Modest,
}

impl Reference {
    /// The one that carries everything.
    #[must_use]
    pub const fn whole() -> Self {
        Self { manner: Manner::Whole, mutant: None }
    }

    /// The one that carries little, and claims no more.
    #[must_use]
    pub const fn modest() -> Self {
        Self { manner: Manner::Modest, mutant: None }
    }

    /// One with a fault: that which carries everything, unless only the other can have it.
    #[must_use]
    pub const fn mutated(mutant: Mutant) -> Self {
        let manner = if mutant.is_of_modest() { Manner::Modest } else { Manner::Whole };
        Self { manner, mutant: Some(mutant) }
    }
}

impl Manner {
    pub(crate) fn capabilities(self) -> Capabilities {
        /// As much as fits into a line, escaped.
        const MOST: usize = 512 << 10;
        match self {
            Self::Whole => Capabilities {
                support: |_| Support::Full,
                presence: PresenceSupport::PassThrough,
                max_content_octets: Some(MOST),
            },
            Self::Modest => Capabilities {
                support: |feature| match feature {
                    Feature::MultiLine | Feature::Unicode => Support::Full,
                    Feature::Subject => Support::Degraded("`[subject]` before the text"),
                    Feature::AnyContent => Support::Rejected,
                    Feature::Date
                    | Feature::DisplayNames
                    | Feature::Outcome
                    | Feature::RichPresence
                    | Feature::Threads => Support::Dropped,
                },
                presence: PresenceSupport::Observe,
                max_content_octets: Some(MOST),
            },
        }
    }
}

#[async_trait]
impl Subject for Reference {
    fn name(&self) -> String {
        match self.manner {
            Manner::Whole => "reference".to_owned(),
            Manner::Modest => "reference (modest)".to_owned(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        self.manner.capabilities()
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let adapter = ReferenceAdapter::new(self.manner, self.mutant.filter(|mutant| mutant.is_within()));
        adapter.bind().await.map_err(|error| PeerError::Failed(error.to_string()))?;
        let address = adapter.local_addr().ok_or_else(|| PeerError::Failed("it is not bound".to_owned()))?;
        let peer = peer::Peer::new(address, self.manner, self.mapper());
        let adapter: Arc<dyn Adapter> = Arc::new(adapter);
        let adapter = match self.mutant {
            Some(mutant) if !mutant.is_within() => Mutated::new(adapter, mutant),
            _ => adapter,
        };
        Ok((adapter, Box::new(peer)))
    }

    #[allow(clippy::expect_used, reason = "a constant that is a foreign address")]
    fn user(&self, number: u8) -> ImUri {
        let uri = self.mapper().map(&format!("pepp://example.com/user{number}"), Class::Im);
        uri.ok().and_then(|uri| ImUri::try_from(uri).ok()).expect("a URI")
    }

    fn hop(&self, to: &Uri) -> NextHop {
        match map::foreign(to, &self.mapper()) {
            Some(foreign) => NextHop::Foreign(foreign),
            None => NextHop::Served(to.address().clone()),
        }
    }

    fn utters(&self, kind: Kind) -> bool {
        self.manner == Manner::Whole || kind == Kind::Message
    }

    fn takes(&self, kind: Kind) -> bool {
        self.manner == Manner::Whole || matches!(kind, Kind::Message | Kind::Notify)
    }

    fn carries_passage(&self) -> bool {
        self.manner == Manner::Whole
    }

    /// As mail does, and only where there is no other answer.
    fn says_taken(&self) -> bool {
        self.manner == Manner::Modest
    }

    fn knows_repetition(&self) -> bool {
        true
    }

    fn marks_automatic(&self) -> bool {
        self.manner == Manner::Whole
    }

    fn spellings(&self) -> Vec<Spelling> {
        let address = |value: &str| ForeignAddress::parse(&format!("pepp://{value}"), &self.selectors()).ok();
        let mut spellings = Vec::new();
        spellings.extend(address("example.com/Fred").map(Spelling::Canonical));
        spellings.extend(
            address("Example.COM/Fred")
                .zip(address("example.com/Fred"))
                .map(|(one, other)| Spelling::Same(one, other)),
        );
        spellings.extend(address("example.com/fred flintstone").map(Spelling::Refused));
        spellings.extend(address("example.com").map(Spelling::Refused));
        spellings
    }

    fn pinned(&self, feature: Feature, message: &Message) -> Option<Bytes> {
        let subject = message.metadata.subjects.first()?;
        (feature == Feature::Subject).then(|| format!("[{}] with a feature", subject.text).into())
    }
}
