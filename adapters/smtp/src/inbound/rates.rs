//! How much each client may: connections at once, and mails in a time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Clients that are remembered at most; more at once than a gateway ever has, and a few MiB.
const CLIENTS_MAX: usize = 65_536;

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
    /// What is left of the mails.
    left: f64,
    at: Instant,
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
            clients.retain(|_, client| client.connections > 0 || now - client.at < self.each);
            if clients.len() >= CLIENTS_MAX {
                return None;
            }
        }
        let fresh = Client { connections: 0, left: f64::from(self.mails), at: now };
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
        let most = f64::from(self.rates.mails);
        let gained = (now - client.at).as_secs_f64() / self.rates.each.as_secs_f64() * most;
        client.left = (client.left + gained).min(most);
        client.at = now;
        let may = client.left >= 1.0;
        if may {
            client.left -= 1.0;
        }
        may
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(client) = self.rates.lock().get_mut(&self.ip) {
            client.connections -= 1;
        }
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
}
