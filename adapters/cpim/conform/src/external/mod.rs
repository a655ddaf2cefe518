//! An adapter in a process of its own under the kit: its session is served by the native adapter, and the peer of its
//! protocol is played by a program of its author's.
//!
//! Both are started anew for each case. In their command lines, `{port}` stands for a port that is free.

mod hello;
mod peer;
mod process;
mod program;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, Capabilities, Feature, ForeignAddress, ImUri, Kind, Metadata, PresenceSupport, Scope, Selector,
    Selectors, Shape, Status, Support,
};
use cpim_conformance::{ForeignPeer, PeerError, Spelling, Subject};
use cpim_native::{ApplicationSettings, NativeAdapter, Secret};
use cpim_native_proto::{Claimed, Description};

use self::hello::Hello;
use self::peer::Peer;
use self::process::Process;
use self::program::Program;
use crate::{declared, failed, settings};

/// What the adapter proves itself by: known to nobody but the processes that the kit starts, over loopback.
const SECRET: &str = "of the conformance kit";

/// An external adapter.
pub struct External {
    selector: Selector,
    selectors: Selectors,
    /// The command that starts it.
    adapter: String,
    /// The command that starts its peer.
    peer: String,
    /// Whom the peer plays, once it has said so.
    hello: OnceLock<Hello>,
    /// What the adapter claims, once it has said so.
    claims: Arc<OnceLock<Arc<Description>>>,
}

impl External {
    /// The adapter that `adapter` starts, for this selector: `pepp` or, where it is none that is known, any other name, with
    /// `://` behind it where addresses have that.
    ///
    /// # Errors
    /// What is wrong with the selector.
    pub fn new(selector: &str, adapter: &str, peer: &str) -> Result<Self, String> {
        let mut selectors = Selectors::default();
        let name = selector.trim_end_matches([':', '/']);
        if selectors.find(name).is_err() {
            let shape = if selector.ends_with("://") { Shape::Hierarchical } else { Shape::Opaque };
            selectors.add(name, shape).map_err(|error| error.to_string())?;
        }
        let selector = selectors.find(name).map_err(|error| error.to_string())?;
        Ok(Self {
            selector,
            selectors,
            adapter: adapter.to_owned(),
            peer: peer.to_owned(),
            hello: OnceLock::new(),
            claims: Arc::default(),
        })
    }

    fn says(&self, what: impl Fn(&Hello) -> bool) -> bool {
        self.hello.get().is_some_and(what)
    }

    fn foreign(&self, value: &str) -> Option<ForeignAddress> {
        ForeignAddress::new(self.selector.clone(), value).ok()
    }
}

/// The first of the ports that are given to adapters, and how many there are: below those that systems give to whoever
/// connects, so that no connection of another case has one before its adapter listens.
const PORTS: (u16, u16) = (10_000, 5_000);

/// A port that nobody has, and that no other case is given.
fn free_port() -> Result<u16, PeerError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (first, many) = PORTS;
    let begin = std::process::id().wrapping_mul(31);
    let mut ports = (0..many).filter_map(|_| {
        let nth = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % u32::from(many);
        u16::try_from(nth).ok().map(|nth| first.saturating_add(nth))
    });
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| failed("every port is taken"))
}

#[async_trait]
impl Subject for External {
    fn name(&self) -> String {
        self.selector.as_str().to_owned()
    }

    /// Those of the native adapter, which stands between it and the gateway. Its own are asked for one by one.
    fn capabilities(&self) -> Capabilities {
        declared()
    }

    fn support(&self, feature: Feature) -> Support {
        let features = self.claims.get().map(|claims| claims.features.as_slice()).unwrap_or_default();
        match features.iter().find(|(known, _)| *known == feature).map(|(_, claimed)| claimed) {
            None | Some(Claimed::Full) => Support::Full,
            Some(Claimed::Degraded(_)) => Support::Degraded("as its `<adapter>` says"),
            Some(Claimed::Dropped) => Support::Dropped,
            Some(Claimed::Rejected) => Support::Rejected,
        }
    }

    fn presence(&self) -> PresenceSupport {
        self.claims.get().map_or(PresenceSupport::None, |claims| claims.presence)
    }

