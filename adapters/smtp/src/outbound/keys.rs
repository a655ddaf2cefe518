//! Keyed addresses: what a stranger cannot make up, and only we can read (RFC 3464 section 4.1).
//!
//! | local-part | is |
//! |---|---|
//! | `b=LEG-KEY` | the reverse-path of one leg: its delivery reports come there |
//! | `b=u.KEY` | the way out of one subscription |
//! | `b=n` | the reverse-path of notifications: what comes there is taken, and read by nobody |

use std::fmt::{self, Write as _};

use bytes::Bytes;
use cpim_adapter::{Address, Memory, MemoryError};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The space of what this adapter must not forget about itself.
const SECRETS: &str = "smtp.secrets";
/// The note with the secret behind every key.
const KEYED: &str = "keyed-addresses";
/// The space of subscriptions that a mail may end, by their keys.
const SUBSCRIPTIONS: &str = "smtp.subscriptions";
/// Octets of the secret.
const SECRET_OCTETS: usize = 32;
/// Octets of a key: 128 bits, which nobody guesses.
const KEY_OCTETS: usize = 16;
/// Before every keyed address.
const PREFIX: &str = "b=";
/// Before the key of a subscription.
const UNSUBSCRIBE: &str = "u.";
/// What stands there in the reverse-path of notifications. It has no key, because it does nothing.
const NOTICES: &str = "n";

/// What a keyed address of ours stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Keyed {
    /// Reports on this leg.
    Leg(u64),
    /// What became of notifications, which nobody waits for: the next one says more.
    Notices,
    /// The end of the subscription that is kept under this key.
    Unsubscribe(String),
}

/// Makes keyed addresses, and reads them.
#[derive(Clone)]
pub struct Keys(Hmac<Sha256>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Keys with the secret that is kept; made and kept the first time, so that reports are known after a restart.
    ///
    /// # Errors
    /// Where the memory cannot say, or cannot take it.
    pub async fn load(memory: &dyn Memory) -> Result<Self, MemoryError> {
        if let Some(secret) = memory.note(SECRETS, KEYED).await? {
            return Ok(Self::new(&secret));
        }
        let mut secret = [0; SECRET_OCTETS];
        getrandom::fill(&mut secret).map_err(|error| MemoryError::Store(error.to_string()))?;
        memory.set_note(SECRETS, KEYED, Bytes::copy_from_slice(&secret), None).await?;
        Ok(Self::new(&secret))
    }

    fn new(secret: &[u8]) -> Self {
        // HMAC takes a key of any length (RFC 2104 section 2), so that the other arm is never taken.
        Self(Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default())))
    }

    /// The local-part of a leg's reverse-path, and of its ENVID without the prefix.
    #[must_use]
    pub fn leg(&self, leg: u64) -> String {
        format!("{PREFIX}{leg}-{}", self.key(&format!("leg {leg}")))
    }

    /// The local-part of the reverse-path of notifications: a mailbox that is full, or on holiday, is no message to
    /// whom they tell of.
    #[must_use]
    pub fn notices() -> String {
        format!("{PREFIX}{NOTICES}")
    }

    /// The local-part that ends a subscription, kept so that it is understood after a restart.
    ///
    /// # Errors
    /// Where the memory cannot take it.
    pub async fn unsubscribe(
        &self,
        watcher: &Address,
        target: &Address,
        memory: &dyn Memory,
    ) -> Result<String, MemoryError> {
        let ends = format!("{watcher} {target}");
        let key = self.key(&format!("unsubscribe {ends}"));
        if memory.note(SUBSCRIPTIONS, &key).await?.is_none() {
            memory.set_note(SUBSCRIPTIONS, &key, ends.into(), None).await?;
        }
        Ok(format!("{PREFIX}{UNSUBSCRIBE}{key}"))
    }

    /// What a local-part stands for, where it is keyed. `Err`: it has the form of a keyed one and is none of ours.
    #[must_use]
    pub fn read(&self, local: &str) -> Option<Result<Keyed, Forged>> {
        let rest = local.get(..PREFIX.len()).filter(|prefix| prefix.eq_ignore_ascii_case(PREFIX));
        let rest = rest.and_then(|_| local.get(PREFIX.len()..))?.to_ascii_lowercase();
        if let Some(key) = rest.strip_prefix(UNSUBSCRIBE) {
            return Some(Ok(Keyed::Unsubscribe(key.to_owned())));
        }
        if rest == NOTICES {
            return Some(Ok(Keyed::Notices));
        }
        let leg = rest.split_once('-').and_then(|(leg, key)| {
            let number: u64 = leg.parse().ok()?;
            self.proves(&format!("leg {number}"), key).then_some(number)
        });
        Some(leg.map(Keyed::Leg).ok_or(Forged))
    }

    /// The watcher and the target of the subscription that a key ends.
    ///
    /// # Errors
    /// Where the memory cannot say.
    pub async fn subscription(
        key: &str,
        memory: &dyn Memory,
    ) -> Result<Option<(Address, Address)>, MemoryError> {
        let Some(ends) = memory.note(SUBSCRIPTIONS, key).await? else { return Ok(None) };
        let ends = std::str::from_utf8(&ends).ok().and_then(|ends| {
            let (watcher, target) = ends.split_once(' ')?;
            Some((Address::parse(watcher).ok()?, Address::parse(target).ok()?))
        });
        Ok(ends)
    }

    fn key(&self, of: &str) -> String {
        let proof = self.0.clone().chain_update(of).finalize().into_bytes();
        proof.iter().take(KEY_OCTETS).fold(String::new(), |mut key, octet| {
            // Writing to a String cannot fail.
            write!(key, "{octet:02x}").ok();
            key
        })
    }

    /// In a time that does not tell how much of the key is right.
    fn proves(&self, of: &str, key: &str) -> bool {
        let octets: Option<Vec<u8>> = key
            .as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
            .collect();
        octets.is_some_and(|octets| {
            octets.len() == KEY_OCTETS
                && self.0.clone().chain_update(of).verify_truncated_left(&octets).is_ok()
        })
    }
}

