//! What is told to senders after their mail was taken (RFC 3464), and to strangers about people.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::stage::{BOB, FRED_MAILBOX, HELLO, Stage, hello};

/// Longer than a report takes that is sent.
const A_WHILE: Duration = Duration::from_millis(500);

#[test]
fn what_fails_after_the_250_is_reported() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let reply = stage.client().mail_to(
        "<bob@mail.example> ENVID=abc+2Bdef RET=HDRS",
        &[&format!("<{FRED_MAILBOX}> ORCPT=rfc822;fred+40old.example")],
        HELLO,
    );
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    fred.respond(&got, "failure", "refused: fred is at 192.0.2.9 and does not want it");
    let report = stage.outgoing.one();
    assert!(report.from.starts_with("FROM:<>"), "{}", report.from);
    assert_eq!(report.to, ["TO:<bob@mail.example>"]);
    assert_eq!(report.field("Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(report.field("To").as_deref(), Some("<bob@mail.example>"));
    assert!(report.field("Content-Type").unwrap().contains("report-type=delivery-status"));
    for line in [
        "Original-Envelope-Id: abc+def",
        "Reporting-MTA: dns; gw.example",
        "DSN-Gateway: dns; gw.example",
        "Original-Recipient: rfc822;fred@old.example",
        "Final-Recipient: rfc822; im=fred~40a.example@gw.example",
        "Action: failed",
        "Status: 5.7.1",
        "Subject: Hi",
        "Message-ID: <1@mail.example>",
    ] {
        assert!(report.text.contains(line), "{line} is not in\n{}", report.text);
    }
    // A stranger hears no more than that.
    for word in ["192.0.2.9", "does not want", "Hello"] {
        assert!(!report.text.contains(word), "{word} is in\n{}", report.text);
    }
}

const NAMES: [&str; 6] = ["fred", "wilma", "x", "barney", "block", "polite"];

#[test]
fn strangers_hear_the_same_of_everybody() {
    let stage = Stage::with("", "[[rule]]\naction = \"deny\"\nto = \"im:barney@a.example\"\n");
    let mut fred = stage.fred();
    let _barney = stage.native("im:barney@a.example");
    // Two who have said themselves that bob is not to write to them.
    let _others = ["block", "polite"].map(|word| {
        let uri = format!("im:{word}@a.example");
        let mut owner = stage.native(&uri);
        owner.message("c", &uri, "im:gateway@gw.example", &format!("{word} mailto:bob@mail.example"));
        let answer = owner.next_answer(crate::support::gateway::PATIENCE).unwrap();
        assert!(answer.is("success", ""), "{answer:?}");
        owner
    });
    let mut client = stage.client();
    let mut replies = Vec::new();
    // There, not there, never heard of, and not to be written to: by the administrator's rule, and by their own.
    for (nth, name) in NAMES.into_iter().enumerate() {
        let to = format!("im={name}~40a.example@gw.example");
        client.must(&format!("MAIL FROM:<{BOB}>"), 250);
        replies.push([client.say(&format!("RCPT TO:<{to}>")), client.say("DATA"), client.text(&hello(nth))]);
    }
    let [first, others @ ..] = replies.as_slice() else { panic!() };
    assert_eq!(first[2].code, 250, "{first:?}");
    for other in others {
        assert_eq!(first, other);
    }
    let got = fred.expect_message();
    fred.respond(&got, "failure", "unreachable: away");
    let mut reports: Vec<String> =
        stage.outgoing.wait(NAMES.len()).into_iter().map(|report| report.text).collect();
    // But for names and numbers of their own, they are the same octet for octet.
    for report in &mut reports {
        let boundary = report.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        *report = report.replace(&boundary, "B").replace(boundary.trim_start_matches("=_"), "B");
        for (nth, name) in NAMES.into_iter().enumerate() {
            *report = report
                .replace(&format!("im={name}~"), "im=NAME~")
                .replace(&format!("im=3D{name}~"), "im=3DNAME~");
            *report = report.replace(&format!("<{nth}@"), "<N@");
        }
        *report = report.lines().filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\n");
    }
    for other in &reports[1..] {
        assert_eq!(&reports[0], other);
    }
}

#[test]
fn nobody_is_told_who_wants_to_hear_nothing() {
    let stage = Stage::new();
    let mut client = stage.client();
    let never = format!("<{FRED_MAILBOX}> NOTIFY=NEVER");
    for (sender, to) in [
        ("<bob@mail.example>", never.as_str()),
        ("<bob@mail.example>", &format!("<{FRED_MAILBOX}> NOTIFY=SUCCESS,DELAY")),
        ("<>", &format!("<{FRED_MAILBOX}>")),
    ] {
        let reply = client.mail_to(sender, &[to], HELLO);
        assert_eq!(reply.code, 250, "{sender} {to}: {reply:?}");
    }
    stage.outgoing.stays_empty(A_WHILE);
}

#[test]
fn a_report_that_no_server_takes_is_told_at_the_reply() {
    // Without a way out there is no other way to say it.
    let port = crate::support::gateway::free_port();
    let site = crate::support::gateway::Site::new(&format!(
        "[[hosted]]\ndomain = \"a.example\"\n[[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\n"
    ));
    let gateway = site.start();
    gateway.wait_ready();
    let mut client = crate::support::smtp::Smtp::hello(port);
    let reply = client.mail(BOB, FRED_MAILBOX, HELLO);
    assert_eq!(reply.text(), "550 5.7.1 not deliverable");
}

#[test]
fn the_mail_that_comes_again_is_not_reported_again() {
    let stage = Stage::new();
    for _ in 0..3 {
        assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
        stage.outgoing.wait(1);
    }
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, &hello(2)).code, 250);
    let reports = stage.outgoing.wait(2);
    assert_eq!(reports.len(), 2, "{reports:#?}");
    assert!(reports[1].text.contains("<2@mail.example>"), "{reports:#?}");
}

