//! Every row of "What bad input gets", and what the parts of a session get at the wrong time.

use cpim_adapter::Response;

use crate::exchange::{Gateway, Seen, Verdict};
use crate::setup::{Running, demo, start};
use crate::wire::{Client, frame, message};

async fn running() -> Running {
    start(demo(), &Gateway::new("gw.example", |_| Verdict::Answer(Response::success()))).await
}

#[tokio::test]
async fn what_is_no_frame_closes_the_session_and_nothing_of_it_is_delivered() {
    let running = running().await;
    let good = message("im:fred@a.example", "im:x@b.example", "1");
    for bad in [
        "HELO there\r\n".to_owned(),
        "CPIM/1 010 0\r\n<ping transID='1'/>".to_owned(),
        "CPIM/1 10\r\n".to_owned(),
        "CPIM/1 65537 0\r\n".to_owned(),
        "CPIM/1 20 1048577\r\n".to_owned(),
        "CPIM/1 18446744073709551616 0\r\n".to_owned(),
        frame(" hops=256", "<ping transID='1'/>", ""),
        format!("CPIM/1 19 0{}\r\n", " x=y".repeat(300)),
        frame("", "<ping transID='1'>", ""),
        frame("", "<ping transID='1'/><ping transID='2'/>", ""),
        frame("", "<!DOCTYPE x><ping transID='1'/>", ""),
        frame("", "<!--c--><ping transID='1'/>", ""),
        frame("", "<ping transID='&x;'/>", ""),
        good.replace("<message ", "<message transID='1' "),
    ] {
        let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
        client.send(&bad).await;
        let close = client.frame().await.xml;
        assert!(close.starts_with("<close reason='bad-frame'>"), "{bad:?}: {close}");
        client.end().await;
    }
    assert!(!running.gateway.has(|seen| matches!(seen, Seen::Submitted(..))));
}

#[tokio::test]
async fn elements_at_the_wrong_time_or_unknown_close_the_session() {
    let running = running().await;
    for (opened, input, reason) in [
        (false, message("im:fred@a.example", "im:x@b.example", "1"), "out-of-order"),
        (false, frame("", "<ping transID='1'/>", ""), "out-of-order"),
        (true, frame("", "<open version='1'/>", ""), "out-of-order"),
        (true, frame("", "<hello/>", ""), "unknown-element"),
    ] {
        let mut client = Client::connect(running.address()).await;
        if opened {
            client.say_open("serves='im:fred@a.example'").await;
        }
        client.send(&input).await;
        let close = client.frame().await.xml;
        assert!(close.starts_with(&format!("<close reason='{reason}'")), "{input:?}: {close}");
        client.end().await;
    }
}

#[tokio::test]
async fn an_operation_that_cannot_be_meant_is_refused_and_the_session_goes_on() {
    let running = running().await;
    let mut client = Client::open(running.address(), "serves='im:fred@a.example'").await;
    for (xml, code) in [
        ("<message source='im:fred@a.example' transID='1'/>", "bad-address"),
        ("<message source='im:fred@a.example' destination='pres:x@b.example' transID='1'/>", "bad-address"),
        ("<message source='im:fred@a.example' destination='im:zz=x@gw.example' transID='1'/>", "bad-address"),
        ("<subscribe watcher='pres:fred@a.example' target='pres:x@b.example' transID='1'/>", "unsupported"),
        ("<publish target='pres:fred@a.example' transID='1'/>", "unsupported"),
    ] {
        client.send(&frame("", xml, "")).await;
        let answer = client.frame().await.xml;
        let wanted = format!("<response status='failure' transID='1'>{code}: ");
        assert!(answer.starts_with(&wanted), "{xml}: {answer}");
    }
    client.send(&message("im:fred@a.example", "im:x@b.example", "2")).await;
    assert_eq!(client.frame().await.xml, "<response status='success' transID='2'/>");
}

#[tokio::test]
async fn a_last_word_is_heard_above_unread_input() {
    let running = running().await;
    let mut client = Client::open(running.address(), "").await;
    client.send(&format!("{}{}", frame("", "<hello/>", ""), "x".repeat(200_000))).await;
    assert!(client.frame().await.xml.starts_with("<close reason='unknown-element'"));
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_open_in_time_is_hung_up_on() {
    let running = running().await;
    let mut client = Client::connect(running.address()).await;
    let begun = tokio::time::Instant::now();
    assert!(client.frame().await.xml.starts_with("<close reason='timeout'>"));
    client.end().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(11), "{:?}", begun.elapsed());
}