/// An address that has the form of a keyed one, and whose key is not ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a keyed address that was not given out here")]
pub struct Forged;

#[cfg(test)]
mod tests {
    use cpim_adapter::VolatileMemory;

    use super::*;

    #[tokio::test]
    async fn keys_are_known_after_a_restart_and_cannot_be_made_up() {
        let memory = VolatileMemory::default();
        let local = Keys::load(&memory).await.unwrap().leg(42);
        assert!(local.len() <= 64 && local.starts_with("b=42-"), "{local}");
        let keys = Keys::load(&memory).await.unwrap();
        assert_eq!(keys.read(&local.to_uppercase()), Some(Ok(Keyed::Leg(42))));
        assert_eq!(keys.read(&local.replace("b=42", "b=43")), Some(Err(Forged)));
        for at in 5..local.len() {
            let mut other = local.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(keys.read(&String::from_utf8(other).unwrap()), Some(Err(Forged)), "{at}");
        }
        assert_eq!(keys.read("b=42-"), Some(Err(Forged)));
        assert_eq!(keys.read("fred"), None);
        let other = Keys::load(&VolatileMemory::default()).await.unwrap();
        assert_eq!(other.read(&local), Some(Err(Forged)));
    }

    #[tokio::test]
    async fn a_way_out_is_of_one_subscription() {
        let memory = VolatileMemory::default();
        let keys = Keys::load(&memory).await.unwrap();
        let [bob, fred] =
            ["pres:bob@b.example", "pres:fred@a.example"].map(|uri| Address::parse(uri).unwrap());
        let local = keys.unsubscribe(&bob, &fred, &memory).await.unwrap();
        let Some(Ok(Keyed::Unsubscribe(key))) = keys.read(&local) else { panic!("{local}") };
        assert_eq!(Keys::subscription(&key, &memory).await.unwrap(), Some((bob, fred)));
        assert_eq!(Keys::subscription("00", &memory).await.unwrap(), None);
    }
}
