//! An inbox is open to whom its owner says, and nobody is told more than that (DESIGN: whose say it is).

use std::time::Duration;

use cpim_adapter::{Address, Code, DeliveryError, Outcome, Response, Status};
use cpim_gateway::clock::UnixMs;
use cpim_gateway::rules::{Decision, Forward, Mark, Topic};

use crate::support::toy::{House, Manner, Session};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@hosted.example";
const WILMA: &str = "im:wilma@c.example";

async fn say(house: &House, owner: &str, decision: Decision, about: &str) {
    let book = house.router.book();
    let mark =
        Mark { who: book.names().who(about).unwrap(), standing: None, topic: Topic::Everything, decision };
    book.change(&Address::parse(owner).unwrap(), move |sheet| sheet.mark(mark)).await.unwrap();
}

async fn forward(house: &House, from: &str, to: &str, until: Option<UnixMs>) {
    let forward = Forward { to: Address::parse(to).unwrap(), until };
    let set = move |sheet: &mut cpim_gateway::rules::Sheet| {
        sheet.set_forward(Some(forward));
        Ok(())
    };
    house.router.book().change(&Address::parse(from).unwrap(), set).await.unwrap();
}

async fn sent(house: &House, from: &mut Session, to: &str, nth: &str) -> (Response, Duration) {
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    let begun = tokio::time::Instant::now();
    from.send(nth, FRED, to, "hello");
    (from.answer().await.1, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_block_holds_at_once_and_ends_at_once() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    assert_eq!(sent(&house, &mut fred, BARNEY, "1").await.0, Response::success());
    house.next().await;
    say(&house, BARNEY, Decision::Deny, FRED).await;
    let denied = Response::failure(Code::Denied, "not allowed");
    assert_eq!(sent(&house, &mut fred, BARNEY, "2").await.0, denied);
    say(&house, BARNEY, Decision::Allow, FRED).await;
    assert_eq!(sent(&house, &mut fred, BARNEY, "3").await.0, Response::success());
}

#[tokio::test(start_paused = true)]
async fn a_block_holds_for_what_was_accepted_before_and_waits_in_its_lane() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Refuse(|| DeliveryError::transport("not now")));
    fred.send("1", FRED, BARNEY, "tried once, and to be tried again");
    fred.send("2", FRED, BARNEY, "behind it, and never tried");
    house.next().await;
    say(&house, BARNEY, Decision::Deny, FRED).await;
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    let denied = Response::failure(Code::Denied, "not allowed");
    assert_eq!(fred.answer().await, ("1".to_owned(), denied.clone()));
    assert_eq!(fred.answer().await, ("2".to_owned(), denied));
    assert!(house.delivered.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_blocked_politely_finds_what_he_finds_when_nobody_is_there() {
    // Hosted by configuration; seen once; and a domain that a peer should be serving.
    for inbox in [BARNEY, "im:barney@b.example", "im:barney@peer.example"] {
        let house = House::new().await;
        let (mut fred, there) = (house.session(&[FRED]), house.session(&[inbox]));
        say(&house, inbox, Decision::Polite, "*@a.example").await;
        let blocked = sent(&house, &mut fred, inbox, "1").await;
        say(&house, inbox, Decision::Allow, "*@a.example").await;
        drop(there);
        let absent = sent(&house, &mut fred, inbox, "1").await;
        assert_eq!(blocked, absent, "{inbox}");
        assert_eq!(absent.0, Response::failure(Code::Unreachable, "known, but not in contact"));
        say(&house, inbox, Decision::Polite, "*@a.example").await;
        assert_eq!(sent(&house, &mut fred, inbox, "1").await, absent, "{inbox}: neither there");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_forwarded_comes_to_the_other_inbox_and_has_its_outcome() {
    let mut house = House::new().await;
    let (mut fred, _wilma) = (house.session(&[FRED]), house.session(&[WILMA]));
    // Also while whoever forwards is out of contact.
    forward(&house, BARNEY, WILMA, None).await;
    assert_eq!(sent(&house, &mut fred, BARNEY, "1").await.0, Response::success());
    assert_eq!(house.next().await.operation.goes_to().spelled(), WILMA);
    let no = Response::failure(Code::TooLarge, "no");
    house.manner(Manner::Pend(None));
    fred.send("2", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.answer(&delivery, no.clone());
    assert_eq!(fred.answer().await.1, no);
    // The rules of both are asked.
    say(&house, WILMA, Decision::Deny, FRED).await;
    assert_eq!(sent(&house, &mut fred, BARNEY, "3").await.0.code(), Some(Code::Denied));
    say(&house, WILMA, Decision::Polite, FRED).await;
    assert_eq!(sent(&house, &mut fred, BARNEY, "4").await.0.code(), Some(Code::Unreachable));
    say(&house, WILMA, Decision::Allow, FRED).await;
    say(&house, BARNEY, Decision::Deny, FRED).await;
    assert_eq!(sent(&house, &mut fred, BARNEY, "5").await.0.code(), Some(Code::Denied));
}

#[tokio::test(start_paused = true)]
async fn a_forward_that_is_over_or_goes_in_a_circle_leads_nowhere() {
    let mut house = House::new().await;
    let (mut fred, _wilma, _barney) =
        (house.session(&[FRED]), house.session(&[WILMA]), house.session(&[BARNEY]));
    forward(&house, BARNEY, WILMA, Some(UnixMs(1))).await;
    assert_eq!(sent(&house, &mut fred, BARNEY, "1").await.0, Response::success());
    assert_eq!(house.next().await.operation.goes_to().spelled(), BARNEY);
    forward(&house, BARNEY, WILMA, None).await;
    forward(&house, WILMA, BARNEY, None).await;
    let (response, _) = sent(&house, &mut fred, BARNEY, "2").await;
    assert_eq!((response.status(), response.code()), (Status::Failure, Some(Code::Loop)));
}

#[tokio::test(start_paused = true)]
async fn foreign_inboxes_have_owners_too() {
    const PEBBLES: &str = "im:pepp=x.example/pebbles@gw.example";
    let house = House::new().await;
    let mut fred = house.session(&[FRED]);
    say(&house, PEBBLES, Decision::Deny, "*@a.example").await;
    assert_eq!(sent(&house, &mut fred, PEBBLES, "1").await.0.code(), Some(Code::Denied));
    say(&house, PEBBLES, Decision::Polite, "*@a.example").await;
    let (response, _) = sent(&house, &mut fred, PEBBLES, "2").await;
    assert_eq!(response, Response::failure(Code::Unreachable, "known, but not in contact"));
}
