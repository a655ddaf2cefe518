//! What must outlive a crash: subscriptions, who watched until lately, and what was published. Kept as notes in the
//! store, one for a pair and one for a presentity.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{Address, Basic, Content, Local, Memory, PresUri, Presence, Standing, SubscriptId, Tuple};
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

use super::super::Router;
use super::super::flight::Pair;
use super::LeaseKey;
use crate::presence::{
    Book, Ended, Far, HELD_OVER, How, Kind, LeaseId, NewLease, Past, Publication, Spelled, Stage, State,
};
use crate::store::StoreError;

/// Subscriptions, by watcher and presentity.
const LEASES: &str = "presence.leases";

/// What is published, by presentity.
const PUBLISHED: &str = "presence.published";

/// Notes that are read at once at the start.
const PAGE: usize = 1_000;

/// How long a publication is held for a presentity that has not come back after a start (DESIGN.md section 5), in
/// milliseconds.
const HELD_MS: i64 = 60_000;

/// A subscription, or one that ended, as it is kept.
#[derive(Deserialize, Serialize)]
struct LeaseNote {
    watcher: String,
    target: String,
    presentity: String,
    kind: String,
    since: i64,
    until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    standing: String,
    /// Its name with the other server that keeps it, and how long that has granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    far: Option<(Option<String>, i64)>,
    /// How it ended, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

/// A presence, as it is kept.
#[derive(Deserialize, Serialize)]
struct PresenceNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity_info: Option<String>,
    tuples: Vec<TupleNote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<Vec<u8>>,
}

#[derive(Deserialize, Serialize)]
struct TupleNote {
    destination: String,
    open: bool,
    markup: String,
    namespaces: Vec<(String, String)>,
}

fn key(watcher: &Address, presentity: &Address) -> String {
    format!("{watcher} {presentity}")
}

impl Router {
    /// Writes a subscription down. `false`: that cannot be done at present.
    pub(super) async fn note_lease(&self, lease: LeaseKey) -> bool {
        let Some((note, watcher)) = self.presence.with(|book, _| note_of(book, lease)) else { return true };
        let keep = self.remaining(note.until);
        let key = format!("{watcher} {}", note.presentity);
        self.write(LEASES, &key, &note, Some(keep)).await
    }

    /// For how long a subscription and the memory of it are kept.
    fn remaining(&self, until: i64) -> Duration {
        let left = until.saturating_sub(self.presence.clock.now());
        Duration::from_millis(u64::try_from(left).unwrap_or(0)) + self.policy().presence.winfo_span
    }

    /// Writes down that a subscription ended, in its turn.
    pub(super) fn note_end(self: &Arc<Self>, ended: &Ended) {
        let note = end_note(ended);
        self.note_in_turn(&ended.past.watcher, &ended.presentity, note, ended.past.until);
    }

    /// Writes it down now.
    pub(super) async fn write_end(&self, ended: &Ended) {
        let keep = self.remaining(ended.past.until);
        let key = key(&ended.past.watcher, &ended.presentity);
        match end_note(ended) {
            Some(note) => {
                self.write(LEASES, &key, &note, Some(keep)).await;
            }
            None => self.forget(LEASES, &key).await,
        }
    }

    /// Writes down somebody who looked once, in its turn.
    pub(super) fn note_past(self: &Arc<Self>, presentity: &Address, past: &Past) {
        let (watcher, target) = (past.watcher.to_string(), presentity.to_string());
        let note = past_note(watcher, target, presentity, past);
        self.note_in_turn(&past.watcher, presentity, Some(note), past.until);
    }

    fn note_in_turn(
        self: &Arc<Self>,
        watcher: &Address,
        presentity: &Address,
        note: Option<LeaseNote>,
        until: i64,
    ) {
        let (router, keep) = (Arc::clone(self), self.remaining(until));
        let pair = Pair { source: watcher.clone(), destination: presentity.clone() };
        self.in_lane(pair.clone(), async move {
            let Pair { source: watcher, destination: presentity } = pair;
            // A subscription that began meanwhile is written down by itself.
            if router.presence.with(|book, _| book.lease_of(&watcher, &presentity)).is_some() {
                return;
            }
            let key = key(&watcher, &presentity);
            match note {
                Some(note) => {
                    router.write(LEASES, &key, &note, Some(keep)).await;
                }
                None => router.forget(LEASES, &key).await,
            }
        });
    }

