//! Connections that break in DATA: what did not go out whole is tried again, what did never is.

use std::time::Duration;

use cpim_adapter::{Content, Operation, Outcome, Retry};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::house::{BOB, House, message};
use crate::server::{Data, Manner, Server};

/// A message that no socket takes at once.
fn large() -> Operation {
    let Operation::Message(mut message) = message("im:fred@a.example", BOB) else { unreachable!() };
    let text = "Yabba, dabba!\r\n".repeat(1 << 20);
    message.content = Content::new(format!("Content-Type: text/plain\r\n\r\n{text}").into());
    Operation::Message(message)
}

fn said(body: &str) -> Operation {
    let Operation::Message(mut message) = message("im:fred@a.example", BOB) else { unreachable!() };
    message.content = Content::new(format!("Content-Type: text/plain\r\n\r\n{body}").into());
    Operation::Message(message)
}

#[tokio::test]
async fn what_is_lost_before_the_final_dot_was_not_accepted() {
    let server = Server::start(Manner { data: Data::Cut, ..Manner::default() }).await;
    let house = House::new(server.port).await;
    let error = house.deliver(1, large()).await.outcome.unwrap_err();
    assert_eq!(error.retry, Retry::Later, "{error}");
}

#[tokio::test]
async fn what_a_server_does_not_read_it_has_not_accepted() {
    let mut server = Server::start(Manner { data: Data::Stall, ..Manner::default() }).await;
    let house = std::sync::Arc::new(House::new(server.port).await);
    let sender = std::sync::Arc::clone(&house);
    let sent = tokio::spawn(async move { sender.deliver(1, large()).await });
    server.mail().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(601)).await;
    let error = sent.await.unwrap().outcome.unwrap_err();
    assert_eq!(error.retry, Retry::Later, "{error}");
}

#[tokio::test]
async fn what_is_lost_behind_the_final_dot_waits_for_its_report() {
    let server = Server::start(Manner { data: Data::HangUp, ..Manner::default() }).await;
    let house = House::new(server.port).await;
    assert_eq!(house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap(), Outcome::Pending);
}

#[tokio::test]
async fn an_answer_that_is_none_leaves_the_outcome_open() {
    let manner = Manner { refuse: Some((".", "354 what?")), ..Manner::default() };
    let server = Server::start(manner).await;
    let house = House::new(server.port).await;
    assert_eq!(house.deliver(1, said("Yabba")).await.outcome.unwrap(), Outcome::Pending);
}

#[test]
fn a_body_arrives_as_it_left_but_for_the_end_of_its_last_line() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (server, house) = runtime.block_on(async {
        let server = Server::start(Manner::default()).await;
        let house = House::new(server.port).await;
        (tokio::sync::Mutex::new(server), house)
    });
    let line = prop_oneof![Just(String::new()), Just(".".to_owned()), Just("..".to_owned()), "[ -~]{0,80}"];
    let body = (proptest::collection::vec(line, 1..6), any::<bool>())
        .prop_map(|(lines, ended)| lines.join("\r\n") + if ended { "\r\n" } else { "" });
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(64) });
    runner
        .run(&body, |body| {
            let mail = runtime.block_on(async {
                house.deliver(1, said(&body)).await.outcome.unwrap();
                server.lock().await.mail().await
            });
            let (_, arrived) = mail.octets.split_once("\r\n\r\n").unwrap();
            let arrived: Vec<&str> =
                arrived.split("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            let is_whole = body.is_empty() || body.ends_with("\r\n");
            let whole = if is_whole { body.clone() } else { format!("{body}\r\n") };
            prop_assert_eq!(arrived.join("\r\n"), whole);
            Ok(())
        })
        .unwrap();
}
