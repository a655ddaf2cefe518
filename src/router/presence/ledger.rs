//! Subscriptions that outlive a crash, and the memory of those that ended: one row of the store for each pair of
//! watcher and presentity, durable before anybody is told of it.

use std::sync::Arc;

use cpim_adapter::{Address, Class, Local, PresUri, Standing, SubscriptId};
use tracing::{error, info, warn};

use super::super::Router;
use super::super::flight::Pair;
use super::super::policy::Policy;
use super::LeaseKey;
use crate::presence::{Book, Ended, Far, How, Kind, LeaseId, NewLease, Past, Spelled, Stage};
use crate::store::{LeaseRow, StoreError, Write};

/// Subscriptions that are read at once at the start.
const PAGE: usize = 4_096;

impl Router {
    /// Writes a subscription down; `asked`: what it was that began or renewed it. `false`: that cannot be done at
    /// present.
    pub(super) async fn note_lease(&self, lease: LeaseKey, asked: Option<&str>) -> bool {
        let row = self.presence.with(|book, _| row_of(book, lease));
        match row {
            Some(row) => self.write_row(LeaseRow { asked: asked.map(str::to_owned), ..row }).await,
            None => true,
        }
    }

    /// Writes down that a subscription ended, in its turn.
    pub(super) fn note_end(self: &Arc<Self>, ended: &Ended) {
        self.note_in_turn(&ended.presentity, &ended.past, end_row(ended, None));
    }

    /// Writes it down now; `asked`: what it was that ended it.
    pub(super) async fn write_end(&self, ended: &Ended, asked: Option<&str>) {
        // At worst the watcher is told more until it runs out.
        self.write_row(end_row(ended, asked)).await;
    }

    /// Writes down somebody who looked once, in its turn.
    pub(super) fn note_past(self: &Arc<Self>, presentity: &Address, past: &Past) {
        self.note_in_turn(presentity, past, past_row(presentity, &Kind::Hosted, past));
    }

    fn note_in_turn(self: &Arc<Self>, presentity: &Address, past: &Past, row: LeaseRow) {
        let router = Arc::clone(self);
        let pair = Pair::new(past.watcher.clone(), presentity.clone());
        self.in_lane(pair.clone(), async move {
            // A subscription that began meanwhile is written down by itself.
            if router.presence.with(|book, _| book.lease_of(&pair.source, &pair.destination)).is_none() {
                router.write_row(row).await;
            }
        });
    }

    async fn write_row(&self, mut row: LeaseRow) -> bool {
        let span = i64::try_from(self.policy().presence.winfo_span.as_millis()).unwrap_or(i64::MAX);
        row.forget_at = row.until.saturating_add(span);
        let (watcher, presentity) = (row.watcher.clone(), row.presentity.clone());
        let lease = Box::new(row);
        let written = self.memory.confirmed(|ticket| Write::Lease { ticket, lease }).await;
        written.inspect_err(|error| warn!(watcher, presentity, %error, "cannot be written down")).is_ok()
    }

    /// Writes down what a watcher was told last, without haste. Not where a session serves him: nobody knows what
    /// was read of what is on its way when a session ends, so he is told anew when he is back.
    pub(super) fn note_told(&self, lease: LeaseKey, digest: u64) {
        let pair = self.presence.with(|book, _| {
            let watcher = book.watcher_of(lease)?;
            let (presentity, _, _, until, _) = book.particulars(lease)?;
            (until < i64::MAX).then_some((watcher, presentity))
        });
        let Some((watcher, presentity)) = pair.filter(|(watcher, _)| !self.contacts.is_in_contact(watcher))
        else {
            return;
        };
        let (watcher, presentity) = (watcher.to_string(), presentity.to_string());
        // Without room for it he is told the same once more, at worst.
        let _told = self.state.write(Write::Told { watcher, presentity, digest: digest.cast_signed() });
    }

    /// Whether this is what began the subscription of a pair, or ended it, with what became of it: asked again, after
    /// a crash or a lost answer (native-cpim.md, Operations).
    pub(super) async fn asked_before(
        &self,
        watcher: &Address,
        presentity: &Address,
        asked: Option<&str>,
    ) -> Option<LeaseRow> {
        let row = self.state.lease(&watcher.to_string(), &presentity.to_string()).await.ok().flatten()?;
        let since = if row.ended.is_some() { row.until } else { row.since };
        let remembers = i64::try_from(self.policy().limits.remembers.as_millis()).unwrap_or(i64::MAX);
        let lately = self.presence.clock.now().saturating_sub(since) < remembers;
        (lately && row.asked.as_deref() == asked && asked.is_some()).then_some(row)
    }

