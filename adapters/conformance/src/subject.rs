//! What an author gives the kit: the adapter, its claims, and a peer of its protocol.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cpim_adapter::{
    Adapter, Capabilities, Class, Content, Domain, Feature, ForeignAddress, ImUri, Kind, Local, Mapper,
    Message, Metadata, NextHop, Passage, Presence, PresenceSupport, Response, Selectors, Status, SubscriptId,
    Support, Uri,
};

/// An adapter under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Its name, for the report.
    fn name(&self) -> String;

    /// What it claims. The kit wants the adapter itself to claim the same.
    fn capabilities(&self) -> Capabilities;

    /// What it claims of one feature; for adapters that say so only once they run.
    fn support(&self, feature: Feature) -> Support {
        (self.capabilities().support)(feature)
    }

    /// How it knows presence, likewise.
    fn presence(&self) -> PresenceSupport {
        self.capabilities().presence
    }

    /// The largest content that it takes, likewise.
    fn max_content_octets(&self) -> Option<usize> {
        self.capabilities().max_content_octets
    }

    /// A fresh adapter with its listeners bound, not running yet, and the peer that will talk to it.
    ///
    /// # Errors
    /// [`PeerError`] says why there can be none, for instance that a program is not installed.
    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError>;

    /// One of its users as the gateway addresses them; the kit needs 0 and 1, which the peer must play.
    fn user(&self, number: u8) -> ImUri;

    /// Where an operation to one of its users goes.
    fn hop(&self, to: &Uri) -> NextHop {
        match self.mapper().resident(to.address()) {
            Ok(Some(Local::Route(foreign))) => NextHop::Foreign(foreign),
            _ => NextHop::Served(to.address().clone()),
        }
    }

    /// Who has this foreign address (`irc://irc.example.net/alice`), as the gateway addresses them: for [`Self::user`].
    ///
    /// # Panics
    /// Where it is no address that the selectors know: that is a mistake in the subject.
    #[allow(clippy::expect_used, reason = "a constant of the subject")]
    fn at(&self, foreign: &str) -> ImUri {
        let uri = self.mapper().map(foreign, Class::Im);
        uri.ok().and_then(|uri| ImUri::try_from(uri).ok()).expect("a foreign address")
    }

    /// Addresses as the gateway reads them; relay domain `gw.example`.
    fn mapper(&self) -> Mapper {
        Mapper::new(relay(), self.selectors())
    }

    /// The selectors of the gateway.
    fn selectors(&self) -> Selectors {
        Selectors::default()
    }

    /// Whether its users can say such an operation. What they cannot say, the peer must not be able to send.
    fn utters(&self, kind: Kind) -> bool {
        kind == Kind::Message
    }

    /// Whether its users can be told such an operation; what they cannot be told must be refused.
    fn takes(&self, kind: Kind) -> bool {
        kind == Kind::Message
    }

    /// Whether an operation's name, hops and way cross to a peer that is a gateway too (its envelope).
    fn carries_passage(&self) -> bool {
        false
    }

    /// Whether a user who sends the same once more is known to repeat himself: both then have one transID.
    fn knows_repetition(&self) -> bool {
        false
    }

    /// Whether the sender of an operation is told this outcome; where not, silence means it.
    fn tells(&self, _status: Status) -> bool {
        true
    }

    /// Whether the protocol has a word for an operation that was taken and has no outcome yet, as mail has. Then
    /// [`ForeignPeer::send`] ends when the peer is given that word, or another in its place.
    fn says_taken(&self) -> bool {
        false
    }

    /// Whether the code, and the words of a refusal, reach the sender as they are.
    fn tells_words(&self) -> bool {
        true
    }

    /// Whether the peer can answer, so that outcomes are known. Where the protocol leaves that to each peer, this one's
    /// manner.
    fn knows_outcomes(&self) -> bool {
        self.support(Feature::Outcome) == Support::Full
    }

    /// Whether that holds for what no person wrote as well, which some protocols never answer.
    fn knows_automatic_outcomes(&self) -> bool {
        self.knows_outcomes()
    }

    /// Whether the protocol has a mark for what no person wrote.
    fn marks_automatic(&self) -> bool {
        true
    }

    /// What of a message's metadata the peer can be told to say, and can say that it saw.
    fn sayable(&self, metadata: &Metadata) -> Metadata {
        metadata.clone()
    }

    /// What of a message's metadata is still metadata where the feature is claimed to cross in another form.
    fn reduced(&self, _feature: Feature, _metadata: &Metadata) -> Metadata {
        Metadata::default()
    }

    /// Whether an answer that was kept says of which operation it is.
    fn names_kept(&self) -> bool {
        true
    }

    /// Whether answers wait with the gateway for a user who is away.
    fn tells_kept(&self) -> bool {
        true
    }

    /// Whether the far side itself says that nobody is there: then that is an answer, and no error.
    fn is_asked(&self) -> bool {
        false
    }

    /// Octets of a text that a user is shown whole, whatever its lines.
    fn readable_octets(&self) -> usize {
        usize::MAX
    }

    /// Whether what a user sees offers him the whole of what cannot be shown (`show ID`).
    fn is_offered(&self, _seen: &Seen) -> bool {
        false
    }

    /// How many operations of the peer at most wait with the gateway for their answer.
    fn most_waiting(&self) -> usize {
        64
    }

    /// Whether the far side has one message of a pair under way at a time, so that the next one passes its commit point
    /// once the one before it was answered.
    fn one_at_a_time(&self) -> bool {
        false
    }

    /// Whether the language of an answer reaches the sender too.
    fn tells_language(&self) -> bool {
        self.tells_words()
    }

    /// Foreign addresses: canonical spellings, others of the same address, and what the grammar refuses.
    fn spellings(&self) -> Vec<Spelling>;

    /// What a reader sees of a feature that is claimed as degraded; nothing where the kit must not look.
    fn pinned(&self, _feature: Feature, _message: &Message) -> Option<Bytes> {
        None
    }
}

