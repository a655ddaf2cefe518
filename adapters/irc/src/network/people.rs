//! The people of a network: who has a nick, since when, and whether they are there.
//!
//! A nick is its account, else itself on the connection of whoever has it. What was on the way to it when it changed
//! hands is for nobody. So of everybody who is written to it is kept in mind who that was, and since when.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use cpim_irc_proto::NameKey;
use cpim_irc_proto::client::{Change, Found};
use tokio::time::Instant;

/// People who are kept in mind, beside those who are observed; beyond that, whoever was not written to for longest is
/// forgotten.
const KEPT: usize = 4_096;

/// What was accepted no longer ago than this is for whoever has the nick now, unless he is known to have just come: a
/// network that is asked takes as long to answer.
pub(super) const MOMENT: Duration = Duration::from_secs(2);

/// By what somebody is known again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Identity {
    /// The account that he is logged in to.
    pub(super) account: Option<String>,
    /// When his connection began, by the network's clock.
    pub(super) signed_on: Option<u64>,
    /// His user name and host: two may have come in one second.
    pub(super) mask: Option<String>,
}

impl Identity {
    /// Whether both are one person for certain.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.account, &other.account) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => self.signed_on.is_some() && self.signed_on == other.signed_on && self.mask == other.mask,
        }
    }

    /// As it is noted, with since when it holds.
    pub(super) fn to_note(&self, since: SystemTime) -> String {
        let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let signed_on = self.signed_on.map(|at| at.to_string()).unwrap_or_default();
        let [mask, account] = [&self.mask, &self.account].map(|word| word.as_deref().unwrap_or_default());
        format!("{since} {signed_on} {mask} {account}")
    }

    /// What [`Self::to_note`] wrote.
    pub(super) fn from_note(note: &str) -> Option<(Self, SystemTime)> {
        let mut words = note.splitn(4, ' ');
        let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(words.next()?.parse().ok()?))?;
        let signed_on = words.next()?.parse().ok();
        let mut word = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
        let (mask, account) = (word(), word());
        Some((Self { account, signed_on, mask }, since))
    }
}

impl From<&Found> for Identity {
    fn from(found: &Found) -> Self {
        Self { account: found.account.clone(), signed_on: found.signed_on, mask: found.mask.clone() }
    }
}

/// What the network has said of somebody who is kept in mind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Noted {
    /// What is to be noted of him.
    pub(super) note: String,
    /// He is another than whoever had the nick before.
    pub(super) is_new: bool,
}

/// Whether what was accepted at some time is for whoever has the nick now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Judgement {
    /// It is.
    Same,
    /// It is not, or nobody could tell.
    Other,
    /// The network must be asked.
    Unclear,
}

/// How long before the network came in sight a message for a stranger may have been accepted: as long as connecting takes.
const STARTING: Duration = Duration::from_secs(10);

/// The presence of somebody, as it is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Seen {
    Here,
    Away(String),
    Gone,
}

#[derive(Debug)]
struct Person {
    identity: Option<Identity>,
    /// Since when the nick is known to be his.
    since: SystemTime,
    /// Whoever had it before is known to have been somebody else.
    is_heir: bool,
    /// When he was last seen gone, without having been known again since.
    left: Option<SystemTime>,
    /// When he was last known for certain.
    confirmed: SystemTime,
    /// Every coming and going was told since then.
    unbroken: bool,
    is_there: Option<bool>,
    away: Option<String>,
    is_observed: bool,
    told: Option<Seen>,
    /// Since when he is gone, or out of sight, without that being told yet.
    missing: Option<Instant>,
    used: Instant,
}

/// Everybody who matters.
#[derive(Debug)]
pub(super) struct People {
    settle: Duration,
    /// Since when the network is in sight: of what was before, nothing was seen.
    in_sight: SystemTime,
    all: HashMap<NameKey, Person>,
    /// Whose being gone is to be told, and when.
    settling: BTreeSet<(Instant, NameKey)>,
    observed: usize,
}

impl People {
    /// Nobody yet. `settle`: how long somebody must be gone before that is told.
    pub(super) fn new(settle: Duration) -> Self {
        Self {
            settle,
            in_sight: SystemTime::UNIX_EPOCH,
            all: HashMap::new(),
            settling: BTreeSet::new(),
            observed: 0,
        }
    }