    /// Takes up what was written down before the last start.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub(in super::super) async fn recover_presence(self: &Arc<Self>) -> Result<(), StoreError> {
        self.recover_commanded().await?;
        let published = self.recover_published().await?;
        let (mut leases, mut after) = (0_usize, 0);
        let policy = self.policy();
        loop {
            let page = self.state.leases(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, row) in page {
                match self.take_up_lease(&row, &policy) {
                    Some(lives) => leases += usize::from(lives),
                    None => error!(row.watcher, row.presentity, "a subscription cannot be read"),
                }
            }
        }
        if published + leases > 0 {
            info!(leases, published, "presence taken up after the start");
        }
        Ok(())
    }

    /// `true` where it still lives; nothing where it cannot be read.
    fn take_up_lease(&self, row: &LeaseRow, policy: &Policy) -> Option<bool> {
        let watcher = Address::parse(&row.watcher).ok()?;
        let presentity = Address::parse(&row.presentity).ok()?;
        let standing = Standing::from_word(&row.standing)?;
        let spelled = match &row.spelled {
            Some((watcher, target)) => {
                let read = |text: &str| PresUri::try_from(policy.mapper.read_any(text).ok()?).ok();
                Some(Box::new(Spelled { watcher: read(watcher)?, target: read(target)? }))
            }
            None => None,
        };
        let id = row.id.as_deref().and_then(|id| SubscriptId::parse(id).ok());
        let kind = self.kind_again(row, &presentity, policy)?;
        let ended = row.ended.as_deref().and_then(How::from_word);
        Some(self.presence.with(|book, now| {
            let how = ended.or_else(|| (row.until <= now).then_some(How::Expired));
            if how.is_some() && kind != Kind::Hosted {
                return false;
            }
            let name = book.presentity(&presentity, kind.clone());
            book.may_be_idle(name, now);
            if let Some(how) = how {
                book.note_past(name, Past { watcher, since: row.since, until: row.until, how });
                return false;
            }
            let key = book.enter(&watcher, name, |watcher| NewLease {
                watcher,
                presentity: name,
                since: row.since,
                expires: row.until,
                id: id.as_ref().map_or(LeaseId::Minted(0), LeaseId::read),
                spelled,
                standing,
                stage: Stage::Idle,
                told: row.told.map_or(0, i64::cast_unsigned),
            });
            if kind == Kind::Elsewhere {
                let (id, until) = row.far.clone().unwrap_or_default();
                let id = id.and_then(|id| SubscriptId::parse(&id).ok());
                // Asked for again at once: the other side may have told things that nobody was there to hear.
                book.set_far(key, Far { id, until, ..Far::default() });
                book.renew_at(key, now);
            }
            book.mark(key, false);
            true
        }))
    }

    fn kind_again(&self, row: &LeaseRow, presentity: &Address, policy: &Policy) -> Option<Kind> {
        match &*row.kind {
            "elsewhere" => Some(Kind::Elsewhere),
            // Written down in its canonical form; who observes it may not be in contact yet.
            "foreign" => match policy.mapper.resident(presentity) {
                Ok(Some(Local::Route(foreign))) => {
                    self.port_for(foreign.selector()).map(|port| Kind::Foreign { port, foreign })
                }
                _ => None,
            },
            "winfo" => match policy.mapper.resident(presentity) {
                Ok(Some(Local::Winfo(of))) => {
                    let of = of.with_class(Class::Pres);
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

fn row_of(book: &Book, key: LeaseKey) -> Option<LeaseRow> {
    let (presentity, kind, since, until, standing) = book.particulars(key)?;
    let spelled = book.otherwise_spelled(key);
    Some(LeaseRow {
        watcher: book.watcher_of(key)?.to_string(),
        presentity: presentity.to_string(),
        spelled: spelled
            .map(|Spelled { watcher, target }| (watcher.spelled().to_owned(), target.spelled().to_owned())),
        kind: kind_word(&kind).into(),
        standing: standing.as_str().into(),
        since,
        until,
        id: book.id_of(key).map(|id| id.to_string()),
        far: book.far(key).map(|far| (far.id.as_ref().map(ToString::to_string), far.until)),
        ended: None,
        told: None,
        asked: None,
        forget_at: i64::MAX,
    })
}

fn end_row(ended: &Ended, asked: Option<&str>) -> LeaseRow {
    let row = past_row(&ended.presentity, &ended.kind, &ended.past);
    LeaseRow { asked: asked.map(str::to_owned), ..row }
}

fn past_row(presentity: &Address, kind: &Kind, past: &Past) -> LeaseRow {
    LeaseRow {
        watcher: past.watcher.to_string(),
        presentity: presentity.to_string(),
        spelled: None,
        kind: kind_word(kind).into(),
        standing: Standing::Anonymous.as_str().into(),
        since: past.since,
        until: past.until,
        id: None,
        far: None,
        ended: Some(past.how.as_str().into()),
        told: None,
        asked: None,
        forget_at: i64::MAX,
    }
}
