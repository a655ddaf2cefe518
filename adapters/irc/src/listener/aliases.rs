//! Foreign users as they appear on this network: each by a nick of its own, which stays the same over restarts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cpim_adapter::{Address, Class, Local, Mapper, Memory, MemoryError};
use cpim_irc_proto::{Host, Nick, Origin, User};

use super::accounts::Accounts;
use super::departure::Renamed;
use super::nick::{GATEWAY, candidates, fold};
use super::users::Users;
use crate::config::AccountSettings;
use crate::sync::lock;

/// Foreign users that are remembered without asking the memory; beyond that the cache begins anew.
const CACHED: usize = 16_384;

/// The nicks of foreign users.
pub(crate) struct Aliases {
    memory: Arc<dyn Memory>,
    space: String,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    nicks: HashMap<Address, Arc<str>>,
    /// How foreign users are called, as they said last.
    names: HashMap<Address, Arc<str>>,
}

impl Aliases {
    /// The aliases of the network of this name.
    pub(crate) fn new(memory: Arc<dyn Memory>, network: &str) -> Self {
        Self { memory, space: format!("irc.nicks.{network}"), cache: Mutex::default() }
    }

    /// How a foreign user appears; given a nick now where he has none yet. No nick of a user or an account is
    /// given away.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot say, or has no nick left.
    pub(crate) async fn appearance(
        &self,
        address: &Address,
        mapper: &Mapper,
        taken: &Taken<'_>,
    ) -> Result<Origin, MemoryError> {
        let address = address.clone().with_class(Class::Im);
        let nick = self.nick(&address, mapper, taken).await?;
        appearing(&nick, &address, mapper)
            .ok_or_else(|| MemoryError::Store(format!("`{nick}` cannot stand for {address}")))
    }

    async fn nick(
        &self,
        address: &Address,
        mapper: &Mapper,
        taken: &Taken<'_>,
    ) -> Result<Arc<str>, MemoryError> {
        if is_gateway(address, mapper) {
            return Ok(GATEWAY.into());
        }
        if let Some(nick) = lock(&self.cache).nicks.get(address) {
            return Ok(Arc::clone(nick));
        }
        let known = self.memory.alias_of(&self.space, address).await?;
        let nick: Arc<str> = match known {
            Some(nick) => nick.into(),
            None => self.assign(address, mapper, taken).await?,
        };
        let mut cache = lock(&self.cache);
        if cache.nicks.len() >= CACHED {
            cache.nicks.clear();
        }
        cache.nicks.insert(address.clone(), Arc::clone(&nick));
        Ok(nick)
    }

    /// How a foreign user appears who has a nick already. Whoever is only asked for is given none: each takes room for
    /// good, and the best nicks would be of people who never were.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot say.
    pub(crate) async fn known(
        &self,
        address: &Address,
        mapper: &Mapper,
    ) -> Result<Option<Origin>, MemoryError> {
        let address = address.clone().with_class(Class::Im);
        let cached = lock(&self.cache).nicks.get(&address).map(|nick| nick.to_string());
        let nick = match cached {
            _ if is_gateway(&address, mapper) => Some(GATEWAY.to_owned()),
            Some(nick) => Some(nick),
            None => self.memory.alias_of(&self.space, &address).await?,
        };
        Ok(nick.and_then(|nick| appearing(&nick, &address, mapper)))
    }

    async fn assign(
        &self,
        address: &Address,
        mapper: &Mapper,
        taken: &Taken<'_>,
    ) -> Result<Arc<str>, MemoryError> {
        let mut free = Vec::new();
        for nick in candidates(address, mapper) {
            if !taken.is(&nick).await? {
                free.push(nick);
            }
        }
        let assigned = self.memory.alias(&self.space, address, free).await?;
        assigned.map(Into::into).ok_or_else(|| MemoryError::Store(format!("no nick is left for {address}")))
    }

