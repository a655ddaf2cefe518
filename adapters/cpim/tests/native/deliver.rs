//! Operations that go out to whoever has a session here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cpim_adapter::{
    Adapter, Code, CommitLog, CommitPoint, LegRef, NextHop, Outcome, Retry, Selectors, Status, Withdrawn,
    Word,
};

use crate::exchange::{Gateway, Seen, Verdict, commit_point};
use crate::setup::{Running, application, delivery, delivery_of, demo, plain, served, start};
use crate::wire::{Client, Frame, frame, response};

async fn running() -> Running {
    start(demo(), &Gateway::new("gw.example", |_| Verdict::Hold)).await
}

fn trans_id(frame: &Frame) -> &str {
    frame
        .xml
        .split("transID='")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap_or_else(|| panic!("{frame:?}"))
}

#[tokio::test]
async fn an_operation_leaves_as_it_is_and_its_answer_is_reported() {
    let running = running().await;
    let mut fred = Client::open(running.address(), "serves='im:fred@a.example' remembers='60'").await;
    let (point, log) = commit_point();
    let mut delivery = delivery(7, "im:fred@a.example", served("im:fred@a.example"));
    delivery.passage.wait = Some(Duration::from_secs(30));
    assert_eq!(running.adapter.recalls(&delivery.hop), Some(Duration::from_secs(60)));
    assert_eq!(running.adapter.deliver(delivery, &point).await.unwrap(), Outcome::Pending);
    assert_eq!(*log.0.lock().unwrap(), [Some(Duration::from_secs(60))]);
    let arrived = fred.frame().await;
    assert_eq!(
        arrived.xml,
        "<message source='im:wilma@c.example' destination='im:fred@a.example' transID='7'/>"
    );
    assert_eq!(arrived.content, b"Content-Type: text/plain\r\n\r\nhello");
    assert_eq!(arrived.parameters, "hops=127 via=gw.example id=op-7 wait=30");

    fred.send(&frame(
        "",
        "<response status='failure' transID='7' xml:lang='de'>refused: nein</response>",
        "",
    ))
    .await;
    let Word::Answered(answer) = running.gateway.word(7).await else { panic!("not answered") };
    assert_eq!(
        (answer.status(), answer.code(), answer.words()),
        (Status::Failure, Some(Code::Refused), "nein")
    );

    // Answered already, and never asked: both may settle something elsewhere.
    fred.send(&(response("7") + &response("elsewhere"))).await;
    for wanted in ["7", "elsewhere"] {
        let stray = running.gateway.wait("stray", |seen| match seen {
            Seen::Reported(report) => match &report.leg {
                LegRef::Stray { trans_id, authority } => Some((trans_id.clone(), authority.clone())),
                LegRef::Number(_) => None,
            },
            _ => None,
        });
        let (trans_id, authority) = stray.await;
        assert_eq!(trans_id.as_str(), wanted);
        assert!(authority.covers(&"im:fred@a.example".parse().unwrap()));
    }
}

#[tokio::test]
async fn a_gateway_is_told_the_way_and_the_standing() {
    let running = running().await;
    let mut home = Client::open(running.address(), "serves='a.example' domain='a.example'").await;
    running.deliver(delivery(1, "im:fred@a.example", served("im:fred@a.example"))).await.unwrap();
    assert_eq!(home.frame().await.parameters, "hops=127 via=gw.example id=op-1 auth=verified");
}

