//! Mail servers that others wrote send to us: Postfix, Exim, and Postfix's smtp-source in a hurry.

use std::collections::HashSet;
use std::process::Command;

use crate::support::exim::Exim;
use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::native::{Client, Open};
use crate::support::postfix::Postfix;
use crate::support::smtp::Smtp;

const FRED: &str = "im:fred@a.example";
const FRED_MAILBOX: &str = "im=fred~40a.example@gw.example";

/// A gateway that takes mail at `port`, and sends it to the server at `smarthost`.
fn gateway(port: u16, smarthost: u16) -> (Site, Gateway) {
    let site = Site::new(&format!(
        "[[hosted]]\ndomain = \"a.example\"\n[[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\n\
         [smtp.outgoing]\nsmarthost = \"127.0.0.1:{smarthost}\"\ntls = \"plain\"\n"
    ));
    let gateway = site.start();
    gateway.wait_ready();
    (site, gateway)
}

fn fred(site: &Site) -> Client {
    Client::open(site.port, Open { serves: FRED, ..Open::default() })
}

/// Hands a mail of bob's to a server on its way to fred, with what he wants to hear of it.
fn hand_over(port: u16, notify: &str, id: usize) {
    let mail =
        format!("From: Bob <bob@mail.example>\nMessage-ID: <{id}@mail.example>\nSubject: Hi\n\nHello {id}\n");
    let mut client = Smtp::hello(port);
    let reply =
        client.mail_to("<bob@mail.example> RET=HDRS", &[&format!("<{FRED_MAILBOX}> NOTIFY={notify}")], &mail);
    assert_eq!(reply.code, 250, "{reply:?}");
}

/// What both servers have to see: a mail delivered and reported, one that failed and is bounced, one that nobody wants
/// to hear of.
fn report(fred: &mut Client, port: u16) {
    hand_over(port, "SUCCESS,FAILURE", 1);
    let got = fred.expect_message();
    assert!(got.body().trim_end().ends_with("\r\n\r\nHello 1"), "{got:?}");
    fred.respond(&got, "success", "");
    hand_over(port, "NEVER", 2);
    let got = fred.expect_message();
    fred.respond(&got, "failure", "refused: no");
    hand_over(port, "FAILURE", 3);
    let got = fred.expect_message();
    fred.respond(&got, "failure", "refused: no");
}

fn check(reports: &[String]) {
    assert_eq!(reports.len(), 2, "{reports:#?}");
    for (action, id) in [("delivered", 1), ("failed", 3)] {
        let found = reports.iter().find(|report| report.contains(&format!("Action: {action}")));
        let found = found.unwrap_or_else(|| panic!("nothing was {action}: {reports:#?}"));
        for line in [
            "DSN-Gateway: dns; gw.example",
            "Reporting-MTA: dns; gw.example",
            &format!("<{id}@mail.example>"),
        ] {
            assert!(found.contains(line), "{line} is not in\n{found}");
        }
    }
}

#[test]
fn postfix_has_our_reports_in_its_mailboxes() {
    let port = free_port();
    let postfix = Postfix::start(port, "");
    let (site, _gateway) = gateway(port, postfix.port);
    let mut fred = fred(&site);
    report(&mut fred, postfix.port);
    check(&postfix.wait_mails("bob", 2));
    // Postfix itself has nothing to report: we said that we would (RFC 3461 section 5.2.2).
    assert!(!postfix.log().contains("sender delivery status notification"), "{}", postfix.log());
}

#[test]
fn exim_has_our_reports_in_its_mailboxes() {
    let port = free_port();
    let exim = Exim::start(port);
    let (site, _gateway) = gateway(port, exim.port);
    let mut fred = fred(&site);
    report(&mut fred, exim.port);
    check(&exim.wait_mails("bob", 2));
    // And the other way: what fred writes is in bob's mailbox, as a mail that Exim takes.
    fred.message("9", FRED, "im:mailto=carol~40mail.example@gw.example", "Yabba, dabba!");
    let mails = exim.wait_mails("carol", 1);
    assert!(mails[0].contains("\n\nYabba, dabba!"), "{mails:#?}");
    let answer = fred.expect_answer();
    assert!(answer.is("success", ""), "Exim reports what it delivered: {answer:?}\n{}", exim.log());
}

#[test]
fn many_connections_at_once_lose_and_double_nothing() {
    const MAILS: usize = 400;
    let port = free_port();
    let (site, _gateway) = gateway(port, free_port());
    let mut fred = fred(&site);
    let mut source = Command::new("/usr/sbin/smtp-source");
    source.args([
        "-s",
        "10",
        "-m",
        &MAILS.to_string(),
        "-l",
        "2000",
        "-f",
        "bob@mail.example",
        "-t",
        FRED_MAILBOX,
    ]);
    let source = source.arg(format!("127.0.0.1:{port}")).spawn();
    let mut source = source.unwrap_or_else(|e| {
        panic!("NOT RUN: smtp-source cannot be started ({e}); on Debian: apt-get install postfix")
    });
    let mut seen = HashSet::new();
    for _ in 0..MAILS {
        let got = fred.expect_message();
        assert!(seen.insert(got.parameter("id").unwrap().to_owned()), "twice: {got:?}");
        fred.respond(&got, "success", "");
    }
    assert!(source.wait().unwrap().success());
    assert!(fred.next(std::time::Duration::from_millis(300)).is_err(), "one too many");
}
