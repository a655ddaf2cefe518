//! Operations that come in, and their answers.

use std::time::Duration;

use cpim_adapter::{Code, Kind, Response, Standing};

use crate::exchange::{Gateway, Seen, Verdict};
use crate::setup::{demo, domain, start};
use crate::wire::{Client, frame, message};

#[tokio::test]
async fn an_operation_arrives_whole_with_what_its_frame_says_of_it() {
    let gateway =
        Gateway::new("gw.example", |_| Verdict::Answer(Response::success().with_duration(Some(60))));
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let xml = "<message source='im:fred@a.example' destination='im:irc=irc.demo.example/alice@gw.example' transID='1'/>";
    let entity = "Content-Type: text/plain; charset=\"us-ascii\"\r\n\r\nYabba, dabba!";
    client
        .send(&frame(" hops=7 via=x.example,y.example id=abc wait=30 auth=claimed new=1", xml, entity))
        .await;
    assert_eq!(client.frame().await.xml, "<response status='success' transID='1' duration='60'/>");
    let arrival = gateway.submitted().await;
    assert_eq!(arrival.operation.content().unwrap().octets(), entity.as_bytes());
    assert_eq!(arrival.operation.goes_to().address().local(), "irc=irc.demo.example/alice");
    assert_eq!((arrival.hops, arrival.wait), (Some(7), Some(Duration::from_secs(30))));
    assert_eq!(arrival.via, [domain("x.example"), domain("y.example")]);
    assert_eq!((arrival.id.unwrap().as_str(), arrival.standing), ("abc", Some(Standing::Claimed)));
}

#[tokio::test]
async fn every_kind_arrives_and_a_notify_gets_no_answer() {
    let gateway = Gateway::new("gw.example", |arrival| match arrival.operation.kind() {
        Kind::Notify => Verdict::Hold,
        _ => Verdict::Answer(Response::success()),
    });
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='a.example'").await;
    let presence = "<presence><tuple destination='im:fred@a.example' status='open'>here</tuple></presence>";
    let notify = format!(
        "<notify watcher='pres:x@b.example' target='pres:fred@a.example' transID='n'>{presence}</notify>"
    );
    client.send(&frame("", &notify, "")).await;
    assert_eq!(gateway.submitted().await.operation.kind(), Kind::Notify);
    let publish = format!("<publish target='pres:fred@a.example' transID='p'>{presence}</publish>");
    for (id, xml) in [
        ("p", publish.as_str()),
        (
            "s",
            "<subscribe watcher='pres:fred@a.example' target='pres:x@b.example' duration='60' transID='s'/>",
        ),
        ("u", "<unsubscribe watcher='pres:fred@a.example' target='pres:x@b.example' transID='u'/>"),
    ] {
        client.send(&frame("", xml, "")).await;
        assert_eq!(client.frame().await.xml, format!("<response status='success' transID='{id}'/>"));
    }
}

#[tokio::test]
async fn where_there_is_no_room_the_answer_is_busy_at_once() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let mut settings = demo();
    settings.limits.operations = 3;
    let running = start(settings, &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    for id in 1..=5 {
        client.send(&message("im:fred@a.example", "im:x@b.example", &id.to_string())).await;
    }
    for id in [4, 5] {
        let answer = client.frame().await.xml;
        assert!(answer.starts_with(&format!("<response status='failure' transID='{id}'>busy: ")), "{answer}");
    }
    client.ping().await;
    assert_eq!(gateway.held(), 3);
    gateway.answer(Response::success());
    assert_eq!(client.frame().await.xml, "<response status='success' transID='1'/>");
    client.send(&message("im:fred@a.example", "im:x@b.example", "6")).await;
    client.ping().await;
    assert_eq!(gateway.held(), 3);
}

#[tokio::test]
async fn a_retransmission_waits_with_the_first_and_another_operation_is_a_fault() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let once = message("im:fred@a.example", "im:x@b.example", "1");
    client.send(&once).await;
    client.send(&once).await;
    client.ping().await;
    assert_eq!(gateway.held(), 1);
    gateway.answer(Response::success());
    assert_eq!(client.frame().await.xml, "<response status='success' transID='1'/>");

    // Answered, the same transID is the gateway's to recognise; still waiting, it is a fault.
    client.send(&once).await;
    client.ping().await;
    assert_eq!(gateway.held(), 1);
    client.send(&message("im:fred@a.example", "im:y@b.example", "1")).await;
    assert!(client.frame().await.xml.starts_with("<close reason='bad-frame'>"));
}

