//! Telling watchers: one task takes what is ready, and whoever is slow holds up nobody else.

use std::collections::{HashMap, VecDeque};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use cpim_adapter::{
    Address, CommitLog, CommitPoint, Delivery, Domain, Notify, Operation, Outcome, Passage, Retry, Scope,
    Standing, Status, TransId, Withdrawn, Word,
};
use tokio::time::timeout;
use tracing::debug;

use super::super::Router;
use super::say::last_word;
use super::{LeaseKey, LegOut};
use crate::ids;
use crate::presence::{Item, State, Telling, Told, What};
use crate::rules::Ask;
use crate::sync::lock;

/// How long a notification may wait for a place on its way before its watcher counts as out of reach: what a peer
/// that reads nothing is given (native-cpim.md, What bad input gets).
const PATIENCE: Duration = Duration::from_secs(30);

/// Told in a row before others have their turn on this thread.
const IN_A_ROW: usize = 64;

/// Where notifications wait for each other.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Way {
    /// To whoever serves a whole domain.
    Domain(Domain),
    /// To one watcher.
    Watcher(Address),
}

/// Ways on which a notification waits for a place, and what waits behind it: at most what there is to tell, each
/// subscription once.
#[derive(Default)]
pub(super) struct Stuck(HashMap<Way, VecDeque<Item>>);

/// A notification has no commit point that anybody would have to know of.
struct Unnoted;

#[async_trait]
impl CommitLog for Unnoted {
    async fn commit(&self, _recall: Option<Duration>) -> Result<(), Withdrawn> {
        Ok(())
    }
}

