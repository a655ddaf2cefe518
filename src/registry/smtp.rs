//! The mail adapter's row: from the configuration to its settings.

pub mod section;

use std::sync::Arc;

use cpim_adapter::{BuildError, Domain};
use cpim_smtp::{
    Identity, ListenerSettings, MailAdapter, OutgoingSettings, PeerSettings, Settings, Smarthost, TlsPolicy,
};

use super::Built;
use crate::config::{self, Config};

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
        outgoing: outgoing(&mail.outgoing),
        peers: config.peers.iter().filter_map(peer).collect(),
    })
}

fn outgoing(outgoing: &section::Outgoing) -> OutgoingSettings {
    let tls = match outgoing.tls {
        section::MailTls::Opportunistic => TlsPolicy::Opportunistic,
        section::MailTls::Plain => TlsPolicy::Plain,
        section::MailTls::Required => TlsPolicy::Required,
    };
    OutgoingSettings {
        smarthost: outgoing.smarthost.as_ref().map(|at| Smarthost {
            host: at.host.to_string(),
            port: at.port,
            tls,
        }),
        unchanged: outgoing.unchanged.clone(),
        notice_interval: outgoing.notice_interval,
    }
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