    /// Writes down what the presence of a presentity is. `false`: that cannot be done at present. Called in the lane
    /// of the presentity, so that what is newer is written later.
    pub(super) async fn note_presence(&self, presentity: &Address) -> bool {
        match self.presence.with(|book, _| book.worth_noting(presentity)) {
            None => true,
            Some(Some(state)) => {
                self.write(PUBLISHED, &presentity.to_string(), &presence_note(&state), None).await
            }
            Some(None) => {
                self.forget(PUBLISHED, &presentity.to_string()).await;
                true
            }
        }
    }

    async fn write(&self, space: &str, key: &str, note: &impl Serialize, keep: Option<Duration>) -> bool {
        let octets = serde_json::to_vec(note).unwrap_or_default();
        match self.memory.set_note(space, key, Bytes::from(octets), keep).await {
            Ok(()) => true,
            Err(error) => {
                warn!(space, key, %error, "presence cannot be written down");
                false
            }
        }
    }

    async fn forget(&self, space: &str, key: &str) {
        if let Err(error) = self.memory.forget(space, key).await {
            // It runs out by itself, or is found to be over at the next start.
            warn!(space, key, %error, "presence cannot be forgotten");
        }
    }

    /// Takes up what was written down before the last start.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub(in super::super) async fn recover_presence(self: &Arc<Self>) -> Result<(), StoreError> {
        let mut published = 0_usize;
        self.each_note(PUBLISHED, |owner, octets| {
            let Some(state) = serde_json::from_slice(octets).ok().and_then(state_of) else { return false };
            let Ok(presentity) = Address::parse(owner) else { return false };
            published += 1;
            self.presence.with(|book, now| {
                let name = book.presentity(&presentity, Kind::Hosted);
                let held = Publication { state: Arc::new(state), until: Some(now + HELD_MS) };
                book.publish(HELD_OVER, name, held);
                book.noted(name);
            });
            true
        })
        .await?;
        let mut leases = 0_usize;
        self.each_note(LEASES, |_, octets| {
            let note: Option<LeaseNote> = serde_json::from_slice(octets).ok();
            let taken = note.and_then(|note| self.take_up_lease(&note));
            leases += usize::from(taken == Some(true));
            taken.is_some()
        })
        .await?;
        if published + leases > 0 {
            info!(leases, published, "presence taken up after the start");
        }
        Ok(())
    }

    async fn each_note(
        &self,
        space: &str,
        mut take: impl FnMut(&str, &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = self.memory.notes(space, &after, PAGE).await;
            let page = page.map_err(|error| StoreError::Failed(error.to_string()))?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (key, octets) in &page {
                if !take(key, octets) {
                    error!(space, key, "presence that was written down cannot be read");
                }
            }
        }
    }

    /// `true` where it still lives.
    fn take_up_lease(self: &Arc<Self>, note: &LeaseNote) -> Option<bool> {
        let presentity = Address::parse(&note.presentity).ok()?;
        let watcher = PresUri::try_from(self.policy().mapper.read_any(&note.watcher).ok()?).ok()?;
        let target = PresUri::try_from(self.policy().mapper.read_any(&note.target).ok()?).ok()?;
        let kind = self.kind_again(note, &presentity)?;
        let standing = Standing::from_word(&note.standing)?;
        let id = note.id.as_deref().and_then(|id| SubscriptId::parse(id).ok());
        let ended = note.ended.as_deref().and_then(How::from_word);
        Some(self.presence.with(|book, now| {
            let name = book.presentity(&presentity, kind.clone());
            book.may_be_idle(name, now);
            let how = ended.or_else(|| (note.until <= now).then_some(How::Expired));
            if let Some(how) = how {
                let watcher = watcher.address().clone();
                book.note_past(name, Past { watcher, since: note.since, until: note.until, how });
                return false;
            }
            let canonical = |uri: &PresUri, address: &Address| uri.spelled() == address.to_string();
            let plain = canonical(&watcher, watcher.address()) && canonical(&target, &presentity);
            let spelled =
                (!plain).then(|| Box::new(Spelled { watcher: watcher.clone(), target: target.clone() }));
            let key = book.enter(watcher.address(), name, |watcher| NewLease {
                watcher,
                presentity: name,
                since: note.since,
                expires: note.until,
                id: id.as_ref().map_or(LeaseId::Minted(0), LeaseId::read),
                spelled,
                standing,
                stage: Stage::Idle,
            });
            if kind == Kind::Elsewhere {
                let (id, until) = note.far.clone().unwrap_or_default();
                let id = id.and_then(|id| SubscriptId::parse(&id).ok());
                // Asked for again at once: the other side may have told things that nobody was there to hear.
                book.set_far(key, Far { id, until, ..Far::default() });
                book.renew_at(key, now);
            }
            book.mark(key, true);
            true
        }))
    }

    fn kind_again(&self, note: &LeaseNote, presentity: &Address) -> Option<Kind> {
        match note.kind.as_str() {
            "elsewhere" => Some(Kind::Elsewhere),
            // Written down in its canonical form; who observes it may not be in contact yet.
            "foreign" => match self.policy().mapper.resident(presentity) {
                Ok(Some(Local::Route(foreign))) => {
                    self.port_for(foreign.selector()).map(|port| Kind::Foreign { port, foreign })
                }
                _ => None,
            },
            "winfo" => match self.policy().mapper.resident(presentity) {
                Ok(Some(Local::Winfo(of))) => {
                    let of = of.with_class(cpim_adapter::Class::Pres);
                    Some(Kind::Winfo(self.presence.with(|book, _| book.presentity(&of, Kind::Hosted))))
                }
                _ => None,
            },
            _ => Some(Kind::Hosted),
        }
    }
}

