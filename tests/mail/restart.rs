//! What a kill leaves behind: nothing lost, nothing twice, and whoever is owed a report has it.

use std::sync::atomic::Ordering;

use crate::stage::{BOB, FRED, FRED_MAILBOX, HELLO, Stage, hello};
use crate::support::native::{Client, Open};
use crate::support::smtp::Smtp;

fn fred(port: u16) -> Client {
    Client::open(port, Open { serves: FRED, ..Open::default() })
}

#[test]
fn killed_between_acceptance_and_250_it_is_delivered_once() {
    let (site, outgoing, port) = Stage::site("", "");
    let gateway = site.start_held("accepted");
    gateway.wait_ready();
    let _there = fred(site.port);
    let mut client = Smtp::hello(port);
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    client.must("DATA", 354);
    client.write(format!("{}.\r\n", HELLO.replace('\n', "\r\n")).as_bytes());
    gateway.wait_held("accepted");
    gateway.kill();
    assert_eq!(client.reply(), None, "nobody was told");

    let again = site.start();
    again.wait_ready();
    let mut fred = fred(site.port);
    let got = fred.expect_message();
    // The other server tries again, while the first is under way, and once it is over.
    let mut client = Smtp::hello(port);
    let reply = client.mail(BOB, FRED_MAILBOX, HELLO);
    assert_eq!(reply.code, 250, "{reply:?}");
    fred.respond(&got, "success", "");
    assert_eq!(client.mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    assert_eq!(client.mail(BOB, FRED_MAILBOX, &hello(2)).code, 250);
    assert!(String::from_utf8_lossy(&fred.expect_message().content).contains("<2@mail.example>"));
    assert_eq!(outgoing.taken().len(), 0);
}

#[test]
fn a_report_comes_after_a_kill_although_its_outcome_came_later() {
    let stage = Stage::with("", "[limits]\nretry_horizon = \"1s\"\n");
    let mut fred = stage.fred();
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    let _got = fred.expect_message();
    let Stage { site, gateway, outgoing, .. } = stage;
    gateway.kill();
    drop(fred);
    let again = site.start();
    again.wait_ready();
    // Sent, and not answered: nobody can know any more. That is no failure, and was not asked for.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
    assert!(outgoing.taken().is_empty());
    while std::time::Instant::now() < until {
        crate::support::gateway::breathe();
    }
    assert!(outgoing.taken().is_empty(), "{:#?}", outgoing.taken());
}

#[test]
fn what_was_accepted_and_never_handed_over_is_reported_after_a_kill() {
    let (site, outgoing, port) = Stage::site("", "[limits]\nretry_horizon = \"1s\"\n");
    let gateway = site.start_held("attempting");
    gateway.wait_ready();
    let there = fred(site.port);
    assert_eq!(Smtp::hello(port).mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    gateway.wait_held("attempting");
    gateway.kill();
    drop(there);
    let again = site.start();
    again.wait_ready();
    let report = outgoing.one();
    assert!(report.text.contains("Action: failed") && report.text.contains("<1@mail.example>"), "{report:?}");
}

#[test]
fn a_report_that_could_not_be_sent_is_sent_after_a_kill() {
    let stage = Stage::new();
    stage.outgoing.refuses.store(true, Ordering::Release);
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    let Stage { site, gateway, outgoing, .. } = stage;
    gateway.wait_for("a report cannot be sent yet");
    gateway.kill();
    outgoing.refuses.store(false, Ordering::Release);
    let again = site.start();
    again.wait_ready();
    let report = outgoing.one();
    assert!(report.text.contains("Action: failed"), "{report:?}");
    again.wait_for("was told what became of it");
    again.kill();
    let last = site.start();
    last.wait_ready();
    // Told once, it is not told again.
    assert_eq!(outgoing.taken().len(), 1);
}
