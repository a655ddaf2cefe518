//! Presentities of a foreign system, which its adapter observes once however many watch.

use std::time::Duration;

use cpim_adapter::{Basic, Code, DeliveryError, ForeignAddress, Observation, Status};

use crate::stage::{house, nothing_told, presence, subscribe, told};
use crate::support::toy::{House, policy};

const ALICE: &str = "pres:pepp=example.com/alice@gw.example";
const BARNEY: &str = "pres:barney@b.example";
const WILMA: &str = "pres:wilma@c.example";

fn alice() -> ForeignAddress {
    policy().mapper.unmap(&cpim_adapter::Address::parse(ALICE).unwrap()).unwrap()
}

fn sees(house: &House, status: Basic) {
    let presence = presence("pepp://example.com/alice", status, "");
    house.cx.observed(Observation { presentity: alice(), presence, document: None });
}

#[tokio::test(start_paused = true)]
async fn it_is_observed_once_and_for_as_long_as_anybody_watches() {
    let mut house = house().await;
    house.toy.observes(|| Ok(()));
    let mut barney = house.session(&[BARNEY]);
    let mut wilma = house.session(&[WILMA]);
    barney.ask("1", subscribe(BARNEY, ALICE, 600, "")).await;
    assert_eq!(house.toy.observed(), [alice()]);
    sees(&house, Basic::Open);
    assert_eq!(told(&mut house, BARNEY, ALICE).await, ["pepp://example.com/alice open"]);
    wilma.ask("1", subscribe(WILMA, ALICE, 60, "")).await;
    assert_eq!(told(&mut house, WILMA, ALICE).await, ["pepp://example.com/alice open"]);
    assert_eq!(house.toy.observed(), [alice()]);
    tokio::time::sleep(Duration::from_secs(120)).await;
    sees(&house, Basic::Closed);
    assert_eq!(told(&mut house, BARNEY, ALICE).await, ["pepp://example.com/alice closed"]);
    tokio::time::sleep(Duration::from_secs(520)).await;
    assert_eq!(house.toy.observed(), []);
    sees(&house, Basic::Open);
    nothing_told(&mut house, Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_adapter_cannot_observe_is_refused_and_silence_is_closed() {
    let mut house = house().await;
    let mut barney = house.session(&[BARNEY]);
    house.toy.observes(|| Err(DeliveryError::refused(Code::BadAddress, "nobody there")));
    let refused = barney.ask("1", subscribe(BARNEY, ALICE, 600, "")).await;
    assert_eq!(refused.code(), Some(Code::BadAddress));
    house.toy.observes(|| Ok(()));
    assert_eq!(barney.ask("2", subscribe(BARNEY, ALICE, 0, "")).await.status(), Status::Success);
    let silent = told(&mut house, BARNEY, ALICE).await;
    assert_eq!(silent, ["im:pepp=example.com/alice@gw.example closed"]);
}
