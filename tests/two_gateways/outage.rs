//! The line between the gateways goes down while a response is awaited.

use super::gateway::Gateway;
use super::link::Link;
use super::person::{HELLO, Person};
use super::stage::{Plan, Stage, at, within};
use crate::support::dns::Zone;

const THERE: &str = "im:fred@a.example im:barney@b.example";
const BACK: &str = "im:barney@b.example im:fred@a.example";

/// A and B, each found at the end of a line of its own.
struct Lines {
    _stage: Stage,
    a: Gateway,
    b: Gateway,
    to_a: Link,
    to_b: Link,
}

impl Lines {
    async fn new(cpim: &str) -> Self {
        let stage = Stage::new().await;
        let mut a = stage.plan(&Plan { cpim, ..Plan::a() });
        let mut b = stage.plan(&Plan { cpim, ..Plan::b() });
        let (to_a, to_b) = (Link::to(a.port).await, Link::to(b.port).await);
        stage.dns.replace(at(at(Zone::default(), "a", to_a.port), "b", to_b.port));
        tokio::join!(a.start(), b.start());
        Self { _stage: stage, a, b, to_a, to_b }
    }

    async fn people(&self) -> (Person, Person) {
        let fred = Person::at(self.a.door, "im:fred@a.example").await;
        (fred, Person::at(self.b.door, "im:barney@b.example").await)
    }
}

#[tokio::test]
async fn a_line_that_is_cut_while_a_response_is_awaited_costs_a_wait_and_no_second_delivery() {
    let lines = Lines::new("").await;
    let (mut fred, mut barney) = lines.people().await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    // A third is on its way the other way round, over the same connection.
    barney.says("1", BACK, HELLO).await;
    let back = fred.message().await;
    lines.to_a.cut();
    lines.to_b.cut();
    barney.thanks(&message).await;
    fred.answers(&back, "failure", "refused: not today").await;
    lines.to_b.restore();
    lines.to_a.restore();
    assert_eq!(fred.answer_to("1").await, "success");
    assert_eq!(barney.answer_to("1").await, "failure refused");
    // What either hears next is new.
    fred.says("2", THERE, b"Content-Type: text/plain\r\n\r\nAgain").await;
    let message = barney.message().await;
    assert!(message.content.ends_with(b"Again"), "{message:?}");
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("2").await, "success");
    assert!(lines.to_b.connections() + lines.to_a.connections() >= 2);
}

#[tokio::test]
async fn cut_again_and_again_a_stream_comes_through_once_and_in_order() {
    const MESSAGES: usize = 200;
    const CUTS: usize = 5;
    let lines = Lines::new("").await;
    let (mut fred, mut barney) = lines.people().await;
    for number in 0..MESSAGES {
        fred.says(&number.to_string(), THERE, number.to_string().as_bytes()).await;
    }
    for number in 0..MESSAGES {
        let message = barney.message().await;
        assert_eq!(String::from_utf8_lossy(&message.content), number.to_string(), "in order, and once");
        if number % (MESSAGES / CUTS) == 7 {
            lines.to_b.cut();
            lines.to_a.cut();
            barney.thanks(&message).await;
            lines.to_b.restore();
            lines.to_a.restore();
        } else {
            barney.thanks(&message).await;
        }
    }
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < MESSAGES {
        let response = within("an answer", fred.hears()).await.expect("A stays");
        assert_eq!(response.outcome(), "success");
        assert!(answered.insert(response.attribute("transID")), "answered twice: {response:?}");
    }
    println!("{} connections for {MESSAGES} messages", lines.to_b.connections() + lines.to_a.connections());
}

#[tokio::test]
async fn a_line_that_goes_dead_without_a_word_is_noticed_and_the_response_comes_by_another() {
    let lines = Lines::new("idle_timeout = \"1s\"").await;
    let (mut fred, mut barney) = lines.people().await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    lines.to_b.go_dead();
    lines.to_a.go_dead();
    barney.thanks(&message).await;
    lines.to_b.restore();
    lines.to_a.restore();
    // Barney has his pings to answer meanwhile, and must hear nothing else.
    let answer = tokio::select! {
        answer = fred.answer_to("1") => answer,
        heard = barney.hears() => panic!("delivered twice: {heard:?}"),
    };
    assert_eq!(answer, "success");
    assert_eq!(lines.to_b.connections(), 2, "by another connection");
}
