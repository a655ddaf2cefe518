//! Looking in: who watches whom.

use cpim_adapter::{Address, Class};
use serde::{Deserialize, Serialize};

use super::super::Router;
use crate::clock::UnixMs;
use crate::presence::Kind;

/// Somebody who watches a presentity, or did until lately.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WatcherView {
    /// Who.
    pub watcher: String,
    /// Since when.
    pub since: UnixMs,
    /// Until when; none: for as long as he is connected.
    pub until: Option<UnixMs>,
    /// How it ended: `expired`, `fetched`, `refused`, `unsubscribed`; none while it runs.
    pub ended: Option<String>,
}

/// A subscription, from its watcher's side.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SubscriptionView {
    /// Whose presence.
    pub presentity: String,
    /// Its name.
    pub id: Option<String>,
    /// Since when.
    pub since: UnixMs,
    /// Until when; none: for as long as the watcher is connected.
    pub until: Option<UnixMs>,
    /// Who keeps it: `here`, `its server`, `its system`.
    pub kept: String,
}

fn end(until: i64) -> Option<UnixMs> {
    (until < i64::MAX).then_some(UnixMs(until))
}

impl Router {
    /// Who watches a presentity that is kept here, those who watch now first, the newest first.
    #[must_use]
    pub fn watchers_of(&self, presentity: &Address) -> Vec<WatcherView> {
        let presentity = presentity.with_class(Class::Pres);
        let mut facts = self
            .presence
            .with(|book, _| book.name_of(&presentity).map_or_else(Vec::new, |name| book.facts(name)));
        facts.sort_by_key(|fact| (fact.ended.is_some(), std::cmp::Reverse(fact.since)));
        let view = |fact: crate::presence::WatcherFact| WatcherView {
            watcher: fact.watcher.to_string(),
            since: UnixMs(fact.since),
            until: end(fact.until),
            ended: fact.ended.map(|how| how.as_str().to_owned()),
        };
        facts.into_iter().map(view).collect()
    }

    /// What a watcher subscribes to, the newest first.
    #[must_use]
    pub fn subscriptions_of(&self, watcher: &Address) -> Vec<SubscriptionView> {
        let watcher = watcher.with_class(Class::Pres);
        let mut views: Vec<SubscriptionView> = self.presence.with(|book, _| {
            let leases = book.leases_by(&watcher).into_iter();
            leases
                .filter_map(|key| {
                    let (presentity, kind, since, until, _) = book.particulars(key)?;
                    let kept = match kind {
                        Kind::Elsewhere => "its server",
                        Kind::Foreign { .. } => "its system",
                        Kind::Hosted | Kind::Winfo(_) => "here",
                    };
                    Some(SubscriptionView {
                        presentity: presentity.to_string(),
                        id: book.id_of(key).map(|id| id.to_string()),
                        since: UnixMs(since),
                        until: end(until),
                        kept: kept.to_owned(),
                    })
                })
                .collect()
        });
        views.sort_by_key(|view| std::cmp::Reverse(view.since));
        views
    }
}
