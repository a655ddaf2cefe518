//! The connecting side: sessions that this gateway opens, and keeps for whatever goes the same way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cpim_adapter::{AdapterContext, Class, DeliveryError, Domain, Endpoint, PeerHop, Scope};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::claims::{Admission, reached};
use crate::config::Settings;
use crate::names::CertificateNames;
use crate::session::Session;
use crate::shared::{Shared, hold_to_settings};
use crate::wire::{Stream, Wire, now, session_config};

/// For how long a failure is remembered: whoever waited for the same attempt, and whoever comes right
/// after, is told the same without another one.
const FAILURE_REMEMBERED: Duration = Duration::from_secs(2);

/// Sessions by what was wanted. A slot is locked while it is dialled: whoever wants the same waits for the
/// one attempt, and others do not.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<Wanted, Arc<tokio::sync::Mutex<Slot>>>>);

type Wanted = (Class, Domain);

/// What came of the last attempt.
#[derive(Default)]
enum Slot {
    /// There was none.
    #[default]
    New,
    /// A session, which may have ended since.
    Live(Arc<Session>),
    /// Nothing, at these places.
    Failed { at: Instant, endpoints: Vec<Endpoint>, detail: String },
}

impl Slot {
    /// Whether it is of any use still.
    fn is_worth_keeping(&self) -> bool {
        match self {
            Self::New => false,
            Self::Live(session) => session.is_reachable(),
            Self::Failed { at, .. } => at.elapsed() < FAILURE_REMEMBERED,
        }
    }
}

impl Pool {
    /// The session for a hop: the one that is open, else a new one.
    ///
    /// # Errors
    /// A transport fault that names what happened at each endpoint.
    ///
    /// # Cancel safety
    /// Cancelled, an attempt is given up, and whoever waits next makes another.
    pub(crate) async fn session(
        &self,
        shared: &Arc<Shared>,
        cx: &AdapterContext,
        hop: &PeerHop,
    ) -> Result<Arc<Session>, DeliveryError> {
        let slot = self.slot(hop);
        let mut slot = slot.lock().await;
        match &*slot {
            Slot::Live(session) if session.is_reachable() => return Ok(Arc::clone(session)),
            Slot::Failed { endpoints, detail, .. }
                if *endpoints == hop.endpoints && slot.is_worth_keeping() =>
            {
                return Err(DeliveryError::transport(format!("{detail} (a moment ago)")));
            }
            _ => {}
        }
        match dial(shared, cx, hop).await {
            Ok(session) => {
                *slot = Slot::Live(Arc::clone(&session));
                Ok(session)
            }
            Err(detail) => {
                tracing::warn!(domain = %hop.domain, detail, "cannot connect");
                *slot = Slot::Failed {
                    at: Instant::now(),
                    endpoints: hop.endpoints.clone(),
                    detail: detail.clone(),
                };
                Err(DeliveryError::transport(detail))
            }
        }
    }

    /// The session for a class and domain, where there is one now.
    pub(crate) fn live(&self, class: Class, domain: &Domain) -> Option<Arc<Session>> {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(&(class, domain.clone()))?.try_lock().ok()?;
        match &*slot {
            Slot::Live(session) if session.is_reachable() => Some(Arc::clone(session)),
            _ => None,
        }
    }

    fn slot(&self, hop: &PeerHop) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (hop.class, hop.domain.clone());
        if let Some(slot) = slots.get(&key) {
            return Arc::clone(slot);
        }
        // One comes, those that are of no use go: slots are never more than what was wanted lately.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|slot| slot.is_worth_keeping())
        });
        Arc::clone(slots.entry(key).or_default())
    }
}

/// Tries every endpoint in its order, and says what happened at each if none will do.
async fn dial(shared: &Arc<Shared>, cx: &AdapterContext, hop: &PeerHop) -> Result<Arc<Session>, String> {
    if cx.shutdown.is_draining() {
        return Err("the gateway is being shut down".to_owned());
    }
    let mut failures = Vec::new();
    for endpoint in &hop.endpoints {
        match connect(shared, cx, hop, endpoint).await {
            Ok(session) => return Ok(session),
            Err(failure) => failures.push(format!("{} ({}): {failure}", endpoint.host, endpoint.address)),
        }
    }
    match failures.is_empty() {
        true => Err(format!("{}: nowhere to connect to", hop.domain)),
        false => Err(failures.join("; ")),
    }
}

/// Opens a session at one endpoint, and leaves its connection to a task of its own.
async fn connect(
    shared: &Arc<Shared>,
    cx: &AdapterContext,
    hop: &PeerHop,
    endpoint: &Endpoint,
) -> Result<Arc<Session>, String> {
    let mut changes = shared.configured.subscribe();
    let configured = Arc::clone(&changes.borrow_and_update());
    let settings = &configured.settings;
    let limits = &settings.limits;
    let place =
        Arc::clone(&shared.places).try_acquire_owned().map_err(|_| "as many sessions as are allowed")?;
    let tcp = timeout(limits.connect, TcpStream::connect(endpoint.address)).await;
    let tcp = tcp.map_err(|_| "no connection in time")?.map_err(|error| error.to_string())?;
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;

    let deadline = Instant::now() + limits.handshake;
    let (stream, names): (Box<dyn Stream>, _) = match hop.plain {
        true => (Box::new(tcp), None),
        false => {
            let name =
                ServerName::try_from(hop.domain.as_str().to_owned()).map_err(|error| error.to_string())?;
            let securing = TlsConnector::from(Arc::clone(&configured.client)).connect(name, tcp);
            let stream = timeout_at(deadline, securing).await.map_err(|_| "no TLS session in time")?;
            let stream = stream.map_err(|error| error.to_string())?;
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let names = shown.and_then(|certificate| CertificateNames::read(certificate));
            (Box::new(stream), names)
        }
    };
    let shown = (!hop.plain).then_some(&configured.own_names);
    let open = settings.opening(&hop.domain, shown, !hop.plain || is_loopback(&endpoint.address));
    let mapper = cx.mapper();
    let config = session_config(limits, deadline.saturating_duration_since(Instant::now()));
    let session = cpim_native_proto::Session::connect(config, mapper.clone(), &open, now());
    let mut wire = Wire::new(stream, session.map_err(|error| error.to_string())?);
    let answer = match wire.opened().await {
        Ok(answer) => answer,
        Err(closure) => {
            shared.tasks.spawn(wire.dismiss());
            return Err(closure.to_string());
        }
    };
    let remembers = answer.remembers;
    let (wanted, from) = (hop.domain.clone(), endpoint.address.to_string());
    let judge = move |settings: &Settings| {
        let proves = |domain: &Domain| match &names {
            Some(names) => names.cover_domain(domain),
            // A route that says plain vouches for the domain that it is for.
            None => *domain == wanted,
        };
        Arc::new(reached(&wanted, &answer, (names.is_none(), &proves), settings, &mapper, &from))
    };
    let admission = Admission {
        authority: judge(settings),
        serves: vec![Scope::Domain(hop.domain.clone())],
        claims: Vec::new(),
        home: true,
        remembers,
        adapter: None,
    };
    tracing::info!(session = admission.authority.label, "open");
    let (session, ends) = Session::new(&admission);
    let connection = shared.announce(wire, &admission, (&session, ends), cx, Some(limits.pool_idle));
    let held = Arc::clone(&session);
    shared.tasks.spawn(async move {
        tokio::select! {
            () = connection.run(|_| ()) => {}
            () = hold_to_settings(changes, &held, |now| Ok(judge(&now.settings))) => {}
        }
        drop(place);
    });
    Ok(session)
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
