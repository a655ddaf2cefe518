//! How much each client may, and each author: connections at once, and mails in a time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cpim_adapter::Address;

/// Clients that are remembered at most; more at once than a gateway ever has, and a few MiB.
const CLIENTS_MAX: usize = 65_536;
/// Authors that are remembered at most, likewise.
const AUTHORS_MAX: usize = 65_536;

/// Wrong passwords of one client in each span of time: more than somebody mistypes, and too few to guess by.
const WRONG_PASSWORDS: u32 = 20;

/// What clients are allowed, and what they have had of it.
#[derive(Debug)]
pub(super) struct Rates {
    connections: usize,
    mails: u32,
    each: Duration,
    clients: Mutex<HashMap<IpAddr, Client>>,
}

#[derive(Debug)]
struct Client {
    connections: usize,
    mails: Share,
    wrong_passwords: Share,
}

impl Client {
    /// When it was last heard of.
    fn at(&self) -> Instant {
        self.mails.at.max(self.wrong_passwords.at)
    }
}

/// What is left of the mails of somebody, who gets some back all the time.
#[derive(Clone, Copy, Debug)]
struct Share {
    left: f64,
    at: Instant,
}

impl Share {
    fn new(most: u32, now: Instant) -> Self {
        Self { left: f64::from(most), at: now }
    }

    /// Whether there is one more.
    fn is_left(&mut self, most: u32, each: Duration, now: Instant) -> bool {
        let most = f64::from(most);
        let gained = now.saturating_duration_since(self.at).as_secs_f64() / each.as_secs_f64() * most;
        self.left = (self.left + gained).min(most);
        self.at = now;
        self.left >= 1.0
    }

    /// Whether there is one more; then it is taken.
    fn take(&mut self, most: u32, each: Duration, now: Instant) -> bool {
        let is_left = self.is_left(most, each, now);
        if is_left {
            self.left -= 1.0;
        }
        is_left
    }
}

impl Rates {
    /// For each client so many connections at once, and so many mails in each span of time.
    pub(super) fn new(connections: usize, mails: u32, each: Duration) -> Self {
        Self { connections, mails, each, clients: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection of a client, where it may have one more. It counts until it is dropped.
    pub(super) fn connect(self: &Arc<Self>, ip: IpAddr, now: Instant) -> Option<Connected> {
        let ip = client(ip);
        let mut clients = self.lock();
        if clients.len() >= CLIENTS_MAX && !clients.contains_key(&ip) {
            clients.retain(|_, client| client.connections > 0 || now < client.at() + self.each);
            if clients.len() >= CLIENTS_MAX {
                return None;
            }
        }
        let fresh = Client {
            connections: 0,
            mails: Share::new(self.mails, now),
            wrong_passwords: Share::new(WRONG_PASSWORDS, now),
        };
        let client = clients.entry(ip).or_insert(fresh);
        if client.connections >= self.connections {
            return None;
        }
        client.connections += 1;
        Some(Connected { rates: Arc::clone(self), ip })
    }
}

/// A connection that counts.
#[derive(Debug)]
pub(super) struct Connected {
    rates: Arc<Rates>,
    ip: IpAddr,
}

impl Connected {
    /// Whether its client may send one more mail now; then it has.
    pub(super) fn may_send(&self, now: Instant) -> bool {
        let mut clients = self.rates.lock();
        let Some(client) = clients.get_mut(&self.ip) else { return false };
        client.mails.take(self.rates.mails, self.rates.each, now)
    }

    /// Whether its client may try a password now. What `is_right` finds wrong counts.
    ///
    /// Nothing: it has tried too many, and this one is not looked at.
    pub(super) fn may_log_in(&self, is_right: impl FnOnce() -> bool, now: Instant) -> Option<bool> {
        let mut clients = self.rates.lock();
        let wrong = &mut clients.get_mut(&self.ip)?.wrong_passwords;
        if !wrong.is_left(WRONG_PASSWORDS, self.rates.each, now) {
            return None;
        }
        let is_right = is_right();
        if !is_right {
            wrong.take(WRONG_PASSWORDS, self.rates.each, now);
        }
        Some(is_right)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(client) = self.rates.lock().get_mut(&self.ip) {
            client.connections -= 1;
        }
    }
}

/// What each author has had, wherever his mails came from. Only who is proven is counted by his name: whoever forges one
/// would otherwise use up what is another's.
#[derive(Debug, Default)]
pub(super) struct Authors(Mutex<HashMap<Address, Share>>);

impl Authors {
    /// Whether an author may send one more mail now, of so many in each span of time; then he has.
    pub(super) fn may_send(&self, author: &Address, most: u32, each: Duration, now: Instant) -> bool {
        let mut authors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if authors.len() >= AUTHORS_MAX && !authors.contains_key(author) {
            authors.retain(|_, share| now.saturating_duration_since(share.at) < each);
            if authors.len() >= AUTHORS_MAX {
                return false;
            }
        }
        authors.entry(author.clone()).or_insert_with(|| Share::new(most, now)).take(most, each, now)
    }
}

/// Whoever has one address of IPv6 has a whole /64.
fn client(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own() {
        let rates = Arc::new(Rates::new(2, 3, Duration::from_secs(60)));
        let now = Instant::now();
        let at = |ip: &str| rates.connect(ip.parse().unwrap(), now);
        let (one, two) = (at("2001:db8::1").unwrap(), at("2001:db8::2"));
        assert!(two.is_some() && at("2001:db8::3").is_none(), "one /64 is one client");
        assert!(at("2001:db8:0:1::1").is_some());
        drop(two);
        assert!(at("2001:db8::3").is_some());
        assert_eq!([(); 4].map(|()| one.may_send(now)), [true, true, true, false]);
        assert!(at("192.0.2.1").unwrap().may_send(now));
        let later = now + Duration::from_secs(20);
        assert_eq!(
            [(); 2].map(|()| one.may_send(later)),
            [true, false],
            "a third of the time, a third of them"
        );
    }
    #[test]
    fn each_author_has_his_own() {
        let (authors, now, each) = (Authors::default(), Instant::now(), Duration::from_secs(60));
        let [bob, carol] = ["bob", "carol"]
            .map(|name| Address::parse(&format!("im:mailto={name}~40mail.example@gw.example")).unwrap());
        assert_eq!([(); 3].map(|()| authors.may_send(&bob, 2, each, now)), [true, true, false]);
        assert!(authors.may_send(&carol, 2, each, now));
        assert!(authors.may_send(&bob, 2, each, now + each));
    }
}
