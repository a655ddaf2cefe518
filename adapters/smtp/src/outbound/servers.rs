//! Which servers take the mail for a next hop.

use std::net::SocketAddr;

use cpim_adapter::{Code, DeliveryError, Domain, NextHop};
use tokio::net::lookup_host;

use super::TlsPolicy;
use crate::config::{OutgoingSettings, Smarthost};

/// One server that may be gone to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Where it is.
    pub(crate) server: SocketAddr,
    /// The name that its certificate must have.
    pub(crate) name: String,
    /// Whether it is spoken to under TLS.
    pub(crate) tls: TlsPolicy,
}

/// Finds servers.
pub(crate) struct Servers {
    smarthost: Option<Smarthost>,
}

impl Servers {
    pub(crate) fn new(settings: &OutgoingSettings) -> Self {
        Self { smarthost: settings.smarthost.clone() }
    }

    /// The servers of a next hop, in the order to try.
    ///
    /// # Errors
    /// There is none, or it cannot be said now.
    pub(crate) async fn of(&self, hop: &NextHop) -> Result<Vec<Place>, DeliveryError> {
        match hop {
            NextHop::Peer(peer) => Ok(peer
                .endpoints
                .iter()
                .map(|endpoint| Place {
                    server: endpoint.address,
                    name: peer.domain.to_string(),
                    tls: if peer.plain { TlsPolicy::Plain } else { TlsPolicy::Required },
                })
                .collect()),
            NextHop::Foreign(_) => self.for_people().await,
            NextHop::Served(_) => Err(DeliveryError::out_of_contact()),
        }
    }

    /// The servers that take the mail for people.
    ///
    /// # Errors
    /// There is none, or it cannot be said now.
    pub(crate) async fn for_people(&self) -> Result<Vec<Place>, DeliveryError> {
        match &self.smarthost {
            Some(smarthost) => at_smarthost(smarthost).await,
            None => Err(DeliveryError::refused(Code::NoRoute, "this gateway sends no mail")),
        }
    }
}

async fn at_smarthost(smarthost: &Smarthost) -> Result<Vec<Place>, DeliveryError> {
    let found = lookup_host((smarthost.host.as_str(), smarthost.port)).await;
    let found = found.map_err(|error| DeliveryError::transport(format!("{}: {error}", smarthost.host)))?;
    let name =
        Domain::parse(&smarthost.host).map_or_else(|_| smarthost.host.clone(), |name| name.to_string());
    Ok(found.map(|server| Place { server, name: name.clone(), tls: smarthost.tls }).collect())
}
