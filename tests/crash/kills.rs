//! Killed again and again, at any moment, under load: nothing is lost, nothing comes twice, no answer is a lie.
//!
//! Senders and receivers go on through it all, each a thread with its own sessions. What they saw is compared at
//! the end. The kills come from a seed, which is printed, and can be given as `CRASH_SEED`; what the threads do
//! between them cannot be repeated exactly.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::actors::{Heard, Receiver, Sender, Sent, World};
use crate::support::gateway::Site;
use crate::support::native::Answer;

/// How often the gateway is killed.
const ROUNDS: usize = 12;

/// Longer than a round takes to make progress.
const ROUND: Duration = Duration::from_secs(5);

/// For the whole of it, and still short of what a test may take.
const ALL: Duration = Duration::from_secs(75);

const SENDERS: usize = 4;
/// Who receives: whether it remembers, and whether it sometimes loses its connection by itself.
const RECEIVERS: [(bool, bool); 4] = [(true, false), (false, false), (true, true), (false, true)];

/// Draws that a seed decides (xorshift64*; any seed but 0).
pub(super) struct Draws(pub(super) u64);

impl Draws {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }

    fn another(&mut self) -> Self {
        Self(self.below(usize::MAX) as u64 | 1)
    }
}

pub(super) fn seed() -> u64 {
    let given = std::env::var("CRASH_SEED").ok().map(|seed| seed.parse().expect("a number"));
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64) | 1
}

#[test]
fn at_random_moments_under_load() {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut draws = Draws(seed);
    let site = Site::new("");
    let world = Arc::new(World::new(site.port, RECEIVERS.len(), Instant::now() + ALL));
    let mut gateway = site.start();
    let receivers: Vec<_> = (0..RECEIVERS.len())
        .map(|nth| {
            let (remembers, is_clumsy) = RECEIVERS[nth];
            let mishaps = is_clumsy.then(|| draws.another());
            let (world, receiver) = (Arc::clone(&world), Receiver::new(nth, remembers, mishaps));
            std::thread::spawn(move || receiver.run(&world))
        })
        .collect();
    let senders: Vec<_> = (0..SENDERS)
        .map(|nth| {
            let (world, sender) = (Arc::clone(&world), Sender::new(nth, draws.another()));
            std::thread::spawn(move || sender.run(&world))
        })
        .collect();

    for _ in 0..ROUNDS {
        world.wait_for_progress(draws.below(1_500), ROUND);
        std::thread::park_timeout(Duration::from_micros(draws.below(20_000) as u64));
        gateway.kill();
        gateway = site.start();
    }
    world.wind_up();
    let sent: Vec<Sent> =
        senders.into_iter().map(|sender| sender.join().expect("a sender is content")).collect();
    sent.iter().for_each(|sent| sent.repeat_all(site.port));
    world.end();
    let heard: Vec<Heard> = receivers.into_iter().map(|receiver| receiver.join().unwrap()).collect();
    let accepted = accepted(&site.path("gateway.db"));
    compare(&sent, &heard, &accepted);
    assert_eq!(gateway.ask("/v1/queue").1, r#"{"operations":[]}"#);
}

/// In which order operations were accepted, by their names. It need not be that in which they were sent: the refusal of
/// one whose receiver was not back yet may be lost in a kill, and it is accepted when it is sent again, behind others.
fn accepted(database: &Path) -> HashMap<String, i64> {
    let database = Connection::open(database).unwrap();
    let mut all = database.prepare("SELECT id, number FROM operation").unwrap();
    let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    all.map(Result::unwrap).collect()
}

/// Compares what the senders were told with what the receivers saw.
fn compare(sent: &[Sent], heard: &[Heard], accepted: &HashMap<String, i64>) {
    let (mut successes, mut refused, mut failures, mut unknown, mut repeated) = (0, 0, 0, 0, 0);
    for heard in heard {
        for (text, seen) in &heard.texts {
            repeated += seen.times - 1;
            match heard.remembers {
                true => assert_eq!(seen.trans_ids.len(), 1, "{text:?} came under several transIDs"),
                false => assert_eq!(seen.times, 1, "{text:?} came twice to one who does not recognise it"),
            }
        }
        // What is on a connection that is lost can be overtaken by what is not.
        for firsts in heard.in_order.values().filter(|_| !heard.is_clumsy) {
            let firsts: Vec<i64> = firsts.iter().map(|id| accepted[id]).collect();
            assert!(firsts.is_sorted(), "out of order: {firsts:?}");
        }
    }
    for (letter, answer) in sent.iter().flat_map(|sent| &sent.letters) {
        let heard = &heard[letter.receiver];
        let said = heard.texts.get(&letter.text).map(|seen| seen.said);
        let answer: &Answer = answer.as_ref().expect("an answer");
        match answer.status.as_str() {
            "success" => {
                successes += 1;
                assert_eq!(said, Some("success"), "{letter:?}: {answer:?}");
            }
            "failure" if answer.is("failure", "refused") => {
                refused += 1;
                assert_eq!(said, Some("failure"), "{letter:?}: {answer:?}");
            }
            "failure" => {
                failures += 1;
                assert_eq!(said, None, "{letter:?}: {answer:?}");
            }
            _ => {
                unknown += 1;
                assert!(!heard.remembers && answer.is("indeterminant", "timeout"), "{letter:?}: {answer:?}");
            }
        }
    }
    println!(
        "{successes} successes, {refused} refused, {failures} failures, {unknown} indeterminant; {repeated} recognised"
    );
    assert!(successes > 100 && refused > 10, "too little went on to show anything");
}