    /// Keeps somebody in mind. Gives back whether he is new, and who is forgotten in his favour.
    pub(super) fn meet(&mut self, key: &NameKey, at: SystemTime, now: Instant) -> (bool, Option<NameKey>) {
        if let Some(person) = self.all.get_mut(key) {
            person.used = now;
            return (false, None);
        }
        let forgotten = (self.all.len() - self.observed >= KEPT)
            .then(|| {
                let others = self.all.iter().filter(|(_, person)| !person.is_observed);
                others.min_by_key(|(_, person)| person.used).map(|(key, _)| key.clone())
            })
            .flatten();
        if let Some(forgotten) = &forgotten {
            self.all.remove(forgotten);
        }
        let person = Person {
            identity: None,
            since: at,
            is_heir: false,
            left: None,
            confirmed: at,
            unbroken: false,
            is_there: None,
            away: None,
            is_observed: false,
            told: None,
            missing: None,
            used: now,
        };
        self.all.insert(key.clone(), person);
        (true, forgotten)
    }

    /// Who had the nick before the last start, as it was noted then.
    pub(super) fn recall(&mut self, key: &NameKey, identity: Identity, since: SystemTime) {
        if let Some(person) = self.all.get_mut(key).filter(|person| person.identity.is_none()) {
            person.identity = Some(identity);
            person.since = since;
            person.confirmed = since;
        }
    }

    /// Whether what was accepted then is for whoever has the nick now.
    pub(super) fn judge(&self, key: &NameKey, accepted_at: SystemTime, at: SystemTime) -> Judgement {
        let Some(person) = self.all.get(key) else { return Judgement::Unclear };
        let is_recent =
            |then: SystemTime| then >= self.in_sight && at.duration_since(then).unwrap_or_default() <= MOMENT;
        let slack = if person.is_heir { Duration::ZERO } else { MOMENT };
        if person.since > accepted_at + slack {
            return Judgement::Other;
        }
        let has_left = person.left.is_some_and(|left| left >= accepted_at);
        // Who was never seen has nobody before him; but the network must have been about to come in sight.
        let is_stranger = person.identity.is_none() && accepted_at + STARTING >= self.in_sight;
        let accepted_at = if is_stranger { accepted_at.max(self.in_sight) } else { accepted_at };
        match person.unbroken || is_recent(accepted_at) || is_recent(person.confirmed) {
            true if !has_left => Judgement::Same,
            _ if person.identity.is_none() => Judgement::Other,
            _ => Judgement::Unclear,
        }
    }

    /// The account of whoever is known to have the nick now.
    pub(super) fn account_of(&self, key: &NameKey) -> Option<String> {
        let person = self.all.get(key).filter(|person| person.unbroken && person.is_there == Some(true))?;
        person.identity.as_ref()?.account.clone()
    }

    /// Whether the nick is known to be nobody's.
    pub(super) fn is_gone(&self, key: &NameKey) -> bool {
        self.all.get(key).is_some_and(|person| person.is_there == Some(false) && person.unbroken)
    }

