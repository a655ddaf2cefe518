//! Whose a nick is: of its account or, where there is none, of whoever has it on his connection. Between the two, and from
//! one guest to the next, it changes hands, and nothing that the one before has said is the next one's.

use cpim_adapter::{Class, MemoryError};

use super::nick::fold;
use super::server::{Live, Server};

/// What is noted of a nick that is an account's.
const ACCOUNT: &[u8] = b"account";

/// Somebody without an account takes a nick up.
///
/// # Errors
/// [`MemoryError`] where it cannot be his at present.
pub(super) async fn for_guest(server: &Server, live: &Live, nick: &str) -> Result<(), MemoryError> {
    newcomer(server, live, nick).await?;
    let (space, nick) = (space(server), fold(nick));
    match live.cx.memory.note(&space, &nick).await? {
        Some(_) => live.cx.memory.forget(&space, &nick).await,
        None => Ok(()),
    }
}

/// The nick is an account's; what a guest has said by it before ends.
///
/// # Errors
/// [`MemoryError`] where that is not so at present.
pub(super) async fn for_account(server: &Server, live: &Live, nick: &str) -> Result<(), MemoryError> {
    if live.cx.memory.note(&space(server), &fold(nick)).await?.is_some() {
        return Ok(());
    }
    newcomer(server, live, nick).await?;
    stays(server, live, nick).await
}

/// Whoever has the nick has made an account of it: he stays who he is.
///
/// # Errors
/// [`MemoryError`] where it cannot be noted at present.
pub(super) async fn stays(server: &Server, live: &Live, nick: &str) -> Result<(), MemoryError> {
    live.cx.memory.set_note(&space(server), &fold(nick), ACCOUNT.into(), None).await
}

/// There is no account of this name any more: whoever has it next is another, with an account or without.
///
/// # Errors
/// [`MemoryError`] where it cannot be noted at present.
pub(super) async fn is_gone(server: &Server, live: &Live, nick: &str) -> Result<(), MemoryError> {
    live.cx.memory.forget(&space(server), &fold(nick)).await
}

async fn newcomer(server: &Server, live: &Live, nick: &str) -> Result<(), MemoryError> {
    match server.uri_of(&fold(nick), Class::Im, &live.cx.mapper()) {
        Some(uri) => live.cx.newcomer(uri.address()).await,
        None => Ok(()),
    }
}

fn space(server: &Server) -> String {
    format!("irc.owners.{}", server.name())
}
