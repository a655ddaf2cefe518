//! Who is on the network: the clients that have said who they are, by nick and by account.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::sync::mpsc;

use super::departure::Departure;
use super::nick::fold;
use crate::sync::lock;

/// Accounts whose leaving is kept in mind: what was on the way to them then waits for them. Beyond that it begins anew,
/// and what was on the way is told to be undelivered.
const LEFT: usize = 4_096;

/// A client, as the others see it.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    /// Its nick, as it spells it.
    pub(crate) nick: Arc<str>,
    /// Since when that is its nick.
    pub(crate) nick_since: SystemTime,
    /// What it calls its user.
    pub(crate) user: Arc<str>,
    /// Its real name.
    pub(crate) real_name: Arc<str>,
    /// The account that it has proven, as that is spelled.
    pub(crate) account: Option<Arc<str>>,
    /// What it says of being away.
    pub(crate) away: Option<Arc<str>>,
}

impl Face {
    /// Who it is, as the target of its address: its account, else its nick.
    pub(crate) fn person(&self) -> String {
        fold(self.account.as_deref().unwrap_or(&self.nick))
    }
}

/// A client that has said who it is.
pub(crate) struct User {
    /// Its number: later ones are higher.
    pub(crate) id: u64,
    /// Where what is for it goes.
    pub(crate) room: mpsc::Sender<Departure>,
    face: Mutex<Face>,
}

impl User {
    /// As the others see it now.
    pub(crate) fn face(&self) -> Face {
        lock(&self.face).clone()
    }
}

/// The presence of a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Seen {
    /// On the network.
    Here,
    /// On the network, and away with these words.
    Away(Arc<str>),
    /// Not on the network.
    Gone,
}

/// The nick is somebody's.
#[derive(Debug)]
pub(crate) struct NickInUse;

/// The clients of a network.
#[derive(Default)]
pub(crate) struct Users {
    last: AtomicU64,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    by_nick: HashMap<String, Arc<User>>,
    /// The newest last.
    by_account: HashMap<String, Vec<Arc<User>>>,
    /// Of whom each change is told.
    observed: HashSet<String>,
    /// When the last client of an account left, of those that did lately.
    left: HashMap<String, SystemTime>,
    /// The most that there ever were.
    most: usize,
}

impl Users {
    /// Enters a client.
    ///
    /// # Errors
    /// [`NickInUse`]: another has the nick.
    pub(crate) fn enter(&self, face: Face, room: mpsc::Sender<Departure>) -> Result<Arc<User>, NickInUse> {
        let mut tables = lock(&self.tables);
        let nick = fold(&face.nick);
        if tables.by_nick.contains_key(&nick) {
            return Err(NickInUse);
        }
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let account = face.account.as_deref().map(fold);
        let user = Arc::new(User { id, room, face: Mutex::new(face) });
        tables.by_nick.insert(nick, Arc::clone(&user));
        if let Some(account) = account {
            tables.by_account.entry(account).or_default().push(Arc::clone(&user));
        }
        tables.most = tables.most.max(tables.by_nick.len());
        Ok(user)
    }

    /// Gives a client another nick.
    ///
    /// # Errors
    /// [`NickInUse`]: another has it.
    pub(crate) fn rename(&self, user: &Arc<User>, nick: &str) -> Result<(), NickInUse> {
        let mut tables = lock(&self.tables);
        let (old, new) = (fold(&user.face().nick), fold(nick));
        if tables.by_nick.get(&new).is_some_and(|other| other.id != user.id) {
            return Err(NickInUse);
        }
        tables.by_nick.remove(&old);
        tables.by_nick.insert(new.clone(), Arc::clone(user));
        let mut face = lock(&user.face);
        face.nick = nick.into();
        if old != new {
            face.nick_since = SystemTime::now();
        }
        Ok(())
    }

    /// Notes what a client says of being away.
    pub(crate) fn set_away(&self, user: &User, away: Option<Arc<str>>) {
        lock(&user.face).away = away;
    }

    /// Takes a client out.
    pub(crate) fn leave(&self, user: &User) {
        let mut tables = lock(&self.tables);
        let face = user.face();
        tables.by_nick.remove(&fold(&face.nick));
        if let Some(account) = face.account.as_deref().map(fold) {
            let gone = tables.by_account.get_mut(&account).is_some_and(|of_account| {
                of_account.retain(|other| other.id != user.id);
                of_account.is_empty()
            });
            if gone {
                tables.by_account.remove(&account);
                if tables.left.len() >= LEFT {
                    tables.left.clear();
                }
                tables.left.insert(account, SystemTime::now());
            }
        }
    }