    /// What the network says of a nick. Gives back what is to be noted of it.
    pub(super) fn found(
        &mut self,
        key: &NameKey,
        found: &Found,
        is_told: bool,
        at: SystemTime,
        now: Instant,
    ) -> Option<Noted> {
        let person = self.all.get_mut(key)?;
        let is_new = !found.is_there || {
            let identity = Identity::from(found);
            let is_same = person.identity.as_ref().is_some_and(|known| known.is(&identity));
            // Whoever was met without a name until now is whoever has it, unless he left in between; or came in between,
            // where the network took long to say so.
            let signed_on =
                found.signed_on.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at)));
            let is_late = at > person.since + MOMENT && signed_on.is_some_and(|on| on > person.since);
            let is_first = person.identity.is_none() && person.left.is_none() && !is_late;
            person.identity = Some(identity);
            !is_same && !is_first
        };
        if is_new {
            // Whoever has it came after the other was seen gone.
            person.since = person.left.unwrap_or(at);
            person.is_heir = true;
        }
        if found.is_there {
            person.left = None;
        } else {
            person.identity = None;
        }
        person.confirmed = at;
        person.unbroken = is_told;
        let note = person.identity.as_ref().map(|identity| identity.to_note(person.since));
        let noted = note.map(|note| Noted { note, is_new });
        let change = match (found.is_there, &found.away) {
            (false, _) => Change::Offline,
            (true, away) => Change::Away(away.clone()),
        };
        if found.is_there {
            self.changed(key, &Change::Online, is_told, at, now);
        }
        self.changed(key, &change, is_told, at, now);
        noted
    }

    /// Something changed. `is_told`: nothing of the kind would be missed. Whether he should be asked for: who he is, or
    /// what he says.
    pub(super) fn changed(
        &mut self,
        key: &NameKey,
        change: &Change,
        is_told: bool,
        at: SystemTime,
        now: Instant,
    ) -> bool {
        let Some(person) = self.all.get_mut(key) else { return false };
        match change {
            Change::Online => {
                let was_there = person.is_there.replace(true);
                // The first that is heard of somebody who was just met is no break.
                if was_there.is_none() && person.identity.is_none() {
                    person.unbroken = is_told;
                }
                if was_there == Some(false) {
                    person.unbroken = false;
                    person.away = None;
                }
            }
            Change::Offline => {
                person.is_there = Some(false);
                person.unbroken = false;
                person.left = Some(at);
                person.away = None;
            }
            Change::Away(words) => person.away.clone_from(words),
            Change::AwayUntold => person.away = person.away.take().or(Some(String::new())),
        }
        let is_there = person.is_there == Some(true);
        if is_there == person.missing.is_some() {
            let missing = (!is_there).then_some(now);
            Self::miss(&mut self.settling, self.settle, key, person, missing);
        }
        match change {
            Change::Online => !person.unbroken || person.identity.is_none(),
            Change::AwayUntold => person.is_observed,
            Change::Offline | Change::Away(_) => false,
        }
    }

    fn miss(
        settling: &mut BTreeSet<(Instant, NameKey)>,
        settle: Duration,
        key: &NameKey,
        person: &mut Person,
        missing: Option<Instant>,
    ) {
        if let Some(since) = person.missing {
            settling.remove(&(since + settle, key.clone()));
        }
        person.missing = missing;
        if let Some(since) = missing.filter(|_| person.is_observed) {
            settling.insert((since + settle, key.clone()));
        }
    }

    /// The network is in sight from now on.
    pub(super) fn see(&mut self, at: SystemTime) {
        self.in_sight = at;
    }

    /// Whether it has been in sight since then.
    pub(super) fn saw_all_since(&self, at: SystemTime) -> bool {
        self.in_sight <= at
    }

    /// The network is out of sight: nothing is known of anybody.
    pub(super) fn lost_sight(&mut self, now: Instant) {
        for (key, person) in &mut self.all {
            person.unbroken = false;
            person.is_there = None;
            if person.missing.is_none() {
                Self::miss(&mut self.settling, self.settle, key, person, Some(now));
            }
        }
    }

    /// Everybody, and whether he is observed.
    pub(super) fn everybody(&self) -> impl Iterator<Item = (&NameKey, bool)> {
        self.all.iter().map(|(key, person)| (key, person.is_observed))
    }

    /// Has the presence of somebody who was met told from now on.
    pub(super) fn observe(&mut self, key: &NameKey) {
        if let Some(person) = self.all.get_mut(key).filter(|person| !person.is_observed) {
            person.is_observed = true;
            person.told = None;
            self.observed += 1;
            let missing = person.missing;
            Self::miss(&mut self.settling, self.settle, key, person, missing);
        }
    }

    /// Ends that.
    pub(super) fn unobserve(&mut self, key: &NameKey) {
        if let Some(person) = self.all.get_mut(key).filter(|person| person.is_observed) {
            let missing = person.missing;
            Self::miss(&mut self.settling, self.settle, key, person, None);
            person.is_observed = false;
            person.missing = missing;
            self.observed -= 1;
        }
    }

    /// The presence of somebody, where it is observed, known for certain and not told yet.
    pub(super) fn news(&mut self, key: &NameKey, now: Instant) -> Option<Seen> {
        let person = self.all.get_mut(key).filter(|person| person.is_observed)?;
        let has_settled = person.missing.is_some_and(|since| since + self.settle <= now);
        let seen = match (person.is_there, &person.away, &person.told) {
            (Some(true), None, _) => Seen::Here,
            (Some(true), Some(words), _) => Seen::Away(words.clone()),
            // Nobody waits for what was never otherwise.
            (Some(false), _, None | Some(Seen::Gone)) => Seen::Gone,
            (Some(false) | None, _, Some(_)) if has_settled => Seen::Gone,
            (Some(false) | None, _, _) => return None,
        };
        if person.told.as_ref() == Some(&seen) {
            return None;
        }
        person.told = Some(seen.clone());
        Some(seen)
    }

    /// Who has been gone for long enough.
    pub(super) fn settled(&mut self, now: Instant) -> Vec<NameKey> {
        let mut keys = Vec::new();
        while let Some((at, _)) = self.settling.first()
            && *at <= now
        {
            keys.extend(self.settling.pop_first().map(|(_, key)| key));
        }
        keys
    }

    /// When somebody has been.
    pub(super) fn settles(&self) -> Option<Instant> {
        self.settling.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