#[tokio::test]
async fn the_one_who_serves_the_address_comes_before_its_home_and_the_last_before_the_first() {
    let mut settings = demo();
    settings.hosted = vec![crate::setup::scope("im:fred@a.example")];
    let running = start(settings, &Gateway::new("gw.example", |_| Verdict::Hold)).await;
    let error =
        running.deliver(delivery(0, "im:fred@a.example", served("im:fred@a.example"))).await.unwrap_err();
    assert_eq!((error.retry, error.code), (Retry::OnContact, Code::Unreachable));

    let to_fred = |leg| delivery(leg, "im:fred@a.example", served("im:fred@a.example"));
    let mut home = Client::open(running.address(), "serves='a.example'").await;
    running.deliver(to_fred(1)).await.unwrap();
    assert_eq!(trans_id(&home.frame().await), "1");
    let mut first = Client::open(running.address(), "serves='im:fred@a.example'").await;
    running.deliver(to_fred(2)).await.unwrap();
    assert_eq!(trans_id(&first.frame().await), "2");
    let mut last = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let mut speaker = Client::open(running.address(), "speaks='im:fred@a.example'").await;
    running.deliver(to_fred(3)).await.unwrap();
    assert_eq!(trans_id(&last.frame().await), "3");
    speaker.ping().await;

    // A session that is being closed takes nothing new.
    last.send(&crate::wire::message("im:fred@a.example", "im:x@b.example", "held")).await;
    running.gateway.submitted().await;
    last.send(&frame("", "<close/>", "")).await;
    last.send(&response("3")).await;
    running.gateway.word(3).await;
    running.deliver(to_fred(4)).await.unwrap();
    assert_eq!(trans_id(&first.frame().await), "4");
}

#[tokio::test]
async fn an_external_adapter_takes_the_foreign_addresses_of_its_selector() {
    let pepp = Selectors::default().find("pepp").unwrap();
    let mut settings = demo();
    settings.applications = vec![application("pepp", &[], "s")];
    settings.applications[0].covers.push(cpim_adapter::Scope::Selector(pepp.clone()));
    let running = start(settings, &Gateway::new("gw.example", |_| Verdict::Hold)).await;
    let mut external = Client::open(running.address(), "serves='pepp:' secret='s'").await;
    let destination = "im:pepp=example.com/fred@gw.example";
    let foreign = cpim_adapter::ForeignAddress::new(pepp, "example.com/fred").unwrap();
    running.deliver(delivery(1, destination, NextHop::Foreign(foreign))).await.unwrap();
    assert!(external.frame().await.xml.contains(&format!("destination='{destination}'")));
}

#[tokio::test]
async fn what_may_have_been_sent_goes_again_only_to_one_that_remembers() {
    let running = running().await;
    let again = |leg| {
        let mut delivery = delivery(leg, "im:fred@a.example", served("im:fred@a.example"));
        delivery.again = true;
        delivery
    };
    let mut forgetful = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let error = running.deliver(again(1)).await.unwrap_err();
    assert_eq!(error.retry, Retry::Later);
    forgetful.ping().await;
    let mut mindful = Client::open(running.address(), "serves='im:fred@a.example' remembers='9'").await;
    running.deliver(again(2)).await.unwrap();
    assert_eq!(trans_id(&mindful.frame().await), "2");
}

#[tokio::test]
async fn what_no_leg_can_take_is_refused_and_a_transid_in_use_is_busy() {
    let running = running().await;
    let mut fred = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let hop = || served("im:fred@a.example");
    let large = delivery_of(1, "im:w@c.example", "im:fred@a.example", "x".repeat(1_048_577), hop());
    let error = running.deliver(large).await.unwrap_err();
    assert_eq!((error.code, error.retry), (Code::TooLarge, Retry::Never));

    let mut twice = delivery(2, "im:fred@a.example", hop());
    running.deliver(twice.clone()).await.unwrap();
    twice.leg = 3;
    running.deliver(twice).await.unwrap();
    let Word::Answered(answer) = running.gateway.word(3).await else { panic!("not answered") };
    assert_eq!(answer.code(), Some(Code::Busy), "it may come again when the other is settled");
    fred.frame().await;
    fred.ping().await;
    fred.send(&response("2")).await;
    assert!(matches!(running.gateway.word(2).await, Word::Answered(_)));
}