    /// Notes how a foreign user is called.
    pub(crate) fn is_called(&self, address: &Address, name: Arc<str>) {
        let mut cache = lock(&self.cache);
        if cache.names.len() >= CACHED {
            cache.names.clear();
        }
        cache.names.insert(address.clone().with_class(Class::Im), name);
    }

    /// The real name of a foreign user: his address, behind how he is called where he has said that.
    pub(crate) fn real_name(&self, address: &Address) -> String {
        let address = address.clone().with_class(Class::Im);
        match lock(&self.cache).names.get(&address) {
            Some(name) => format!("{name} ({address})"),
            None => address.to_string(),
        }
    }

    /// The foreign user with this nick, in any case.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot say.
    pub(crate) async fn named(&self, nick: &str, mapper: &Mapper) -> Result<Option<Address>, MemoryError> {
        match fold(nick) {
            nick if nick == GATEWAY => Ok(mapper.address_of(&Local::Gateway, Class::Im).ok()),
            nick => self.memory.alias_named(&self.space, &nick).await,
        }
    }

    /// A real user has taken a nick: whoever had it as an alias gets another. Told are both of its appearances.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot take it.
    pub(crate) async fn give_way(
        &self,
        nick: &str,
        mapper: &Mapper,
        taken: &Taken<'_>,
    ) -> Result<Option<Renamed>, MemoryError> {
        let nick = fold(nick);
        let Some(address) = self.memory.alias_named(&self.space, &nick).await? else {
            return Ok(None);
        };
        self.memory.unalias(&self.space, &nick).await?;
        lock(&self.cache).nicks.remove(&address);
        // Not looked up: what was just forgotten may still be found there.
        let new = self.assign(&address, mapper, taken).await?;
        Ok(appearing(&nick, &address, mapper).map(|source| Renamed { old: nick.into(), source, new }))
    }
}

/// Nicks that are real users'.
pub(crate) struct Taken<'a> {
    pub(crate) users: &'a Users,
    pub(crate) accounts: &'a Accounts,
    pub(crate) configured: &'a [AccountSettings],
}

impl Taken<'_> {
    async fn is(&self, nick: &str) -> Result<bool, MemoryError> {
        Ok(self.users.with_nick(nick).is_some() || self.accounts.exists(self.configured, nick).await?)
    }
}

fn is_gateway(address: &Address, mapper: &Mapper) -> bool {
    matches!(mapper.resident(address), Ok(Some(Local::Gateway)))
}

/// Octets of an address's local-part that are shown before each line: with more, little is left for text. The whole
/// is in `WHOIS`.
const USER_OCTETS: usize = 64;

/// `nick!user@host` of a foreign user: its address as a URI spells it.
fn appearing(nick: &str, address: &Address, mapper: &Mapper) -> Option<Origin> {
    let spelled = address.to_string();
    let local = spelled.split_once(':').map_or("", |(_, rest)| rest);
    let local = local.rsplit_once('@').map_or("", |(local, _)| local);
    // The two characters that a URI's local-part may hold and a source may not.
    let local = local.replace('!', "%21").replace('@', "%40");
    let nick = Nick::parse(nick).ok()?;
    let whole = match (User::parse(&local), Host::parse(address.domain().as_str())) {
        (Ok(user), Ok(host)) if local.len() <= USER_OCTETS => Some((user, host)),
        _ => None,
    };
    let short = || {
        let host = Host::parse(mapper.relay_domain().as_str()).or_else(|_| Host::parse("gateway")).ok()?;
        Some((User::parse(nick.as_str()).ok()?, host))
    };
    let (user, host) = whole.or_else(short)?;
    Some(Origin::Person { nick, user, host })
}

#[cfg(test)]
mod tests {
    use cpim_adapter::{Domain, Selectors, VolatileMemory};
    use tokio::sync::mpsc;

    use super::super::users::Face;
    use super::*;

    struct Stage {
        memory: Arc<dyn Memory>,
        mapper: Mapper,
        users: Users,
        accounts: Accounts,
    }

