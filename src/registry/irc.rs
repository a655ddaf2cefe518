//! The IRC adapter's row: from the configuration to its settings.

pub mod network;
pub mod section;

use std::sync::Arc;

use cpim_adapter::BuildError;
use cpim_irc::{
    AccountSettings, Anchors, Guests, Identity, IrcAdapter, Limits, LinkSettings, ListenerSettings,
    NetworkName, Password, PeerSettings, ServerSettings, Settings,
};

use super::Built;
use crate::config::{self, Config};
use crate::router::scope_of;

pub(super) fn build(config: &Config) -> Result<Built, BuildError> {
    let adapter = Arc::new(IrcAdapter::new(settings(config)?)?);
    let running = Arc::clone(&adapter);
    Ok(Built { adapter, reload: Box::new(move |config| running.reconfigure(settings(config)?)) })
}

fn settings(config: &Config) -> Result<Settings, BuildError> {
    let irc = section::read(&config.section("irc"), &config.known())
        .map_err(|errors| BuildError { key: "irc".into(), what: errors.to_string() })?;
    let networks = irc.network.iter().filter_map(|network| network.settings(config.limits.drain)).collect();
    Ok(Settings { server: server(&irc, &config.limits)?, networks, link: Some(link(&irc, config)) })
}

/// Links are with peers that are known by a secret: a certificate alone is no login that IRC clients have.
fn link(irc: &section::Irc, config: &Config) -> LinkSettings {
    let peer = |peer: &config::Peer| {
        Some(PeerSettings {
            domain: peer.domain.clone(),
            serves: peer.serves.clone(),
            sources: peer.sources.iter().map(scope_of).collect(),
            secret: Password::new(peer.secret.as_ref()?.expose())?,
        })
    };
    LinkSettings {
        relay: config.relay_domain.clone(),
        anchors: match &irc.ca {
            config::Anchors::File(path) => Anchors::File(path.clone()),
            config::Anchors::System => Anchors::System,
        },
        peers: config.peers.iter().filter_map(peer).collect(),
        content_octets: config.limits.content_octets,
        drain: config.limits.drain,
    }
}

fn server(irc: &section::Irc, limits: &config::Limits) -> Result<Option<ServerSettings>, BuildError> {
    let Some(name) = &irc.name else { return Ok(None) };
    let name = NetworkName::parse(name).map_err(|what| BuildError { key: "irc.name".into(), what })?;
    Ok(Some(ServerSettings {
        name,
        listeners: irc.listener.iter().filter_map(listener).collect(),
        motd: irc.motd.clone(),
        admin: irc.admin.clone(),
        accounts: irc.account.iter().filter_map(account).collect(),
        registration: irc.registration,
        limits: Limits { clients: limits.sessions, drain: limits.drain, ..Limits::default() },
    }))
}

fn listener(listener: &section::Listener) -> Option<ListenerSettings> {
    let identity = listener.certificate.clone().zip(listener.key.clone());
    Some(ListenerSettings {
        address: listener.address?,
        plain: listener.plain.is_some(),
        identity: identity.map(|(certificate, key)| Identity { certificate, key }),
        guests: match listener.guests {
            section::Guests::Claimed => Guests::Claimed,
            section::Guests::Refused => Guests::Refused,
            section::Guests::Verified => Guests::Verified,
        },
    })
}

fn account(account: &section::Account) -> Option<AccountSettings> {
    let password = Password::new(account.password.as_ref()?.expose())?;
    Some(AccountSettings { name: account.name.clone(), password })
}
