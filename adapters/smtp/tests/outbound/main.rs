//! The sending side against a mail server that is written by hand, and shares no code with it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is a failed test"
)]

mod broken;
#[path = "../../../../tests/support/dns.rs"]
#[allow(dead_code, unreachable_pub, clippy::expect_used, reason = "the gateway's own tests use the rest")]
mod dns;
mod house;
mod mx;
mod server;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use cpim_adapter::{ALIAS_SPACE, Code, Outcome, Retry, Status, Word};
use cpim_smtp::{Keyed, Keys, MailHost, OutgoingSettings, take_report};

use house::{BOB, House, message, notify};
use server::{Manner, Server};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_message_goes_out_in_a_transaction_of_its_own_and_its_report_settles_it() {
    let mut server = Server::start(Manner { dsn: true, ..Manner::default() }).await;
    let house = House::new(server.port).await;
    let sent = house.deliver(7, message("im:fred@a.example", BOB)).await;
    assert_eq!((sent.outcome.unwrap(), sent.committed), (Outcome::Pending, true));
    let mail = server.mail().await;
    let (_, key) = mail.from.split_once("b=7-").unwrap();
    let (key, rest) = key.split_once("@gw.example>").unwrap();
    assert_eq!(rest, format!(" RET=HDRS ENVID=7-{key}"));
    assert_eq!(mail.to, "RCPT TO:<bob@mail.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@mail.example");
    assert!(
        mail.octets.contains("From: <im=fred~40a.example@gw.example>\r\nTo: <bob@mail.example>\r\n"),
        "{}",
        mail.octets
    );
    assert!(mail.octets.ends_with("\r\n\r\n..Yabba\r\n"), "{}", mail.octets);

    let report = |action: &str| {
        format!(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n\r\nwords\r\n--x\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822;bob@mail.example\r\n\
             Action: {action}\r\nStatus: 5.1.1 (no\r\n such user)\r\nDiagnostic-Code: smtp; 550 unknown\r\n\r\n--x--\r\n"
        )
    };
    let keys = Keys::load(&*house.cx.memory).await.unwrap();
    assert_eq!(keys.read(&format!("b=7-{key}")), Some(Ok(Keyed::Leg(7))));
    assert!(take_report(7, &report("delayed").into(), &house.cx).await);
    assert!(take_report(7, &"Subject: hello\r\n\r\nAction: failed\r\n".into(), &house.cx).await);
    assert!(house.words().is_empty());
    for (action, status) in
        [("FAILED", Status::Failure), ("delivered", Status::Success), ("relayed", Status::Indeterminant)]
    {
        assert!(take_report(7, &report(action).into(), &house.cx).await);
        let words = house.words();
        let [(7, Word::Answered(response))] = words.as_slice() else { panic!("{words:?}") };
        assert_eq!(response.status(), status, "{action}");
        assert!(status != Status::Failure || response.words().ends_with("5.1.1 550 unknown"), "{response:?}");
    }
}

#[tokio::test]
async fn a_server_without_reports_is_told_nothing_of_them_and_the_outcome_is_unknown() {
    let mut server = Server::start(Manner::default()).await;
    let house = House::new(server.port).await;
    let sent = house.deliver(1, message("im:fred@a.example", BOB)).await;
    assert!(
        matches!(sent.outcome.unwrap(), Outcome::Delegated(told) if told.status() == Status::Indeterminant)
    );
    let mail = server.mail().await;
    assert!(!mail.from.contains("ENVID") && !mail.to.contains("NOTIFY"), "{mail:?}");
    house.deliver(2, message("im:fred@a.example", BOB)).await.outcome.unwrap();
    assert_eq!(server.mail().await.connection, mail.connection, "the connection is used again");
}

/// More than the server has room for at once would be refused by it; and a connection costs more than a mail.
#[tokio::test]
async fn a_burst_takes_turns_on_a_few_connections() {
    let mut server = Server::start(Manner::default()).await;
    let house = Arc::new(House::new(server.port).await);
    let mut sending = JoinSet::new();
    for leg in 1..=100 {
        let house = Arc::clone(&house);
        sending.spawn(async move {
            let from = format!("im:fred{leg}@a.example");
            house.deliver(leg, message(&from, BOB)).await.outcome.unwrap()
        });
    }
    let mut last = 0;
    for _ in 1..=100 {
        last = last.max(server.mail().await.connection);
    }
    assert_eq!(sending.join_all().await.len(), 100);
    assert!(last < 20, "{} connections", last + 1);
}

#[tokio::test]
async fn a_refusal_is_the_last_word_and_a_delay_is_not() {
    for (at, reply, retry, code) in [
        ("RCPT", "550 5.1.1 no such user", Retry::Never, Code::Refused),
        ("MAIL", "451 4.3.0 later", Retry::Later, Code::Unreachable),
        ("DATA", "554 5.7.1 no", Retry::Never, Code::Refused),
        (".", "452 4.3.1 full", Retry::Later, Code::Unreachable),
        (".", "550 5.7.1 spam", Retry::Never, Code::Refused),
    ] {
        let server =
            Server::start(Manner { dsn: true, refuse: Some((at, reply)), ..Manner::default() }).await;
        let house = House::new(server.port).await;
        let error = house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap_err();
        assert_eq!((error.retry, error.code), (retry, code), "{at} {reply}: {error}");
        assert!(
            reply.split_once(' ').is_some_and(|(status, words)| {
                error.public.contains(status) && error.public.contains(words)
            }),
            "{error}"
        );
    }
}

