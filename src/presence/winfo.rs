//! Watcher information: who watches a presentity, as presence (native-cpim.md, Presence over a session).

use cpim_adapter::{Address, Basic, Presence, Tuple};

use super::presentity::How;
use super::state::State;
use crate::clock::UnixMs;

/// Most watchers that are listed one by one: their tuples must fit into an element of 64 KiB.
const LISTED: usize = 150;

/// One who watches, or watched until lately.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WatcherFact {
    pub(crate) watcher: Address,
    /// Since when, in Unix milliseconds.
    pub(crate) since: i64,
    /// Until when: the end of the subscription, or when it ended. The largest number: with its connection.
    pub(crate) until: i64,
    /// How it ended; absent while it runs.
    pub(crate) ended: Option<How>,
}

/// Watcher information about a presentity: one tuple for each, or one that is closed where there is nobody.
pub(crate) fn state(presentity: &Address, mut facts: Vec<WatcherFact>) -> State {
    facts.sort_by_key(|fact| (fact.ended.is_some(), std::cmp::Reverse(fact.since)));
    let more = facts.len().saturating_sub(LISTED);
    facts.truncate(LISTED);
    let more = (more > 0)
        .then(|| Tuple::new(&presentity.to_string(), Basic::Closed).with_text(&format!("and {more} more")));
    let tuples = facts.iter().map(tuple).chain(more);
    let nobody = || Presence::new(Tuple::new(&presentity.to_string(), Basic::Closed), Vec::new());
    State::bare(Presence::from_tuples(tuples.collect()).unwrap_or_else(nobody))
}

fn tuple(fact: &WatcherFact) -> Tuple {
    let (since, until) = (UnixMs(fact.since), UnixMs(fact.until));
    let words = match fact.ended {
        None if fact.until == i64::MAX => format!("since {since}, for as long as it is connected"),
        None => format!("since {since}, until {until}"),
        Some(How::Fetched) => format!("at {since}, {}", How::Fetched.as_str()),
        Some(how) => format!("since {since}, until {until}, {}", how.as_str()),
    };
    let status = if fact.ended.is_none() { Basic::Open } else { Basic::Closed };
    Tuple::new(&fact.watcher.to_string(), status).with_text(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(watcher: &str, ended: Option<How>) -> WatcherFact {
        WatcherFact { watcher: Address::parse(watcher).unwrap(), since: 0, until: 60_000, ended }
    }

    #[test]
    fn those_who_watch_are_open_and_come_first() {
        let fred = Address::parse("pres:fred@a.example").unwrap();
        let told =
            state(&fred, vec![fact("pres:b@b.example", Some(How::Fetched)), fact("pres:a@b.example", None)]);
        let seen: Vec<(&str, Basic, &str)> = told
            .presence
            .tuples()
            .iter()
            .map(|tuple| (&*tuple.destination, tuple.status, &*tuple.markup))
            .collect();
        assert_eq!(
            seen,
            [
                (
                    "pres:a@b.example",
                    Basic::Open,
                    "since 1970-01-01T00:00:00.000Z, until 1970-01-01T00:01:00.000Z"
                ),
                ("pres:b@b.example", Basic::Closed, "at 1970-01-01T00:00:00.000Z, fetched"),
            ]
        );
    }

    #[test]
    fn nobody_is_the_presentity_itself_closed() {
        let fred = Address::parse("pres:fred@a.example").unwrap();
        let told = state(&fred, Vec::new());
        assert_eq!(&*told.presence.tuples()[0].destination, "pres:fred@a.example");
        assert_eq!(told.presence.basic(), Basic::Closed);
    }

    #[test]
    fn a_crowd_is_counted() {
        let fred = Address::parse("pres:fred@a.example").unwrap();
        let crowd = (0..1_000).map(|at| fact(&format!("pres:w{at}@b.example"), None)).collect();
        let told = state(&fred, crowd);
        assert_eq!(told.presence.tuples().len(), LISTED + 1);
        assert_eq!(&*told.presence.tuples()[LISTED].markup, "and 850 more");
    }
}
