//! Subscribe and unsubscribe, step by step (the draft's section 3.4.1; RFC 3859 section 3.4.1).

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{Address, Code, ForeignAddress, PresUri, Response, Subscribe, Unsubscribe};
use tokio::time::{sleep, timeout};

use super::super::Router;
use super::super::policy::PresenceLimits;
use super::super::refusal::Refusal;
use super::ask::{Answered, Asked};
use super::place::Place;
use super::{LeaseKey, Service};
use crate::ids;
use crate::presence::{Book, FIRST_WORD_MS, How, Kind, LeaseId, Name, NewLease, Once, Past, Spelled, Stage};
use crate::rules::{Ask, Decision};

/// How long an adapter may take to begin to observe: presence is answered at once.
const OBSERVING: Duration = Duration::from_secs(10);

/// What a subscribe means, by what there is already of its pair.
enum Wish {
    /// It came before, and began what there is: this is what it was answered.
    Again(Response),
    /// A subscription.
    Begin,
    /// The end of one.
    Cancel(LeaseKey),
    /// To hold one by another connection.
    Hold(LeaseKey),
    /// A single look.
    Look,
    /// More time for one.
    Renew(LeaseKey),
}

impl Router {
    /// Steps 1 to 4. The first, that the addresses are valid, is done where they are read; the sender's right to
    /// the watcher and the administrator's rules were asked on arrival. Where another server keeps the presentity,
    /// the second and the fourth are its.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        subscribe: &Subscribe,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let (watcher, target) = (subscribe.watcher.address(), subscribe.target.address());
        let place = self.place(target, watcher, asked.standing).await?;
        self.admits(&place, watcher, asked, subscribe.duration == 0 && !asked.held)?;
        if let Place::Foreign { port, foreign, presentity } = &place
            && let Err(refused) = self.see_to(*port, foreign, presentity).await
        {
            return Ok(Answered::alone(refused));
        }
        let beyond = matches!(place, Place::Beyond { .. });
        match self.wish(subscribe, place.presentity(), asked).await? {
            Wish::Again(response) => Ok(Answered::alone(response)),
            Wish::Begin => self.begin(subscribe, &place, asked).await,
            Wish::Cancel(key) if beyond => self.cancel_beyond(key, subscribe, &place, asked).await,
            Wish::Cancel(key) => Ok(self.cancel(key, subscribe, &place, asked)),
            Wish::Hold(key) => self.hold_on(key, asked),
            Wish::Look if beyond => self.look_beyond(subscribe, &place, asked).await,
            Wish::Look => Ok(self.fetch(subscribe, &place, asked)),
            Wish::Renew(key) if beyond => self.renew_beyond(key, subscribe.duration, asked).await,
            Wish::Renew(key) => self.renew(key, subscribe.duration, asked).await,
        }
    }

    /// Step 3, and what the name of a subscription changes in it (RFC 3859 section 3.4.3; native-cpim.md, Operations).
    async fn wish(
        &self,
        subscribe: &Subscribe,
        presentity: &Address,
        asked: &Asked,
    ) -> Result<Wish, Refusal> {
        let watcher = subscribe.watcher.address();
        let (live, named) = self.presence.with(|book, _| {
            let live = book.lease_of(watcher, presentity);
            let is_named = |key| subscribe.subscript_id.as_ref().is_some_and(|id| book.is_named(key, id));
            (live, live.is_some_and(is_named))
        });
        let key = match (live, asked.held, subscribe.duration) {
            (Some(key), true, _) => return Ok(Wish::Hold(key)),
            (None, true, _) => return Ok(Wish::Begin),
            (Some(key), false, 0) if named => return Ok(Wish::Cancel(key)),
            (_, false, 0) => return Ok(Wish::Look),
            (None, false, _) => return Ok(Wish::Begin),
            (Some(key), false, _) if named => return Ok(Wish::Renew(key)),
            (Some(key), false, _) => key,
        };
        match self.asked_before(watcher, presentity, asked.by.as_deref()).await {
            Some(row) => {
                let granted = u32::try_from(row.until.saturating_sub(row.since) / 1_000).ok();
                let id = self.presence.with(|book, _| book.id_of(key));
                Ok(Wish::Again(Response::success().with_duration(granted).with_subscript_id(id)))
            }
            None => Err(Refusal::new(
                Code::AlreadySubscribed,
                "there is a subscription already; name it to renew it",
                "",
            )),
        }
    }

    /// Step 2. Who is blocked politely is let through here, and sees nothing.
    fn admits(&self, place: &Place, watcher: &Address, asked: &Asked, once: bool) -> Result<(), Refusal> {
        let (ask, owner) = match place {
            Place::Beyond { .. } => return Ok(()),
            Place::Winfo { of, .. } => (Ask::Winfo, of),
            _ if once => (Ask::Fetch, place.presentity()),
            _ => (Ask::Subscribe, place.presentity()),
        };
        match self.book.decide(ask, owner, watcher, asked.standing) {
            Decision::Allow | Decision::Polite => Ok(()),
            Decision::Deny => Err(Refusal::new(Code::Denied, "not allowed", format!("the rules of {owner}"))),
        }
    }

    /// Has a foreign presentity observed, unless it is.
    ///
    /// # Errors
    /// What to answer where it cannot be.
    async fn see_to(
        self: &Arc<Self>,
        port: usize,
        foreign: &ForeignAddress,
        presentity: &Address,
    ) -> Result<(), Response> {
        let kind = Kind::Foreign { port, foreign: foreign.clone() };
        // Known before it is observed, so that the first word on it is heard.
        let (name, observed) = self.presence.with(|book, now| {
            let name = book.presentity(presentity, kind);
            book.may_be_idle(name, now);
            (name, book.begins_to_observe(name))
        });
        if observed {
            return Ok(());
        }
        let observed = match self.adapter(port).cloned() {
            Some(adapter) => timeout(OBSERVING, adapter.observe(foreign.clone())).await,
            None => return Err(Refusal::out_of_contact().response()),
        };
        let refused = match observed {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Response::failure(error.code, error.public)),
            Err(_) => Some(Refusal::out_of_contact().response()),
        };
        if let Some(refused) = refused {
            self.presence.with(|book, _| {
                book.is_out_of_reach(name);
                book.forget_unwatched(name);
            });
            return Err(refused);
        }
        let router = Arc::clone(self);
        self.tasks.spawn(async move {
            sleep(Duration::from_millis(FIRST_WORD_MS.unsigned_abs())).await;
            router.presence.with(|book, _| book.presume_closed(name));
        });
        Ok(())
    }

    /// Step 4, for a time.
    async fn begin(
        self: &Arc<Self>,
        subscribe: &Subscribe,
        place: &Place,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let limits = self.policy().presence.clone();
        let granted = if asked.held { limits.default_lease_s } else { limits.granted(subscribe.duration) };
        // There before another server is asked, because its first notification may overtake its response.
        let key = self.presence.enter(subscribe, place, (!asked.held).then_some(granted), asked, &limits)?;
        let drop_it = |how| self.presence.with(|book, now| book.end(key, how, now));
        if let Place::Beyond { .. } = place
            && let Some(answered) = self.refused_beyond(key, subscribe, granted, asked).await
        {
            drop_it(How::Refused);
            return answered;
        }
        if asked.held {
            if let Some(session) = asked.session {
                self.presence.with(|book, _| book.hold(session, key));
            }
            // Its connection may have gone in the meantime.
            if asked.session.is_none_or(|session| self.contacts.session(session).is_none()) {
                drop_it(How::Expired);
            }
        } else if !self.note_lease(key, asked.by.as_deref()).await {
            drop_it(How::Refused);
            return Err(Refusal::busy("nothing can be written down at present"));
        }
        let watcher = subscribe.watcher.address();
        tracing::debug!(%watcher, presentity = %place.presentity(), granted, "subscribed");
        let id = self.presence.with(|book, _| book.id_of(key));
        let duration = (!asked.held).then_some(granted);
        Ok(Answered::then_lease(Response::success().with_duration(duration).with_subscript_id(id), key))
    }

    /// A watcher whose protocol names no duration asks again, maybe by another connection: it holds the
    /// subscription from now on.
    fn hold_on(&self, key: LeaseKey, asked: &Asked) -> Result<Answered, Refusal> {
        let Some(session) = asked.session else {
            return Err(Refusal::new(Code::AlreadySubscribed, "there is a subscription already", ""));
        };
        self.presence.with(|book, _| book.hold(session, key));
        let id = self.presence.with(|book, _| book.id_of(key));
        Ok(Answered::then_lease(Response::success().with_subscript_id(id), key))
    }

    /// A subscription lasts from now on as long as is asked for, with one notification.
    pub(super) async fn renew(
        self: &Arc<Self>,
        key: LeaseKey,
        duration: u32,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let granted = self.policy().presence.granted(duration);
        let before = self.presence.with(|book, now| book.prolong(key, now + i64::from(granted) * 1_000));
        if !self.note_lease(key, asked.by.as_deref()).await {
            self.presence.with(|book, _| before.map(|before| book.prolong(key, before)));
            return Err(Refusal::busy("nothing can be written down at present"));
        }
        let id = self.presence.with(|book, _| book.id_of(key));
        let response = Response::success().with_duration(Some(granted)).with_subscript_id(id);
        Ok(Answered::then_lease(response, key))
    }

    /// Ends a subscription by its name, with one last notification.
    fn cancel(
        self: &Arc<Self>,
        key: LeaseKey,
        subscribe: &Subscribe,
        place: &Place,
        asked: &Asked,
    ) -> Answered {
        if let Some(ended) = self.presence.with(|book, now| book.end(key, How::Unsubscribed, now)) {
            self.note_end(&ended);
        }
        self.look_once(subscribe, place, asked)
    }

    /// A single look: it touches no subscription.
    fn fetch(self: &Arc<Self>, subscribe: &Subscribe, place: &Place, asked: &Asked) -> Answered {
        let watcher = subscribe.watcher.address().clone();
        let past = self.presence.with(|book, now| {
            let past = Past { watcher, since: now, until: now, how: How::Fetched };
            let name = Service::known(book, place);
            book.may_be_idle(name, now);
            book.note_past(name, past.clone()).then_some(past)
        });
        if let Some(past) = past {
            self.note_past(place.presentity(), &past);
        }
        self.look_once(subscribe, place, asked)
    }

    fn look_once(&self, subscribe: &Subscribe, place: &Place, asked: &Asked) -> Answered {
        let response =
            Response::success().with_duration(Some(0)).with_subscript_id(subscribe.subscript_id.clone());
        Answered::then_once(
            response,
            Once {
                watcher: subscribe.watcher.clone(),
                target: subscribe.target.clone(),
                presentity: place.presentity().clone(),
                standing: asked.standing,
                given: None,
            },
        )
    }

    /// Ends a watcher's subscription; nothing is told behind the response, but what was on its way may still come.
    pub(super) async fn unsubscribe(
        self: &Arc<Self>,
        unsubscribe: &Unsubscribe,
        asked: &Asked,
    ) -> Result<Answered, Refusal> {
        let (watcher, target) = (unsubscribe.watcher.address(), unsubscribe.target.address());
        let find = |presentity: &Address| self.presence.with(|book, _| book.lease_of(watcher, presentity));
        let (presentity, key) = match find(target) {
            Some(key) => (target.clone(), Some(key)),
            None => {
                let place = self.place(target, watcher, asked.standing).await?;
                (place.presentity().clone(), find(place.presentity()))
            }
        };
        let ended = key.and_then(|key| self.presence.with(|book, now| book.end(key, How::Unsubscribed, now)));
        let Some(ended) = ended else {
            return match self.asked_before(watcher, &presentity, asked.by.as_deref()).await {
                Some(_) => Ok(Answered::alone(Response::success())),
                None => Err(Refusal::new(Code::NotSubscribed, "there is no such subscription", "")),
            };
        };
        self.write_end(&ended, asked.by.as_deref()).await;
        self.end_far(&ended).await;
        Ok(Answered::alone(Response::success()))
    }
}

