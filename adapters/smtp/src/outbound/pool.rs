//! Connections that are kept for the next mail to the same server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpim_adapter::DeliveryError;
use tokio::time::Instant;

use super::client::Client;
use super::servers::Place;

/// Connections that are kept for one server; more are closed after use, so that none is held open against its limits.
const IDLE_EACH: usize = 4;
/// Connections that are kept in all.
const IDLE: usize = 64;
/// For how long one is kept: less than any server waits (RFC 5321 section 4.5.3.2.7).
const IDLE_TIME: Duration = Duration::from_secs(30);

/// Of one route's connections none serves another's mail: theirs may have to prove more.
type Key = (SocketAddr, usize, String);

/// Connections that nobody uses now.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<Key, Vec<(Client, Instant)>>>);

impl Pool {
    /// A connection to the first of these places that answers.
    ///
    /// # Errors
    /// None does; the last one's trouble.
    pub(crate) async fn client(&self, places: &[Place], hello: &str) -> Result<Client, DeliveryError> {
        let mut trouble = DeliveryError::transport("no server to go to");
        for place in places {
            while let Some(mut idle) = self.take(place) {
                if idle.is_alive().await {
                    return Ok(idle);
                }
            }
            match Client::connect(place, hello).await {
                Ok(client) => return Ok(client),
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    /// Keeps a connection for the next.
    pub(crate) fn put_back(&self, places: &[Place], client: Client) {
        let Some(place) = places.iter().find(|place| place.server == client.server()) else { return };
        let mut idle = self.lock();
        let now = Instant::now();
        idle.values_mut().for_each(|kept| kept.retain(|(_, until)| now < *until));
        idle.retain(|_, kept| !kept.is_empty());
        let in_all: usize = idle.values().map(Vec::len).sum();
        let kept = idle.entry(key(place)).or_default();
        if client.is_sound() && kept.len() < IDLE_EACH && in_all < IDLE {
            kept.push((client, now + IDLE_TIME));
        }
    }

    fn take(&self, place: &Place) -> Option<Client> {
        let now = Instant::now();
        let mut idle = self.lock();
        let kept = idle.get_mut(&key(place))?;
        kept.retain(|(_, until)| now < *until);
        kept.pop().map(|(client, _)| client)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<(Client, Instant)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(place: &Place) -> Key {
    (place.server, place.tls.number, place.name.clone())
}
