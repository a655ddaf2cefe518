//! Presentities whose presence service this gateway is (the draft's section 3.4; native-cpim.md, Presence over a
//! session).

use std::time::Duration;

use cpim_adapter::{Basic, Code, Status};

use crate::stage::{arriving, house, nothing_told, publish, subscribe, told, unsubscribe};

const FRED: &str = "pres:fred@a.example";
const FRED_IM: &str = "im:fred@a.example";
const BARNEY: &str = "pres:barney@b.example";
const OPEN: [&str; 1] = ["im:fred@a.example open"];
const CLOSED: [&str; 1] = ["im:fred@a.example closed"];

const A_WHILE: Duration = Duration::from_secs(5);

/// O09: the response with what was granted, then exactly one notification, then one for each change until the end.
#[tokio::test(start_paused = true)]
async fn a_subscription_from_its_response_to_its_end() {
    let mut house = house().await;
    let fred = house.session(&[FRED, FRED_IM]);
    let mut barney = house.session(&[BARNEY]);
    let response = barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    assert_eq!((response.status(), response.duration()), (Status::Success, Some(3_600)));
    assert!(response.subscript_id().is_some());
    assert_eq!(told(&mut house, BARNEY, FRED).await, OPEN);
    nothing_told(&mut house, A_WHILE).await;

    let mut fred = fred;
    let done = fred.ask("1", publish(FRED, Basic::Open, "lunch", None)).await;
    assert_eq!(done.status(), Status::Success, "{done}");
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example open lunch"]);
    fred.ask("2", publish(FRED, Basic::Open, "lunch", None)).await;
    nothing_told(&mut house, A_WHILE).await;
    drop(fred);
    assert_eq!(told(&mut house, BARNEY, FRED).await, CLOSED);

    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let _fred = house.session(&[FRED, FRED_IM]);
    nothing_told(&mut house, A_WHILE).await;
    let over = barney.ask("2", unsubscribe(BARNEY, FRED)).await;
    assert_eq!(over.code(), Some(Code::NotSubscribed));
}

#[tokio::test(start_paused = true)]
async fn more_than_the_most_is_granted_the_most() {
    let mut house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    let response = barney.ask("1", subscribe(BARNEY, FRED, u32::MAX, "mine")).await;
    assert_eq!(response.duration(), Some(24 * 3_600));
    assert_eq!(response.subscript_id().unwrap().as_str(), "mine");
    assert_eq!(told(&mut house, BARNEY, FRED).await, CLOSED, "a session without the inbox is not reachable");
}

/// RFC 3859 section 3.4.1 step 3, and renewal as decision 6 of the digest has it.
#[tokio::test(start_paused = true)]
async fn a_second_subscription_is_refused_and_a_named_one_renewed() {
    let mut house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    let id = barney.ask("1", subscribe(BARNEY, FRED, 60, "")).await.subscript_id().unwrap().to_string();
    told(&mut house, BARNEY, FRED).await;
    for other in ["", "other"] {
        let refused = barney.ask(&format!("2{other}"), subscribe(BARNEY, FRED, 60, other)).await;
        assert_eq!(refused.code(), Some(Code::AlreadySubscribed));
    }
    let renewed = barney.ask("3", subscribe(BARNEY, FRED, 600, &id)).await;
    assert_eq!((renewed.status(), renewed.duration()), (Status::Success, Some(600)));
    assert_eq!(told(&mut house, BARNEY, FRED).await, CLOSED);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(barney.ask("4", unsubscribe(BARNEY, FRED)).await.status(), Status::Success);
    nothing_told(&mut house, A_WHILE).await;
}

/// Duration 0: with the name of a live subscription it ends it, with another or none it only looks.
#[tokio::test(start_paused = true)]
async fn a_look_touches_no_subscription_and_a_cancellation_tells_once_more() {
    let mut house = house().await;
    let mut fred = house.session(&[FRED, FRED_IM]);
    let mut barney = house.session(&[BARNEY]);
    let looked = barney.ask("1", subscribe(BARNEY, FRED, 0, "look")).await;
    assert_eq!((looked.status(), looked.duration()), (Status::Success, Some(0)));
    assert_eq!(told(&mut house, BARNEY, FRED).await, OPEN);
    fred.ask("1", publish(FRED, Basic::Closed, "", None)).await;
    nothing_told(&mut house, A_WHILE).await;

    barney.ask("2", subscribe(BARNEY, FRED, 60, "live")).await;
    told(&mut house, BARNEY, FRED).await;
    barney.ask("3", subscribe(BARNEY, FRED, 0, "look")).await;
    told(&mut house, BARNEY, FRED).await;
    barney.ask("4", subscribe(BARNEY, FRED, 0, "live")).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, CLOSED);
    fred.ask("2", publish(FRED, Basic::Open, "", None)).await;
    nothing_told(&mut house, A_WHILE).await;
    assert_eq!(barney.ask("5", unsubscribe(BARNEY, FRED)).await.code(), Some(Code::NotSubscribed));
}

