//! A message crosses both gateways, and its answer comes back.

use super::person::{HELLO, Person};
use super::stage::{Plan, Stage, at};
use crate::support::dns::Zone;
use crate::support::dnsmasq::Dnsmasq;

const THERE: &str = "im:fred@a.example im:barney@b.example";
const BACK: &str = "im:barney@b.example im:fred@a.example";

/// Every octet that there is, in an entity that claims nothing.
fn every_octet() -> Vec<u8> {
    let header = b"Content-Type: application/octet-stream\r\nX-Kept:  as it is \r\n\r\n";
    header.iter().copied().chain(0..=255).chain(*b"\r\nCPIM/1 9 9\r\n\0").collect()
}

#[tokio::test]
async fn a_message_crosses_octet_for_octet_with_hops_id_and_via_and_its_answer_comes_back() {
    let (_stage, mut a, mut b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    // The home of all of b.example: only such are told where a message has been.
    let mut barney = Person::at(b.door, "b.example").await;

    fred.says_with("hops=9", "f-1.~", THERE, &every_octet()).await;
    let message = barney.message().await;
    assert_eq!(message.content, every_octet());
    assert_eq!(
        ["source", "destination"].map(|name| message.attribute(name)),
        ["im:fred@a.example", "im:barney@b.example"]
    );
    assert_eq!(message.parameter("hops"), "7");
    assert_eq!(message.parameter("via"), "gw.a.example,gw.b.example");
    assert_eq!(message.parameter("auth"), "verified");
    assert_ne!(message.attribute("transID"), "f-1.~", "every leg has its own");
    let id = message.parameter("id");
    for gateway in [&mut a, &mut b] {
        gateway.says(id).await;
    }
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("f-1.~").await, "success");

    fred.says("2", THERE, HELLO).await;
    let message = barney.message().await;
    assert_eq!(message.parameter("hops"), "126", "128 where nobody says otherwise");
    barney.answers(&message, "failure", "refused: Barney is bowling").await;
    assert_eq!(fred.answer_to("2").await, "failure refused");
}

#[tokio::test]
async fn what_is_sent_back_takes_the_connection_that_is_there() {
    let (stage, a, b) = Stage::with_both().await;
    // B is found; where A is, nobody could say.
    stage.dns.replace(at(Zone::default(), "b", b.port));
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    assert_eq!(message.parameter("via"), "gw.a.example,gw.b.example");

    barney.says("1", BACK, &every_octet()).await;
    let back = fred.message().await;
    assert_eq!((back.content.clone(), back.parameter("hops")), (every_octet(), "126"));
    fred.thanks(&back).await;
    assert_eq!(barney.answer_to("1").await, "success");
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("1").await, "success");
}

#[tokio::test]
async fn either_side_may_begin_and_both_at_once() {
    let (_stage, a, b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    barney.says("1", BACK, HELLO).await;
    let (to_barney, to_fred) = tokio::join!(barney.message(), fred.message());
    barney.thanks(&to_barney).await;
    fred.thanks(&to_fred).await;
    assert_eq!(
        (fred.answer_to("1").await, barney.answer_to("1").await),
        ("success".into(), "success".into())
    );
}

#[tokio::test]
async fn who_is_not_there_is_unreachable_and_who_nobody_hosts_has_no_route() {
    let (_stage, a, b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    fred.says("1", THERE, HELLO).await;
    assert_eq!(fred.answer_to("1").await, "failure unreachable");
    fred.says("2", "im:fred@a.example im:x@nowhere.example", HELLO).await;
    assert_eq!(fred.answer_to("2").await, "failure no-route");
    fred.says("3", "im:fred@a.example im:barney@gw.b.example", HELLO).await;
    assert_eq!(fred.answer_to("3").await, "failure unreachable", "known by configuration, though not to DNS");
    drop(b);
}

#[tokio::test]
async fn dnsmasq_leads_there_as_well() {
    let stage = Stage::new().await;
    let mut b = stage.plan(&Plan::b());
    let lines = format!(
        "srv-host=_im._cpim.b.example,host.b.example,{},10,0\naddress=/host.b.example/127.0.0.1",
        b.port
    );
    let dnsmasq = Dnsmasq::start(&lines).await;
    let mut a = stage.plan(&Plan { dns: Some(dnsmasq.address()), ..Plan::a() });
    tokio::join!(a.start(), b.start());
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says("1", THERE, HELLO).await;
    let message = barney.message().await;
    assert_eq!(message.content, HELLO);
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("1").await, "success");
    // Who answered is known by name.
    a.says("peer gw.b.example").await;
}
