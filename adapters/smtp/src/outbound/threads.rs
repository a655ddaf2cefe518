//! What was written last between two people: whoever has no way to say what he answers answers that, so that his
//! messages stay with the others in a mail program.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpim_adapter::{Address, Mapper};
use cpim_smtp_proto::mail::{Thread, meant};
use tokio::time::Instant;

/// Conversations that are known at once: a few MiB. One more begins anew.
const MOST: usize = 16_384;
/// For how long a conversation goes on by itself after the last word of it.
const GOES_ON: Duration = Duration::from_secs(24 * 3_600);

/// The conversations of late. They are not kept over a restart: all that is lost is where a message stands in a list.
#[derive(Debug, Default)]
pub(crate) struct Threads(Mutex<HashMap<Pair, (Thread, Instant)>>);

/// Two people, in an order that does not depend on who writes.
type Pair = (Address, Address);

impl Threads {
    /// Notes what was written last between the two.
    pub(crate) fn note(&self, between: [&Address; 2], mapper: &Mapper, thread: Thread) {
        let (pair, now) = (pair(between, mapper), Instant::now());
        let mut threads = self.lock();
        if threads.len() >= MOST && !threads.contains_key(&pair) {
            threads.retain(|_, (_, at)| now.duration_since(*at) < GOES_ON);
            if threads.len() >= MOST {
                return;
            }
        }
        threads.insert(pair, (thread, now));
    }

    /// What was written last between the two, where that is not long ago.
    pub(super) fn last(&self, between: [&Address; 2], mapper: &Mapper) -> Option<Thread> {
        let threads = self.lock();
        let (thread, at) = threads.get(&pair(between, mapper))?;
        (at.elapsed() < GOES_ON).then(|| thread.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, (Thread, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes to them are taken off: mail spells an address otherwise than the gateway.
fn pair(between: [&Address; 2], mapper: &Mapper) -> Pair {
    let [one, other] = between.map(|address| meant(address, mapper));
    if one <= other { (one, other) } else { (other, one) }
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{Domain, Selectors};

    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_conversation_is_of_two_and_ends() {
        let mapper = Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default());
        let bob = address("im:mailto=bob~40mail.example@gw.example");
        let (fred, by_mail) = (address("im:fred@a.example"), address("im:im=fred~40a.example@gw.example"));
        let threads = Threads::default();
        let thread = Thread { message_id: "<1@mail.example>".into(), subject: None };
        threads.note([&bob, &by_mail], &mapper, thread.clone());
        assert_eq!(threads.last([&fred, &bob], &mapper), Some(thread));
        assert_eq!(threads.last([&address("im:wilma@a.example"), &bob], &mapper), None);
        tokio::time::advance(GOES_ON).await;
        assert_eq!(threads.last([&fred, &bob], &mapper), None);
    }
}
