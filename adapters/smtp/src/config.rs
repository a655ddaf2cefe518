//! What the adapter is built from: plain values, read and checked by whoever owns the configuration file.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Domain, Schedule, Scope};
use subtle::ConstantTimeEq;

use crate::outbound::TlsPolicy;

/// Everything that the mail adapter has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The relay domain: how this gateway names itself, in addresses and in its greeting.
    pub relay: Domain,
    /// Where mail is received.
    pub listeners: Vec<ListenerSettings>,
    /// What mail is taken.
    pub incoming: IncomingSettings,
    /// How mail is sent.
    pub outgoing: OutgoingSettings,
    /// The peer gateways that are known by a secret.
    pub peers: Vec<PeerSettings>,
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct OutgoingSettings {
    /// The server that takes all mail for people; without one, each domain's own are found by MX records.
    pub smarthost: Option<MailHost>,
    /// How servers are spoken to.
    pub security: Security,
    /// Domains whose mail goes another way.
    pub routes: Vec<MailRoute>,
    /// The port of the servers that MX records name: 25 everywhere but in trials.
    pub mx_port: u16,
    /// How often mail is tried, and for how long.
    pub schedule: Schedule,
    /// Domains whose mail comes to this gateway, so that addresses of theirs stay as they are.
    pub unchanged: Vec<Domain>,
    /// How much time there is at least between two mails to one person about one presentity.
    pub notice_interval: Duration,
}

impl Default for OutgoingSettings {
    fn default() -> Self {
        Self {
            smarthost: None,
            security: Security::default(),
            routes: Vec::new(),
            mx_port: 25,
            // RFC 5321 section 4.5.4.1 has half an hour, and days; people who chat have not.
            schedule: Schedule {
                horizon: Duration::from_secs(15 * 60),
                longest_pause: Duration::from_secs(60),
            },
            unchanged: Vec::new(),
            notice_interval: Duration::from_secs(5 * 60),
        }
    }
}

/// Where the mail for some domains goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailRoute {
    /// The domains of the mailboxes that it is for.
    pub domain: Scope,
    /// The servers that take it, in the order to try; without any, those that MX records name.
    pub hosts: Vec<MailHost>,
    /// How they are spoken to.
    pub security: Security,
    /// How often they are tried, and for how long.
    pub schedule: Schedule,
}

/// A server that takes mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailHost {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// How a server is spoken to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Security {
    /// Whether under TLS.
    pub tls: TlsPolicy,
    /// A file (PEM) with those who vouch for it; without one, those that this machine trusts.
    pub anchors: Option<PathBuf>,
}

/// A peer gateway.
#[derive(Clone)]
pub struct PeerSettings {
    /// Its relay domain.
    pub domain: Domain,
    /// The domains whose home it is.
    pub serves: Vec<Domain>,
    /// What both gateways know.
    pub secret: Vec<u8>,
}

impl fmt::Debug for PeerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerSettings").field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// One place where mail is received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerSettings {
    /// The TCP address; port 0 takes any that is free.
    pub address: SocketAddr,
    /// What it shows of itself; with it TLS is offered, without it there is none.
    pub identity: Option<Identity>,
    /// TLS from the first octet (RFC 8314 section 3.3) instead of STARTTLS.
    pub implicit_tls: bool,
}

/// A certificate and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The certificate chain, in PEM, its own certificate first.
    pub certificate: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// What mail is taken, and from whom.
#[derive(Clone, Debug)]
pub struct IncomingSettings {
    /// Domains that are at home here: mail for them is taken as well.
    pub hosted: Vec<Domain>,
    /// Who may authenticate.
    pub submitters: Vec<SubmitterSettings>,
    /// Selectors whose people only submitters may write to; `mailto` among them, or the gateway relays mail for
    /// everybody.
    pub closed_to_strangers: Vec<String>,
    /// What each peer gateway may send for.
    pub peer_scopes: Vec<(Domain, Vec<Scope>)>,
    /// How much, and for how long.
    pub limits: Limits,
}

impl Default for IncomingSettings {
    fn default() -> Self {
        Self {
            hosted: Vec::new(),
            submitters: Vec::new(),
            closed_to_strangers: vec!["mailto".to_owned()],
            peer_scopes: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Somebody who may authenticate (RFC 4954), and then write in certain names.
#[derive(Clone, Debug)]
pub struct SubmitterSettings {
    /// The name.
    pub name: String,
    /// The password.
    pub password: Password,
    /// Mailboxes and domains that it may write as.
    pub from: Vec<String>,
}

/// A password. It compares in constant time, and shows itself to nobody.
#[derive(Clone)]
pub struct Password(Arc<str>);

impl Password {
    /// Takes a password.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether this is what was offered. How long that takes tells nothing but the lengths.
    pub(crate) fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// How much, and for how long. What is over a limit is refused, never cut.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of one session.
    pub session: cpim_smtp_proto::session::Limits,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one client, which is an address of IPv4 or a /64 of IPv6.
    pub client_connections: usize,
    /// Mails of one client in a minute.
    pub client_mails: u32,
    /// Mails whose text is received at once: together with the size of one, the memory that they take.
    pub mails_at_once: usize,
    /// Mails that were taken and whose outcome is awaited.
    pub open_mails: usize,
    /// Servers that a mail may have crossed (RFC 5321 section 6.3 wants 100 at least).
    pub received: usize,
    /// For how long the reply waits for the acceptance of every recipient.
    pub acceptance: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session: cpim_smtp_proto::session::Limits::default(),
            connections: 512,
            client_connections: 50,
            client_mails: 600,
            mails_at_once: 64,
            open_mails: 8_192,
            received: 100,
            acceptance: Duration::from_secs(5),
        }
    }
}
