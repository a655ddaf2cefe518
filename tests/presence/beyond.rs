//! Presentities whose home is another server: what it is asked for, and what its notifications are worth.

use std::time::Duration;

use cpim_adapter::{
    Basic, Code, Delivery, Domain, Notify, Operation, PresUri, Response, Scope, Status, Subscribe,
    SubscriptId,
};
use cpim_gateway::rules::{Defaults, Standard};

use crate::stage::{arriving, nothing_told, presence, subscribe, told, unsubscribe};
use crate::support::toy::{House, Manner, Session, policy};

const BARNEY: &str = "pres:barney@b.example";
const WILMA: &str = "pres:wilma@peer.example";

fn home(house: &House) -> Session {
    let domain = || vec![Scope::Domain(Domain::parse("peer.example").unwrap())];
    house.peer("peer.example", domain(), domain())
}

/// The next delivery, which must be a subscribe.
async fn asked(house: &mut House) -> (Delivery, Subscribe) {
    let delivery = house.next().await;
    let Operation::Subscribe(subscribe) = &*delivery.operation else { panic!("{delivery:?}") };
    let subscribe = subscribe.clone();
    (delivery, subscribe)
}

fn granted(duration: u32, id: &str) -> Response {
    Response::success().with_duration(Some(duration)).with_subscript_id(Some(SubscriptId::parse(id).unwrap()))
}

fn notify(home: &Session, watcher: &str, target: &str, status: Basic) {
    let uri = |text: &str| PresUri::parse(text).unwrap();
    let presence = presence("im:wilma@peer.example", status, "");
    let notify = Notify { watcher: uri(watcher), target: uri(target), presence, document: None };
    home.submit(arriving("n", Operation::Notify(notify)));
}

/// The notification that is being told is with the watcher.
async fn has(house: &mut House, status: &str) {
    let delivery = house.next().await;
    let (to, about, tuples) = crate::stage::read(&delivery);
    assert_eq!((to.as_str(), about.as_str()), (BARNEY, WILMA));
    assert_eq!(tuples, [format!("im:wilma@peer.example {status}")]);
    house.answer(&delivery, Response::success());
}