    impl Stage {
        fn new() -> Self {
            let memory: Arc<dyn Memory> = Arc::new(VolatileMemory::default());
            Self {
                accounts: Accounts::new(Arc::clone(&memory), "irc.example"),
                memory,
                mapper: Mapper::new(Domain::parse("gw.example").unwrap(), Selectors::default()),
                users: Users::default(),
            }
        }

        fn aliases(&self) -> Aliases {
            Aliases::new(Arc::clone(&self.memory), "irc.example")
        }

        fn taken(&self) -> Taken<'_> {
            Taken { users: &self.users, accounts: &self.accounts, configured: &[] }
        }

        async fn seen(&self, aliases: &Aliases, address: &str) -> String {
            let address = Address::parse(address).unwrap();
            aliases.appearance(&address, &self.mapper, &self.taken()).await.unwrap().to_string()
        }

        fn enter(&self, nick: &str) {
            let face = Face {
                nick: nick.into(),
                nick_since: std::time::SystemTime::now(),
                user: "u".into(),
                real_name: "r".into(),
                account: None,
                away: None,
            };
            self.users.enter(face, mpsc::channel(1).0).unwrap();
        }
    }

    #[tokio::test]
    async fn a_foreign_user_has_one_nick_over_restarts() {
        let stage = Stage::new();
        let aliases = stage.aliases();
        assert_eq!(stage.seen(&aliases, "im:fred@a.example").await, "fred!fred@a.example");
        assert_eq!(stage.seen(&aliases, "im:fred@b.example").await, "fred-b!fred@b.example");
        assert_eq!(stage.seen(&aliases, "pres:fred@a.example").await, "fred!fred@a.example");
        let mail = "im:mailto=bob~40mail.example@gw.example";
        assert_eq!(stage.seen(&aliases, mail).await, "bob!mailto=bob~40mail.example@gw.example");
        let again = stage.aliases();
        assert_eq!(stage.seen(&again, "im:fred@b.example").await, "fred-b!fred@b.example");
        let fred = again.named("FRED", &stage.mapper).await.unwrap().unwrap();
        assert_eq!(fred.to_string(), "im:fred@a.example");
        assert_eq!(again.named("nobody", &stage.mapper).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_real_user_wins_a_nick() {
        let stage = Stage::new();
        let aliases = stage.aliases();
        stage.enter("Wilma");
        stage.accounts.make(&[], "barney", "secret").await.unwrap();
        assert_eq!(stage.seen(&aliases, "im:wilma@a.example").await, "wilma-a!wilma@a.example");
        assert_eq!(stage.seen(&aliases, "im:barney@a.example").await, "barney-a!barney@a.example");
        assert_eq!(stage.seen(&aliases, "im:fred@a.example").await, "fred!fred@a.example");
        stage.enter("Fred");
        let moved = aliases.give_way("Fred", &stage.mapper, &stage.taken()).await.unwrap().unwrap();
        assert_eq!((&*moved.old, &*moved.new), ("fred", "fred-a"));
        assert_eq!(moved.source.to_string(), "fred!fred@a.example");
        assert_eq!(stage.seen(&aliases, "im:fred@a.example").await, "fred-a!fred@a.example");
        assert!(aliases.give_way("Wilma", &stage.mapper, &stage.taken()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_source_holds_nothing_that_would_end_it() {
        let stage = Stage::new();
        let aliases = stage.aliases();
        assert_eq!(stage.seen(&aliases, "im:a!b@a.example").await, "ab!a%21b@a.example");
        let long = format!("im:{}@a.example", "x".repeat(120));
        let seen = stage.seen(&aliases, &long).await;
        assert_eq!(seen, format!("{0}!{0}@gw.example", "x".repeat(16)));
        assert_eq!(stage.seen(&aliases, "im:gateway@gw.example").await, "gateway!gateway@gw.example");
    }
}
