//! The order among SRV records (RFC 2782, "Usage rules" and "Weight").

/// What is wanted of a source of chance: a number drawn uniformly from 0 to the given one, both included.
pub type Draw<'a> = &'a mut (dyn FnMut(u32) -> u32 + Send);

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Srv<T> {
    /// Lower is tried first.
    pub priority: u16,
    /// The share among records of the same priority.
    pub weight: u16,
    /// The port there.
    pub port: u16,
    /// The host.
    pub target: T,
}

impl<T> Srv<T> {
    /// The same record with another target.
    #[must_use]
    pub fn with_target<U>(&self, target: U) -> Srv<U> {
        Srv { priority: self.priority, weight: self.weight, port: self.port, target }
    }
}

/// Puts records in the order to try: priorities ascending, and within one by the procedure of RFC 2782,
/// to the letter.
///
/// The RFC lets records stand "in any order" before each draw, weight 0 first. Here they stand by ascending
/// weight, so that the odds do not depend on the order in which the server gave them, and equal weights are
/// shuffled, without which a set of zeros would never spread any load.
#[must_use]
pub fn order<T>(mut records: Vec<Srv<T>>, draw: Draw<'_>) -> Vec<Srv<T>> {
    records.sort_by_key(|record| (record.priority, record.weight));
    records
        .chunk_by_mut(|a, b| (a.priority, a.weight) == (b.priority, b.weight))
        .for_each(|equals| shuffle(equals, draw));
    let mut ordered = Vec::with_capacity(records.len());
    let mut records = records.into_iter().peekable();
    while let Some(first) = records.next() {
        let priority = first.priority;
        let mut peers = vec![first];
        while let Some(peer) = records.next_if(|next| next.priority == priority) {
            peers.push(peer);
        }
        while !peers.is_empty() {
            let sum = peers.iter().map(|peer| u32::from(peer.weight)).sum();
            ordered.push(peers.remove(pick(&peers, draw(sum))));
        }
    }
    ordered
}

/// The first whose running sum reaches `drawn`.
fn pick<T>(peers: &[Srv<T>], drawn: u32) -> usize {
    let mut running = 0;
    let reaches = |peer: &Srv<T>| {
        running += u32::from(peer.weight);
        running >= drawn
    };
    let last = peers.len().saturating_sub(1);
    // The last one's running sum is the sum itself, beyond which nothing is drawn.
    peers.iter().position(reaches).unwrap_or(last)
}

/// Fisher and Yates: every order is equally likely.
fn shuffle<T>(items: &mut [T], draw: Draw<'_>) {
    for last in (1..items.len()).rev() {
        let chosen = draw(u32::try_from(last).unwrap_or(u32::MAX));
        items.swap(last, usize::try_from(chosen).map_or(last, |chosen| chosen.min(last)));
    }
}

/// Draws from the system's source of randomness. Should that fail, 0: an order that is less fair is still an order.
pub(super) fn random(most: u32) -> u32 {
    let Some(range) = most.checked_add(1) else {
        return getrandom::u32().unwrap_or(0);
    };
    // What lies above the last whole multiple of the range is drawn again, lest small numbers be favoured.
    let whole = u32::MAX - u32::MAX % range;
    loop {
        let drawn = getrandom::u32().unwrap_or(0);
        if drawn < whole {
            return drawn % range;
        }
    }
}

#[cfg(test)]
#[path = "srv_tests.rs"]
mod tests;
