//! Order within a pair, and none between pairs (the design's section 5).

use std::time::Duration;

use cpim_adapter::Response;

use crate::support::toy::{House, Manner};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

fn text(delivery: &cpim_adapter::Delivery) -> String {
    let octets = delivery.operation.content().unwrap().octets().to_vec();
    String::from_utf8(octets).unwrap().rsplit("\r\n").next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_pair_keeps_its_order_without_waiting_for_answers() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    for n in 0..1_000 {
        fred.send(&n.to_string(), FRED, BARNEY, &n.to_string());
    }
    let mut delivered = Vec::new();
    for n in 0..1_000 {
        let delivery = house.next().await;
        assert_eq!(text(&delivery), n.to_string());
        delivered.push(delivery);
    }
    for delivery in delivered.iter().rev() {
        house.answer(delivery, Response::success());
    }
    assert_eq!(fred.answer().await.0, "999", "answers come in any order");
}

#[tokio::test(start_paused = true)]
async fn one_destinations_trouble_is_not_anothers() {
    let mut house = House::new().await;
    let (mut fred, _both) = (house.session(&[FRED]), house.session(&[BARNEY, "im:betty@b.example"]));
    house.manner(Manner::Hang);
    fred.send("1", FRED, BARNEY, "stuck");
    house.next().await;
    house.manner(Manner::Pend(None));
    fred.send("2", FRED, BARNEY, "behind it");
    fred.send("3", FRED, "im:betty@b.example", "past it");
    let delivery = house.next().await;
    assert_eq!(text(&delivery), "past it");
    house.answer(&delivery, Response::success());
    assert_eq!(fred.answer().await.0, "3");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(house.delivered.try_recv().is_err(), "the one behind keeps its place");
}

#[tokio::test(start_paused = true)]
async fn what_came_back_goes_first() {
    let mut house = House::new().await;
    let (fred, barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    house.manner(Manner::Pend(Some(Duration::from_secs(3_600))));
    for n in 0..5 {
        fred.send(&n.to_string(), FRED, BARNEY, &n.to_string());
    }
    let mut first = Vec::new();
    for _ in 0..5 {
        first.push(house.next().await);
    }
    drop(barney);
    for delivery in first.iter().rev() {
        house.word(delivery, cpim_adapter::Word::Unknown);
    }
    fred.send("5", FRED, BARNEY, "5");
    let _barney = house.session(&[BARNEY]);
    for n in 0..5 {
        assert_eq!(text(&house.next().await), n.to_string());
    }
}
