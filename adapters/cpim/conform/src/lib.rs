//! The native CPIM adapter under the conformance kit.
//!
//! The peer is a home server of `native.example`, spoken by hand from the text of the binding
//! (`docs/native-cpim.md`): it shares no code with the adapter but the contract's own types.

mod external;
mod frame;
mod peer;
mod xml;

use std::sync::Arc;

use async_trait::async_trait;
use cpim_adapter::{Adapter, Capabilities, Domain, ImUri, Kind, PresenceSupport, Scope, Support};
use cpim_conformance::{ForeignPeer, PeerError, Spelling, Subject, failed};
use cpim_native::{Anchors, Limits, ListenAt, ListenerSettings, NativeAdapter, OutgoingTls, Settings};

pub use external::External;

use peer::Peer;

/// The native adapter, with a listener on loopback that trusts whoever comes from there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

/// The domain whose home the peer is.
const HOME: &str = "native.example";

/// A domain that a stranger may speak for.
const ELSEWHERE: &str = "elsewhere.example";

/// Operations of one session that wait for their answer.
const OPERATIONS: usize = 256;

fn settings() -> Result<Settings, PeerError> {
    let domain = |text: &str| Domain::parse(text).map_err(|error| PeerError::Failed(error.to_string()));
    let relay = domain("gw.example")?;
    let listener = ListenerSettings {
        at: ListenAt::Tcp(([127, 0, 0, 1], 0).into()),
        plain: false,
        identity: None,
        client_ca: None,
        trust: vec![Scope::Domain(domain(HOME)?), Scope::Domain(domain(ELSEWHERE)?)],
    };
    Ok(Settings {
        serves_out: vec![relay.clone()],
        relay,
        listeners: vec![listener],
        outgoing: OutgoingTls { anchors: Anchors::System, identity: None },
        peers: Vec::new(),
        applications: Vec::new(),
        hosted: Vec::new(),
        limits: Limits { operations: OPERATIONS, ..Limits::default() },
    })
}

/// What the native adapter claims.
fn declared() -> Capabilities {
    Capabilities {
        support: |_| Support::Full,
        presence: PresenceSupport::PassThrough,
        max_content_octets: Some(1_048_576),
    }
}

#[async_trait]
impl Subject for Native {
    fn name(&self) -> String {
        "cpim".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        declared()
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let adapter = NativeAdapter::new(settings()?).map_err(failed)?;
        adapter.bind().await.map_err(failed)?;
        let addresses = adapter.local_addrs();
        let address = addresses.first().ok_or_else(|| failed("nothing is listened at"))?;
        let peer = Peer::new(*address);
        Ok((Arc::new(adapter), Box::new(peer)))
    }

    #[allow(clippy::expect_used, reason = "a constant that is a URI")]
    fn user(&self, number: u8) -> ImUri {
        ImUri::parse(&format!("im:user{number}@{HOME}")).expect("a URI")
    }

    fn utters(&self, _kind: Kind) -> bool {
        true
    }

    fn takes(&self, _kind: Kind) -> bool {
        true
    }

    fn carries_passage(&self) -> bool {
        true
    }

    fn knows_repetition(&self) -> bool {
        true
    }

    fn most_waiting(&self) -> usize {
        OPERATIONS
    }

    /// Its users have addresses of the model, and none of their own.
    fn spellings(&self) -> Vec<Spelling> {
        Vec::new()
    }
}
