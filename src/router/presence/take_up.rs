//! After a start: subscriptions and publications that were written down before it.
//!
//! A million subscriptions may be written down. They are read, parsed and entered by three tasks, a few pages apart.

use std::sync::Arc;

use cpim_adapter::{Address, Class, Local, Mapper, PresUri, Standing, SubscriptId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::super::Router;
use crate::presence::{Book, Far, How, Kind, LeaseId, NewLease, Past, Spelled, Stage};
use crate::store::{LeaseRow, StoreError};

/// Subscriptions that are read at once.
const PAGE: usize = 1_024;

/// Pages that are read ahead.
const PAGES: usize = 4;

/// A subscription that was written down, as it is entered again.
struct Written {
    watcher: Address,
    presentity: Address,
    kind: WrittenKind,
    standing: Standing,
    spelled: Option<Box<Spelled>>,
    id: LeaseId,
    since: i64,
    until: i64,
    /// How it ended, where it has.
    ended: Option<How>,
    /// What another server keeps behind it.
    far: Option<(Option<SubscriptId>, i64)>,
    told: u64,
}

/// Reads addresses of which many in a row are the same: one watcher asks for many presentities, or many ask for one.
#[derive(Default)]
struct Again<'p> {
    last: Option<(&'p str, Address)>,
}

impl<'p> Again<'p> {
    fn read(&mut self, text: &'p str) -> Option<Address> {
        if let Some((last, address)) = &self.last
            && *last == text
        {
            return Some(address.clone());
        }
        let address = Address::parse(text).ok()?;
        self.last = Some((text, address.clone()));
        Some(address)
    }
}

/// What kind its presentity is of.
enum WrittenKind {
    Is(Kind),
    /// The information about this one's watchers.
    WinfoOf(Address),
}

impl Router {
    /// Takes up what was written down before the last start.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub(in super::super) async fn recover_presence(self: &Arc<Self>) -> Result<(), StoreError> {
        self.recover_commanded().await?;
        let published = self.recover_published().await?;
        let (sender, mut pages) = mpsc::channel(PAGES);
        let held = self.state.leases_held().await?;
        self.presence.with(|book, _| book.make_room(held));
        self.tasks.spawn(Arc::clone(self).read_leases(sender));
        let mut leases = 0_usize;
        while let Some(page) = pages.recv().await {
            let page = page?;
            leases += self.presence.with(|book, now| {
                page.into_iter().map(|lease| usize::from(enter(book, lease, now))).sum::<usize>()
            });
        }
        if published + leases > 0 {
            info!(leases, published, "presence taken up after the start");
        }
        Ok(())
    }

    /// Reads every subscription, page by page, and ends with the last or with what went wrong.
    async fn read_leases(self: Arc<Self>, pages: mpsc::Sender<Result<Vec<Written>, StoreError>>) {
        let policy = self.policy();
        let mut next = self.page_of_leases(0);
        loop {
            let page = match next.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string()))) {
                Ok(page) => page,
                Err(error) => {
                    // Whoever starts waits for it, or has given up.
                    let _gone = pages.send(Err(error)).await;
                    return;
                }
            };
            let Some((last, _)) = page.last() else { return };
            // It is read while this one is parsed.
            next = self.page_of_leases(*last);
            let mut addresses = [Again::default(), Again::default()];
            let read = page.iter().filter_map(|(_, row)| {
                let read = self.read_lease(row, &mut addresses, &policy.mapper);
                if read.is_none() {
                    error!(row.watcher, row.presentity, "a subscription cannot be read");
                }
                read
            });
            if pages.send(Ok(read.collect())).await.is_err() {
                return;
            }
        }
    }

    fn page_of_leases(&self, after: i64) -> JoinHandle<Result<Vec<(i64, LeaseRow)>, StoreError>> {
        let state = Arc::clone(&self.state);
        self.tasks.spawn(async move { state.leases(after, PAGE).await })
    }

    fn read_lease<'p>(
        &self,
        row: &'p LeaseRow,
        [watchers, presentities]: &mut [Again<'p>; 2],
        mapper: &Mapper,
    ) -> Option<Written> {
        let presentity = presentities.read(&row.presentity)?;
        let id = |text: &str| SubscriptId::parse(text).ok();
        Some(Written {
            watcher: watchers.read(&row.watcher)?,
            kind: self.read_kind(&row.kind, &presentity, mapper)?,
            presentity,
            standing: Standing::from_word(&row.standing)?,
            spelled: match &row.spelled {
                Some((watcher, target)) => {
                    let read = |text: &str| PresUri::try_from(mapper.read_any(text).ok()?).ok();
                    Some(Box::new(Spelled { watcher: read(watcher)?, target: read(target)? }))
                }
                None => None,
            },
            id: row.id.as_deref().and_then(LeaseId::parse).unwrap_or(LeaseId::Minted(0)),
            since: row.since,
            until: row.until,
            ended: row.ended.as_deref().and_then(How::from_word),
            far: row.far.as_ref().map(|(far, until)| (far.as_deref().and_then(id), *until)),
            told: row.told.map_or(0, i64::cast_unsigned),
        })
    }

    fn read_kind(&self, word: &str, presentity: &Address, mapper: &Mapper) -> Option<WrittenKind> {
        match word {
            "elsewhere" => Some(WrittenKind::Is(Kind::Elsewhere)),
            // Written down in its canonical form; who observes it may not be in contact yet.
            "foreign" => match mapper.resident(presentity) {
                Ok(Some(Local::Route(foreign))) => {
                    let port = self.port_for(foreign.selector())?;
                    Some(WrittenKind::Is(Kind::Foreign { port, foreign }))
                }
                _ => None,
            },
            "winfo" => match mapper.resident(presentity) {
                Ok(Some(Local::Winfo(of))) => Some(WrittenKind::WinfoOf(of.with_class(Class::Pres))),
                _ => None,
            },
            _ => Some(WrittenKind::Is(Kind::Hosted)),
        }
    }
}

/// Enters what was written down. `true` where it still lives.
fn enter(book: &mut Book, lease: Written, now: i64) -> bool {
    let Written { watcher, presentity, standing, spelled, id, since, until, far, told, .. } = lease;
    let kind = match lease.kind {
        WrittenKind::Is(kind) => kind,
        WrittenKind::WinfoOf(of) => Kind::Winfo(book.presentity(&of, Kind::Hosted)),
    };
    let how = lease.ended.or_else(|| (until <= now).then_some(How::Expired));
    if how.is_some() && kind != Kind::Hosted {
        return false;
    }
    let is_elsewhere = kind == Kind::Elsewhere;
    let name = book.presentity(&presentity, kind);
    if let Some(how) = how {
        book.may_be_idle(name, now);
        book.note_past(name, Past { watcher, since, until, how });
        return false;
    }
    let key = book.enter(&watcher, name, |watcher| NewLease {
        watcher,
        presentity: name,
        since,
        expires: until,
        id,
        spelled,
        standing,
        stage: Stage::Idle,
        told,
    });
    if is_elsewhere {
        let (id, until) = far.unwrap_or_default();
        // Asked for again at once: the other side may have told things that nobody was there to hear.
        book.set_far(key, Far { id, until, ..Far::default() });
        book.renew_at(key, now);
    }
    // He may know it all: what is new goes first.
    book.mark_for_later(key);
    true
}
