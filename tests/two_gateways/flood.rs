//! Both gateways flooded from both sides, by people who do not read at first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use tokio::sync::Barrier;

use super::person::{Ears, Mouth, Person, message};
use super::stage::{Plan, Stage, within};

/// Messages each way.
const MESSAGES: usize = 2_000;

/// Sources of each side; each has one destination, so that it is one pair.
const SOURCES: usize = 4;

/// Octets of each body: all together are more than a connection holds that nobody reads.
const OCTETS: usize = 1_000;

fn content(source: usize, number: usize) -> Vec<u8> {
    format!("Content-Type: text/plain\r\n\r\n{source} {number} {:OCTETS$}", "").into_bytes()
}

/// Who sent it, and as which of his.
fn read(content: &[u8]) -> (usize, usize) {
    let text = std::str::from_utf8(content).unwrap();
    let mut words = text.split("\r\n\r\n").nth(1).unwrap().split(' ').map(|word| word.parse().unwrap());
    (words.next().unwrap(), words.next().unwrap())
}

/// One side's people: one session that sends for all of them, and one that receives.
struct Side {
    home: &'static str,
    sender: Person,
    receiver: Person,
}

impl Side {
    async fn new(door: u16, home: &'static str) -> Self {
        let all: Vec<String> = (0..SOURCES).map(|source| format!("im:s{source}@{home}")).collect();
        let sender = Person::at(door, &all.join(" ")).await;
        Self { home, sender, receiver: Person::at(door, &format!("im:r@{home}")).await }
    }
}

/// Sends everything to the other side, all sources in turn.
async fn pour(mouth: &mut Mouth, from: &str, to: &str) {
    for number in 0..MESSAGES / SOURCES {
        for source in 0..SOURCES {
            let from_to = format!("im:s{source}@{from} im:r@{to}");
            let octets = message("", &format!("{source}-{number}"), &from_to, &content(source, number));
            mouth.write(&octets).await.unwrap();
        }
    }
}

/// Receives everything and answers it; how many there were of each source, each in its order.
async fn receive(person: &mut Person) {
    let mut next = BTreeMap::<usize, usize>::new();
    for _ in 0..MESSAGES {
        let message = person.message().await;
        let (source, number) = read(&message.content);
        let expected = next.entry(source).or_default();
        assert_eq!(number, *expected, "of source {source}");
        *expected += 1;
        person.thanks(&message).await;
    }
}

/// Every message has its answer, and one.
async fn all_answers(ears: &mut Ears) {
    let mut answered = BTreeSet::new();
    while answered.len() < MESSAGES {
        let frame = within("an answer", ears.next()).await.expect("the gateway stays");
        assert_eq!((frame.name(), frame.outcome().as_str()), ("response", "success"), "{frame:?}");
        assert!(answered.insert(frame.attribute("transID")), "answered twice: {frame:?}");
    }
}

async fn flood(a: Plan<'_>, b: Plan<'_>) {
    let (_stage, a, b) = Stage::with(a, b).await;
    let fred = Side::new(a.door, "a.example").await;
    let barney = Side::new(b.door, "b.example").await;
    let begun = Instant::now();
    // Nobody reads a message before both sides have written all of theirs.
    let written = Barrier::new(4);
    let side = async |side: Side, to: &'static str| {
        let Side { home, sender, mut receiver } = side;
        let Person { mut ears, mut mouth } = sender;
        let sending = async {
            pour(&mut mouth, home, to).await;
            written.wait().await;
        };
        let receiving = async {
            written.wait().await;
            receive(&mut receiver).await;
        };
        tokio::join!(sending, receiving, all_answers(&mut ears));
    };
    within("both floods", async { tokio::join!(side(fred, "b.example"), side(barney, "a.example")) }).await;
    println!("{MESSAGES} messages each way in {:?}", begun.elapsed());
}

#[tokio::test]
async fn two_floods_that_nobody_reads_at_first_come_through_whole_and_in_order() {
    flood(Plan::a(), Plan::b()).await;
}

#[tokio::test]
async fn a_gateway_that_is_busy_gets_everything_once_all_the_same() {
    let b = Plan { limits: "session_operations = 32", ..Plan::b() };
    let (_stage, mut a, b) = Stage::with(Plan::a(), b).await;
    let fred = Side::new(a.door, "a.example").await;
    let mut barney = Person::at(b.door, "im:r@b.example").await;
    let Person { mut ears, mut mouth } = fred.sender;
    // In which order is another matter: what was refused is sent again after what was not.
    let receiving = async {
        let mut received = BTreeSet::new();
        while received.len() < MESSAGES {
            let message = barney.message().await;
            assert!(received.insert(read(&message.content)), "delivered twice: {message:?}");
            barney.thanks(&message).await;
        }
    };
    let all = async {
        tokio::join!(pour(&mut mouth, "a.example", "b.example"), receiving, all_answers(&mut ears));
    };
    within("a flood", all).await;
    a.says("busy").await;
}
