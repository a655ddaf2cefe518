//! Accounts: nicks that only their owners can have.
//!
//! Those that the configuration names are proven by their passwords there. Those that people made themselves are
//! kept in the gateway's memory, by a salted hash that is slow to try.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use cpim_adapter::{Memory, MemoryError};
use ring::pbkdf2;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Mutex, Semaphore};

use super::nick::fold;
use crate::config::AccountSettings;

/// Rounds of PBKDF2-HMAC-SHA256: what OWASP's password storage sheet asks for since 2023.
const ROUNDS: u32 = 600_000;

/// Octets of salt, as NIST SP 800-132 section 5.1 asks for.
const SALT_OCTETS: usize = 16;

/// Octets of the hash: all that SHA-256 gives.
const HASH_OCTETS: usize = 32;

/// Passwords that are tried at once: each takes a core for a while, and whoever guesses must not get more than one.
const TRIED_AT_ONCE: usize = 1;

/// Names that are read at once.
const PAGE: usize = 500;

/// The accounts of one network.
pub(crate) struct Accounts {
    memory: Arc<dyn Memory>,
    space: String,
    trying: Semaphore,
    /// Held while an account is made: of two who want one name at once, one is told that it is taken.
    making: Mutex<()>,
}

/// Why there is no new account.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// Somebody has it.
    Taken,
    /// The memory or this machine is in trouble.
    Trouble(String),
}

impl Accounts {
    /// The accounts of the network of this name.
    pub(crate) fn new(memory: Arc<dyn Memory>, network: &str) -> Self {
        Self {
            memory,
            space: format!("irc.accounts.{network}"),
            trying: Semaphore::new(TRIED_AT_ONCE),
            making: Mutex::default(),
        }
    }

    /// Whether there is an account of this name, in any case.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot say.
    pub(crate) async fn exists(
        &self,
        configured: &[AccountSettings],
        name: &str,
    ) -> Result<bool, MemoryError> {
        if named(configured, name).is_some() {
            return Ok(true);
        }
        Ok(self.memory.note(&self.space, &fold(name)).await?.is_some())
    }

    /// Whether this is the password of the account. Takes as long for an account that is not there.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot say.
    pub(crate) async fn proves(
        &self,
        configured: &[AccountSettings],
        name: &str,
        password: &str,
    ) -> Result<bool, MemoryError> {
        if let Some(account) = named(configured, name) {
            return Ok(account.password.is(password));
        }
        let kept = self.memory.note(&self.space, &fold(name)).await?;
        let (known, kept) = match kept.as_deref().and_then(Kept::read) {
            Some(kept) => (true, kept),
            None => (false, Kept::nobody()),
        };
        let password = password.to_owned();
        let right = self.work(move || kept.is_of(&password)).await;
        Ok(known && right.unwrap_or(false))
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`NotMade`] where there is one of this name, or it cannot be kept.
    pub(crate) async fn make(
        &self,
        configured: &[AccountSettings],
        name: &str,
        password: &str,
    ) -> Result<(), NotMade> {
        let trouble = |error: MemoryError| NotMade::Trouble(error.to_string());
        if self.exists(configured, name).await.map_err(trouble)? {
            return Err(NotMade::Taken);
        }
        let password = password.to_owned();
        let kept = self.work(move || Kept::of(&password)).await.flatten();
        let kept = kept.ok_or_else(|| NotMade::Trouble("the password cannot be hashed".to_owned()))?;
        let _making = self.making.lock().await;
        if self.exists(configured, name).await.map_err(trouble)? {
            return Err(NotMade::Taken);
        }
        self.memory.set_note(&self.space, &fold(name), kept.write(), None).await.map_err(trouble)
    }

    /// The names of the accounts that are kept here, in their order.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot say.
    pub(crate) async fn kept(&self) -> Result<Vec<String>, MemoryError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let after = names.last().cloned().unwrap_or_default();
            let page = self.memory.notes(&self.space, &after, PAGE).await?;
            let is_last = page.len() < PAGE;
            names.extend(page.into_iter().map(|(name, _)| name));
            if is_last {
                return Ok(names);
            }
        }
    }

    /// Takes an account away. `false`: none of this name is kept here.
    ///
    /// # Errors
    /// [`MemoryError`] where the memory cannot take it.
    pub(crate) async fn remove(&self, name: &str) -> Result<bool, MemoryError> {
        let name = fold(name);
        let is_kept = self.memory.note(&self.space, &name).await?.is_some();
        self.memory.forget(&self.space, &name).await?;
        Ok(is_kept)
    }

    /// Works apart from the tasks of connections, a few at once.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _place = self.trying.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}