    /// The client with this nick, in any case.
    pub(crate) fn with_nick(&self, nick: &str) -> Option<Arc<User>> {
        lock(&self.tables).by_nick.get(&fold(nick)).cloned()
    }

    /// The clients of whoever a target means, the newest last: those of an account, else the one with the nick.
    pub(crate) fn of(&self, target: &str) -> Vec<Arc<User>> {
        let tables = lock(&self.tables);
        match tables.by_account.get(target) {
            Some(of_account) => of_account.clone(),
            None => tables.by_nick.get(target).cloned().into_iter().collect(),
        }
    }

    /// The presence of whoever a target means.
    pub(crate) fn presence(&self, target: &str) -> Seen {
        let faces: Vec<Face> = self.of(target).iter().map(|user| user.face()).collect();
        match faces.iter().rev().find(|face| face.away.is_none()).or_else(|| faces.last()) {
            Some(face) => face.away.clone().map_or(Seen::Here, Seen::Away),
            None => Seen::Gone,
        }
    }

    /// Has each change of whoever a target means told from now on.
    pub(crate) fn observe(&self, target: &str) {
        lock(&self.tables).observed.insert(target.to_owned());
    }

    /// Ends that.
    pub(crate) fn unobserve(&self, target: &str) {
        lock(&self.tables).observed.remove(target);
    }

    /// Whether changes of this target are told.
    pub(crate) fn is_observed(&self, target: &str) -> bool {
        lock(&self.tables).observed.contains(target)
    }

    /// When the last client of an account left, if that was lately.
    pub(crate) fn left_at(&self, account: &str) -> Option<SystemTime> {
        lock(&self.tables).left.get(account).copied()
    }

    /// Every client.
    pub(crate) fn all(&self) -> Vec<Arc<User>> {
        lock(&self.tables).by_nick.values().cloned().collect()
    }

    /// How many there are now, and the most that there ever were.
    pub(crate) fn count(&self) -> (usize, usize) {
        let tables = lock(&self.tables);
        (tables.by_nick.len(), tables.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(nick: &str, account: Option<&str>) -> Face {
        Face {
            nick: nick.into(),
            nick_since: SystemTime::UNIX_EPOCH,
            user: "u".into(),
            real_name: "r".into(),
            account: account.map(Into::into),
            away: None,
        }
    }

    fn enter(users: &Users, nick: &str, account: Option<&str>) -> Result<Arc<User>, NickInUse> {
        users.enter(face(nick, account), mpsc::channel(1).0)
    }

    #[test]
    fn a_nick_is_one_clients_in_any_case() {
        let users = Users::default();
        let alice = enter(&users, "Alice", None).unwrap();
        assert!(enter(&users, "aLICE", None).is_err());
        let bob = enter(&users, "bob", None).unwrap();
        assert!(users.rename(&bob, "ALICE").is_err());
        users.rename(&alice, "alicE").unwrap();
        assert_eq!(alice.face().nick_since, SystemTime::UNIX_EPOCH, "still the same nick");
        users.rename(&alice, "carol").unwrap();
        assert!(alice.face().nick_since > SystemTime::UNIX_EPOCH);
        assert!(users.with_nick("alice").is_none() && users.with_nick("CAROL").is_some());
        users.leave(&alice);
        assert_eq!(users.count(), (1, 2));
    }

    #[test]
    fn a_person_is_an_account_with_all_its_clients() {
        let users = Users::default();
        let first = enter(&users, "alice", Some("Alice")).unwrap();
        let second = enter(&users, "alice_", Some("alice")).unwrap();
        assert_eq!(second.face().person(), "alice");
        let ids = |target: &str| users.of(target).iter().map(|user| user.id).collect::<Vec<_>>();
        assert_eq!(ids("alice"), [first.id, second.id]);
        assert_eq!(ids("alice_"), [second.id]);
        users.set_away(&second, Some("out".into()));
        assert_eq!(users.presence("alice"), Seen::Here);
        users.leave(&first);
        assert_eq!(users.presence("alice"), Seen::Away("out".into()));
        users.leave(&second);
        assert_eq!(users.presence("alice"), Seen::Gone);
    }
}