/// How foreign addresses of one kind are spelt.
#[derive(Clone, Debug)]
pub enum Spelling {
    /// This spelling is canonical already.
    Canonical(ForeignAddress),
    /// These two are one address, the second its canonical form.
    Same(ForeignAddress, ForeignAddress),
    /// The grammar refuses it.
    Refused(ForeignAddress),
}

impl Spelling {
    /// Addresses with this in front (`irc://`): canonical ones, pairs of which the second is canonical, and none.
    #[must_use]
    pub fn all(
        selectors: &Selectors,
        scheme: &str,
        canonical: &[&str],
        same: &[(&str, &str)],
        refused: &[&str],
    ) -> Vec<Self> {
        let address = |value: &str| ForeignAddress::parse(&format!("{scheme}{value}"), selectors).ok();
        let canonical = canonical.iter().filter_map(|one| address(one)).map(Self::Canonical);
        let same = same.iter().filter_map(|(one, other)| Some(Self::Same(address(one)?, address(other)?)));
        let refused = refused.iter().filter_map(|one| address(one)).map(Self::Refused);
        canonical.chain(same).chain(refused).collect()
    }
}

/// A peer of the adapter's protocol, written by hand: it shares no code with the adapter.
///
/// It reads from its connection in [`ForeignPeer::next`] only, so that a peer that is not asked is a slow one.
#[async_trait]
pub trait ForeignPeer: Send + Sync {
    /// Comes into contact, with the users that [`Subject::user`] names; also after [`ForeignPeer::leave`].
    ///
    /// # Errors
    /// [`PeerError::Failed`] where the adapter does not let it.
    async fn arrive(&mut self) -> Result<(), PeerError>;

    /// Is gone without a word: the connection breaks, the process dies.
    async fn leave(&mut self);

    /// One of its users sends an operation.
    ///
    /// # Errors
    /// [`PeerError::Unutterable`] where the protocol has no way to say it.
    async fn send(&mut self, sent: &Sent) -> Result<(), PeerError>;

    /// As [`ForeignPeer::send`], but breaks the connection after so many octets, and tells whether that was
    /// before the operation was whole. The kit lets it arrive again.
    ///
    /// # Errors
    /// As [`ForeignPeer::send`].
    async fn send_cut(&mut self, sent: &Sent, octets: usize) -> Result<bool, PeerError>;

    /// Somebody whom the adapter must not believe sends an operation with whatever proves a gateway, forged:
    /// an envelope, a name, a way, a standing.
    ///
    /// # Errors
    /// As [`ForeignPeer::send`].
    async fn forge(&mut self, sent: &Sent) -> Result<(), PeerError>;

    /// Somebody who may not answer for it answers what was seen, as well as he can forge it. The kit wants nothing to
    /// come of it.
    ///
    /// # Errors
    /// [`PeerError::Unutterable`] where nobody could even try.
    async fn forge_answer(&mut self, _ticket: &str, _response: &Response) -> Result<(), PeerError> {
        Err(PeerError::Unutterable)
    }

