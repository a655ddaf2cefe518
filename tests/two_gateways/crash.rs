//! A gateway is killed with operations under way, and comes back on its store and its port.

use std::collections::{BTreeMap, BTreeSet};

use super::gateway::Gateway;
use super::person::{Frame, Person};
use super::stage::{Stage, within};

const THERE: &str = "im:fred@a.example im:barney@b.example";

/// Messages of one life of B, and how many Barney lets lie until he is home again.
const MESSAGES: usize = 600;
const LET_LIE: usize = 20;

/// Somebody who recognises retransmissions: what came under a transID is known when it comes again.
#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    /// Whether this is new.
    fn takes(&mut self, message: &Frame) -> bool {
        let before = self.0.insert(message.attribute("transID"), message.content.clone());
        assert!(
            before.as_ref().is_none_or(|before| *before == message.content),
            "one transID for two messages"
        );
        before.is_none()
    }

    /// What came, and that nothing came twice.
    fn delivered(&self) -> BTreeSet<usize> {
        let numbers: Vec<usize> = self.0.values().map(|content| number(content)).collect();
        let delivered: BTreeSet<usize> = numbers.iter().copied().collect();
        assert_eq!(numbers.len(), delivered.len(), "a message was delivered twice: {numbers:?}");
        delivered
    }
}

fn content(number: usize) -> Vec<u8> {
    format!("Content-Type: text/plain\r\n\r\n{number}").into_bytes()
}

fn number(content: &[u8]) -> usize {
    std::str::from_utf8(content).unwrap().rsplit('\n').next().unwrap().parse().unwrap()
}

/// Barney's answer: he refuses every seventh.
fn verdict(number: usize) -> (&'static str, &'static str) {
    match number % 7 {
        0 => ("failure", "refused: no sevens"),
        _ => ("success", ""),
    }
}

async fn answer(barney: &mut Person, message: &Frame) {
    let (status, text) = verdict(number(&message.content));
    // The gateway may be dead already; then it will ask again.
    drop(barney.mouth.answer(&message.attribute("transID"), status, text).await);
}

/// Fred's answers, one to each message: by number.
async fn all_answers(fred: &mut Person, count: usize) -> BTreeMap<usize, String> {
    let mut answers = BTreeMap::new();
    while answers.len() < count {
        let response = within("an answer", fred.hears()).await.expect("A stays");
        assert_eq!(response.name(), "response");
        let again = answers.insert(response.attribute("transID").parse().unwrap(), response.outcome());
        assert_eq!(again, None, "answered twice: {response:?}");
    }
    answers
}

#[tokio::test]
async fn what_was_delivered_and_not_answered_is_neither_lost_nor_delivered_again_when_b_is_killed() {
    let (_stage, a, mut b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    let mut memory = Memory::default();
    for number in 1..=LET_LIE {
        fred.says(&number.to_string(), THERE, &content(number)).await;
        assert!(memory.takes(&barney.message().await));
    }
    restart(&mut b).await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    for _ in 1..=LET_LIE {
        let message = barney.message().await;
        assert!(!memory.takes(&message), "new to Barney: {message:?}");
        answer(&mut barney, &message).await;
    }
    let answers = all_answers(&mut fred, LET_LIE).await;
    for (number, answer) in answers {
        let (status, text) = verdict(number);
        assert_eq!(answer, format!("{status} {}", text.split(':').next().unwrap()).trim_end());
    }
    assert_eq!(memory.delivered().len(), LET_LIE);
    nothing_is_left(&mut fred, &mut barney).await;
}

#[tokio::test]
async fn whenever_b_is_killed_every_message_has_one_true_answer_and_none_comes_twice() {
    let (_stage, a, mut b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    let mut memory = Memory::default();
    let mut sent = 0;
    // Killed early, in the middle and late in the stream: with operations that Barney has and lets lie, that B
    // has accepted, that are on the line, and that A has not sent yet. Fred goes on all the while.
    for kill_after in [LET_LIE, MESSAGES / 3, 2 * MESSAGES / 3] {
        let sending = async {
            for _ in 0..MESSAGES {
                sent += 1;
                fred.says(&sent.to_string(), THERE, &content(sent)).await;
            }
        };
        let dying = async {
            for _ in 0..kill_after {
                let message = barney.message().await;
                memory.takes(&message);
                if number(&message.content).is_multiple_of(2) {
                    answer(&mut barney, &message).await;
                }
            }
            b.kill().await;
        };
        tokio::join!(sending, dying);
        b.start().await;
        // What B or its socket had for him yet.
        while let Some(message) = within("the end", barney.ears.next()).await {
            memory.takes(&message);
        }
        barney = Person::at(b.door, "im:barney@b.example").await;
        let answers = tokio::select! {
            answers = all_answers(&mut fred, MESSAGES) => answers,
            () = async {
                loop {
                    let message = barney.hears().await.expect("B stays");
                    memory.takes(&message);
                    answer(&mut barney, &message).await;
                }
            } => unreachable!("Barney never tires"),
        };
        let delivered = memory.delivered();
        for (number, answer) in answers {
            let (status, text) = verdict(number);
            let by_barney = format!("{status} {}", text.split(':').next().unwrap());
            match delivered.contains(&number) {
                true => assert_eq!(answer, by_barney.trim_end(), "{number}"),
                // It came to B when Barney was not back yet.
                false => assert_eq!(answer, "failure unreachable", "{number}"),
            }
        }
        println!("killed after {kill_after}: {} of {sent} delivered until now, each once", delivered.len());
    }
    let log = b.log();
    log.lines().filter(|line| line.contains("taken up")).for_each(|line| println!("B: {line}"));
    nothing_is_left(&mut fred, &mut barney).await;
}

#[tokio::test]
async fn whoever_sends_does_not_notice_that_its_own_gateway_was_killed_but_for_the_wait() {
    let (_stage, mut a, b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    let mut memory = Memory::default();
    for number in 1..=LET_LIE {
        fred.says(&number.to_string(), THERE, &content(number)).await;
        assert!(memory.takes(&barney.message().await));
    }
    a.kill().await;
    // Answered while A is dead: B keeps the answers.
    let transactions: Vec<String> = memory.0.keys().cloned().collect();
    for trans_id in &transactions {
        let (status, text) = verdict(number(&memory.0[trans_id]));
        barney.mouth.answer(trans_id, status, text).await.unwrap();
    }
    a.start().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let answers = all_answers(&mut fred, LET_LIE).await;
    for (number, answer) in answers {
        let (status, text) = verdict(number);
        assert_eq!(answer, format!("{status} {}", text.split(':').next().unwrap()).trim_end());
    }
    nothing_is_left(&mut fred, &mut barney).await;
}

async fn restart(gateway: &mut Gateway) {
    gateway.kill().await;
    gateway.start().await;
}

/// One more message goes through, and is the next thing that either hears.
async fn nothing_is_left(fred: &mut Person, barney: &mut Person) {
    fred.says("last", THERE, &content(0)).await;
    let message = barney.message().await;
    assert_eq!(number(&message.content), 0, "{message:?}");
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("last").await, "success");
}
