//! Connections to mail servers: a few to each at once, and kept for the next mail to the same one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpim_adapter::DeliveryError;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::client::Client;
use super::servers::Place;

/// Connections to one server at once, used or kept: well below what servers let one client have (Postfix: 50), and
/// enough to keep one busy. A burst takes turns on them; a connection for each of its mails would cost both sides more
/// than the mail.
const EACH: usize = 20;
/// For how long a mail waits for its turn. One server that takes its time over all of them is no reason not to try
/// another connection, and then another server.
const PATIENCE: Duration = Duration::from_secs(2);
/// Connections that are kept in all.
const IDLE: usize = 64;
/// For how long one is kept: less than any server waits (RFC 5321 section 4.5.3.2.7).
const IDLE_TIME: Duration = Duration::from_secs(30);
/// For how long after its last mail a connection that is quiet counts as alive without being asked. Should it be gone a
/// moment later, nothing is accepted by anybody, and the mail is tried again.
const FRESH: Duration = Duration::from_secs(1);

/// Of one route's connections none serves another's mail: theirs may have to prove more.
type Key = (SocketAddr, usize, String);

/// Connections that nobody uses now, and turns on those that are used.
#[derive(Default)]
pub(crate) struct Pool(Mutex<HashMap<Key, Server>>);

struct Server {
    turns: Arc<Semaphore>,
    /// Each with when its last mail was over.
    idle: Vec<(Client, Instant)>,
}

impl Default for Server {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(EACH)), idle: Vec::new() }
    }
}

impl Server {
    fn forget_old(&mut self, now: Instant) {
        self.idle.retain(|(_, since)| now < *since + IDLE_TIME);
    }

    /// Nobody has, wants or has lately had anything of it.
    fn is_over(&self) -> bool {
        self.idle.is_empty() && Arc::strong_count(&self.turns) == 1
    }
}

impl Pool {
    /// A connection to the first of these places that answers.
    ///
    /// # Errors
    /// None does; the last one's trouble.
    ///
    /// # Cancel safety
    /// Cancelled, another has the turn.
    pub(crate) async fn client(&self, places: &[Place], hello: &str) -> Result<Client, DeliveryError> {
        let mut trouble = DeliveryError::transport("no server to go to");
        for place in places {
            let turns = Arc::clone(&self.lock().entry(key(place)).or_default().turns);
            // Never closed, so that all there can be is no turn in time.
            let turn = timeout(PATIENCE, turns.acquire_owned()).await.ok().and_then(Result::ok);
            while let Some((mut idle, is_fresh)) = self.take(place) {
                if idle.is_alive(is_fresh).await {
                    idle.turn = turn;
                    return Ok(idle);
                }
            }
            match Client::connect(place, hello).await {
                Ok(mut client) => {
                    client.turn = turn;
                    return Ok(client);
                }
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    /// Keeps a connection for the next.
    pub(crate) fn put_back(&self, places: &[Place], mut client: Client) {
        let Some(place) = places.iter().find(|place| place.server == client.server()) else { return };
        // Given up only once the connection can be found.
        let _turn = client.turn.take();
        let mut servers = self.lock();
        let now = Instant::now();
        servers.values_mut().for_each(|server| server.forget_old(now));
        servers.retain(|_, server| !server.is_over());
        let in_all: usize = servers.values().map(|server| server.idle.len()).sum();
        let idle = &mut servers.entry(key(place)).or_default().idle;
        if client.is_sound() && idle.len() < EACH && in_all < IDLE {
            idle.push((client, now));
        }
    }

    /// A connection that is kept, and whether it was used just now.
    fn take(&self, place: &Place) -> Option<(Client, bool)> {
        let now = Instant::now();
        let mut servers = self.lock();
        let server = servers.get_mut(&key(place))?;
        server.forget_old(now);
        server.idle.pop().map(|(client, since)| (client, now < since + FRESH))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Server>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(place: &Place) -> Key {
    (place.server, place.tls.number, place.name.clone())
}
