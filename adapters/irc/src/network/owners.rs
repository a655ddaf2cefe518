//! Whose a nick is, for what lasts: rules, forwarding and subscriptions are said by an account, whose name is the nick;
//! and what is kept was for whoever had the nick then. Where it changes hands, that ends.
//!
//! ```text
//!   WHOIS ─► found ─► is another? ─► newcomer ─► whoever waits to know who that is ─► noted
//! ```

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cpim_adapter::{DeliveryError, MemoryError};
use cpim_irc_proto::NameKey;
use cpim_irc_proto::client::Found;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::delivery::somebody_else;
use super::joined::Joined;
use super::people::{Identity, Noted};
use crate::sync::lock;

/// How long what is known of somebody is kept: longer than anything waits.
const NOTED: Duration = Duration::from_hours(24);

/// How long the network has to say whether somebody may be told what was asked by his nick.
const WHO: Duration = Duration::from_secs(20);

/// Answers of the network that wait to be looked at. Of more, whoever asked is told that it is not known.
pub(super) const FINDINGS: usize = 1_024;

/// Notes that are read at once.
const PAGE: usize = 256;

/// Who has a nick, and who waits to know that.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) key: NameKey,
    pub(super) found: Found,
    /// What is to be noted of whoever is kept in mind.
    pub(super) noted: Option<Noted>,
    pub(super) answers: Vec<oneshot::Sender<Found>>,
}

impl Joined {
    fn owners_space(&self) -> String {
        format!("irc.commands.{}", self.name())
    }

    fn people_space(&self) -> String {
        format!("irc.people.{}", self.name())
    }

    /// Who had a nick when that was last known.
    pub(super) async fn noted(&self, key: &NameKey) -> Option<(Identity, SystemTime)> {
        let note = self.live()?.cx.memory.note(&self.people_space(), key.as_str()).await.ok()??;
        Identity::from_note(std::str::from_utf8(&note).ok()?)
    }

    /// Keeps everybody in mind from the start by whose nick something was said that lasts.
    pub(super) async fn recall_owners(self: &Arc<Self>) {
        let Some(live) = self.live() else { return };
        let mut after = String::new();
        loop {
            let page = match live.cx.memory.notes(&self.owners_space(), &after, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    return tracing::warn!(network = self.name(), %error, "who gave commands is not known");
                }
            };
            let Some((last, _)) = page.last() else { return };
            after.clone_from(last);
            for (nick, _) in &page {
                self.keeps_in_mind(&self.key(nick)).await;
            }
        }
    }

    /// Has an owner watched, and known by who he was before.
    async fn keeps_in_mind(self: &Arc<Self>, key: &NameKey) {
        lock(&self.owners).insert(key.clone());
        let (is_new, forgotten) = lock(&self.people).meet(key, SystemTime::now(), Instant::now());
        if !is_new {
            return;
        }
        if let Some((identity, since)) = self.noted(key).await {
            lock(&self.people).recall(key, identity, since);
        }
        self.watches(key, false, forgotten.as_ref());
    }

    /// Somebody gives the gateway a command, by the account whose name is his nick.
    pub(super) fn commands(self: &Arc<Self>, key: &NameKey) {
        let is_known = lock(&self.people).account_of(key).is_some_and(|account| self.owns(&account, key));
        if is_known && lock(&self.owners).contains(key) {
            return;
        }
        let (joined, key) = (Arc::clone(self), key.clone());
        self.tasks.spawn(async move {
            joined.keeps_in_mind(&key).await;
            joined.wonders(&key);
            let Some(live) = joined.live() else { return };
            let space = joined.owners_space();
            let noted = live.cx.memory.set_note(&space, key.as_str(), Bytes::new(), None);
            if let Err(error) = noted.await {
                tracing::warn!(network = joined.name(), %error, "who gave a command could not be noted");
            }
        });
    }

    /// Somebody of a nick says something, by this account. Where the nick's owner has given commands and this is not he
    /// as far as the line says, the network is asked.
    pub(super) fn speaks(&self, key: &NameKey, account: Option<&str>) {
        if lock(&self.owners).contains(key) && !account.is_some_and(|account| self.owns(account, key)) {
            self.wonders(key);
        }
    }

    fn owns(&self, account: &str, key: &NameKey) -> bool {
        self.settings.trusts_accounts && self.mapping().same(account, key.as_str())
    }

    /// Whether whoever has a nick is its owner, who alone can have asked to be told something.
    ///
    /// # Errors
    /// [`DeliveryError`] where he is not, or nobody can say.
    pub(super) async fn is_owners(&self, key: &NameKey) -> Result<(), DeliveryError> {
        if lock(&self.people).account_of(key).is_some_and(|account| self.owns(&account, key)) {
            return Ok(());
        }
        let Ok(Some(found)) = timeout(WHO, self.who_is(key)).await else {
            return Err(DeliveryError::transport("the network does not say who has that nick"));
        };
        match found.account.is_some_and(|account| self.owns(&account, key)) {
            true => Ok(()),
            false => Err(somebody_else("whoever has that nick now has not asked for it")),
        }
    }

    /// Takes what the network says of nicks, one after the other, as long as the gateway runs.
    pub(super) async fn succeed(&self, mut findings: mpsc::Receiver<Finding>) {
        while let Some(finding) = findings.recv().await {
            let Finding { key, found, noted, answers } = finding;
            if found.is_there
                && let Err(error) = self.succeeds(&key, &found, noted.as_ref()).await
            {
                // Then nobody knows who that is, until somebody asks again.
                tracing::warn!(network = self.name(), nick = %key, %error, "a newcomer cannot be let in");
                continue;
            }
            for answer in answers {
                // Whoever asked may have stopped waiting.
                let _gone = answer.send(found.clone());
            }
            if let (Some(noted), Some(live)) = (noted.filter(|_| found.is_there), self.live()) {
                let note = Bytes::from(noted.note.into_bytes());
                let space = self.people_space();
                let done = live.cx.memory.set_note(&space, key.as_str(), note, Some(NOTED));
                if let Err(error) = done.await {
                    tracing::warn!(network = self.name(), %error, "who has a nick could not be noted");
                }
            }
        }
    }

    /// Somebody has a nick. Where another had it before, what he has said ends.
    async fn succeeds(&self, key: &NameKey, found: &Found, noted: Option<&Noted>) -> Result<(), MemoryError> {
        let identity = Identity::from(found);
        let before = self.noted(key).await.map(|(before, _)| before);
        let is_same = before.as_ref().is_some_and(|before| before.is(&identity));
        let was_owners = lock(&self.owners).contains(key);
        let is_owner = found.account.as_ref().is_some_and(|account| self.owns(account, key));
        let is_another = match (was_owners, &before) {
            _ if is_same => false,
            (true, _) => !is_owner,
            (false, Some(_)) => true,
            (false, None) => noted.is_some_and(|noted| noted.is_new),
        };
        let (Some(live), Some(uri), true) = (self.live(), self.uri_of(key.as_str()), is_another) else {
            return Ok(());
        };
        tracing::info!(network = self.name(), nick = %key, "has changed hands");
        live.cx.newcomer(uri.address()).await?;
        if was_owners {
            live.cx.memory.forget(&self.owners_space(), key.as_str()).await?;
            lock(&self.owners).remove(key);
        }
        Ok(())
    }
}
