//! What is accepted, and what is refused with which code (RFC 3860 section 3.4.1; native-cpim.md).

use std::time::Duration;

use cpim_adapter::{Code, Domain, Scope, Status};
use cpim_gateway::config::{Action, Pattern, Rule};

use crate::support::toy::{House, Manner, arrival, policy};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

async fn refused(house: &House, from: &str, to: &str) -> Code {
    let mut fred = house.session(&[FRED]);
    fred.send("1", from, to, "hello");
    let (_, response) = fred.answer().await;
    assert_eq!(response.status(), Status::Failure, "{response}");
    response.code().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_the_senders_is_denied() {
    let house = House::new().await;
    let _barney = house.session(&[BARNEY]);
    assert_eq!(refused(&house, "im:wilma@a.example", BARNEY).await, Code::Denied);
    assert_eq!(refused(&house, "im:pepp=example.com/x@gw.example", BARNEY).await, Code::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_destination_gets_the_code_of_where_it_lies() {
    let house = House::new().await;
    for (to, code) in [
        ("im:nobody@gw.example", Code::BadAddress),
        ("im:gateway@gw.example", Code::Unsupported),
        ("im:irc=irc.example.net/x@gw.example", Code::NoRoute),
        ("im:pepp=example.com/a~20b@gw.example", Code::BadAddress),
        ("im:nobody@hosted.example", Code::Unreachable),
        ("im:nobody@peer.example", Code::Unreachable),
        ("im:nobody@nowhere.example", Code::NoRoute),
    ] {
        assert_eq!(refused(&house, FRED, to).await, code, "{to}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_nobody_assigned_is_no_address() {
    let house = House::new().await;
    let to = "im:alias=abcdefghijklmnopqrstuvwxyz@gw.example";
    assert_eq!(refused(&house, FRED, to).await, Code::BadAddress);
}

#[tokio::test(start_paused = true)]
async fn who_was_here_once_is_known_and_out_of_contact() {
    let house = House::new().await;
    drop(house.session(&["im:seen@nowhere.example"]));
    assert_eq!(refused(&house, FRED, "im:seen@nowhere.example").await, Code::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn an_operation_without_hops_left_is_a_loop() {
    let mut house = House::new().await;
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    let mut none = arrival("1", FRED, BARNEY, "hello");
    none.hops = Some(0);
    fred.submit(none);
    assert_eq!(fred.answer().await.1.code(), Some(Code::Loop));
    let mut last = arrival("2", FRED, BARNEY, "hello");
    last.hops = Some(1);
    fred.submit(last);
    assert_eq!(house.next().await.passage.hops, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_stranger_says_of_the_way_is_not_believed_and_a_peer_is() {
    let mut house = House::new().await;
    let (fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    let far = Domain::parse("far.example").unwrap();
    let said = |trans_id: &str, from: &str| {
        let mut said = arrival(trans_id, from, BARNEY, "hello");
        said.id = Some("mine".parse().unwrap());
        said.via = vec![far.clone()];
        said
    };
    fred.submit(said("1", FRED));
    let delivery = house.next().await;
    assert_ne!(delivery.passage.id.as_str(), "mine");
    assert_eq!(delivery.passage.via, [Domain::parse("gw.example").unwrap()]);

    let c = Scope::Domain(Domain::parse("c.example").unwrap());
    let peer = house.peer("gw.c.example", vec![c.clone()], vec![c]);
    peer.submit(said("2", "im:x@c.example"));
    let delivery = house.next().await;
    assert_eq!(delivery.passage.id.as_str(), "mine");
    assert_eq!(delivery.passage.via, [far, Domain::parse("gw.example").unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn the_same_id_to_the_same_destination_is_a_loop_and_to_another_is_not() {
    let mut house = House::new().await;
    let _b = house.session(&[BARNEY, "im:betty@b.example"]);
    let c = Scope::Domain(Domain::parse("c.example").unwrap());
    let mut peer = house.peer("gw.c.example", vec![c.clone()], vec![c]);
    let said = |trans_id: &str, to: &str| {
        let mut said = arrival(trans_id, "im:x@c.example", to, "hello");
        said.id = Some("01".parse().unwrap());
        said
    };
    peer.submit(said("1", BARNEY));
    peer.submit(said("2", "im:betty@b.example"));
    house.next().await;
    house.next().await;
    peer.submit(said("3", BARNEY));
    let (trans_id, response) = peer.answer().await;
    assert_eq!((trans_id.as_str(), response.code()), ("3", Some(Code::Loop)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_may_not_send_for_us_nor_for_what_is_hosted_here() {
    let house = House::new().await;
    let _barney = house.session(&[BARNEY]);
    let mut peer = house.peer("gw.c.example", vec![Scope::Any], Vec::new());
    for from in ["im:gateway@gw.example", "im:x@hosted.example", BARNEY] {
        peer.send("1", from, BARNEY, from);
        assert_eq!(peer.answer().await.1.code(), Some(Code::Denied), "{from}");
    }
}

#[tokio::test(start_paused = true)]
async fn rules_hold_in_order() {
    let mut policy = policy();
    let rule = |action, from: &str, to: &str| Rule {
        action,
        from: from.parse::<Pattern>().unwrap(),
        to: to.parse::<Pattern>().unwrap(),
        auth: None,
    };
    policy.rules.default = Action::Deny;
    policy.rules.rules = vec![rule(Action::Deny, FRED, "pepp:"), rule(Action::Allow, "a.example", "*")];
    let mut house = House::with(policy, crate::support::toy::memory()).await;
    let _barney = house.session(&[BARNEY]);
    assert_eq!(refused(&house, FRED, "im:pepp=example.com/x@gw.example").await, Code::Denied);
    let stranger = house.session(&["im:x@c.example"]);
    let mut stranger = stranger;
    stranger.send("1", "im:x@c.example", BARNEY, "hello");
    assert_eq!(stranger.answer().await.1.code(), Some(Code::Denied));
    let fred = house.session(&[FRED]);
    fred.send("2", FRED, BARNEY, "hello");
    house.next().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_is_busy_and_accepts_nothing() {
    let mut policy = policy();
    policy.limits.pair_backlog = 3;
    let house = House::with(policy, crate::support::toy::memory()).await;
    house.manner(Manner::Hang);
    let (mut fred, _barney) = (house.session(&[FRED]), house.session(&[BARNEY]));
    for n in 0..4 {
        fred.send(&n.to_string(), FRED, BARNEY, &n.to_string());
    }
    let (trans_id, response) = fred.answer().await;
    assert_eq!((trans_id.as_str(), response.code()), ("3", Some(Code::Busy)));
    assert_eq!(house.router.in_flight(), 3);
}

#[tokio::test(start_paused = true)]
async fn draining_accepts_nothing_new() {
    let house = House::new().await;
    let _barney = house.session(&[BARNEY]);
    house.router.begin_drain();
    assert_eq!(refused(&house, FRED, BARNEY).await, Code::Busy);
}

#[tokio::test(start_paused = true)]
async fn a_notify_that_nobody_asked_for_is_dropped_and_not_answered() {
    use cpim_adapter::{Basic, Notify, Operation, PresUri, Presence, Tuple};
    let mut house = House::new().await;
    let mut fred = house.session(&["pres:fred@a.example", FRED]);
    let _barney = house.session(&[BARNEY]);
    let tuple =
        Tuple { destination: FRED.into(), status: Basic::Open, namespaces: Vec::new(), markup: "".into() };
    let mut notify = arrival("1", FRED, BARNEY, "");
    notify.operation = Operation::Notify(Notify {
        watcher: PresUri::parse("pres:barney@b.example").unwrap(),
        target: PresUri::parse("pres:fred@a.example").unwrap(),
        presence: Presence::new(tuple, Vec::new()),
        document: None,
    });
    fred.submit(notify);
    fred.send("2", FRED, BARNEY, "the fence");
    let delivery = house.next().await;
    house.answer(&delivery, cpim_adapter::Response::success());
    assert_eq!(fred.answer().await.0, "2");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(fred.answers.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn no_spelling_gets_around_a_rule() {
    let mut policy = policy();
    let boss = "im:boss@a.example";
    policy.rules.rules = vec![Rule {
        action: Action::Deny,
        from: Pattern::Any,
        to: boss.parse::<Pattern>().unwrap(),
        auth: None,
    }];
    let (journal, done) = crate::support::toy::memory();
    let alias = cpim_adapter::alias_of(&cpim_adapter::Address::parse(boss).unwrap());
    let write = cpim_gateway::store::Write::Alias {
        space: cpim_gateway::router::ALIASES.into(),
        address: boss.into(),
        candidates: vec![alias.clone()],
        at: 0,
    };
    journal.write(write).unwrap();
    let house = House::with(policy, (journal, done)).await;
    let _boss = house.session(&[boss]);
    for to in [boss, "im:im=boss~40a.example@gw.example", &format!("im:{alias}@gw.example")] {
        assert_eq!(refused(&house, FRED, to).await, Code::Denied, "{to}");
    }
    assert_eq!(house.delivered.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_learns_of_the_acceptance_before_the_answer() {
    let house = House::new().await;
    let _barney = house.session(&[BARNEY]);
    house.manner(Manner::Hang);
    let fred = house.session(&[FRED]);
    let accepted = fred.inlet.try_reserve().unwrap().submit_noticed(arrival("1", FRED, BARNEY, "hello"));
    accepted.await.unwrap();
    let again = fred.inlet.try_reserve().unwrap().submit_noticed(arrival("1", FRED, BARNEY, "hello"));
    again.await.unwrap();
    let refused = fred.inlet.try_reserve().unwrap();
    let refused = refused.submit_noticed(arrival("2", FRED, "im:nobody@gw.example", "hello"));
    assert!(refused.await.is_err(), "what is refused was not accepted");
}
