//! What the parts of the adapter share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cpim_adapter::xml::Writer;
use cpim_adapter::{AdapterContext, Authority, BuildError, Domain, SessionFacts};
use cpim_native_proto::{Claim, Open, Reason, Secret};
use rustls::{ClientConfig, ServerConfig};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::claims::{Admission, Unauthorised};
use crate::config::{ListenAt, ListenerSettings, Settings};
use crate::connection::Connection;
use crate::dial::Pool;
use crate::external::Externals;
use crate::names::CertificateNames;
use crate::session::{Ends, Session};
use crate::sessions::Sessions;
use crate::tls;
use crate::ways::Ways;
use crate::wire::Wire;

/// What the parts of the adapter share.
pub(crate) struct Shared {
    /// What is configured now.
    pub(crate) configured: watch::Sender<Arc<Configured>>,
    /// The sessions that came in.
    pub(crate) sessions: Sessions,
    /// The sessions that this gateway opened.
    pub(crate) pool: Pool,
    /// What external adapters claim.
    pub(crate) externals: Arc<Externals>,
    /// Which of them a pair keeps to.
    pub(crate) ways: Arc<Ways>,
    /// A place for each session.
    pub(crate) places: Arc<Semaphore>,
    /// Every task of this adapter.
    pub(crate) tasks: TaskTracker,
    /// The gateway, once it runs.
    pub(crate) cx: OnceLock<Arc<AdapterContext>>,
    /// Why the last session was refused that was.
    refused: Mutex<Option<String>>,
}

/// What is configured, with everything loaded that can be wrong. Replaced as a whole.
pub(crate) struct Configured {
    pub(crate) settings: Settings,
    pub(crate) listeners: HashMap<ListenAt, Listening>,
    pub(crate) client: Arc<ClientConfig>,
    /// The names in the certificate that this gateway shows when it connects; none where it shows none.
    pub(crate) own_names: CertificateNames,
}

/// What a listener goes by; looked up anew for every connection.
#[derive(Clone)]
pub(crate) struct Listening {
    pub(crate) settings: Arc<ListenerSettings>,
    /// Absent, it speaks in the clear.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Configured {
    /// Loads what the settings name.
    ///
    /// # Errors
    /// The first thing that cannot be used.
    pub(crate) fn load(settings: Settings) -> Result<Self, BuildError> {
        let mut listeners = HashMap::new();
        for listener in &settings.listeners {
            let key = format!("cpim.listener[{}]", listener.at);
            let listening =
                Listening { tls: tls::server(listener, &key)?, settings: Arc::new(listener.clone()) };
            listening.check_plain(&key)?;
            if listeners.insert(listener.at.clone(), listening).is_some() {
                return Err(BuildError { key, what: "listed twice; each place is accepted once".into() });
            }
        }
        let (client, own_names) = tls::client(&settings.outgoing)?;
        Ok(Self { settings, listeners, client, own_names })
    }
}

