//! Presence of systems whose external adapter is asked once for each presentity, however many watch: the gateway
//! subscribes in its own name, and hears until it unsubscribes or the session ends.

use cpim_adapter::{
    Address, Class, Code, DeliveryError, ForeignAddress, Local, Mapper, Notify, Observation, Operation,
    PresUri, PresenceSupport, Scope, Status, Subscribe, Unsubscribe, Uri,
};

use super::Externals;
use crate::session::Session;
use crate::sessions::Sessions;

/// For how long an observation lasts: until it is ended, or its session is.
const FOR_EVER_S: u32 = u32::MAX;

/// Asks the adapter of a presentity's selector to observe it.
///
/// # Errors
/// It is not in contact, does not observe, or says no.
pub(crate) async fn observe(
    sessions: &Sessions,
    externals: &Externals,
    mapper: &Mapper,
    presentity: &ForeignAddress,
) -> Result<(), DeliveryError> {
    let session = sessions.adapter_of(presentity.selector()).ok_or_else(DeliveryError::out_of_contact)?;
    if !observes(externals, presentity) {
        return Err(DeliveryError::refused(Code::Unsupported, "that system does not tell presence"));
    }
    let (watcher, target) = pair(mapper, presentity)?;
    let subscribe = Subscribe { watcher, target, duration: FOR_EVER_S, subscript_id: None };
    let response = session.ask(Operation::Subscribe(subscribe)).await?;
    match (response.status(), response.code()) {
        // It observes already.
        (Status::Success, _) | (_, Some(Code::AlreadySubscribed)) => Ok(()),
        (Status::Failure | Status::Indeterminant, code) => Err(DeliveryError::refused(
            code.unwrap_or(Code::Refused),
            "that system does not tell this presence",
        )),
    }
}

/// Tells the adapter of a presentity's selector that nobody watches it any more.
pub(crate) async fn unobserve(
    sessions: &Sessions,
    externals: &Externals,
    mapper: &Mapper,
    presentity: &ForeignAddress,
) {
    // With its session, an adapter forgets whom it observes.
    let Some(session) = sessions.adapter_of(presentity.selector()) else { return };
    if !observes(externals, presentity) {
        return;
    }
    let Ok((watcher, target)) = pair(mapper, presentity) else { return };
    if let Err(error) = session.ask(Operation::Unsubscribe(Unsubscribe { watcher, target })).await {
        tracing::debug!(%presentity, %error, "the adapter was not told that nobody watches");
    }
}

/// Whether the adapter is one to be asked: it may have claimed more on an earlier session.
fn observes(externals: &Externals, presentity: &ForeignAddress) -> bool {
    externals.presence(presentity.selector()) == PresenceSupport::Observe
}

/// What a notification tells that is meant for the gateway itself; nothing where it is for somebody else, or about
/// somebody whom the session does not serve.
pub(crate) fn observation(
    notify: &Notify,
    session: &Session,
    externals: &Externals,
    mapper: &Mapper,
) -> Option<Observation> {
    if mapper.resident(notify.watcher.address()) != Ok(Some(Local::Gateway)) {
        return None;
    }
    let Ok(Some(Local::Route(foreign))) = mapper.resident(notify.target.address()) else { return None };
    session.serves().contains(&Scope::Selector(foreign.selector().clone())).then_some(())?;
    Some(Observation {
        presentity: externals.canonicalise(foreign).ok()?,
        presence: notify.presence.clone(),
        document: notify.document.clone(),
    })
}

/// The gateway as a watcher, and the presentity as it is written for it.
fn pair(mapper: &Mapper, presentity: &ForeignAddress) -> Result<(PresUri, PresUri), DeliveryError> {
    let uri =
        |address: Option<Address>| address.and_then(|address| PresUri::try_from(Uri::from(address)).ok());
    let watcher = uri(mapper.address_of(&Local::Gateway, Class::Pres).ok());
    let target = uri(mapper.address_of(&Local::Route(presentity.clone()), Class::Pres).ok());
    watcher
        .zip(target)
        .ok_or_else(|| DeliveryError::refused(Code::BadAddress, "not an address of that system"))
}