    fn max_content_octets(&self) -> Option<usize> {
        let own = self.claims.get().and_then(|claims| claims.max_content_octets);
        own.or_else(|| declared().max_content_octets)
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let mut settings = settings()?;
        settings.applications.push(ApplicationSettings {
            name: self.selector.as_str().to_owned(),
            covers: vec![Scope::Selector(self.selector.clone())],
            secret: Secret::new(SECRET),
            certificate: None,
        });
        let native = Arc::new(NativeAdapter::new(settings).map_err(failed)?);
        native.bind().await.map_err(failed)?;
        let addresses = native.local_addrs();
        let server = addresses.first().ok_or_else(|| failed("nothing is listened at"))?;
        let port = free_port()?.to_string();
        let process = Process::start("the adapter", &self.adapter.replace("{port}", &port), |command| {
            command.env("CPIM_SERVER", server.to_string()).env("CPIM_SECRET", SECRET);
        })?
        .keep_output();
        let (program, hello) = Program::start(&self.peer.replace("{port}", &port)).await?;
        let hello = Hello::read(hello)?;
        let named = peer::scheme(&self.selector);
        if let Some(user) = hello.users.iter().find(|user| user.starts_with(&named)) {
            return Err(failed(format!(
                "the user `{user}`: named without `{named}`, as the protocol spells him"
            )));
        }
        self.hello.get_or_init(|| hello);
        let adapter: Arc<dyn Adapter> = Arc::clone(&native) as Arc<dyn Adapter>;
        let peer = Peer {
            program,
            adapter: native,
            claims: Arc::clone(&self.claims),
            selector: self.selector.clone(),
            mapper: self.mapper(),
            process,
        };
        Ok((adapter, Box::new(peer)))
    }

    fn user(&self, number: u8) -> ImUri {
        let hello = self.hello.get();
        let user = hello.and_then(|hello| hello.users.get(usize::from(number)));
        self.at(&format!("{}{}", peer::scheme(&self.selector), user.map_or("nobody", String::as_str)))
    }

    fn selectors(&self) -> Selectors {
        self.selectors.clone()
    }

    fn utters(&self, kind: Kind) -> bool {
        self.says(|hello| hello.says.iter().any(|said| said == kind.as_str()))
    }

    /// Subscriptions are the gateway's own where presence is observed, and refused by it where there is none.
    fn takes(&self, kind: Kind) -> bool {
        self.says(|hello| hello.takes.iter().any(|said| said == kind.as_str()))
    }

    fn knows_outcomes(&self) -> bool {
        self.says(|hello| hello.outcomes)
    }

    fn knows_repetition(&self) -> bool {
        self.says(|hello| hello.repeats)
    }

    fn marks_automatic(&self) -> bool {
        self.says(|hello| hello.automatic)
    }

    fn names_kept(&self) -> bool {
        self.says(|hello| hello.names_kept)
    }

    fn tells(&self, status: Status) -> bool {
        self.says(|hello| hello.tells.iter().any(|told| told == status.as_str()))
    }

    fn tells_words(&self) -> bool {
        self.says(|hello| hello.words)
    }

    fn tells_kept(&self) -> bool {
        self.says(|hello| hello.keeps)
    }

    /// What the external adapter says of a user who is not there is an answer on its session.
    fn is_asked(&self) -> bool {
        true
    }

    fn tells_language(&self) -> bool {
        false
    }

    /// One subject, without its language.
    fn sayable(&self, metadata: &Metadata) -> Metadata {
        let mut sayable = metadata.clone();
        sayable.subjects.truncate(1);
        sayable.subjects.iter_mut().for_each(|subject| subject.lang = None);
        sayable
    }

    fn most_waiting(&self) -> usize {
        self.hello.get().map_or(64, |hello| hello.waiting)
    }

    fn readable_octets(&self) -> usize {
        self.hello.get().map_or(usize::MAX, |hello| hello.readable)
    }

    fn spellings(&self) -> Vec<Spelling> {
        let Some(hello) = self.hello.get() else { return Vec::new() };
        let spellings = &hello.spellings;
        let canonical =
            spellings.canonical.iter().filter_map(|one| self.foreign(one)).map(Spelling::Canonical);
        let same = spellings.same.iter().filter_map(|[one, canonical]| {
            Some(Spelling::Same(self.foreign(one)?, self.foreign(canonical)?))
        });
        let refused = spellings.refused.iter().filter_map(|one| self.foreign(one)).map(Spelling::Refused);
        canonical.chain(same).chain(refused).collect()
    }
}