fn kind_word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Elsewhere => "elsewhere",
        Kind::Foreign { .. } => "foreign",
        Kind::Hosted => "hosted",
        Kind::Winfo(_) => "winfo",
    }
}

fn note_of(book: &Book, key: LeaseKey) -> Option<(LeaseNote, Address)> {
    let (watcher, target) = book.spelled(key)?;
    let (presentity, kind, since, until, standing) = book.particulars(key)?;
    let far = book.far(key).map(|far| (far.id.as_ref().map(ToString::to_string), far.until));
    let note = LeaseNote {
        watcher: watcher.spelled().to_owned(),
        target: target.spelled().to_owned(),
        presentity: presentity.to_string(),
        kind: kind_word(&kind).to_owned(),
        since,
        until,
        id: book.id_of(key).map(|id| id.to_string()),
        standing: standing.as_str().to_owned(),
        far,
        ended: None,
    };
    Some((note, watcher.address().clone()))
}

/// Only who watched a hosted presentity is remembered.
fn end_note(ended: &Ended) -> Option<LeaseNote> {
    let (watcher, target) = (ended.watcher.spelled().to_owned(), ended.target.spelled().to_owned());
    (ended.kind == Kind::Hosted).then(|| past_note(watcher, target, &ended.presentity, &ended.past))
}

fn past_note(watcher: String, target: String, presentity: &Address, past: &Past) -> LeaseNote {
    LeaseNote {
        watcher,
        target,
        presentity: presentity.to_string(),
        kind: kind_word(&Kind::Hosted).to_owned(),
        since: past.since,
        until: past.until,
        id: None,
        standing: Standing::Anonymous.as_str().to_owned(),
        far: None,
        ended: Some(past.how.as_str().to_owned()),
    }
}

fn presence_note(state: &State) -> PresenceNote {
    let tuples = state.presence.tuples().iter().map(|tuple| TupleNote {
        destination: tuple.destination.to_string(),
        open: tuple.status == Basic::Open,
        markup: tuple.markup.to_string(),
        namespaces: tuple.namespaces.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
    });
    PresenceNote {
        entity_info: state.presence.entity_info().map(str::to_owned),
        tuples: tuples.collect(),
        document: state.document.as_ref().map(|document| document.octets().to_vec()),
    }
}

fn state_of(note: PresenceNote) -> Option<State> {
    let tuples = note.tuples.into_iter().map(|tuple| Tuple {
        destination: tuple.destination.into(),
        status: if tuple.open { Basic::Open } else { Basic::Closed },
        markup: tuple.markup.into(),
        namespaces: tuple.namespaces.into_iter().map(|(a, b)| (a.into(), b.into())).collect(),
    });
    Some(State {
        presence: Presence::from_tuples(tuples.collect())?.with_entity_info(note.entity_info.map(Into::into)),
        document: note.document.map(|octets| Content::new(octets.into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_read_back_as_it_was() {
        let tuple = |destination: &str| Tuple {
            destination: destination.into(),
            status: Basic::Open,
            markup: "<x:a xmlns:x='u'/>".into(),
            namespaces: vec![("y".into(), "v".into())],
        };
        let state = State {
            presence: Presence::new(tuple("im:a@b.example"), vec![tuple("tel:1")])
                .with_entity_info(Some("http://a.example/".into())),
            document: Some(Content::text("\u{0}ß")),
        };
        let octets = serde_json::to_vec(&presence_note(&state)).unwrap();
        assert_eq!(serde_json::from_slice(&octets).ok().and_then(state_of), Some(state));
    }
}
