//! Subscriptions that another server keeps: asked for with the watcher's own identity, renewed from here for as long
//! as he watches, and asked for again where the other side has forgotten them (DESIGN: shadow leases).

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{
    Code, Operation, Outcome, Passage, Response, Retry, Standing, Status, Subscribe, Unsubscribe, Word,
};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{debug, info};

use super::super::Router;
use super::super::flight::Pair;
use super::super::refusal::Refusal;
use super::ask::{Answered, Asked};
use super::place::Place;
use super::{Behind, LeaseKey, LegOut};
use crate::presence::{Ended, Far, How, Kind, Link};
use crate::sync::lock;

/// How long another server may take to answer: presence is answered at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// First and longest pause between two attempts to renew, in milliseconds.
const PAUSE_MS: (i64, i64) = (1_000, 60_000);

/// What a watcher hears when the other server ends his subscription.
const ENDED: &str = "the subscription was ended by the presentity's server";

/// What a watcher hears when the link to the other server has been down for long.
const NO_LINK: &str = "its server cannot be reached";

impl Router {
    /// Asks the other server for the lease behind a subscription that was entered. What to answer where it does not
    /// grant one.
    pub(super) async fn refused_beyond(
        self: &Arc<Self>,
        key: LeaseKey,
        subscribe: &Subscribe,
        granted: u32,
        asked: &Asked,
    ) -> Option<Result<Answered, Refusal>> {
        self.presence.with(|book, _| book.set_far(key, Far::default()));
        let asking = Subscribe { duration: granted, ..subscribe.clone() };
        match self.ask_for_lease(asking, asked.passage.clone(), asked.standing).await {
            Ok(response) if response.status() == Status::Success => {
                self.granted_beyond(key, &response, granted);
                None
            }
            Ok(response) => Some(Ok(Answered::alone(response.or_code(Code::Refused)))),
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// Ends a subscription by its name; the last notification is the other server's.
    pub(super) async fn cancel_beyond(
        self: &Arc<Self>,
        key: LeaseKey,
        subscribe: &Subscribe,
        place: &Place,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let (far, ended) = self.presence.with(|book, now| {
            let id = book.far(key).and_then(|far| far.id.clone());
            (id, book.end(key, How::Unsubscribed, now))
        });
        if let Some(ended) = ended {
            self.write_end(&ended, asked.by.as_deref()).await;
        }
        let subscript_id = far.or_else(|| subscribe.subscript_id.clone());
        self.look_beyond(&Subscribe { subscript_id, ..subscribe.clone() }, place, asked).await
    }

    /// Has a subscription last longer that another server keeps. That server is asked at once: where it has ended the
    /// subscription meanwhile, it grants another or says that it does not. Out of reach, it is asked again from here.
    pub(super) async fn renew_beyond(
        self: &Arc<Self>,
        key: LeaseKey,
        duration: u32,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let granted = self.policy().presence.granted(duration);
        if let Some((renewal, ..)) = self.renewal(key) {
            let renewal = Subscribe { duration: granted, ..renewal };
            match self.ask_for_lease(renewal, asked.passage.clone(), asked.standing).await {
                Ok(response) if response.status() == Status::Success => {
                    self.granted_beyond(key, &response, granted);
                }
                Ok(response) if is_final(&response) => {
                    if let Some(ended) = self.presence.with(|book, now| book.end(key, How::Refused, now)) {
                        self.write_end(&ended, asked.by.as_deref()).await;
                    }
                    return Ok(Answered::alone(response.or_code(Code::Refused)));
                }
                Ok(_) | Err(_) => {}
            }
        }
        self.renew(key, duration, asked).await
    }

    /// Notes what the other server granted, and when to renew it: with a quarter of it left.
    fn granted_beyond(&self, key: LeaseKey, response: &Response, asked_s: u32) {
        let seconds = i64::from(response.duration().unwrap_or(asked_s).max(1));
        self.presence.with(|book, now| {
            let Some(far) = book.far_mut(key) else { return };
            if let Some(id) = response.subscript_id() {
                far.id = Some(id.clone());
            }
            far.until = now + seconds * 1_000;
            far.tries = 0;
            book.renew_at(key, now + (seconds * 750).max(PAUSE_MS.0));
        });
    }

    /// Asks for a subscription; where the other side has one that nobody here knows of, that one is ended first.
    async fn ask_for_lease(
        self: &Arc<Self>,
        subscribe: Subscribe,
        passage: Passage,
        standing: Standing,
    ) -> Result<Response, Refusal> {
        let (watcher, target) = (subscribe.watcher.clone(), subscribe.target.clone());
        let again = subscribe.clone();
        let response = self.ask_far(Operation::Subscribe(subscribe), passage.clone(), standing).await?;
        if response.code() != Some(Code::AlreadySubscribed) {
            return Ok(response);
        }
        debug!(%watcher, %target, "the other side has a subscription that is unknown here");
        let end = Operation::Unsubscribe(Unsubscribe { watcher, target });
        self.ask_far(end, passage.clone(), standing).await?;
        self.ask_far(Operation::Subscribe(again), passage, standing).await
    }

    /// A single look at somebody who is elsewhere: the one notification is the other server's.
    pub(super) async fn look_beyond(
        self: &Arc<Self>,
        subscribe: &Subscribe,
        place: &Place,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let pair = Pair::new(subscribe.watcher.address().clone(), place.presentity().clone());
        let operation = Operation::Subscribe(subscribe.clone());
        self.presence.with(|book, now| book.expect_look(&pair.source, &pair.destination, now));
        let answered = self.ask_far(operation, asked.passage.clone(), asked.standing).await;
        if let Ok(response) = &answered
            && response.status() == Status::Success
        {
            return Ok(Answered { response: response.clone(), behind: Some(Behind::Look(pair)) });
        }
        // What comes from there now is for whoever watches, and not for this look.
        self.presence.with(|book, _| book.look_is_over(&pair.source, &pair.destination));
        answered.map(|response| Answered::alone(response.or_code(Code::Refused)))
    }

    /// Asks another server, once.
    ///
    /// # Errors
    /// What to answer where it cannot be reached: nothing of it was taken there.
    pub(super) async fn ask_far(
        self: &Arc<Self>,
        operation: Operation,
        passage: Passage,
        standing: Standing,
    ) -> Result<Response, Refusal> {
        let number = self.presence.number();
        let (asker, word) = oneshot::channel();
        lock(&self.presence.legs).insert(number, LegOut::Asked(asker));
        let asking = async {
            match self.send(number, operation, passage, standing).await {
                Ok(Outcome::Delivered(response) | Outcome::Delegated(response)) => Ok(response),
                Ok(Outcome::Pending) => match word.await {
                    Ok(Word::Answered(response)) => Ok(response),
                    Ok(Word::NotSent) => Err((Retry::OnContact, "the connection ended first".to_owned())),
                    Ok(Word::Unknown) | Err(_) => {
                        Ok(Response::indeterminant(Code::Timeout, "handed over, but no answer came"))
                    }
                },
                Err(refused) => Err(refused),
            }
        };
        let answered = timeout(PATIENCE, asking).await;
        lock(&self.presence.legs).remove(&number);
        match answered {
            Ok(Ok(response)) => Ok(response),
            Ok(Err((Retry::Never, detail))) => {
                Err(Refusal::new(Code::Refused, "its server takes no such thing", detail))
            }
            Ok(Err((_, detail))) => Err(Refusal::new(Code::Unreachable, "known, but not in contact", detail)),
            Err(_) => Ok(Response::indeterminant(Code::Timeout, "no answer came in time")),
        }
    }

    /// Renews what is due with other servers, each in the lane of its pair; tells those whose link is down for long.
    pub(super) fn see_to_far(self: &Arc<Self>) {
        for (key, source, destination) in self.presence.with(|book, now| book.due_far(now)) {
            let pair = Pair::new(source, destination);
            let router = Arc::clone(self);
            self.in_lane(pair, async move { router.renew_far(key).await });
        }
        for link in self.presence.with(|book, now| book.links.too_long(now)) {
            info!(%link, "no link for long: its presentities count as closed");
            self.presence.with(|book, _| book.close_far(&link, NO_LINK));
        }
    }

    async fn renew_far(self: &Arc<Self>, key: LeaseKey) {
        let Some((subscribe, standing, link)) = self.renewal(key) else { return };
        let asked_s = subscribe.duration;
        match self.ask_for_lease(subscribe, self.own_passage(), standing).await {
            Ok(response) if response.status() == Status::Success => {
                self.granted_beyond(key, &response, asked_s);
                self.presence.with(|book, _| book.links.back(&link));
                self.note_lease(key, None).await;
            }
            Ok(response) if is_final(&response) => {
                info!(%link, %response, "a subscription is not granted any longer");
                let _ended = self.end_with_words(key, ENDED);
            }
            _ => self.presence.with(|book, now| {
                book.links.lost(&link, now);
                let Some(far) = book.far_mut(key) else { return };
                far.tries = far.tries.saturating_add(1);
                let pause = PAUSE_MS.0.saturating_mul(1 << far.tries.min(10)).min(PAUSE_MS.1);
                book.renew_at(key, now + pause);
            }),
        }
    }

    /// What to ask for, for as long as the watcher's own subscription still lasts.
    fn renewal(&self, key: LeaseKey) -> Option<(Subscribe, Standing, Link)> {
        let default = self.policy().presence.default_lease_s;
        let (subscribe, standing, presentity) = self.presence.with(|book, now| {
            let (watcher, target) = book.spelled(key)?;
            let (presentity, _, _, until, standing) = book.particulars(key)?;
            let left = u32::try_from((until.saturating_sub(now) / 1_000).max(1)).unwrap_or(u32::MAX);
            let duration = if until == i64::MAX { default } else { left };
            let subscript_id = book.far(key)?.id.clone();
            Some((Subscribe { watcher, target, duration, subscript_id }, standing, presentity))
        })?;
        Some((subscribe, standing, self.link_to(&presentity)))
    }

    /// A subscription ended here: the other server is told, as far as it can be; else it runs out there.
    pub(super) async fn end_far(self: &Arc<Self>, ended: &Ended) {
        if ended.kind != Kind::Elsewhere {
            return;
        }
        let operation = Operation::Unsubscribe(Unsubscribe {
            watcher: ended.watcher.clone(),
            target: ended.target.clone(),
        });
        if let Err(refusal) = self.ask_far(operation, self.own_passage(), Standing::Verified).await {
            debug!(presentity = %ended.presentity, detail = refusal.detail, "the other server was not told");
        }
    }

    /// The same, in its turn.
    pub(super) fn end_far_in_turn(self: &Arc<Self>, ended: Ended) {
        let pair = Pair::new(ended.past.watcher.clone(), ended.presentity.clone());
        let router = Arc::clone(self);
        self.in_lane(pair, async move { router.end_far(&ended).await });
    }

    /// A link to a domain is gone: what its server keeps is asked for again.
    pub(super) fn link_is_gone(&self, link: &Link) {
        if !self.is_draining() {
            self.presence.with(|book, now| book.link_is_gone(link, now));
        }
    }
}

/// Whether another server grants no subscription, and will not if it is asked again soon.
fn is_final(response: &Response) -> bool {
    response.status() == Status::Failure
        && !matches!(response.code(), Some(Code::Busy | Code::Unreachable | Code::NoRoute))
}
