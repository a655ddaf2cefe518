//! "Operations" and the draft's section 3.4: subscribe, notify, unsubscribe.

use std::time::{Duration, Instant};

use super::someone::{FRED, Someone, WILMA, gateway, outcome};

const OPEN: &str = "im:fred@a.example open";

#[test]
fn the_response_comes_first_then_one_notify_then_one_for_each_change() {
    let (site, _gateway) = gateway();
    // "A session that also serves the im: form counts as one open tuple until it publishes."
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    let answer = wilma.subscribes("600", "");
    assert_eq!(
        (outcome(&answer).as_str(), answer.attribute("duration").as_deref()),
        ("success", Some("600"))
    );
    let subscript_id = answer.attribute("subscriptID").expect("minted where absent");
    assert!((1..=40).contains(&subscript_id.len()), "{subscript_id}");
    assert_eq!(wilma.is_told(), [OPEN]);
    for (status, text) in [("closed", "lunch"), ("open", "back")] {
        fred.publishes(status, text);
        let notify = wilma.notified();
        assert_eq!(super::someone::tuples(&notify), [format!("im:fred@a.example {status} {text}")]);
        assert_eq!(notify.attribute("watcher").as_deref(), Some(WILMA));
        assert_eq!(notify.attribute("target").as_deref(), Some(FRED));
    }
}

/// The draft's section 3.4.1 step 4: the notification follows the response at once. The quickest of several, since a
/// busy machine may hold up any one of them.
#[test]
fn the_first_notify_does_not_wait_for_the_response_to_be_acknowledged() {
    let (site, _gateway) = gateway();
    let _fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    let quickest = (0..5).map(|_| {
        assert_eq!(outcome(&wilma.subscribes("0", "")), "success");
        let answered = Instant::now();
        assert_eq!(wilma.is_told(), [OPEN]);
        answered.elapsed()
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_millis(500), "{quickest:?}");
}

#[test]
fn a_fetch_touches_no_lease() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    assert_eq!(outcome(&wilma.subscribes("0", "")), "success");
    assert_eq!(wilma.is_told(), [OPEN]);
    fred.publishes("closed", "");
    // Had the change been told, it would come before this answer's notify.
    assert_eq!(wilma.unsubscribes(), "failure not-subscribed");
    assert_eq!(outcome(&wilma.subscribes("600", "")), "success");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    // "duration 0 with another or none is a fetch": the lease goes on.
    assert_eq!(outcome(&wilma.subscribes("0", " subscriptID='another'")), "success");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    fred.publishes("open", "still told");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open still told"]);
}

#[test]
fn a_second_subscribe_is_refused_and_one_with_the_subscript_id_renews() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    let id = wilma.subscribes("600", "").attribute("subscriptID").unwrap();
    assert_eq!(wilma.is_told(), [OPEN]);
    assert_eq!(outcome(&wilma.subscribes("600", "")), "failure already-subscribed");
    assert_eq!(outcome(&wilma.subscribes("600", " subscriptID='another'")), "failure already-subscribed");
    let renewed = wilma.subscribes("900", &format!(" subscriptID='{id}'"));
    assert_eq!(
        (outcome(&renewed).as_str(), renewed.attribute("duration").as_deref()),
        ("success", Some("900"))
    );
    assert_eq!(wilma.is_told(), [OPEN], "one notify");
    fred.publishes("closed", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    // "at duration 0 cancels it (one last notify)".
    assert_eq!(outcome(&wilma.subscribes("0", &format!(" subscriptID='{id}'"))), "success");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    fred.publishes("open", "");
    assert_eq!(wilma.unsubscribes(), "failure not-subscribed");
}

#[test]
fn unsubscribe_ends_it_without_a_notify() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    assert_eq!(wilma.unsubscribes(), "failure not-subscribed");
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), [OPEN]);
    assert_eq!(wilma.unsubscribes(), "success");
    fred.publishes("closed", "");
    assert_eq!(wilma.unsubscribes(), "failure not-subscribed");
}
