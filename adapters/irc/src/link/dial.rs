//! The connecting side of a link: a client of the peer's IRC server, which logs in as this gateway.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpim_adapter::{Code, DeliveryError, Domain, Endpoint, Fault, PeerHop, Retry};
use cpim_irc_proto::client::{Applicant, Registration, Sasl, Step};
use cpim_irc_proto::{Nick, ReadLimits, Trailing, User};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::peers::Peer;
use crate::wire::{Stream, Wire};

/// For one server to be connected to, to speak TLS and to let this gateway in.
const PATIENCE: Duration = Duration::from_secs(15);

/// Octets of a nick that every server takes which takes a gateway's name at all.
const NICK_OCTETS: usize = 30;

/// What a server must have, to be a link's.
const WANTED: &[&str] = &["message-tags"];

/// Tries every endpoint in its order.
///
/// # Errors
/// What happened at each.
pub(super) async fn dial(
    peer: &Peer,
    hop: &PeerHop,
    relay: &Domain,
    tls: &Arc<ClientConfig>,
) -> Result<Wire, DeliveryError> {
    let mut failures = Vec::new();
    for endpoint in &hop.endpoints {
        let deadline = Instant::now() + PATIENCE;
        let linked = timeout_at(deadline, connect(peer, hop, endpoint, relay, tls));
        match linked.await.unwrap_or_else(|_| Err("no link in time".to_owned())) {
            Ok(wire) => return Ok(wire),
            Err(why) => failures.push(format!("{} ({}): {why}", endpoint.host, endpoint.address)),
        }
    }
    if failures.is_empty() {
        let words = "a peer by IRC needs a route that says where it is";
        return Err(DeliveryError {
            fault: Fault::Configuration,
            retry: Retry::Later,
            code: Code::Unreachable,
            public: words.into(),
            detail: hop.domain.to_string(),
        });
    }
    Err(DeliveryError::transport(failures.join("; ")))
}

async fn connect(
    peer: &Peer,
    hop: &PeerHop,
    endpoint: &Endpoint,
    relay: &Domain,
    tls: &Arc<ClientConfig>,
) -> Result<Wire, String> {
    if hop.plain && !endpoint.address.ip().to_canonical().is_loopback() {
        return Err("the secret is not sent in the clear beyond loopback".to_owned());
    }
    let tcp = TcpStream::connect(endpoint.address).await.map_err(|error| error.to_string())?;
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream: Box<dyn Stream> = match hop.plain {
        true => Box::new(tcp),
        false => {
            let name =
                ServerName::try_from(hop.domain.as_str().to_owned()).map_err(|error| error.to_string())?;
            let secured = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
            Box::new(secured.map_err(|error| error.to_string())?)
        }
    };
    let mut wire = Wire::new(stream, ReadLimits::CLIENT);
    match log_in(&mut wire, peer, relay).await {
        Ok(()) => Ok(wire),
        Err(why) => {
            wire.hang_up().await;
            Err(why)
        }
    }
}

/// Logs in as this gateway: its relay domain, and the secret that both know (SASL PLAIN, RFC 4616).
async fn log_in(wire: &mut Wire, peer: &Peer, relay: &Domain) -> Result<(), String> {
    let mut registration = Registration::new(applicant(peer, relay)?, WANTED);
    registration.begin().iter().for_each(|line| wire.push_octets(line));
    loop {
        while let Some(request) = wire.next() {
            let Ok(request) = request else { continue };
            let (step, lines) = registration.handle(request.message());
            lines.iter().for_each(|line| wire.push_octets(line));
            match step {
                Step::Going => {}
                Step::Refused { why, .. } => return Err(why),
                Step::Registered(_) if registration.capabilities.contains(&"message-tags") => {
                    return Ok(());
                }
                Step::Registered(_) => return Err("the server has no message-tags".to_owned()),
            }
        }
        wire.turn(true).await.map_err(|error| error.to_string())?;
    }
}

fn applicant(peer: &Peer, relay: &Domain) -> Result<Applicant, String> {
    let error = |error: cpim_irc_proto::NameError| error.to_string();
    let nick = nick_of(relay);
    let plain = format!("\0{relay}\0{}", peer.secret.text());
    Ok(Applicant {
        nicks: ["", "_", "__"]
            .into_iter()
            .map(|behind| Nick::parse(&format!("{nick}{behind}")).map_err(error))
            .collect::<Result<_, _>>()?,
        user: User::parse("gateway").map_err(error)?,
        real_name: Trailing::lossy(relay.as_str()),
        password: None,
        webirc: None,
        sasl: Some(Sasl::Plain(STANDARD.encode(plain))),
    })
}

/// A nick that looks like a domain.
fn nick_of(domain: &Domain) -> String {
    let nick: String = domain
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(NICK_OCTETS - 2)
        .collect();
    // A domain may begin with a digit, which no nick may.
    if nick.starts_with(|c: char| c.is_ascii_alphabetic()) { nick } else { format!("gw{nick}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_a_nick() {
        for (domain, nick) in [("gw.a.example", "gw-a-example"), ("7.example", "gw7-example")] {
            assert_eq!(nick_of(&Domain::parse(domain).unwrap()), nick);
        }
    }
}
