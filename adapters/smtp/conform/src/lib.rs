//! The mail adapter under the conformance kit.
//!
//! The peer is a mail server of `mail.example` with its users, written by hand: it speaks SMTP both ways, writes its
//! mail itself and reads with another library than the adapter writes with. It reports what becomes of mail (RFC 3461).

mod client;
mod mail;
mod peer;
mod server;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{Adapter, Capabilities, Domain, Feature, ImUri, Kind, Metadata, PresenceSupport, Support};
use cpim_conformance::{ForeignPeer, PeerError, Spelling, Subject, failed};
use cpim_smtp::{
    DnsSettings, IncomingSettings, ListenerSettings, MailAdapter, MailHost, OutgoingSettings, Security,
    Settings, TlsPolicy,
};
use tokio::net::TcpListener;

use peer::Peer;

/// The mail adapter, between a listener on loopback and a smarthost that is the peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mail;

/// The domain of the peer's users.
const HOME: &str = "mail.example";

/// Mails that were taken and whose outcome is awaited.
const OPEN_MAILS: usize = 256;

fn settings(port: u16) -> Result<Settings, PeerError> {
    let mut incoming = IncomingSettings::default();
    // A case may send more in a minute than one client should.
    incoming.limits.client_mails = 100_000;
    incoming.limits.open_mails = OPEN_MAILS;
    Ok(Settings {
        relay: Domain::parse("gw.example").map_err(failed)?,
        listeners: vec![ListenerSettings {
            address: ([127, 0, 0, 1], 0).into(),
            identity: None,
            implicit_tls: false,
            login_in_the_clear: false,
            submitters_only: false,
        }],
        incoming,
        outgoing: OutgoingSettings {
            smarthost: Some(MailHost { host: "127.0.0.1".into(), port }),
            security: Security { tls: TlsPolicy::Plain, ..Security::default() },
            notice_interval: Duration::ZERO,
            // What is not said is not to be added.
            conversations: false,
            ..OutgoingSettings::default()
        },
        peers: Vec::new(),
        dns: DnsSettings::off(),
    })
}

#[async_trait]
impl Subject for Mail {
    fn name(&self) -> String {
        "smtp".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            support: |feature| match feature {
                Feature::Date
                | Feature::DisplayNames
                | Feature::MultiLine
                | Feature::Threads
                | Feature::Unicode => Support::Full,
                Feature::AnyContent => {
                    Support::Degraded("by its type, encoded for the way; whole between two gateways")
                }
                Feature::Outcome => Support::Degraded("indeterminant where the other side reports nothing"),
                Feature::RichPresence => {
                    Support::Degraded("as text with the document beside it; whole between two gateways")
                }
                Feature::Subject => {
                    Support::Degraded("the first, without its language; whole between two gateways")
                }
            },
            presence: PresenceSupport::None,
            max_content_octets: None,
        }
    }

    async fn prepare(&self) -> Result<(Arc<dyn Adapter>, Box<dyn ForeignPeer>), PeerError> {
        let server = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = server.local_addr()?.port();
        let adapter = MailAdapter::new(settings(port)?).map_err(failed)?;
        adapter.bind().await.map_err(failed)?;
        let addresses = adapter.local_addrs();
        let address = addresses.first().ok_or_else(|| failed("nothing is listened at"))?;
        let peer = Peer::new(*address, server, self.mapper())?;
        Ok((Arc::new(adapter), Box::new(peer)))
    }

    fn user(&self, number: u8) -> ImUri {
        self.at(&format!("mailto:user{number}@{HOME}"))
    }

    /// A message, and presence as a mail that people read.
    fn takes(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Message | Kind::Notify)
    }

    /// The peer reports, as RFC 3461 lets it.
    fn knows_outcomes(&self) -> bool {
        true
    }

    /// The `250` of a mail (RFC 5321 section 6.1).
    fn says_taken(&self) -> bool {
        true
    }

    /// The same Message-ID and the same text are the same mail.
    fn knows_repetition(&self) -> bool {
        true
    }

    /// About people, a stranger is told the same whatever it is.
    fn tells_words(&self) -> bool {
        false
    }

    fn most_waiting(&self) -> usize {
        OPEN_MAILS
    }

    fn spellings(&self) -> Vec<Spelling> {
        Spelling::all(
            &self.selectors(),
            "mailto:",
            &["Fred@mail.example"],
            &[("fred@MAIL.Example", "fred@mail.example"), ("\"fred\"@mail.example", "fred@mail.example")],
            &["fred", "@mail.example", "fred@", "fred flintstone@mail.example", "a..b@mail.example"],
        )
    }

    /// A subject has no language in mail.
    fn reduced(&self, feature: Feature, metadata: &Metadata) -> Metadata {
        let mut reduced = metadata.clone();
        if feature == Feature::Subject {
            reduced.subjects.truncate(1);
            reduced.subjects.iter_mut().for_each(|subject| subject.lang = None);
        }
        reduced
    }
}
