//! Routes that lead in a circle, and messages that have come far enough.

use super::gateway::Gateway;
use super::person::{HELLO, Person};
use super::stage::{Plan, Stage, free_port, peer, route};

const THERE: &str = "im:fred@a.example im:barney@b.example";

/// Gateways that each think that the other knows where c.example is. Both may speak for d.example.
async fn in_a_circle() -> (Stage, Gateway, Gateway) {
    let stage = Stage::new().await;
    let names = [["a.example", "gw.a.example", "c.example"], ["b.example", "gw.b.example", "c.example"]];
    let sources = "\"d.example\"";
    let (port_a, port_b) = (free_port(), free_port());
    let (tables_a, tables_b) =
        (peer("b", sources) + &route("c.example", port_b), peer("a", sources) + &route("c.example", port_a));
    let a = Plan { trust: vec!["d.example"], ..Plan::new("a", &names[0]).with(&tables_a) };
    let b = Plan::new("b", &names[1]).with(&tables_b);
    let mut a = stage.plan_at(&a, (port_a, free_port()));
    let mut b = stage.plan_at(&b, (port_b, free_port()));
    tokio::join!(a.start(), b.start());
    (stage, a, b)
}

#[tokio::test]
async fn a_circle_is_left_the_first_time_round() {
    let (_stage, mut a, mut b) = in_a_circle().await;
    let mut fred = Person::speaking(a.door, "im:fred@d.example").await;
    fred.says("1", "im:fred@d.example im:x@c.example", HELLO).await;
    assert_eq!(fred.answer_to("1").await, "failure loop");
    // Accepted once by each, and refused by A the second time. All that is in the log before what comes next.
    for gateway in [&mut a, &mut b] {
        gateway.says("loop").await;
        let log = gateway.log();
        let accepted = |line: &&str| line.contains("accepted") && line.contains("im:x@c.example");
        assert_eq!(log.lines().filter(accepted).count(), 1, "{log}");
    }
    // The same message once more is no loop of the first.
    fred.says("2", "im:fred@d.example im:x@c.example", HELLO).await;
    assert_eq!(fred.answer_to("2").await, "failure loop");
}

#[tokio::test]
async fn a_circle_does_not_bring_back_what_is_said_at_home() {
    let (_stage, a, _b) = in_a_circle().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    fred.says("1", "im:fred@a.example im:x@c.example", HELLO).await;
    // A takes nothing from a peer in the name of its own people, so that it does not come to the loop check.
    assert_eq!(fred.answer_to("1").await, "failure denied");
}

#[tokio::test]
async fn hops_are_honoured() {
    let (_stage, a, mut b) = Stage::with_both().await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let mut barney = Person::at(b.door, "im:barney@b.example").await;
    fred.says_with("hops=0", "0", THERE, HELLO).await;
    assert_eq!(fred.answer_to("0").await, "failure loop");
    assert!(!b.log().contains("peer gw.a.example"), "A itself refuses that");
    fred.says_with("hops=1", "1", THERE, HELLO).await;
    assert_eq!(fred.answer_to("1").await, "failure loop");
    b.says("peer gw.a.example").await;
    fred.says_with("hops=2", "2", THERE, HELLO).await;
    let message = barney.message().await;
    assert_eq!(message.parameter("hops"), "0", "as far as it goes");
    barney.thanks(&message).await;
    assert_eq!(fred.answer_to("2").await, "success");
}