/// A retransmission gets the answer of the first.
#[tokio::test(start_paused = true)]
async fn what_comes_again_is_answered_as_before() {
    let house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    let first = barney.ask("1", subscribe(BARNEY, FRED, 60, "")).await;
    assert_eq!(barney.ask("1", subscribe(BARNEY, FRED, 60, "")).await, first);
    assert_eq!(barney.ask("2", unsubscribe(BARNEY, FRED)).await.status(), Status::Success);
    assert_eq!(barney.ask("2", unsubscribe(BARNEY, FRED)).await.status(), Status::Success);
    assert_eq!(barney.ask("3", unsubscribe(BARNEY, FRED)).await.code(), Some(Code::NotSubscribed));
}

#[tokio::test(start_paused = true)]
async fn a_publication_lapses() {
    let mut house = house().await;
    let mut fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, CLOSED);
    fred.ask("1", publish(FRED, Basic::Open, "", Some(30))).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, OPEN);
    nothing_told(&mut house, Duration::from_secs(29)).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, CLOSED);
}

#[tokio::test(start_paused = true)]
async fn nobody_subscribes_for_another_nor_to_nobody() {
    let house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    for (watcher, target, code) in [
        ("pres:wilma@b.example", FRED, Code::Denied),
        (BARNEY, "pres:nobody@gw.example", Code::BadAddress),
        (BARNEY, "pres:pepp=example.com/x@gw.example", Code::Unsupported),
        (BARNEY, "pres:x@peer.example", Code::Unreachable),
        (BARNEY, "pres:x@nowhere.example", Code::NoRoute),
        (BARNEY, "pres:winfo=x~40nowhere.example@gw.example", Code::BadAddress),
    ] {
        let refused = barney.ask(target, subscribe(watcher, target, 60, "")).await;
        assert_eq!(refused.code(), Some(code), "{watcher} {target}: {refused}");
    }
    assert_eq!(barney.ask("u", unsubscribe("pres:wilma@b.example", FRED)).await.code(), Some(Code::Denied));
    assert_eq!(barney.ask("p", publish(FRED, Basic::Open, "", None)).await.code(), Some(Code::Denied));
}

/// Hosted by configuration, or seen once: out of contact is closed, and can be subscribed to.
#[tokio::test(start_paused = true)]
async fn who_is_out_of_contact_can_be_subscribed_to() {
    let mut house = house().await;
    drop(house.session(&["pres:seen@nowhere.example"]));
    let mut barney = house.session(&[BARNEY]);
    for target in ["pres:x@hosted.example", "pres:seen@nowhere.example"] {
        let response = barney.ask(target, subscribe(BARNEY, target, 60, "")).await;
        assert_eq!(response.status(), Status::Success, "{target}: {response}");
        let inbox = target.replace("pres:", "im:");
        assert_eq!(told(&mut house, BARNEY, target).await, [format!("{inbox} closed")]);
    }
    let _there = house.session(&["pres:seen@nowhere.example", "im:seen@nowhere.example"]);
    assert_eq!(told(&mut house, BARNEY, "pres:seen@nowhere.example").await, ["im:seen@nowhere.example open"]);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_pairs_in_a_second_are_refused_and_harm_nobody() {
    let mut house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    let mut wilma = house.session(&["pres:wilma@c.example"]);
    let mut busy = 0;
    for at in 0..2_000 {
        barney.submit(arriving(&format!("s{at}"), subscribe(BARNEY, FRED, 60, "")));
        barney.submit(arriving(&format!("u{at}"), unsubscribe(BARNEY, FRED)));
        for _ in 0..2 {
            busy += usize::from(barney.answer().await.1.code() == Some(Code::Busy));
        }
    }
    assert!(busy >= 2_900, "{busy}");
    let response = wilma.ask("1", subscribe("pres:wilma@c.example", FRED, 60, "")).await;
    assert_eq!(response.status(), Status::Success, "{response}");
    while house.delivered.try_recv().is_ok() {}
}
