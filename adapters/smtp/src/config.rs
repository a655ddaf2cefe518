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
    /// How DNS is asked.
    pub dns: DnsSettings,
}

impl Settings {
    /// What of new settings holds only after a restart, by its key.
    pub(crate) fn differences(&self, new: &Self) -> Vec<String> {
        let Self { relay, listeners, incoming, outgoing, peers, dns } = self;
        let is_same_place =
            |(old, new): (&ListenerSettings, &ListenerSettings)| old.is_but_for_certificate(new);
        let places =
            listeners.len() == new.listeners.len() && listeners.iter().zip(&new.listeners).all(is_same_place);
        let changed = [
            ("relay_domain", relay != &new.relay),
            ("smtp.listener", !places),
            ("smtp.outgoing", outgoing != &new.outgoing),
            ("peer", peers != &new.peers),
            ("dns", dns != &new.dns),
            ("smtp.limits", !incoming.limits.is_but_for_sessions(&new.incoming.limits)),
        ];
        changed.into_iter().filter(|(_, is)| *is).map(|(key, _)| key.to_owned()).collect()
    }
}

/// How mail is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OutgoingSettings {
    /// The server that takes all mail for people; without one, each domain's own are found by MX records.
    pub smarthost: Option<MailHost>,
    /// How servers are spoken to.
    pub security: Security,
    /// Domains whose mail goes another way.
    pub routes: Vec<MailRoute>,
    /// What it is signed with.
    pub dkim: Vec<SigningSettings>,
    /// The port of the servers that MX records name: 25 everywhere but in trials.
    pub mx_port: u16,
    /// How often mail is tried, and for how long.
    pub schedule: Schedule,
    /// Domains whose mail comes to this gateway, so that addresses of theirs stay as they are, where the domain's own
    /// policy (DMARC) lets this gateway write in its name.
    pub unchanged: Vec<Domain>,
    /// How much time there is at least between two mails to one person about one presentity.
    pub notice_interval: Duration,
    /// A message that says nothing of what it answers goes on with the last mail between the two.
    pub conversations: bool,
}

impl Default for OutgoingSettings {
    fn default() -> Self {
        Self {
            smarthost: None,
            security: Security::default(),
            routes: Vec::new(),
            dkim: Vec::new(),
            mx_port: 25,
            // RFC 5321 section 4.5.4.1 has half an hour, and days; people who chat have not.
            schedule: Schedule {
                horizon: Duration::from_secs(15 * 60),
                longest_pause: Duration::from_secs(60),
            },
            unchanged: Vec::new(),
            notice_interval: Duration::from_secs(5 * 60),
            conversations: true,
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

/// A key that mail is signed with (RFC 6376).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SigningSettings {
    /// The domain whose mail is signed, and that of subdomains which have no key of their own.
    pub domain: Domain,
    /// Which of the domain's keys it is.
    pub selector: String,
    /// What it is.
    pub algorithm: Algorithm,
    /// The private key (PEM). An Ed25519 key that is not there is made.
    pub key: PathBuf,
}

/// What is signed with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8463).
    #[default]
    Ed25519,
    /// RSA (RFC 6376 section 3.3.1), which everybody can verify.
    Rsa,
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
#[derive(Clone, Eq, PartialEq)]
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
    /// Whether passwords are taken without TLS.
    pub login_in_the_clear: bool,
    /// Only whoever has authenticated can send anything (RFC 6409 section 4.3).
    pub submitters_only: bool,
}

impl ListenerSettings {
    /// Whether it is the same place, whatever it shows of itself.
    pub(crate) fn is_but_for_certificate(&self, other: &Self) -> bool {
        let shown = |listener: &Self| Self { identity: None, ..listener.clone() };
        shown(self) == shown(other) && self.identity.is_some() == other.identity.is_some()
    }
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
    /// Asks DNS for what proves an author (SPF, DKIM, DMARC), where DNS is asked at all; else nothing is proven.
    pub check_authors: bool,
    /// Refuses mail that the owner of its domain wants refused: SPF's `fail`, and `p=reject` of DMARC.
    pub refuse_forged: bool,
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
            check_authors: true,
            refuse_forged: true,
            peer_scopes: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// How DNS servers are asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DnsSettings {
    /// Whether any are.
    pub enabled: bool,
    /// Those that the machine is set up with, where `servers` names none.
    pub system: bool,
    /// Which.
    pub servers: Vec<SocketAddr>,
    /// How long one may take over one question.
    pub timeout: Duration,
    /// How often a question is asked.
    pub attempts: usize,
}

impl DnsSettings {
    /// Nobody is asked.
    #[must_use]
    pub const fn off() -> Self {
        Self { enabled: false, system: false, servers: Vec::new(), timeout: Duration::ZERO, attempts: 1 }
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
    /// Mails in a minute of one author who is proven, or authenticated, wherever they come from.
    pub author_mails: u32,
    /// Mails whose text is received at once: together with the size of one, the memory that they take.
    pub mails_at_once: usize,
    /// Mails that were taken and whose outcome is awaited.
    pub open_mails: usize,
    /// Servers that a mail may have crossed (RFC 5321 section 6.3 wants 100 at least).
    pub received: usize,
    /// For how long the reply waits for the acceptance of every recipient.
    pub acceptance: Duration,
}

impl Limits {
    /// Whether the others are the same: those of a session hold from its next one on.
    pub(crate) fn is_but_for_sessions(&self, other: &Self) -> bool {
        let of = |limits: &Self| {
            let Self { connections, client_connections, client_mails, mails_at_once, open_mails, .. } =
                limits;
            (*connections, *client_connections, *client_mails, *mails_at_once, *open_mails)
        };
        of(self) == of(other)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session: cpim_smtp_proto::session::Limits::default(),
            connections: 512,
            client_connections: 50,
            client_mails: 600,
            author_mails: 120,
            mails_at_once: 64,
            open_mails: 8_192,
            received: 100,
            acceptance: Duration::from_secs(5),
        }
    }
}
