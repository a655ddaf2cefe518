//! One connection that came in: from its first octet, through the judgement on its `open`, to its end.

use std::io;
use std::sync::Arc;

use cpim_adapter::{AdapterContext, Mapper};
use cpim_native_proto::{Close, Open, Reason};
use rustls::server::ServerConnection;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::claims::{Admission, Credentials, Unauthorised, admit, secret_of};
use crate::config::ListenAt;
use crate::names::CertificateNames;
use crate::session::{Ends, Session};
use crate::shared::{Configured, Listening, Shared, hold_to_settings};
use crate::wire::{Stream, Wire, now, session_config};

/// Where a connection comes from.
pub(crate) struct Origin {
    /// The listener that accepted it.
    pub(crate) at: ListenAt,
    /// The other end, for the log.
    pub(crate) label: String,
    /// It comes from this machine.
    pub(crate) local: bool,
}

/// Serves a connection to its end. `_place` is its place among the sessions.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    cx: AdapterContext,
    stream: Box<dyn Stream>,
    origin: Origin,
    _place: OwnedSemaphorePermit,
) {
    let mut changes = shared.configured.subscribe();
    let configured = Arc::clone(&changes.borrow_and_update());
    // A listener that was taken out of the configuration stays as it was until a restart.
    let Some(listening) = configured.listeners.get(&origin.at) else {
        return;
    };
    let mapper = cx.mapper();
    // What happens once stands in a box of its own, here and below: else the task would keep room for it for as long
    // as the session lasts.
    let beginning = Box::pin(begin(&configured, listening, &mapper, stream));
    let begun = tokio::select! {
        begun = beginning => begun,
        () = cx.shutdown.draining() => return,
    };
    let (mut wire, open, names) = match begun {
        Ok(begun) => begun,
        Err(failed) => {
            tracing::info!(from = origin.label, why = failed.why, "not opened");
            shared.note_refused(&failed.why);
            if let Some(wire) = failed.wire {
                Box::pin(wire.dismiss()).await;
            }
            return;
        }
    };
    let judge = |configured: &Configured| judge(&open, names.as_ref(), &origin, configured, &mapper);
    let entered = judge(&configured)
        .map_err(|refused| Close::because(Reason::Unauthorised, refused.to_string()))
        .and_then(|admission| enter(&shared, &configured, admission));
    let (admission, session, ends) = match entered {
        Ok(entered) => entered,
        Err(close) => {
            let reason = close.reason.as_ref().map(Reason::as_str);
            let secret = secret_of(&open, &configured.settings);
            tracing::warn!(from = origin.label, reason, text = close.text, secret, "refused");
            shared.note_refused(&format!("{}: {}", reason.unwrap_or_default(), close.text));
            wire.session.close(now(), close);
            return Box::pin(wire.dismiss()).await;
        }
    };
    tracing::info!(session = admission.authority.label, "open");
    // Before the gateway knows of it, and asks about its addresses.
    if let Some(claims) = &admission.adapter {
        let said = &open.extensions;
        Box::pin(shared.externals.arrived(&admission.serves, claims, said, &*cx.memory)).await;
        if !open.ignored.is_empty() {
            let session = &admission.authority.label;
            tracing::warn!(session, "not known here, and ignored: {}", open.ignored.join(", "));
        }
    }
    // `open` goes out first: what the gateway has kept for this session follows it.
    let greeting = configured.settings.greeting_to(&admission, &open);
    if let Err(error) = wire.session.accept(now(), &greeting) {
        tracing::error!(from = origin.label, %error, "cannot answer `open`");
    }
    let connection = shared.announce(wire, &admission, (&session, ends), &cx, None);
    let adapter = admission.adapter.clone();
    drop((configured, admission));
    tokio::select! {
        () = connection.run(|session| shared.sessions.leave(session)) => {}
        () = hold_to_settings(changes, &session, |now| judge(now).map(|admission| admission.authority)) => {}
    }
    if let Some(claims) = &adapter {
        Box::pin(shared.externals.left(session.serves(), claims, &*cx.memory)).await;
    }
}

/// Why a connection did not come to an `open`; its wire may have last words.
struct Failed {
    why: String,
    wire: Option<Box<Wire>>,
}

/// TLS where the listener speaks it, and the other side's `open`, within the time for both.
async fn begin(
    configured: &Configured,
    listening: &Listening,
    mapper: &Arc<Mapper>,
    stream: Box<dyn Stream>,
) -> Result<(Box<Wire>, Open, Option<CertificateNames>), Failed> {
    let limits = &configured.settings.limits;
    let deadline = Instant::now() + limits.handshake;
    let (stream, names) = match timeout_at(deadline, secure(stream, listening)).await {
        Ok(Ok(secured)) => secured,
        Ok(Err(error)) => {
            return Err(Failed { why: format!("no TLS session: {error}"), wire: None });
        }
        Err(_) => {
            return Err(Failed { why: "no TLS session in time".to_owned(), wire: None });
        }
    };
    let config = session_config(limits, deadline.saturating_duration_since(Instant::now()));
    let mut wire = Wire::new(stream, cpim_native_proto::Session::listen(config, mapper.clone(), now()));
    match wire.opened().await {
        Ok(open) => Ok((wire, open, names)),
        Err(closure) => Err(Failed { why: closure.to_string(), wire: Some(wire) }),
    }
}

/// Brings TLS about where the listener speaks it, and reads who is at the other end.
async fn secure(
    stream: Box<dyn Stream>,
    listening: &Listening,
) -> io::Result<(Box<dyn Stream>, Option<CertificateNames>)> {
    let Some(tls) = &listening.tls else {
        return Ok((stream, None));
    };
    let stream = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await?;
    let names = names_of(stream.get_ref().1);
    Ok((Box::new(stream), names))
}

/// The names in the certificate that was shown and verified, if one was.
fn names_of(connection: &ServerConnection) -> Option<CertificateNames> {
    CertificateNames::read(connection.peer_certificates()?.first()?)
}

/// What an `open` is granted, by what is configured at the time.
fn judge(
    open: &Open,
    names: Option<&CertificateNames>,
    origin: &Origin,
    configured: &Configured,
    mapper: &Mapper,
) -> Result<Admission, Unauthorised> {
    let listening = configured.listeners.get(&origin.at).filter(|_| origin.local);
    let credentials = Credentials {
        names,
        trust: listening.map_or(&[], |listening| &listening.settings.trust),
        from: &origin.label,
    };
    admit(open, credentials, &configured.settings, mapper)
}

/// Enters a session among the others, and has those closed that it displaces.
fn enter(
    shared: &Shared,
    configured: &Configured,
    admission: Admission,
) -> Result<(Admission, Arc<Session>, Ends), Close> {
    let (session, ends) = Session::new(&admission);
    let displaced = shared.sessions.enter(&session, &configured.settings.hosted);
    let displaced = displaced.map_err(|conflict| Close::because(Reason::Conflict, conflict.to_string()))?;
    for other in displaced {
        other.order_close(Reason::Conflict, "another session is home to a domain of yours");
    }
    Ok((admission, session, ends))
}