impl Listening {
    /// Plain TCP that leaves the machine must be meant.
    fn check_plain(&self, key: &str) -> Result<(), BuildError> {
        match &self.settings.at {
            ListenAt::Tcp(address)
                if self.tls.is_none()
                    && !self.settings.plain
                    && !address.ip().to_canonical().is_loopback() =>
            {
                Err(BuildError {
                    key: key.to_owned(),
                    what: "plain TCP beyond loopback: give it a `certificate` and `key`, or \
                           say plain = \"unencrypted-over-the-network\""
                        .into(),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Shared {
    pub(crate) fn new(configured: Configured) -> Arc<Self> {
        let places = Semaphore::new(configured.settings.limits.sessions.min(Semaphore::MAX_PERMITS));
        Arc::new(Self {
            configured: watch::Sender::new(Arc::new(configured)),
            sessions: Sessions::default(),
            pool: Pool::default(),
            externals: Arc::default(),
            ways: Arc::default(),
            places: Arc::new(places),
            tasks: TaskTracker::new(),
            cx: OnceLock::new(),
            refused: Mutex::default(),
        })
    }

    /// What is configured now.
    pub(crate) fn configured(&self) -> Arc<Configured> {
        Arc::clone(&self.configured.borrow())
    }

    /// Notes why a session was refused.
    pub(crate) fn note_refused(&self, why: &str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// Why the last session was refused that was.
    pub(crate) fn last_refusal(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Announces a session to the gateway, and makes its connection.
    pub(crate) fn announce(
        &self,
        wire: Box<Wire>,
        admission: &Admission,
        (session, ends): (&Arc<Session>, Ends),
        cx: &AdapterContext,
        pool_idle: Option<Duration>,
    ) -> Box<Connection> {
        let facts = SessionFacts {
            authority: Arc::clone(&admission.authority),
            serves: admission.serves.clone(),
            home: admission.home,
        };
        let way_in = cx.open(facts, self.configured().settings.limits.operations);
        let parts = (Arc::clone(session), Arc::clone(&self.externals));
        Connection::new(wire, parts, ends, cx.clone(), way_in, pool_idle)
    }
}

/// Holds a session to what is configured: ends it once the settings no longer grant it what it was granted.
/// Whoever is granted something else then may open another. Never returns.
pub(crate) async fn hold_to_settings(
    mut changes: watch::Receiver<Arc<Configured>>,
    session: &Session,
    judge: impl Fn(&Configured) -> Result<Arc<Authority>, Unauthorised>,
) {
    while changes.changed().await.is_ok() {
        let configured = Arc::clone(&changes.borrow_and_update());
        match judge(&configured) {
            Ok(authority) if authority == *session.authority() => {}
            Ok(_) => session.order_close(Reason::Shutdown, "the configuration has changed"),
            Err(refused) => session.order_close(Reason::Unauthorised, &refused.to_string()),
        }
    }
    std::future::pending().await
}

impl Settings {
    /// What this gateway says when it answers an `open`.
    pub(crate) fn greeting(&self) -> Open {
        Open { domain: Some(self.relay.clone()), remembers: Some(self.limits.remembers), ..Open::default() }
    }

    /// The same to an external adapter: named in it is what the adapter said that is not known here, so that its author
    /// hears of it.
    pub(crate) fn greeting_to(&self, admission: &Admission, open: &Open) -> Open {
        let mut greeting = self.greeting();
        if admission.adapter.is_some() {
            for what in &open.ignored {
                Writer::new(&mut greeting.extensions).start("ignored").open().text(what).close("ignored");
            }
        }
        greeting
    }

    /// What it says when it opens a session itself, to the server of the domain that is wanted.
    ///
    /// A configured peer knows what to grant us. A stranger goes by our certificate, and a claim too many
    /// would be refused whole: it is told only what that covers. In the clear there is neither, and the other
    /// side's trust rule decides. `private`: nobody else can hear it, so that a secret may be said.
    pub(crate) fn opening(&self, wanted: &Domain, shown: Option<&CertificateNames>, private: bool) -> Open {
        let serves = |domain: &Domain| domain == wanted;
        let mut peers = self.peers.iter();
        let peer = peers.find(|peer| peer.domain == *wanted || peer.serves.iter().any(serves));
        let secret = peer.and_then(|peer| peer.secret.as_ref()).filter(|_| private);
        let covered =
            |domain: &&Domain| peer.is_some() || shown.is_none_or(|names| names.cover_domain(domain));
        Open {
            domain: Some(&self.relay).filter(covered).cloned(),
            serves: self.serves_out.iter().filter(covered).cloned().map(Claim::Domain).collect(),
            secret: secret.map(|secret| Secret::new(secret.reveal())),
            ..self.greeting()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Limits, OutgoingTls, PeerSettings};

    #[test]
    fn a_secret_is_said_to_its_peer_alone_and_only_in_private() {
        let domain = |text: &str| Domain::parse(text).unwrap();
        let settings = Settings {
            relay: domain("gw.example"),
            serves_out: vec![domain("gw.example")],
            listeners: Vec::new(),
            outgoing: OutgoingTls::default(),
            peers: vec![PeerSettings {
                domain: domain("gw.b.example"),
                serves: vec![domain("b.example")],
                sources: Vec::new(),
                secret: crate::Secret::new("shared"),
            }],
            applications: Vec::new(),
            hosted: Vec::new(),
            limits: Limits::default(),
        };
        let said = |wanted: &str, private| settings.opening(&domain(wanted), None, private).secret.is_some();
        assert!(said("b.example", true) && said("gw.b.example", true));
        assert!(!said("b.example", false) && !said("x.b.example", true));
    }
}
