//! What a kill leaves behind: nothing lost, nothing twice, and whoever is owed a report has it.

use std::sync::atomic::Ordering;

use crate::stage::{BOB, FRED, FRED_MAILBOX, HELLO, Stage, hello};
use crate::support::native::{Client, Open};
use crate::support::smtp::{Mailbox, Smtp};

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

#[test]
fn a_report_that_may_not_have_arrived_comes_again_under_the_same_name() {
    let stage = Stage::new();
    stage.outgoing.falls_silent.store(true, Ordering::Release);
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    let first = stage.outgoing.one();
    let Stage { site, gateway, outgoing, .. } = stage;
    // It waits for the other server's word, and dies.
    gateway.kill();
    outgoing.falls_silent.store(false, Ordering::Release);
    let again = site.start();
    again.wait_ready();
    let second = outgoing.wait(2).remove(1);
    assert!(first.field("Message-ID").is_some_and(|name| name.starts_with("<report.")), "{first:?}");
    for field in ["Message-ID", "From", "To", "Subject", "Content-Type"] {
        assert_eq!(first.field(field), second.field(field));
    }
    again.wait_for("was told what became of it");
}

#[test]
fn word_on_what_was_sent_is_taken_only_once_it_is_kept() {
    let (site, outgoing, port) = Stage::site_by(Mailbox::offering("250-mailbox\r\n250 DSN"), "", "");
    let gateway = site.start_held("answered");
    gateway.wait_ready();
    let mut there = fred(site.port);
    there.message("1", FRED, "im:mailto=bob~40mail.example@gw.example", "Yabba");
    let mail = outgoing.one();
    let path = mail.from.split_once('>').unwrap().0.trim_start_matches("FROM:<").to_owned();
    let report = report("failed");
    let mut client = Smtp::hello(port);
    client.must("MAIL FROM:<>", 250);
    client.must(&format!("RCPT TO:<{path}>"), 250);
    client.must("DATA", 354);
    client.write(format!("{}.\r\n", report.replace('\n', "\r\n")).as_bytes());
    gateway.wait_held("answered");
    gateway.kill();
    assert_eq!(client.reply(), None, "nothing was kept, and nobody was told that it was");
    drop(there);

    let again = site.start();
    again.wait_ready();
    assert_eq!(Smtp::hello(port).mail("", &path, &report).code, 250);
    let answer = fred(site.port).expect_answer();
    assert!(answer.is("failure", "refused"), "{answer:?}");
    assert_eq!(outgoing.taken().len(), 1, "it was sent once");
}

#[test]
fn an_alias_leads_back_after_a_kill() {
    let name = "a-name-that-is-as-long-as-no-mail-address-may-be-in-front-of-its-at-sign";
    let uri = format!("im:{name}@a.example");
    let stage = Stage::new();
    let mut long = stage.native(&uri);
    long.message("1", &uri, "im:mailto=bob~40mail.example@gw.example", "Yabba");
    let mail = stage.outgoing.one();
    let alias = mail.field("From").unwrap().trim_matches(['<', '>']).to_owned();
    let (local, domain) = alias.split_once('@').unwrap();
    assert!(local.starts_with("alias=") && local.len() <= 64 && domain == "gw.example", "{alias}");
    assert_eq!(mail.field("CPIM-Source"), Some(uri.clone()));
    let Stage { site, gateway, outgoing, port } = stage;
    gateway.kill();
    drop(long);
    let again = site.start();
    again.wait_ready();
    let mut long = Client::serving(site.port, &uri, false);
    let reply = Smtp::hello(port).mail(BOB, &alias, HELLO);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = long.expect_message();
    assert!(got.body().contains("Hello"), "{got:?}");
    long.respond(&got, "success", "");
    // It is one and the same for as long as the store is.
    long = Client::open(site.port, Open { serves: &uri, ..Open::default() });
    long.message("2", &uri, "im:mailto=bob~40mail.example@gw.example", "Dabba");
    assert_eq!(outgoing.wait(2)[1].field("From").unwrap().trim_matches(['<', '>']), alias);
}

/// A report by this server on what it took.
fn report(action: &str) -> String {
    format!(
        "From: postmaster@mail.example\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example\n\n\
         Final-Recipient: rfc822; bob@mail.example\nAction: {action}\nStatus: {}.0.0\n\n--b--\n",
        if action == "failed" { 5 } else { 2 },
    )
}

#[test]
fn what_was_handed_over_at_a_kill_is_never_sent_again_and_its_report_decides() {
    let (site, outgoing, port) = Stage::site_by(Mailbox::offering("250-mailbox\r\n250 DSN"), "", "");
    outgoing.falls_silent.store(true, Ordering::Release);
    let gateway = site.start();
    gateway.wait_ready();
    let mut there = fred(site.port);
    there.message("1", FRED, "im:mailto=bob~40mail.example@gw.example", "Yabba");
    // All of it is there, and nothing was said to its final dot.
    let mail = outgoing.one();
    gateway.kill();
    drop(there);
    outgoing.falls_silent.store(false, Ordering::Release);

    let again = site.start();
    again.wait_ready();
    let mut back = fred(site.port);
    // What is written now goes out; what went out before does not.
    back.message("2", FRED, "im:mailto=bob~40mail.example@gw.example", "Dabba");
    assert!(outgoing.wait(2)[1].text.contains("Dabba"));
    let path = mail.from.split_once('>').unwrap().0.trim_start_matches("FROM:<");
    assert_eq!(Smtp::hello(port).mail("", path, &report("delivered")).code, 250);
    let answer = back.expect_answer();
    assert_eq!((answer.trans_id.as_str(), answer.status.as_str()), ("1", "success"), "{answer:?}");
    assert_eq!(outgoing.taken().len(), 2);
}

#[test]
fn what_was_accepted_at_a_kill_is_sent_once_after_it() {
    let (site, outgoing, _) = Stage::site("", "");
    let gateway = site.start_held("attempting");
    gateway.wait_ready();
    let mut there = fred(site.port);
    there.message("1", FRED, "im:mailto=bob~40mail.example@gw.example", "Yabba");
    gateway.wait_held("attempting");
    gateway.kill();
    drop(there);
    assert_eq!(outgoing.taken().len(), 0);
    let again = site.start();
    again.wait_ready();
    assert!(outgoing.one().text.contains("Yabba"));
    assert!(fred(site.port).expect_answer().is("indeterminant", ""));
    assert_eq!(outgoing.taken().len(), 1);
}