    /// Sends octets that are not of the protocol, on a connection of their own.
    ///
    /// # Errors
    /// [`PeerError::Failed`] where it cannot connect.
    async fn send_raw(&mut self, octets: &[u8]) -> Result<(), PeerError>;

    /// What comes next: an operation, or word of one that was sent.
    ///
    /// # Errors
    /// [`PeerError::Failed`] where the connection ended, or what came is not of the protocol.
    ///
    /// # Cancel safety
    /// Cancelled, nothing is lost.
    async fn next(&mut self) -> Result<Notice, PeerError>;

    /// Answers what was seen.
    ///
    /// # Errors
    /// [`PeerError::Unutterable`] where the protocol has no way to say it.
    async fn answer(&mut self, ticket: &str, response: &Response) -> Result<(), PeerError>;

    /// One of its users wants to be told somebody's presence, where the protocol tells nobody else.
    ///
    /// # Errors
    /// As [`ForeignPeer::send`].
    async fn watch(&mut self, _user: &ImUri, _target: &Uri) -> Result<(), PeerError> {
        Ok(())
    }

    /// One of its users has this presence from now on, in the protocol's own way.
    ///
    /// # Errors
    /// [`PeerError::Unutterable`] where the protocol knows no presence.
    async fn show_presence(&mut self, _user: &ImUri, _presence: &Presence) -> Result<(), PeerError> {
        Err(PeerError::Unutterable)
    }

    /// What the processes behind it have said and how they ended: shown beside a case that failed.
    async fn story(&mut self) -> Vec<Said> {
        Vec::new()
    }

    /// What no sender may learn: hosts, addresses, secrets of the peer.
    fn private(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a process has said, for whoever looks for what went wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// Which process: `the adapter`, `the peer`.
    pub who: String,
    /// How it ended, where it has: `exit code 1`.
    pub ended: Option<String>,
    /// Its last lines.
    pub lines: Vec<String>,
}

/// Why a peer could not do something.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PeerError {
    /// What was tried did not work.
    #[error("the peer: {0}")]
    Failed(String),
    /// Something that the test needs is not on this machine.
    #[error("NOT RUN: {0}")]
    NotRun(String),
    /// The protocol has no way to say it.
    #[error("the protocol has no way to say it")]
    Unutterable,
}

/// What was tried did not work, and why.
pub fn failed(error: impl ToString) -> PeerError {
    PeerError::Failed(error.to_string())
}

impl From<std::io::Error> for PeerError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// An operation that one of the peer's users sends.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What its user knows it by: word of it names it. The same once more is a repetition.
    pub tag: String,
    /// The operation, with addresses as the gateway reads them.
    pub operation: cpim_adapter::Operation,
    /// A reply: to exactly what [`Seen::from`] showed, and not to the operation's own destination.
    pub reply_to: Option<String>,
    /// How it has come so far, where a gateway sends it.
    pub passage: Option<Passage>,
}

/// What came to the peer.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An operation.
    Seen(Box<Seen>),
    /// Word of an operation that was sent.
    Told(Told),
}

/// An operation as the peer's user sees it. What the protocol does not show is absent.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What an answer names it by.
    pub ticket: String,
    /// Which operation it is.
    pub kind: Kind,
    /// From whom, as the protocol shows it: what a reply is sent to.
    pub from: String,
    /// For which user, as the gateway addresses them.
    pub to: String,
    /// The MIME entity, where it crosses as it is.
    pub content: Option<Content>,
    /// The text that a person reads, lines ended by LF, where the protocol shows text.
    pub text: Option<String>,
    /// What is shown besides.
    pub metadata: Metadata,
    /// The duration that is asked for.
    pub duration: Option<u32>,
    /// The subscription's name.
    pub subscript_id: Option<SubscriptId>,
    /// The presence that is told.
    pub presence: Option<Presence>,
    /// The operation's name, hops and way.
    pub passage: Option<Passage>,
}

/// Word of an operation that was sent.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which one.
    pub tag: String,
    /// What its sender is told.
    pub response: Response,
}

/// The relay domain of the kit's gateway.
#[allow(clippy::expect_used, reason = "a constant that is a domain")]
pub(crate) fn relay() -> Domain {
    Domain::parse("gw.example").expect("a domain")
}