/// RFC 2920: one way there and back instead of three. Who is refused has not been sent to, whatever DATA is answered.
#[tokio::test]
async fn a_server_that_takes_them_so_has_all_commands_at_once() {
    let pipelining = || Manner { dsn: true, pipelining: true, ..Manner::default() };
    let mut server = Server::start(pipelining()).await;
    let house = House::new(server.port).await;
    house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap();
    let mail = server.mail().await;
    assert!(mail.from.starts_with("MAIL FROM:<b=1-") && mail.octets.ends_with("Yabba\r\n"), "{mail:?}");
    for (at, reply, retry) in [
        ("RCPT", "550 5.1.1 no such user", Retry::Never),
        ("MAIL", "451 4.3.0 later", Retry::Later),
        ("DATA", "554 5.7.1 no", Retry::Never),
    ] {
        let mut server = Server::start(Manner { refuse: Some((at, reply)), ..pipelining() }).await;
        let house = House::new(server.port).await;
        let error = house.deliver(1, message("im:fred@a.example", BOB)).await.outcome.unwrap_err();
        assert_eq!(error.retry, retry, "{at} {reply}: {error}");
        assert!(reply.split_once(' ').is_some_and(|(_, words)| error.public.contains(words)), "{error}");
        assert!(server.has_nothing(), "{at} {reply}");
    }
}

#[tokio::test]
async fn a_report_has_no_sender_and_asks_for_none() {
    let mut server = Server::start(Manner { dsn: true, ..Manner::default() }).await;
    let house = House::new(server.port).await;
    let bob = cpim_smtp_proto::address::Mailbox::parse("bob@mail.example").unwrap();
    house.adapter.send_report(&bob, b"Subject: report\r\n\r\n").await.unwrap();
    let mail = server.mail().await;
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("MAIL FROM:<>", "RCPT TO:<bob@mail.example>"));
}

#[tokio::test]
async fn without_a_server_nothing_is_sent_and_it_is_tried_again() {
    let server = Server::start(Manner::default()).await;
    let port = server.port;
    drop(server);
    let house = House::new(port).await;
    let sent = house.deliver(1, message("im:fred@a.example", BOB)).await;
    assert!(!sent.committed);
    assert_eq!(sent.outcome.unwrap_err().retry, Retry::Later);
}

#[tokio::test]
async fn a_source_that_is_too_long_for_mail_has_an_alias_that_is_kept() {
    let mut server = Server::start(Manner::default()).await;
    let house = House::new(server.port).await;
    let long = format!("im:{}@a.example", "x".repeat(60));
    house.deliver(1, message(&long, BOB)).await.outcome.unwrap();
    let mail = server.mail().await;
    let (_, alias) = mail.octets.split_once("From: <").unwrap();
    let (alias, _) = alias.split_once("@gw.example>").unwrap();
    let kept = house.cx.memory.alias_named(ALIAS_SPACE, alias).await.unwrap();
    assert_eq!(kept.map(|address| address.to_string()).as_deref(), Some(long.as_str()));
    assert!(mail.octets.contains(&format!("CPIM-Source: {long}\r\n")), "{}", mail.octets);
}

#[tokio::test]
async fn a_person_is_told_of_one_presentity_now_and_then_and_of_the_last_state_always() {
    let mut server = Server::start(Manner { dsn: true, ..Manner::default() }).await;
    let house = House::with(server.port, Duration::from_millis(300)).await;
    for (leg, words) in [(1, "first"), (2, "second"), (3, "third")] {
        house.deliver(leg, notify("pres:fred@a.example", words)).await.outcome.unwrap();
        if leg == 1 {
            let first = server.mail().await;
            assert!(first.octets.contains("(first)") && first.from.contains("<b=n@gw.example>"), "{first:?}");
            assert!(first.to.ends_with(" NOTIFY=NEVER") || first.to.contains(" NOTIFY=NEVER "), "{first:?}");
            let (_, way_out) = first.octets.split_once("List-Unsubscribe: <mailto:").unwrap();
            assert!(way_out.starts_with("b=u."), "{way_out}");
        }
    }
    let last = server.mail().await;
    assert!(last.octets.contains("(third)") && !last.octets.contains("second"), "{last:?}");
}

fn paced(port: u16, notice_interval: Duration) -> OutgoingSettings {
    let smarthost = Some(MailHost { host: "127.0.0.1".into(), port });
    OutgoingSettings { smarthost, notice_interval, ..OutgoingSettings::default() }
}

#[tokio::test]
async fn the_pace_is_kept_over_a_restart() {
    let mut server = Server::start(Manner::default()).await;
    let interval = Duration::from_millis(600);
    let house = House::with(server.port, interval).await;
    house.deliver(1, notify("pres:fred@a.example", "first")).await.outcome.unwrap();
    server.mail().await;
    let told = tokio::time::Instant::now();
    // Until it is noted, the same connection may not be used again.
    while house.cx.memory.notes("smtp.paces", "", 1).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let again = house.restarted(paced(server.port, interval)).await;
    again.deliver(1, notify("pres:fred@a.example", "second")).await.outcome.unwrap();
    assert!(server.mail().await.octets.contains("(second)"));
    assert!(told.elapsed() >= Duration::from_millis(500), "{:?}", told.elapsed());
}

#[tokio::test]
async fn the_last_state_is_told_once_a_server_takes_it() {
    let server = Server::start(Manner::default()).await;
    let address = format!("127.0.0.1:{}", server.port);
    drop(server);
    let house = House::of(paced(address.rsplit_once(':').unwrap().1.parse().unwrap(), Duration::ZERO)).await;
    for words in ["first", "last"] {
        house.deliver(1, notify("pres:fred@a.example", words)).await.outcome.unwrap();
    }
    let mut server = Server::start_at(&address, Manner::default()).await;
    assert!(server.mail().await.octets.contains("(last)"));
    assert!(server.has_nothing());
}