#[tokio::test]
async fn a_session_that_ends_tells_what_became_of_each_leg() {
    let running = running().await;
    let mut fred = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let large = "x".repeat(1_000_000);
    let adapter = Arc::clone(&running.adapter);
    let delivering = tokio::spawn(async move {
        let mut taken = 0;
        loop {
            let hop = served("im:fred@a.example");
            let delivery = delivery_of(taken + 1, "im:w@c.example", "im:fred@a.example", large.clone(), hop);
            match adapter.deliver(delivery, &commit_point().0).await {
                Ok(_) => taken += 1,
                Err(_) => return taken,
            }
        }
    });
    fred.frame().await;
    drop(fred);
    let legs: u64 = delivering.await.unwrap();
    assert!(legs < 60, "{legs} of a million octets were taken for one that does not read");
    let mut words = Vec::new();
    for leg in 1..=legs {
        words.push(running.gateway.word(leg).await);
    }
    assert!(matches!(words[0], Word::Unknown), "{words:?}");
    assert!(matches!(words[legs as usize - 1], Word::NotSent), "{words:?}");
    let unsent = words.iter().skip_while(|word| matches!(word, Word::Unknown));
    assert!(unsent.clone().all(|word| matches!(word, Word::NotSent)), "{words:?}");
}

/// A commit log that never gets through.
struct Stuck;

#[async_trait]
impl CommitLog for Stuck {
    async fn commit(&self, _: Option<Duration>) -> Result<(), Withdrawn> {
        std::future::pending().await
    }
}

/// A commit log that refuses.
struct Refusing;

#[async_trait]
impl CommitLog for Refusing {
    async fn commit(&self, _: Option<Duration>) -> Result<(), Withdrawn> {
        Err(Withdrawn)
    }
}

#[tokio::test]
async fn before_the_commit_point_nothing_is_sent() {
    let running = running().await;
    let mut fred = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let to_fred = |leg| delivery(leg, "im:fred@a.example", served("im:fred@a.example"));
    let point = CommitPoint::new(Stuck);
    tokio::select! {
        biased;
        outcome = running.adapter.deliver(to_fred(1), &point) => panic!("{outcome:?}"),
        () = tokio::task::yield_now() => {}
    }
    let error = running.adapter.deliver(to_fred(2), &CommitPoint::new(Refusing)).await.unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    fred.ping().await;
    // The pair is not held up by what was dropped.
    running.deliver(to_fred(3)).await.unwrap();
    assert_eq!(trans_id(&fred.frame().await), "3");
    assert!(!running.gateway.has(|seen| matches!(seen, Seen::Reported(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_within_a_pair_is_kept() {
    let running = running().await;
    let mut fred = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let adapter = Arc::clone(&running.adapter);
    let sending = tokio::spawn(async move {
        for leg in 1..=2_000 {
            let hop = served("im:fred@a.example");
            adapter.deliver(delivery(leg, "im:fred@a.example", hop), &commit_point().0).await.unwrap();
        }
    });
    for leg in 1..=2_000 {
        assert_eq!(trans_id(&fred.frame().await), leg.to_string());
        fred.send(&response(&leg.to_string())).await;
    }
    sending.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_closed_and_holds_up_nobody_else() {
    let mut settings = demo();
    settings.listeners = vec![plain(&[".example"])];
    settings.limits.outgoing_octets = 100_000;
    let running = start(settings, &Gateway::new("gw.example", |_| Verdict::Hold)).await;
    let deaf = Client::open(running.address(), "serves='im:deaf@a.example'").await;
    let (session, _) = running.gateway.opened().await;
    let mut fred = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let begun = tokio::time::Instant::now();
    let adapter = Arc::clone(&running.adapter);
    let flooding = tokio::spawn(async move {
        for leg in 1.. {
            let hop = served("im:deaf@a.example");
            let delivery = delivery_of(leg, "im:w@c.example", "im:deaf@a.example", "x".repeat(50_000), hop);
            if adapter.deliver(delivery, &commit_point().0).await.is_err() {
                return leg;
            }
        }
        0
    });
    for leg in 1_000_000..1_000_010 {
        running.deliver(delivery(leg, "im:fred@a.example", served("im:fred@a.example"))).await.unwrap();
        assert_eq!(trans_id(&fred.frame().await), leg.to_string());
    }
    running.gateway.closed(session).await;
    assert_eq!(begun.elapsed().as_secs(), 30);
    let legs = flooding.await.unwrap();
    assert!((50..1_000).contains(&legs), "{legs} were taken before it was noticed");
    drop(deaf);
}