#[test]
fn automatic_mail_crosses_marked_and_is_answered_by_nobody() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let reply = stage.client().mail(BOB, FRED_MAILBOX, &format!("Auto-Submitted: auto-replied\n{HELLO}"));
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    let content = String::from_utf8_lossy(&got.content).into_owned();
    assert!(content.contains(".Automatic: yes"), "{content}");
    fred.respond(&got, "success", "");
}

/// The reverse-path that the gateway gave a mail of fred's.
fn keyed(stage: &Stage) -> String {
    let mail = stage.outgoing.one();
    let (path, _) = mail.from.split_once('>').unwrap();
    path.trim_start_matches("FROM:<").to_owned()
}

fn report(action: &str) -> String {
    format!(
        "From: postmaster@mail.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\
         MIME-Version: 1.0\n\n--b\nContent-Type: text/plain\n\nNo.\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mail.example\n\nFinal-Recipient: rfc822; bob@mail.example\nAction: {action}\n\
         Status: 5.1.1\nDiagnostic-Code: smtp; 550 who is that\n\n--b--\n"
    )
}

#[test]
fn only_a_report_with_the_key_decides() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    fred.message("1", crate::stage::FRED, "im:mailto=bob~40mail.example@gw.example", "Yabba");
    let keyed = keyed(&stage);
    // This server reports nothing, so that the answer is there; a report that comes all the same is word of failure.
    assert!(fred.expect_answer().is("indeterminant", ""));
    let mut client = stage.client();
    let (local, _) = keyed.split_once('@').unwrap();
    let forged = local.replace(['a', '0'], "b");
    for bad in [forged.as_str(), "b=1-00000000000000000000000000000000", "b=1-", "b=x"] {
        let reply = client.mail("", &format!("{bad}@gw.example"), &report("failed"));
        assert_eq!(reply.code, 550, "{bad}: {reply:?}");
    }
    assert_eq!(client.mail("", &keyed, "From: x@mail.example\n\nno report\n").code, 250);
    assert_eq!(client.mail("", &keyed, &report("delayed")).code, 250);
    assert!(fred.next(A_WHILE).is_err(), "nothing of that is a last word");
    assert_eq!(client.mail("", &keyed, &report("failed")).code, 250);
    let told = fred.expect_message();
    assert!(told.body().contains("has failed") && told.body().contains("who is that"), "{told:?}");
    // Once more, and the opposite: it changes nothing.
    assert_eq!(client.mail("", &keyed, &report("failed")).code, 250);
    assert_eq!(client.mail("", &keyed, &report("delivered")).code, 250);
    assert!(fred.next(A_WHILE).is_err());
    stage.outgoing.refuses.store(true, Ordering::Release);
}