/// The account of the configuration with this name, in any case.
fn named<'a>(configured: &'a [AccountSettings], name: &str) -> Option<&'a AccountSettings> {
    configured.iter().find(|account| fold(&account.name) == fold(name))
}

/// What is kept of a password.
struct Kept {
    rounds: NonZeroU32,
    salt: [u8; SALT_OCTETS],
    hash: [u8; HASH_OCTETS],
}

impl Kept {
    fn of(password: &str) -> Option<Self> {
        let mut kept = Self::nobody();
        SystemRandom::new().fill(&mut kept.salt).ok()?;
        let Self { rounds, salt, hash } = &mut kept;
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, *rounds, salt, password.as_bytes(), hash);
        Some(kept)
    }

    /// What no password is likely to be.
    const fn nobody() -> Self {
        let rounds = match NonZeroU32::new(ROUNDS) {
            Some(rounds) => rounds,
            None => NonZeroU32::MIN,
        };
        Self { rounds, salt: [0; SALT_OCTETS], hash: [0; HASH_OCTETS] }
    }

    fn is_of(&self, password: &str) -> bool {
        let Self { rounds, salt, hash } = self;
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, *rounds, salt, password.as_bytes(), hash).is_ok()
    }

    fn write(&self) -> Bytes {
        format!("pbkdf2-sha256 {} {} {}", self.rounds, hex(&self.salt), hex(&self.hash)).into()
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(octets).ok()?.split(' ');
        let scheme = words.next()?;
        let rounds = words.next()?.parse().ok()?;
        let kept = Self { rounds, salt: unhex(words.next()?)?, hash: unhex(words.next()?)? };
        (scheme == "pbkdf2-sha256" && words.next().is_none()).then_some(kept)
    }
}

pub(crate) fn hex(octets: &[u8]) -> String {
    use std::fmt::Write;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String cannot fail.
        write!(text, "{octet:02x}").ok();
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    if text.len() != N * 2 {
        return None;
    }
    for (at, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use cpim_adapter::VolatileMemory;

    use super::*;
    use crate::config::Password;

    fn accounts() -> Accounts {
        Accounts::new(Arc::new(VolatileMemory::default()), "irc.example")
    }

    #[tokio::test]
    async fn a_made_account_is_proven_by_its_password_alone() {
        let accounts = accounts();
        accounts.make(&[], "Alice", "sesame").await.unwrap();
        assert!(accounts.exists(&[], "aLICE").await.unwrap());
        assert!(accounts.proves(&[], "alice", "sesame").await.unwrap());
        assert!(!accounts.proves(&[], "alice", "sesam").await.unwrap());
        assert!(!accounts.proves(&[], "bob", "sesame").await.unwrap());
        assert!(matches!(accounts.make(&[], "ALICE", "other").await, Err(NotMade::Taken)));
        assert_eq!(accounts.kept().await.unwrap(), ["alice"]);
        assert!(accounts.remove("Alice").await.unwrap() && !accounts.remove("alice").await.unwrap());
        assert!(!accounts.proves(&[], "alice", "sesame").await.unwrap());
    }

    #[tokio::test]
    async fn what_the_configuration_names_wins() {
        let accounts = accounts();
        let configured =
            [AccountSettings { name: "Alice".into(), password: Password::new("from the file").unwrap() }];
        assert!(accounts.proves(&configured, "alice", "from the file").await.unwrap());
        assert!(!accounts.proves(&configured, "alice", "sesame").await.unwrap());
        assert!(matches!(accounts.make(&configured, "alice", "sesame").await, Err(NotMade::Taken)));
    }

    #[test]
    fn what_is_kept_is_read_back_and_holds_no_password() {
        let kept = Kept::of("sesame").unwrap();
        let text = kept.write();
        assert!(!text.windows(6).any(|six| six == b"sesame"));
        assert!(Kept::read(&text).unwrap().is_of("sesame"));
        for broken in ["", "pbkdf2-sha256 0 aa bb", "plain 1 2 3", "pbkdf2-sha256 1 zz zz"] {
            assert!(Kept::read(broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