/// Barney's subscription to Wilma, granted by her home for so long.
async fn subscribed(house: &mut House, barney: &mut Session, wilmas: &Session, duration: u32) {
    barney.submit(arriving("1", subscribe(BARNEY, WILMA, 7_200, "")));
    let (delivery, asking) = asked(house).await;
    assert_eq!(asking.watcher.spelled(), BARNEY);
    house.answer(&delivery, granted(duration, "far"));
    let (_, response) = barney.answer().await;
    assert_eq!((response.status(), response.duration()), (Status::Success, Some(7_200)));
    notify(wilmas, BARNEY, WILMA, Basic::Open);
    has(house, "open").await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_passes_through_and_is_renewed_for_the_watcher() {
    let mut house = House::new().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    subscribed(&mut house, &mut barney, &wilmas, 60).await;
    for _ in 0..3 {
        let (delivery, renewal) = asked(&mut house).await;
        assert_eq!(renewal.subscript_id.unwrap().as_str(), "far");
        house.answer(&delivery, granted(60, "far"));
        // The notification behind a renewal tells nothing new.
        notify(&wilmas, BARNEY, WILMA, Basic::Open);
    }
    notify(&wilmas, BARNEY, WILMA, Basic::Closed);
    has(&mut house, "closed").await;
    let refused = barney.ask("2", subscribe(BARNEY, WILMA, 60, "")).await;
    assert_eq!(refused.code(), Some(Code::AlreadySubscribed));

    barney.submit(arriving("3", unsubscribe(BARNEY, WILMA)));
    let delivery = house.next().await;
    assert!(matches!(&*delivery.operation, Operation::Unsubscribe(_)), "{delivery:?}");
    house.answer(&delivery, Response::success());
    assert_eq!(barney.answer().await.1.status(), Status::Success);
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    nothing_told(&mut house, Duration::from_secs(3_600)).await;
}

/// Whoever renews is answered by the word of who keeps the subscription, as far as that can be had.
#[tokio::test(start_paused = true)]
async fn a_renewal_by_its_watcher_is_asked_of_the_home() {
    let mut house = House::new().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    barney.submit(arriving("1", subscribe(BARNEY, WILMA, 7_200, "mine")));
    let (delivery, _) = asked(&mut house).await;
    house.answer(&delivery, granted(7_200, "far"));
    assert_eq!(barney.answer().await.1.status(), Status::Success);
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    has(&mut house, "open").await;

    barney.submit(arriving("2", subscribe(BARNEY, WILMA, 3_600, "mine")));
    let (delivery, renewal) = asked(&mut house).await;
    assert_eq!((renewal.duration, renewal.subscript_id.unwrap().as_str()), (3_600, "far"));
    house.answer(&delivery, granted(3_600, "far"));
    let renewed = barney.answer().await.1;
    assert_eq!((renewed.status(), renewed.duration()), (Status::Success, Some(3_600)));
    has(&mut house, "open").await;

    // The home has ended it meanwhile, and says so: it is over here as well.
    barney.submit(arriving("3", subscribe(BARNEY, WILMA, 3_600, "mine")));
    let (delivery, _) = asked(&mut house).await;
    house.answer(&delivery, Response::failure(Code::Denied, "not allowed"));
    assert_eq!(barney.answer().await.1.code(), Some(Code::Denied));
    let gone = barney.ask("4", unsubscribe(BARNEY, WILMA)).await;
    assert_eq!(gone.code(), Some(Code::NotSubscribed));
}

/// RFC 2779 section 5.3.2.
#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_is_told_to_nobody() {
    let mut house = House::new().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    subscribed(&mut house, &mut barney, &wilmas, 7_200).await;
    let other = house.session(&["pres:other@c.example"]);
    notify(&other, BARNEY, WILMA, Basic::Closed);
    notify(&wilmas, "pres:other@c.example", WILMA, Basic::Open);
    nothing_told(&mut house, Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_home_refuses_is_refused_and_a_home_that_is_gone_is_unreachable() {
    let mut house = House::new().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    barney.submit(arriving("1", subscribe(BARNEY, WILMA, 60, "")));
    let (delivery, _) = asked(&mut house).await;
    house.answer(&delivery, Response::failure(Code::Denied, "no"));
    assert_eq!(barney.answer().await.1.code(), Some(Code::Denied));
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    nothing_told(&mut house, Duration::from_secs(60)).await;
    drop(wilmas);
    let gone = barney.ask("2", subscribe(BARNEY, WILMA, 60, "")).await;
    assert_eq!(gone.code(), Some(Code::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn a_look_is_answered_by_one_notification() {
    let mut house = House::new().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    barney.submit(arriving("1", subscribe(BARNEY, WILMA, 0, "")));
    let (delivery, asking) = asked(&mut house).await;
    assert_eq!(asking.duration, 0);
    // It may come before the response is with whoever asked.
    house.answer(&delivery, granted(0, "look"));
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    assert_eq!(barney.answer().await.1.status(), Status::Success);
    assert_eq!(told(&mut house, BARNEY, WILMA).await, ["im:wilma@peer.example open"]);
    notify(&wilmas, BARNEY, WILMA, Basic::Closed);
    nothing_told(&mut house, Duration::from_secs(60)).await;
}

/// DESIGN.md section 7: down for an hour, and a far side that forgot.
#[tokio::test(start_paused = true)]
async fn a_link_that_is_down_for_an_hour_and_a_far_side_that_forgot() {
    let mut house = House::new().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    subscribed(&mut house, &mut barney, &wilmas, 7_200).await;
    drop(wilmas);
    let gone = tokio::time::Instant::now();
    let delivery = house.next().await;
    let (_, _, tuples) = crate::stage::read(&delivery);
    assert_eq!(tuples, ["im:wilma@peer.example closed its server cannot be reached"]);
    house.answer(&delivery, Response::success());
    assert!((300..=302).contains(&gone.elapsed().as_secs()), "{:?}", gone.elapsed());
    nothing_told(&mut house, Duration::from_secs(3_300)).await;

    let wilmas = home(&house);
    let (delivery, again) = asked(&mut house).await;
    assert_eq!(again.subscript_id.unwrap().as_str(), "far");
    assert!(again.duration > 3_000, "what is left of his own");
    // It has forgotten the subscription, and grants a new one.
    house.answer(&delivery, granted(600, "anew"));
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    has(&mut house, "open").await;
    let (delivery, renewal) = asked(&mut house).await;
    assert_eq!(renewal.subscript_id.unwrap().as_str(), "anew");
    house.answer(&delivery, Response::failure(Code::Denied, "not any more"));
    let delivery = house.next().await;
    let (_, _, tuples) = crate::stage::read(&delivery);
    assert_eq!(
        tuples,
        ["im:wilma@peer.example closed the subscription was ended by the presentity's server"]
    );
    assert_eq!(barney.ask("9", unsubscribe(BARNEY, WILMA)).await.code(), Some(Code::NotSubscribed));
}

/// The server connects anew before the end of its old connection is seen here.
#[tokio::test(start_paused = true)]
async fn a_home_that_replaces_its_connection_is_asked_again() {
    let mut house = House::new().await;
    let old = home(&house);
    let mut barney = house.session(&[BARNEY]);
    subscribed(&mut house, &mut barney, &old, 7_200).await;
    let wilmas = home(&house);
    drop(old);
    let (delivery, again) = asked(&mut house).await;
    assert_eq!(again.subscript_id.unwrap().as_str(), "far");
    house.answer(&delivery, granted(600, "anew"));
    notify(&wilmas, BARNEY, WILMA, Basic::Closed);
    has(&mut house, "closed").await;
    // A look that is refused takes nothing of what is told.
    barney.submit(arriving("9", subscribe(BARNEY, WILMA, 0, "")));
    let (delivery, _) = asked(&mut house).await;
    house.answer(&delivery, Response::failure(Code::Denied, "not now"));
    assert_eq!(barney.answer().await.1.code(), Some(Code::Denied));
    notify(&wilmas, BARNEY, WILMA, Basic::Open);
    has(&mut house, "open").await;
    // One that goes while an older one stays tells nothing.
    drop(home(&house));
    nothing_told(&mut house, Duration::from_secs(60)).await;
}

/// The rules of who is at home elsewhere are asked there, also after a reload.
#[tokio::test(start_paused = true)]
async fn a_reload_asks_nobodys_rules_who_is_at_home_elsewhere() {
    let mut house = crate::stage::house().await;
    let wilmas = home(&house);
    let mut barney = house.session(&[BARNEY]);
    house.manner(Manner::Pend(None));
    subscribed(&mut house, &mut barney, &wilmas, 7_200).await;
    let mut changed = policy();
    changed.principals = Defaults { subscribe: Standard::Deny, ..changed.principals };
    house.reloaded(changed);
    nothing_told(&mut house, Duration::from_secs(60)).await;
    notify(&wilmas, BARNEY, WILMA, Basic::Closed);
    has(&mut house, "closed").await;
}
