//! The native adapter's row: from the configuration to its settings.

pub mod section;

use std::sync::Arc;

use cpim_adapter::{BuildError, Scope};
use cpim_native::{
    Anchors, ApplicationSettings, Identity, Limits, ListenAt, ListenerSettings, NativeAdapter, OutgoingTls,
    PeerSettings, Secret, Settings,
};

use super::Built;
use crate::config::{self, Claim, Config, ConfigErrors};
use crate::router::scope_of;

pub(super) fn build(config: &Config) -> Result<Built, BuildError> {
    let adapter = Arc::new(NativeAdapter::new(settings(config)?)?);
    let running = Arc::clone(&adapter);
    Ok(Built { adapter, reload: Box::new(move |config| running.reconfigure(settings(config)?)) })
}

fn settings(config: &Config) -> Result<Settings, BuildError> {
    let native =
        section::read(&config.section("cpim"), &config.known()).map_err(|errors| unreadable(&errors))?;
    let hosted_domains = config.hosted.iter().filter_map(|hosted| hosted.domain.clone());
    Ok(Settings {
        relay: config.relay_domain.clone(),
        serves_out: std::iter::once(config.relay_domain.clone()).chain(hosted_domains.clone()).collect(),
        listeners: native.listener.iter().map(listener).collect(),
        outgoing: OutgoingTls {
            anchors: anchors(&native.tls.ca),
            identity: identity(native.tls.certificate.as_ref(), native.tls.key.as_ref()),
        },
        peers: config.peers.iter().map(peer).collect(),
        applications: config
            .applications
            .iter()
            .map(|application| self::application(application, config))
            .collect::<Result<_, _>>()?,
        hosted: hosted_domains
            .map(Scope::Domain)
            .chain(config.hosted.iter().flat_map(|hosted| hosted.uris.iter().cloned().map(Scope::Address)))
            .collect(),
        limits: limits(&config.limits, &native),
    })
}

fn unreadable(errors: &ConfigErrors) -> BuildError {
    BuildError { key: "cpim".into(), what: errors.to_string() }
}

fn listener(listener: &section::Listener) -> ListenerSettings {
    let at = match (listener.address, &listener.path) {
        (Some(address), _) => ListenAt::Tcp(address),
        (None, path) => ListenAt::Unix(path.clone().unwrap_or_default()),
    };
    ListenerSettings {
        at,
        plain: listener.plain.is_some(),
        identity: identity(listener.certificate.as_ref(), listener.key.as_ref()),
        client_ca: listener.client_ca.as_ref().map(anchors),
        trust: listener.trust.iter().map(scope_of).collect(),
    }
}

fn identity(certificate: Option<&std::path::PathBuf>, key: Option<&std::path::PathBuf>) -> Option<Identity> {
    Some(Identity { certificate: certificate?.clone(), key: key?.clone() })
}

fn anchors(anchors: &config::Anchors) -> Anchors {
    match anchors {
        config::Anchors::File(path) => Anchors::File(path.clone()),
        config::Anchors::System => Anchors::System,
    }
}

fn peer(peer: &config::Peer) -> PeerSettings {
    PeerSettings {
        domain: peer.domain.clone(),
        serves: peer.serves.clone(),
        sources: peer.sources.iter().map(scope_of).collect(),
        secret: peer.secret.as_ref().and_then(secret),
    }
}

fn application(
    application: &config::Application,
    config: &Config,
) -> Result<ApplicationSettings, BuildError> {
    let covers = application.covers.iter().map(|claim| scope(claim, config)).collect::<Result<_, _>>()?;
    Ok(ApplicationSettings {
        name: application.name.clone(),
        covers,
        secret: application.secret.as_ref().and_then(secret),
        certificate: application.certificate.clone(),
    })
}

fn scope(claim: &Claim, config: &Config) -> Result<Scope, BuildError> {
    Ok(match claim {
        Claim::Address(address) => Scope::Address(address.clone()),
        Claim::Domain(domain) => Scope::Domain(domain.clone()),
        Claim::Selector(name) => Scope::Selector(
            config
                .selectors
                .find(name)
                .map_err(|error| BuildError { key: "application.covers".into(), what: error.to_string() })?,
        ),
    })
}

fn secret(secret: &config::Secret) -> Option<Secret> {
    Secret::new(secret.expose())
}

fn limits(limits: &config::Limits, native: &section::Native) -> Limits {
    Limits {
        frame: cpim_native_proto::Limits {
            xml_octets: limits.xml_octets,
            content_octets: limits.content_octets,
            depth: limits.depth,
            attributes: limits.attributes,
        },
        sessions: limits.sessions,
        operations: limits.session_operations,
        idle: native.idle_timeout,
        drain: limits.drain,
        remembers: limits.remembers,
        ..Limits::default()
    }
}
