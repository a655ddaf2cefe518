//! Who watches whom: watcher information, rules that change, subscriptions that end with their connection.

use std::time::Duration;

use cpim_adapter::{Address, Basic, Code, Operation, Outcome, Response, Standing, Status};
use cpim_gateway::config::{Action, Pattern, Rule};
use cpim_gateway::rules::{Decision, Defaults, Mark, Standard, Topic, Who};

use crate::stage::{arriving, house, nothing_told, publish, subscribe, told, unsubscribe};
use crate::support::toy::{House, Manner, memory, policy};

const FRED: &str = "pres:fred@a.example";
const BARNEY: &str = "pres:barney@b.example";
const WILMA: &str = "pres:wilma@c.example";
const WINFO: &str = "pres:winfo=fred~40a.example@gw.example";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_presentity_sees_who_watches_and_who_looked() {
    let mut house = house().await;
    let mut fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    assert_eq!(fred.ask("1", subscribe(FRED, WINFO, 36_000, "")).await.status(), Status::Success);
    assert_eq!(told(&mut house, FRED, WINFO).await, ["pres:fred@a.example closed"], "nobody");
    let denied = barney.ask("1", subscribe(BARNEY, WINFO, 3_600, "")).await;
    assert_eq!(denied.code(), Some(Code::Denied), "others may not know");

    barney.ask("2", subscribe(BARNEY, FRED, 60, "")).await;
    let seen = house.next().await;
    let first = crate::stage::read(&seen);
    let second = crate::stage::read(&house.next().await);
    let winfo = if first.0 == FRED { first } else { second };
    assert!(winfo.2[0].starts_with("pres:barney@b.example open since "), "{winfo:?}");
    assert_eq!(house.router.watchers_of(&address(FRED)).len(), 1);
    assert_eq!(house.router.subscriptions_of(&address(BARNEY))[0].presentity, FRED);

    let tuples = told(&mut house, FRED, WINFO).await;
    assert!(tuples[0].starts_with("pres:barney@b.example closed since "), "{tuples:?}");
    assert!(tuples[0].ends_with(", expired"), "{tuples:?}");
    let mut wilma = house.session(&[WILMA]);
    wilma.ask("1", subscribe(WILMA, FRED, 0, "")).await;
    let looked = [house.next().await, house.next().await].map(|delivery| crate::stage::read(&delivery));
    assert!(looked.iter().any(|(to, _, tuples)| to == FRED && tuples.len() == 2), "{looked:?}");
    // The span is an hour.
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    loop {
        let tuples = told(&mut house, FRED, WINFO).await;
        if tuples == ["pres:fred@a.example closed"] {
            break;
        }
    }
}

/// RFC 2779 section 5.1.9, and RFC 2778's polite blocking on what runs already.
#[tokio::test(start_paused = true)]
async fn rules_take_effect_on_what_runs() {
    let mut house = house().await;
    let mut fred = house.session(&[FRED, "im:fred@a.example"]);
    let mut barney = house.session(&[BARNEY]);
    let mut wilma = house.session(&[WILMA]);
    barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example open"]);
    wilma.ask("1", subscribe(WILMA, FRED, 3_600, "")).await;
    told(&mut house, WILMA, FRED).await;

    let router = std::sync::Arc::clone(&house.router);
    let set = |who: &str, decision| {
        let (book, who) = (router.book(), Who::Address(address(who)));
        async move {
            book.change(&address(FRED), move |sheet| {
                sheet.mark(Mark { who, standing: None, topic: Topic::Everything, decision })
            })
            .await
            .unwrap()
        }
    };
    set("im:barney@b.example", Decision::Polite).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example closed"]);
    set("im:wilma@c.example", Decision::Deny).await;
    let last = told(&mut house, WILMA, FRED).await;
    assert_eq!(last, ["im:fred@a.example closed the subscription was ended by the presentity"]);
    fred.ask("1", publish(FRED, Basic::Open, "here", None)).await;
    nothing_told(&mut house, Duration::from_secs(60)).await;
    assert_eq!(wilma.ask("2", unsubscribe(WILMA, FRED)).await.code(), Some(Code::NotSubscribed));
    assert_eq!(wilma.ask("3", subscribe(WILMA, FRED, 60, "")).await.code(), Some(Code::Denied));
    // To whoever is blocked politely, all goes on as with somebody who is closed.
    assert_eq!(barney.ask("2", unsubscribe(BARNEY, FRED)).await.status(), Status::Success);
    let again = barney.ask("3", subscribe(BARNEY, FRED, 60, "")).await;
    assert_eq!((again.status(), again.duration()), (Status::Success, Some(60)));
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example closed"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_ends_with_its_connection() {
    let mut house = house().await;
    let _fred = house.session(&[FRED, "im:fred@a.example"]);
    let mut barney = house.session(&[BARNEY]);
    let mut held = arriving("1", subscribe(BARNEY, FRED, 0, ""));
    held.held = true;
    barney.submit(held);
    let (_, response) = barney.answer().await;
    assert_eq!((response.status(), response.duration()), (Status::Success, None));
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example open"]);
    tokio::time::sleep(Duration::from_secs(5_000)).await;
    assert_eq!(house.router.watchers_of(&address(FRED)).len(), 1);
    drop(barney);
    let watchers = house.router.watchers_of(&address(FRED));
    assert!(watchers.iter().all(|watcher| watcher.ended.is_some()), "{watchers:?}");
}

