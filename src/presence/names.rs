//! Addresses as small numbers, so that a million subscriptions fit into memory.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

use cpim_adapter::{Address, Domain};

/// An address, for as long as somebody holds on to it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Name(u32);

impl Name {
    /// The least there is: to cut ordered sets with.
    pub(crate) const FIRST: Self = Self(0);
}

/// Every address that is in use.
#[derive(Default)]
pub(crate) struct Names {
    /// By a hash of the address, which is a third of the memory that the addresses themselves would take.
    numbers: foldhash::HashMap<u64, Name>,
    /// Those whose hash another address has: as good as never.
    others: HashMap<Address, Name>,
    hashing: RandomState,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Domains are few, and shared by all of their addresses.
    domains: HashMap<Domain, usize>,
}

struct Slot {
    address: Option<Address>,
    uses: u32,
}

impl Names {
    /// The number of an address that is in use.
    pub(crate) fn find(&self, address: &Address) -> Option<Name> {
        self.find_by(self.hashing.hash_one(address), address)
    }

    fn find_by(&self, hash: u64, address: &Address) -> Option<Name> {
        let found = self.numbers.get(&hash).copied();
        match found.filter(|name| self.address(*name) == Some(address)) {
            None if !self.others.is_empty() => self.others.get(address).copied(),
            found => found,
        }
    }

    /// The number of an address, which is held on to until [`Names::release`].
    pub(crate) fn hold(&mut self, address: &Address) -> Name {
        let hash = self.hashing.hash_one(address);
        if let Some(name) = self.find_by(hash, address) {
            self.hold_again(name);
            return name;
        }
        let address = self.with_shared_domain(address);
        let slot = Slot { address: Some(address.clone()), uses: 1 };
        let name = match self.free.pop().and_then(|at| Some((at, self.slots.get_mut(at as usize)?))) {
            Some((at, free)) => {
                *free = slot;
                Name(at)
            }
            None => {
                self.slots.push(slot);
                Name(u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX))
            }
        };
        match self.numbers.entry(hash) {
            Entry::Vacant(free) => {
                free.insert(name);
            }
            Entry::Occupied(_) => {
                self.others.insert(address, name);
            }
        }
        name
    }

    /// Holds on to a number that is held already.
    pub(crate) fn hold_again(&mut self, name: Name) {
        if let Some(slot) = self.slots.get_mut(name.0 as usize) {
            slot.uses += 1;
        }
    }

    /// Lets go; the last to do so frees the number.
    pub(crate) fn release(&mut self, name: Name) {
        let Some(slot) = self.slots.get_mut(name.0 as usize) else { return };
        slot.uses = slot.uses.saturating_sub(1);
        if slot.uses > 0 {
            return;
        }
        if let Some(address) = slot.address.take() {
            let hash = self.hashing.hash_one(&address);
            match self.numbers.get(&hash) == Some(&name) {
                true => self.numbers.remove(&hash),
                false => self.others.remove(&address),
            };
            self.free.push(name.0);
            if let Some(uses) = self.domains.get_mut(address.domain()) {
                *uses -= 1;
                if *uses == 0 {
                    self.domains.remove(address.domain());
                }
            }
        }
    }

    /// The address that a number stands for.
    pub(crate) fn address(&self, name: Name) -> Option<&Address> {
        self.slots.get(name.0 as usize)?.address.as_ref()
    }

    /// Those in use of a domain. Looks at all of them: for what seldom happens, as a link that comes back.
    pub(crate) fn of_domain<'a>(&'a self, domain: &'a Domain) -> impl Iterator<Item = Name> + 'a {
        let all = (0..).zip(&self.slots);
        all.filter(move |(_, slot)| slot.address.as_ref().is_some_and(|address| address.domain() == domain))
            .map(|(at, _)| Name(at))
    }

    fn with_shared_domain(&mut self, address: &Address) -> Address {
        let shared = self.domains.get_key_value(address.domain()).map(|(domain, _)| domain.clone());
        let domain = shared.unwrap_or_else(|| address.domain().clone());
        *self.domains.entry(domain.clone()).or_insert(0) += 1;
        address.with_domain(domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_free_once_nobody_holds_on_to_it() {
        let mut names = Names::default();
        let [fred, barney] =
            ["pres:fred@a.example", "pres:barney@a.example"].map(|uri| Address::parse(uri).unwrap());
        let one = names.hold(&fred);
        assert_eq!(names.hold(&fred), one);
        let other = names.hold(&barney);
        assert_ne!(one, other);
        names.release(one);
        assert_eq!(names.address(one), Some(&fred));
        names.release(one);
        assert_eq!((names.find(&fred), names.address(one)), (None, None));
        assert_eq!(names.hold(&fred), one, "its number is used again");
        assert_eq!(names.of_domain(fred.domain()).count(), 2);
    }
}
