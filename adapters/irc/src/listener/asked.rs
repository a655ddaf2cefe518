//! Whom the network's people asked about lately: what comes then is the answer to a client's command, and no news.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use cpim_adapter::Address;
use tokio::time::Instant;

use crate::sync::lock;

/// How long the answer to a question may take to come, and what follows the end of a watch.
const LATELY: Duration = Duration::from_secs(60);

/// Questions that are kept in mind; beyond that it begins anew, and an answer may be told once as news.
const KEPT: usize = 16_384;

/// Who asked about whom, lately.
#[derive(Default)]
pub(crate) struct Asked(Mutex<HashMap<(String, Address), Instant>>);

impl Asked {
    /// A client of this person asks about a presentity.
    pub(crate) fn note(&self, person: &str, target: &Address) {
        let mut asked = lock(&self.0);
        if asked.len() >= KEPT {
            asked.retain(|_, at| at.elapsed() < LATELY);
            if asked.len() >= KEPT {
                asked.clear();
            }
        }
        asked.insert((person.to_owned(), target.clone()), Instant::now());
    }

    /// Whether one did lately.
    pub(crate) fn lately(&self, person: &str, target: &Address) -> bool {
        let asked = lock(&self.0);
        asked.get(&(person.to_owned(), target.clone())).is_some_and(|at| at.elapsed() < LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_question_is_kept_in_mind_for_a_while() {
        let (asked, fred) = (Asked::default(), Address::parse("pres:fred@a.example").unwrap());
        assert!(!asked.lately("alice", &fred));
        asked.note("alice", &fred);
        assert!(asked.lately("alice", &fred) && !asked.lately("bob", &fred));
        tokio::time::advance(LATELY).await;
        assert!(!asked.lately("alice", &fred));
    }
}
