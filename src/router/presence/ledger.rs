//! Subscriptions that outlive a crash, and the memory of those that ended: one row of the store for each pair of
//! watcher and presentity, durable before anybody is told of it.

use std::sync::Arc;

use cpim_adapter::{Address, Standing};
use tracing::warn;

use super::super::Router;
use super::super::flight::Pair;
use super::LeaseKey;
use crate::presence::{Book, Ended, Kind, Past, Spelled};
use crate::store::{LeaseRow, Write};
use crate::sync::lock;

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
        let pair = lock(&self.presence.book).lasting_pair(lease);
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