/// A delivery's commit point where nothing is noted.
pub(super) fn unnoted() -> CommitPoint {
    CommitPoint::new(Unnoted)
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Router {
    /// Tells whatever is ready, for as long as the gateway lives.
    pub(in super::super) async fn tell_watchers(self: Arc<Self>) {
        let mut row = 0;
        loop {
            // Asked for before looking, so that nothing is missed.
            let more = self.presence.ready.notified();
            let next = lock(&self.presence.book).next_ready();
            match next {
                Some(item) => {
                    self.tell_item(item).await;
                    row += 1;
                    if row % IN_A_ROW == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                None => more.await,
            }
        }
    }

    /// Tells one; if it must wait, others go on without it.
    async fn tell_item(self: &Arc<Self>, item: Item) {
        let Some(item) = self.behind_others(item) else { return };
        let Some((key, telling)) = self.presence_begin(item) else { return };
        let asker = key.is_none().then(|| telling.watcher.address().clone());
        let router = Arc::clone(self);
        let mut work: Work = Box::pin(async move { router.tell(key, telling).await });
        let at_once = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready())).await;
        if at_once {
            return;
        }
        let Some(watcher) = asker.or_else(|| lock(&self.presence.book).watcher_of(key?)) else {
            // The subscription has ended meanwhile: he is told nothing more, and nothing waits behind this.
            self.tasks.spawn(work);
            return;
        };
        let way = self.way_to(&watcher);
        // His way may have changed since it was looked at, and others wait on this one already.
        lock(&self.presence.stuck).0.entry(way.clone()).or_default();
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            work.await;
            loop {
                let next = {
                    let mut stuck = lock(&router.presence.stuck);
                    let next = stuck.0.get_mut(&way).and_then(VecDeque::pop_front);
                    if next.is_none() {
                        stuck.0.remove(&way);
                    }
                    next
                };
                let Some(item) = next else { return };
                if let Some((key, telling)) = router.presence_begin(item) {
                    router.tell(key, telling).await;
                }
            }
        });
    }

    /// Puts it behind what waits on the same way, where something does; else it comes back. Mostly nothing waits
    /// anywhere, and then nobody need know the way.
    fn behind_others(&self, item: Item) -> Option<Item> {
        if lock(&self.presence.stuck).0.is_empty() {
            return Some(item);
        }
        let way = self.way_to(&self.watcher_of(&item)?);
        match lock(&self.presence.stuck).0.get_mut(&way) {
            Some(waiting) => {
                waiting.push_back(item);
                None
            }
            None => Some(item),
        }
    }

    fn watcher_of(&self, item: &Item) -> Option<Address> {
        match item {
            Item::Lease(key) => lock(&self.presence.book).watcher_of(*key),
            Item::Once(once) => Some(once.watcher.address().clone()),
        }
    }

    fn way_to(&self, watcher: &Address) -> Way {
        let own = self.policy().mapper.is_ours(watcher.domain())
            || self.contacts.serves(&[Scope::Address(watcher.clone())]);
        if own { Way::Watcher(watcher.clone()) } else { Way::Domain(watcher.domain().clone()) }
    }

    fn presence_begin(&self, item: Item) -> Option<(Option<LeaseKey>, Telling)> {
        let now = self.presence.clock.now();
        let mut book = lock(&self.presence.book);
        match item {
            Item::Lease(key) => Some((Some(key), book.begin(key)?)),
            Item::Once(once) => Some((None, book.begin_once(*once, now)?)),
        }
    }

    /// Tells one watcher what he may see, unless he knows it.
    async fn tell(self: &Arc<Self>, key: Option<LeaseKey>, telling: Telling) {
        let ask = if key.is_some() { Ask::Subscribe } else { Ask::Fetch };
        let seen = self.seen(ask, &telling);
        // What he may was other when it was written down: once he has heard so, it ends.
        let is_last = seen.is_none();
        let state = seen.unwrap_or_else(|| match key {
            Some(_) => last_word(&telling.presentity),
            None => State::closed(&telling.presentity),
        });
        let digest = state.digest();
        let finish = |told| {
            let Some(key) = key else { return };
            let has_heard = !matches!(told, Told::Unreached);
            self.finish_telling(key, told);
            if is_last && has_heard {
                self.end_silently(key);
            }
        };
        if digest == telling.told {
            return finish(Told::Nothing);
        }
        let passage = match telling.what {
            What::Passed(_, Some(passage)) => passage,
            _ => self.own_passage(),
        };
        let notify = Notify {
            watcher: telling.watcher,
            target: telling.target,
            presence: state.presence,
            document: state.document,
        };
        let number = self.presence.number();
        if let Some(key) = key {
            lock(&self.presence.legs).insert(number, LegOut::Told(key, digest));
        }
        // In its place at once: it is large, and would be moved into the other.
        let sending = pin!(self.send(number, Operation::Notify(notify), passage, telling.standing));
        let told = match timeout(PATIENCE, sending).await {
            // A word on it comes.
            Ok(Ok(Outcome::Pending)) => return,
            Ok(Ok(Outcome::Delivered(_) | Outcome::Delegated(_))) => Told::This(digest),
            Ok(Err((Retry::Never, detail))) => {
                debug!(detail, "a notification cannot be told on that leg");
                metrics::counter!("cpim_notify_lost_total").increment(1);
                Told::This(digest)
            }
            Ok(Err((_, detail))) => {
                debug!(detail, "a watcher is out of reach");
                Told::Unreached
            }
            Err(_) => Told::Unreached,
        };
        // Where a word came first, it has been dealt with.
        if key.is_none() || lock(&self.presence.legs).remove(&number).is_some() {
            finish(told);
        }
    }

    fn finish_telling(&self, key: LeaseKey, told: Told) {
        if let Told::This(digest) = told {
            self.note_told(key, digest);
        }
        self.presence.with(|book, _| book.finish(key, told));
    }

    /// Sends an operation of presence to its next hop, once.
    pub(super) async fn send(
        self: &Arc<Self>,
        number: u64,
        operation: Operation,
        mut passage: Passage,
        standing: Standing,
    ) -> Result<Outcome, (Retry, String)> {
        let operation = Arc::new(operation);
        let leg = self.next_leg_of_presence(&operation, standing).await?;
        let adapter =
            self.adapter(leg.port).cloned().ok_or_else(|| (Retry::Later, "no adapter".to_owned()))?;
        if passage.hops == 0 || passage.via.len() >= Passage::MAX_VIA {
            return Err((Retry::Never, "it has come too far".to_owned()));
        }
        passage.hops -= 1;
        passage.via.push(self.policy().mapper.relay_domain().clone());
        let delivery = Delivery {
            leg: number,
            trans_id: TransId::from_draw(ids::draw()),
            operation: leg.operation,
            passage,
            standing,
            accepted_at: SystemTime::now(),
            hop: leg.hop,
            again: false,
        };
        let delivered = adapter.deliver(delivery, &unnoted()).await;
        delivered.map_err(|error| (error.retry, error.to_string()))
    }

    /// The path of what begins here.
    pub(in super::super) fn own_passage(&self) -> Passage {
        Passage { id: ids::operation_id(), hops: self.policy().limits.hops, via: Vec::new(), wait: None }
    }

    /// A word on a leg of presence.
    pub(in super::super) fn presence_word(&self, number: u64, word: Word) {
        let leg = lock(&self.presence.legs).remove(&number);
        match leg {
            Some(LegOut::Told(key, digest)) => {
                let told = match word {
                    Word::Answered(response) if response.status() == Status::Success => Told::This(digest),
                    // It will never go by that way: too large, for one.
                    Word::Answered(_) => Told::This(digest),
                    Word::NotSent | Word::Unknown => Told::Unreached,
                };
                self.finish_telling(key, told);
            }
            Some(LegOut::Asked(asker)) => {
                // Whoever asked may have stopped waiting.
                let _gone = asker.send(word);
            }
            None => {}
        }
    }
}
