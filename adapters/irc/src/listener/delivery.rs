//! From the gateway to a client: up to the commit point here, behind it in the client's own task.

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    Address, Class, Code, CommitPoint, Delivery, DeliveryError, Fault, MemoryError, Notify, Retry,
};
use cpim_irc_proto::Origin;
use tokio::sync::mpsc;

use super::client::Client;
use super::departure::{Departure, Letter, News};
use super::nick::{GATEWAY, fold};
use super::server::{Live, Server};
use super::session::origin_of;
use super::users::{Face, User};
use crate::net::nobody_there;
use crate::outgoing::Outgoing;
use crate::shown::{self, Most, Reader};

/// Lines of one message at most; of what somebody asked for, a content of 1 MiB in base64.
const MOST: Most = Most { shown: 200, whole: 20_000 };

/// The journal's clock counts milliseconds: what was accepted in the one in which a nick was taken is for who took it.
const MOMENT: Duration = Duration::from_millis(1);

/// Tells every client of a target of somebody's presence.
pub(super) async fn news(
    server: &Server,
    target: &str,
    notify: &Notify,
    commit: &CommitPoint,
) -> Result<(), DeliveryError> {
    let users = server.users().of(target);
    if users.is_empty() {
        return Err(DeliveryError::out_of_contact());
    }
    commit.pass(None).await?;
    for user in users {
        let news =
            News { target: notify.target.as_uri().address().clone(), presence: notify.presence.clone() };
        // A connection that is just ending watches nobody any more.
        let _sent = user.room.send(Departure::News(Box::new(news))).await;
    }
    Ok(())
}

/// Hands a message to the client that takes it for a target.
pub(super) async fn letter(
    server: &Server,
    live: &Arc<Live>,
    target: &str,
    letter: Outgoing<'_>,
    commit: &CommitPoint,
) -> Result<(), DeliveryError> {
    let Outgoing { message, delivery } = letter;
    let user = reachable(server, live, target, delivery).await?;
    let source = message.source.as_uri().address();
    if let Some(name) = shown::source_name(message) {
        live.aliases.is_called(source, name);
    }
    let person = server.person_at(source, &live.cx.mapper());
    let account = person.and_then(|person| server.users().of(&person).last()?.face().account);
    let source =
        origin(server, live, source).await.map_err(|error| DeliveryError::transport(error.to_string()))?;
    let face = user.face();
    let frame = (source.to_string().len(), &*face.nick, "");
    let reader = Reader { inbox: GATEWAY, is_guest: face.account.is_none() };
    let lines = letter.lines(&live.cx, frame, MOST, reader).await?;
    let place = match user.room.reserve().await {
        Ok(place) => place,
        Err(mpsc::error::SendError(())) => return Err(DeliveryError::out_of_contact()),
    };
    commit.pass(None).await?;
    // Should the client have left meanwhile, the leg is dropped, which says that nothing was sent.
    place.send(Departure::Letter(Box::new(Letter {
        leg: letter.leg(&live.cx),
        verb: letter.verb(),
        source,
        account,
        lines,
        id: delivery.passage.id.clone(),
        at: delivery.accepted_at,
    })));
    Ok(())
}

/// The client that takes messages for a target: the newest of an account, or the one that has had the nick since before
/// the message was accepted.
async fn reachable(
    server: &Server,
    live: &Live,
    target: &str,
    delivery: &Delivery,
) -> Result<Arc<User>, DeliveryError> {
    let newest = server.users().of(target).into_iter().next_back();
    let is_theirs = |face: &Face| {
        face.person() == target && face.account.is_some() || face.nick_since <= delivery.accepted_at + MOMENT
    };
    match newest {
        Some(user) if is_theirs(&user.face()) => Ok(user),
        Some(_) => Err(DeliveryError::refused(
            Code::Unreachable,
            "whoever had that nick has left, and another has it now",
        )),
        None => {
            let loaded = server.loaded();
            let known = live.accounts.exists(&loaded.settings.accounts, target).await;
            match known.map_err(|error| DeliveryError::transport(error.to_string()))? {
                // What was under way when its owner left, or the gateway, waits for him; what is new is told at once.
                true => {
                    let gone_since = server.users().left_at(target).unwrap_or(server.began);
                    let waits = delivery.accepted_at <= gone_since;
                    Err(DeliveryError {
                        fault: Fault::Transport,
                        retry: if waits { Retry::OnContact } else { Retry::Never },
                        code: Code::Unreachable,
                        public: "known, but not in contact".into(),
                        detail: String::new(),
                    })
                }
                false => Err(nobody_there()),
            }
        }
    }
}

/// As whom an address appears on this network.
///
/// # Errors
/// [`MemoryError`] where that cannot be looked up.
pub(super) async fn origin(server: &Server, live: &Live, address: &Address) -> Result<Origin, MemoryError> {
    let mapper = live.cx.mapper();
    let unnamed = |error: cpim_irc_proto::NameError| MemoryError::Store(error.to_string());
    let network = server.name().as_str();
    if let Some(person) = server.person_at(address, &mapper) {
        if let Some(user) = server.users().of(&person).last() {
            return origin_of(&user.face(), network).map_err(unnamed);
        }
        let nick = cpim_irc_proto::Nick::parse(&fold(&person)).map_err(unnamed)?;
        let user = cpim_irc_proto::User::parse(nick.as_str()).map_err(unnamed)?;
        let host = cpim_irc_proto::Host::parse(network).map_err(unnamed)?;
        return Ok(Origin::Person { nick, user, host });
    }
    let loaded = server.loaded();
    let taken = Client::taken(server, live, &loaded);
    live.aliases.appearance(&address.clone().with_class(Class::Im), &mapper, &taken).await
}