#[tokio::test]
async fn an_answer_that_could_not_be_handed_over_is_kept_and_one_that_was_is_not() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    client.send(&message("im:fred@a.example", "im:x@b.example", "1")).await;
    gateway.submitted().await;
    gateway.answer(Response::success());
    client.frame().await;
    drop(client);
    assert!(gateway.receipt().await, "it was read before the end");

    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    client.send(&message("im:fred@a.example", "im:x@b.example", "2")).await;
    gateway.submitted().await;
    gateway.answer(Response::success());
    client.frame().await;
    client.close().await;
    assert!(gateway.receipt().await, "the session ended in order");

    gateway.kept.lock().unwrap().push(("9".into(), Response::failure(Code::Refused, "no")));
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    assert_eq!(client.frame().await.xml, "<response status='failure' transID='9'>refused: no</response>");
    client.close().await;
    assert!(gateway.receipt().await);
}

#[tokio::test]
async fn the_end_of_a_session_is_told_and_frees_its_addresses() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let (session, facts) = gateway.opened().await;
    assert!(!facts.home);
    client.send(&message("im:fred@a.example", "im:x@b.example", "1")).await;
    gateway.submitted().await;
    drop(client);
    gateway.closed(session).await;
}

#[tokio::test(start_paused = true)]
async fn a_side_that_says_nothing_is_pinged_and_then_out_of_contact() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let (session, _) = gateway.opened().await;
    let begun = tokio::time::Instant::now();
    let ping = client.frame().await.xml;
    assert!(ping.starts_with("<ping transID='"), "{ping}");
    let id = ping.split('\'').nth(1).unwrap();
    assert_eq!(begun.elapsed().as_secs(), 60);
    client.send(&crate::wire::response(id)).await;
    // Answered, it is asked again after as much silence; unanswered, it is over.
    assert!(client.frame().await.xml.starts_with("<ping "));
    assert_eq!(begun.elapsed().as_secs(), 120);
    assert!(client.frame().await.xml.starts_with("<close reason='timeout'>"));
    assert_eq!(begun.elapsed().as_secs(), 150);
    gateway.closed(session).await;
}

#[tokio::test]
async fn draining_gives_the_answers_that_are_there_and_takes_nothing_new() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    client.send(&message("im:fred@a.example", "im:x@b.example", "1")).await;
    gateway.submitted().await;
    running.shutdown.begin_drain();
    let close = client.frame().await.xml;
    assert!(close.starts_with("<close reason='shutdown'"), "{close}");
    client.send(&message("im:fred@a.example", "im:x@b.example", "2")).await;
    assert!(client.frame().await.xml.contains("busy: "));
    gateway.answer(Response::success());
    assert_eq!(client.frame().await.xml, "<response status='success' transID='1'/>");
    assert!(tokio::net::TcpStream::connect(running.address()).await.is_err(), "nobody listens any more");
    drop(client);
    assert!(gateway.receipt().await);
    running.ended.await.unwrap();
    assert!(!gateway.has(|seen| matches!(seen, Seen::Submitted(..))));
}

#[tokio::test]
async fn an_answer_that_was_sent_into_a_broken_connection_is_kept() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let stream = tokio::net::TcpStream::connect(running.address()).await.unwrap();
    stream.set_zero_linger().unwrap();
    let mut client = Client::on(stream);
    client.say_open("serves='im:fred@a.example'").await;
    client.send(&message("im:fred@a.example", "im:x@b.example", "1")).await;
    gateway.submitted().await;
    gateway.answer(Response::success());
    // It is read, and the peer breaks off: whether it was acted upon, nobody can say.
    client.frame().await;
    drop(client);
    assert!(!gateway.receipt().await);
}

#[tokio::test(start_paused = true)]
async fn draining_does_not_wait_for_a_peer_that_owes_nothing() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut idle = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let begun = tokio::time::Instant::now();
    running.shutdown.begin_drain();
    assert!(idle.frame().await.xml.starts_with("<close reason='shutdown'"));
    idle.end().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn forced_everything_ends_at_once() {
    let gateway = Gateway::new("gw.example", |_| Verdict::Hold);
    let running = start(demo(), &gateway).await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    client.send(&message("im:fred@a.example", "im:x@b.example", "1")).await;
    gateway.submitted().await;
    let (session, _) = gateway.opened().await;
    running.shutdown.begin_force();
    running.ended.await.unwrap();
    gateway.closed(session).await;
}

#[tokio::test]
async fn whoever_finds_no_place_waits_for_one() {
    let mut settings = demo();
    settings.limits.sessions = 1;
    let running = start(settings, &Gateway::new("gw.example", |_| Verdict::Hold)).await;
    let first = Client::open(running.address(), "serves='im:fred@a.example'").await;
    let mut second = Client::connect(running.address()).await;
    second.send(&frame("", "<open version='1'/>", "")).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), second.frame()).await.is_err());
    first.close().await;
    assert!(second.frame().await.xml.starts_with("<open "));
}
