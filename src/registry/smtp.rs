//! The mail adapter's row: from the configuration to its settings.

pub mod outgoing;
pub mod section;

use std::sync::Arc;

use cpim_adapter::{BuildError, Domain, Scope};
use cpim_smtp::{Identity, IncomingSettings, ListenerSettings, MailAdapter, PeerSettings, Settings};

use super::Built;
use crate::config::{self, Config};
use crate::router::scope_of;

pub(super) fn build(config: &Config) -> Result<Built, BuildError> {
    let adapter = Arc::new(MailAdapter::new(settings(config)?)?);
    Ok(Built {
        adapter,
        reload: Box::new(|config| {
            settings(config)?;
            Ok(Vec::new())
        }),
    })
}

fn settings(config: &Config) -> Result<Settings, BuildError> {
    let relay_domains: Vec<Domain> = config.relay_domains().cloned().collect();
    let mail = section::read(&config.section("smtp"), &relay_domains)
        .map_err(|errors| BuildError { key: "smtp".into(), what: errors.to_string() })?;
    Ok(Settings {
        relay: config.relay_domain.clone(),
        listeners: mail.listener.iter().filter_map(listener).collect(),
        incoming: IncomingSettings {
            hosted: config.hosted.iter().filter_map(|hosted| hosted.domain.clone()).collect(),
            peer_scopes: config.peers.iter().map(peer_scopes).collect(),
            ..IncomingSettings::default()
        },
        outgoing: mail.outgoing.settings(),
        peers: config.peers.iter().filter_map(peer).collect(),
    })
}

/// A peer without a secret proves itself by its certificate, for which mail has no place.
fn peer(peer: &config::Peer) -> Option<PeerSettings> {
    Some(PeerSettings {
        domain: peer.domain.clone(),
        serves: peer.serves.clone(),
        secret: peer.secret.as_ref()?.expose().into(),
    })
}

fn listener(listener: &section::Listener) -> Option<ListenerSettings> {
    let identity = listener.certificate.clone().zip(listener.key.clone());
    Some(ListenerSettings {
        address: listener.address?,
        identity: identity.map(|(certificate, key)| Identity { certificate, key }),
        implicit_tls: listener.implicit_tls,
    })
}

/// What a peer may send for: itself, those whose home it is, and whom it is said to send for besides.
fn peer_scopes(peer: &config::Peer) -> (Domain, Vec<Scope>) {
    let own = std::iter::once(&peer.domain).chain(&peer.serves).cloned().map(Scope::Domain);
    (peer.domain.clone(), own.chain(peer.sources.iter().map(scope_of)).collect())
}
