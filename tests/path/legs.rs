//! What happens between the commit point and the answer (the crash table of the design, without a crash).

use std::time::Duration;

use cpim_adapter::{Code, DeliveryError, Domain, LegRef, NextHop, Report, Response, Scope, Status, Word};

use crate::support::toy::{House, Manner};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";
const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_sent_again_only_to_who_recognises_it() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Pend(Some(HOUR)));
    fred.send("1", FRED, BARNEY, "hello");
    let first = house.next().await;
    assert!(!first.again);
    house.word(&first, Word::Unknown);
    let second = house.next().await;
    assert!(second.again);
    assert_eq!((second.trans_id.as_str(), second.leg), (first.trans_id.as_str(), first.leg));
    house.answer(&second, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());

    house.manner(Manner::Pend(None));
    fred.send("2", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.word(&delivery, Word::Unknown);
    let (_, response) = fred.answer().await;
    assert_eq!((response.status(), response.code()), (Status::Indeterminant, Some(Code::Timeout)));
    assert!(house.delivered.try_recv().is_err(), "never again");
}

#[tokio::test(start_paused = true)]
async fn sending_again_ends_with_the_wait_as_indeterminant() {
    let mut house = House::new().await;
    let (mut fred, barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Pend(Some(HOUR)));
    let begun = tokio::time::Instant::now();
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    drop(barney);
    house.word(&delivery, Word::Unknown);
    assert_eq!(fred.answer().await.1.status(), Status::Indeterminant);
    assert!(begun.elapsed() > Duration::from_secs(590), "{:#?}", house.router.trace("1").await);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_waits_for_the_next_session() {
    let mut house = House::new().await;
    let (mut fred, barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let first = house.next().await;
    drop(barney);
    house.word(&first, Word::NotSent);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(house.delivered.try_recv().is_err());
    let begun = tokio::time::Instant::now();
    let _barney = house.session(&[BARNEY]);
    let second = house.next().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "woken by the session, not by the clock");
    assert!(!second.again);
    house.answer(&second, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_for_a_home_waits_for_it_to_come_back() {
    let mut house = House::new().await;
    let domain = || vec![Scope::Domain(Domain::parse("b.example").unwrap())];
    let (mut fred, home) = (house.session(&[FRED]), house.peer("gw.b.example", domain(), domain()));
    fred.send("1", FRED, BARNEY, "hello");
    let first = house.next().await;
    drop(home);
    house.word(&first, Word::NotSent);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let _home = house.peer("gw.b.example", domain(), domain());
    let second = house.next().await;
    house.answer(&second, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handed_over_is_unreachable_when_the_horizon_ends() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Refuse(|| DeliveryError::transport("connection refused")));
    let begun = tokio::time::Instant::now();
    fred.send("1", FRED, BARNEY, "hello");
    assert_eq!(fred.answer().await.1.code(), Some(Code::Unreachable));
    let tried = house.delivered.len();
    assert!((10..60).contains(&tried), "{tried} attempts");
    assert!((299..302).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(house.next().await.passage.wait.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_hangs_before_its_commit_point_is_unreachable_in_the_end() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Hang);
    fred.send("1", FRED, BARNEY, "hello");
    house.next().await;
    assert_eq!(fred.answer().await.1.code(), Some(Code::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn busy_is_a_transport_fault_and_tried_again_with_the_same_id() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let first = house.next().await;
    house.answer(&first, Response::failure(Code::Busy, "later"));
    let second = house.next().await;
    assert_eq!(first.passage.id, second.passage.id);
    assert!(!second.again, "nothing was accepted there");
    house.answer(&second, Response::success());
    assert_eq!(fred.answer().await.1, Response::success());
}

/// DESIGN section 5: each busy answer makes the next pause longer, until the retry horizon.
#[tokio::test(start_paused = true)]
async fn who_stays_busy_is_asked_more_and_more_seldom() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let mut tried = 0;
    let answer = loop {
        tokio::select! {
            delivery = house.next() => {
                tried += 1;
                house.answer(&delivery, Response::failure(Code::Busy, "later"));
            }
            (_, answer) = fred.answer() => break answer,
        }
    };
    assert_eq!(answer.code(), Some(Code::Unreachable));
    assert!((10..60).contains(&tried), "{tried} attempts");
}

#[tokio::test(start_paused = true)]
async fn a_foreign_address_goes_to_the_adapter_of_its_selector() {
    let mut house = House::new().await;
    let fred = house.session(&[FRED]);
    fred.send("1", FRED, "im:PEPP=example.com%2Ffred@GW.example", "hello");
    let delivery = house.next().await;
    let NextHop::Foreign(foreign) = &delivery.hop else { panic!("{:?}", delivery.hop) };
    assert_eq!(foreign.to_string(), "pepp://example.com/fred");
    assert_eq!(delivery.operation.goes_to().spelled(), "im:PEPP=example.com%2Ffred@GW.example");
}

#[tokio::test(start_paused = true)]
async fn a_route_through_us_is_peeled_by_one_layer() {
    let mut house = House::new().await;
    let (fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, "im:im=barney~40b.example@gw.example", "hello");
    let delivery = house.next().await;
    assert_eq!(delivery.operation.goes_to().spelled(), BARNEY);
    assert!(matches!(&delivery.hop, NextHop::Served(address) if address.to_string() == BARNEY));
}

#[tokio::test(start_paused = true)]
async fn an_alias_stands_for_its_address_for_ever() {
    use cpim_adapter::{Address, alias_of};
    use cpim_gateway::store::Write;
    let (journal, done) = crate::support::toy::memory();
    let address = Address::parse("im:pepp=example.com/a-name-too-long-for-mail@gw.example").unwrap();
    let alias = alias_of(&address);
    let write = Write::Alias {
        space: cpim_gateway::router::ALIASES.into(),
        address: address.to_string(),
        candidates: vec![alias.clone()],
        at: 0,
    };
    journal.write(write).unwrap();
    let mut house = House::with(crate::support::toy::policy(), (journal, done)).await;
    let fred = house.session(&[FRED]);
    fred.send("1", FRED, &format!("im:{}@gw.example", alias.to_uppercase()), "hello");
    let delivery = house.next().await;
    assert_eq!(delivery.operation.goes_to().address(), &address);
    assert!(
        matches!(&delivery.hop, NextHop::Foreign(foreign) if foreign.value().starts_with("example.com/a-name"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_next_hop_that_has_forgotten_is_never_sent_it_again() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Pend(Some(Duration::ZERO)));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.word(&delivery, Word::Unknown);
    assert_eq!(fred.answer().await.1.status(), Status::Indeterminant);
    assert!(house.delivered.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_sending_again_that_fails_says_nothing_of_the_first() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Pend(Some(HOUR)));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    house.manner(Manner::Refuse(|| DeliveryError::refused(Code::TooLarge, "no")));
    house.word(&delivery, Word::Unknown);
    assert!(house.next().await.again);
    assert_eq!(fred.answer().await.1.status(), Status::Indeterminant, "the first may have arrived");
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_through_a_route_is_no_failure() {
    let mut house = House::new().await;
    let (mut fred, barney) = (house.session(&[FRED]), house.session(&["im:x@hosted.example"]));
    house.manner(Manner::Pend(Some(HOUR)));
    fred.send("1", FRED, "im:im=x~40hosted.example@gw.example", "hello");
    let delivery = house.next().await;
    drop(barney);
    house.word(&delivery, Word::Unknown);
    assert_eq!(fred.answer().await.1.status(), Status::Indeterminant);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_taken_once_it_is_durable_and_a_second_one_changes_nothing() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    fred.send("1", FRED, BARNEY, "hello");
    let delivery = house.next().await;
    let report = |response| Report { leg: LegRef::Number(delivery.leg), word: Word::Answered(response) };
    assert!(house.cx.reported(report(Response::success())).await);
    let story = house.router.trace(delivery.passage.id.as_str()).await.unwrap();
    assert!(format!("{story:?}").contains("success"), "{story:?}");
    assert!(house.cx.reported(report(Response::failure(Code::Refused, "no"))).await, "it changes nothing");
    assert_eq!(fred.answer().await.1, Response::success());
}
