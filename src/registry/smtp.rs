//! The mail adapter's row: from the configuration to its settings.

pub mod outgoing;
mod records;
pub mod section;

use std::sync::Arc;

use cpim_adapter::{BuildError, Domain, Scope};
use cpim_smtp::{
    DnsSettings, Identity, IncomingSettings, Limits, ListenerSettings, MailAdapter, OutgoingSettings,
    Password, PeerSettings, Settings, SubmitterSettings,
};

pub(super) use self::records::records;
use super::Built;
use crate::config::{self, Config};
use crate::router::scope_of;

pub(super) fn build(config: &Config) -> Result<Built, BuildError> {
    let adapter = Arc::new(MailAdapter::new(settings(config)?)?);
    let running = Arc::clone(&adapter);
    Ok(Built { adapter, reload: Box::new(move |config| running.reconfigure(settings(config)?)) })
}

fn settings(config: &Config) -> Result<Settings, BuildError> {
    let mail = section::read(&config.section("smtp"), &config.known())
        .map_err(|errors| BuildError { key: "smtp".into(), what: errors.to_string() })?;
    Ok(Settings {
        relay: config.relay_domain.clone(),
        listeners: mail.listener.iter().filter_map(listener).collect(),
        incoming: IncomingSettings {
            hosted: config.hosted.iter().filter_map(|hosted| hosted.domain.clone()).collect(),
            submitters: mail.submitter.iter().filter_map(submitter).collect(),
            closed_to_strangers: mail.incoming.closed_to_strangers.clone(),
            check_authors: mail.incoming.check_authors,
            refuse_forged: mail.incoming.refuse_forged,
            peer_scopes: config.peers.iter().map(peer_scopes).collect(),
            limits: limits(&mail.limits),
        },
        outgoing: outgoing(config, &mail.outgoing),
        peers: config.peers.iter().filter_map(peer).collect(),
        dns: DnsSettings {
            enabled: config.dns.enabled,
            system: config.dns.system,
            servers: config.dns.servers.clone(),
            timeout: config.dns.timeout,
            attempts: config.dns.attempts,
        },
    })
}

/// How mail is sent: a route of the gateway's own that goes by mail holds for whatever goes there by mail.
fn outgoing(config: &Config, outgoing: &outgoing::Outgoing) -> OutgoingSettings {
    let mut settings = outgoing.settings(&config.relay_domain);
    let routes = config.routes.iter().filter(|route| route.protocol == "smtp" && !route.to.is_empty());
    settings.routes.extend(routes.map(|route| outgoing.route_of(route)));
    settings
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
        login_in_the_clear: listener.login_in_the_clear,
        submitters_only: listener.submitters_only,
    })
}

/// What a peer may send for: itself, those whose home it is, and whom it is said to send for besides.
fn peer_scopes(peer: &config::Peer) -> (Domain, Vec<Scope>) {
    let own = std::iter::once(&peer.domain).chain(&peer.serves).cloned().map(Scope::Domain);
    (peer.domain.clone(), own.chain(peer.sources.iter().map(scope_of)).collect())
}

fn submitter(submitter: &section::Submitter) -> Option<SubmitterSettings> {
    Some(SubmitterSettings {
        name: submitter.name.clone(),
        password: Password::new(submitter.password.as_ref()?.expose()),
        from: submitter.from.clone(),
    })
}

fn limits(limits: &section::Limits) -> Limits {
    let defaults = Limits::default();
    Limits {
        session: cpim_smtp::SessionLimits {
            line_octets: limits.line_octets,
            mail_octets: limits.mail_octets,
            recipients: limits.recipients,
            mails: limits.connection_mails,
            errors: limits.errors,
            command_time: limits.command_time,
            mail_time: limits.mail_time,
            piece_time: limits.piece_time,
            ..defaults.session
        },
        connections: limits.connections,
        client_connections: limits.client_connections,
        client_mails: limits.client_mails,
        author_mails: limits.author_mails,
        mails_at_once: limits.mails_at_once,
        open_mails: limits.open_mails,
        received: limits.received,
        ..defaults
    }
}