/// A watcher whose session is gone keeps his subscription, and is told once when he is back.
#[tokio::test(start_paused = true)]
async fn whoever_comes_back_is_told_the_present_state() {
    let mut house = house().await;
    let mut fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    barney.ask("1", subscribe(BARNEY, FRED, 3_600, "")).await;
    told(&mut house, BARNEY, FRED).await;
    drop(barney);
    for text in ["one", "two", "three"] {
        fred.ask(text, publish(FRED, Basic::Open, text, None)).await;
    }
    nothing_told(&mut house, Duration::from_secs(60)).await;
    let _barney = house.session(&[BARNEY]);
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example open three"]);
    nothing_told(&mut house, Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_principal_can_ask_without_a_session() {
    let house = house().await;
    let _fred = house.session(&[FRED]);
    let ask = |operation: Operation| house.router.ask_presence(operation, Standing::Verified);
    assert_eq!(ask(subscribe(BARNEY, FRED, 60, "")).await.duration(), Some(60));
    assert_eq!(ask(subscribe(BARNEY, FRED, 60, "")).await.code(), Some(Code::AlreadySubscribed));
    assert_eq!(ask(publish(FRED, Basic::Open, "by command", None)).await.status(), Status::Success);
    assert_eq!(ask(unsubscribe(BARNEY, FRED)).await.status(), Status::Success);
}

/// native-cpim.md, Presence: one tuple for each watcher.
#[tokio::test(start_paused = true)]
async fn whoever_looked_before_he_watched_is_told_of_once() {
    let house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    for (id, duration, ended) in [("1", 0, true), ("2", 600, false)] {
        barney.ask(id, subscribe(BARNEY, FRED, duration, "")).await;
        let watchers = house.router.watchers_of(&address(FRED));
        assert_eq!(watchers.iter().map(|watcher| watcher.ended.is_some()).collect::<Vec<_>>(), [ended]);
    }
}

/// What the administrator changes holds for what runs, and asks nobody else's rules for him.
#[tokio::test(start_paused = true)]
async fn a_reload_ends_what_may_not_be_any_more() {
    let mut house = house().await;
    let _fred = house.session(&[FRED]);
    let mut barney = house.session(&[BARNEY]);
    let mut wilma = house.session(&[WILMA]);
    for (session, watcher) in [(&mut barney, BARNEY), (&mut wilma, WILMA)] {
        session.ask("1", subscribe(watcher, FRED, 3_600, "")).await;
        told(&mut house, watcher, FRED).await;
    }
    let mut changed = policy();
    let from = BARNEY.parse().unwrap();
    changed.rules.rules = vec![Rule { action: Action::Deny, from, to: Pattern::Any, auth: None }];
    house.reloaded(changed);
    let ended = told(&mut house, BARNEY, FRED).await;
    assert_eq!(ended, ["im:fred@a.example closed the subscription is not allowed any more"]);
    assert_eq!(house.router.watchers_of(&address(FRED)).len(), 2, "one watches, one did");
    nothing_told(&mut house, Duration::from_secs(60)).await;
}

/// A single look is let in by what holds for looks, and sees what looks may see.
#[tokio::test(start_paused = true)]
async fn who_may_not_look_and_is_not_told_so_sees_nothing() {
    let mut changed = policy();
    changed.principals = Defaults { fetch: Standard::Polite, ..changed.principals };
    let mut house = House::with(changed, memory()).await;
    house.manner(Manner::Say(Outcome::Delivered(Response::success())));
    let mut fred = house.session(&[FRED]);
    fred.ask("1", publish(FRED, Basic::Open, "at home", None)).await;
    let mut barney = house.session(&[BARNEY]);
    assert_eq!(barney.ask("1", subscribe(BARNEY, FRED, 0, "")).await.status(), Status::Success);
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example closed"]);
    barney.ask("2", subscribe(BARNEY, FRED, 600, "")).await;
    assert_eq!(told(&mut house, BARNEY, FRED).await, ["im:fred@a.example open at home"]);
}