impl Service {
    /// The presentity of a place, as the book knows it.
    fn known(book: &mut Book, place: &Place) -> Name {
        match place {
            Place::Beyond { presentity } => book.presentity(presentity, Kind::Elsewhere),
            Place::Foreign { port, foreign, presentity } => {
                book.presentity(presentity, Kind::Foreign { port: *port, foreign: foreign.clone() })
            }
            Place::Hosted(presentity) => book.presentity(presentity, Kind::Hosted),
            Place::Winfo { presentity, of } => {
                let of = book.presentity(of, Kind::Hosted);
                book.presentity(presentity, Kind::Winfo(of))
            }
        }
    }

    /// Enters a subscription of a pair that has none, where there is room for it; absent `granted`, it lasts as long
    /// as its connection. Nothing is told of it before its response.
    fn enter(
        &self,
        subscribe: &Subscribe,
        place: &Place,
        granted: Option<u32>,
        asked: &Asked,
        limits: &PresenceLimits,
    ) -> Result<LeaseKey, Refusal> {
        let (watcher, target) = (&subscribe.watcher, &subscribe.target);
        let canonical = |uri: &PresUri, address: &Address| uri.spelled() == address.to_string();
        let spelled = !(canonical(watcher, watcher.address()) && canonical(target, place.presentity()));
        let spelled = spelled.then(|| Box::new(Spelled { watcher: watcher.clone(), target: target.clone() }));
        let id = match &subscribe.subscript_id {
            Some(id) => LeaseId::read(id),
            None => LeaseId::mint((ids::draw(), ids::draw())),
        };
        self.with(|book, now| {
            let presentity = Self::known(book, place);
            book.may_be_idle(presentity, now);
            if book.watched_by(watcher.address()) >= limits.leases_per_watcher {
                return Err(Refusal::busy("too many subscriptions of this watcher"));
            }
            if book.watchers_of(presentity) >= limits.leases_per_presentity {
                return Err(Refusal::busy("too many subscriptions to this presentity"));
            }
            Ok(book.enter(watcher.address(), presentity, |watcher| NewLease {
                watcher,
                presentity,
                since: now,
                expires: granted.map_or(i64::MAX, |seconds| now + i64::from(seconds) * 1_000),
                id,
                spelled,
                standing: asked.standing,
                stage: Stage::Held,
                told: 0,
            }))
        })
    }
}
