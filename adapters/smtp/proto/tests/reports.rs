//! Delivery reports: those of RFC 3464's examples and of real reporters, and our own read back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is a failed test")]

use bytes::Bytes;
use cpim_adapter::{Code, Domain, Response, Status};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::dsn::{Action, Bounce, Returned, read};
use proptest::prelude::*;

fn report(status: &str) -> Bytes {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: report\r\nMIME-Version: 1.0\r\n\
         Content-Type: Multipart/Report; Report-Type=delivery-status;\r\n boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nwords\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n{status}\r\n--b--\r\n"
    )
    .into()
}

fn actions(status: &str) -> Vec<Action> {
    read(&report(status)).unwrap().groups.iter().map(|group| group.action).collect()
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 3464 appendix E: failed after five days; three recipients; a foreign gateway with its status first; delayed.
    let failed = "Reporting-MTA: dns; cs.utk.edu\r\n\r\nOriginal-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n\
        Final-Recipient: rfc822;louisl@larry.slip.umd.edu\r\nAction: failed\r\nStatus: 4.0.0\r\n\
        Diagnostic-Code: smtp; 426 connection timed out\r\nLast-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400\r\n";
    let parsed = read(&report(failed)).unwrap();
    let group = parsed.groups.first().unwrap();
    assert_eq!(group.original_recipient.as_deref(), Some("louisl@larry.slip.umd.edu"));
    let response = group.response().unwrap();
    assert_eq!(
        (response.status(), response.code()),
        (Status::Failure, Some(Code::Refused)),
        "the action decides"
    );
    assert!(response.words().contains("426 connection timed out"));
    let three = "Reporting-MTA: dns; mail.example\r\n\r\nFinal-Recipient: rfc822;a@x\r\nAction: failed\r\nStatus: 5.0.0 (permanent)\r\n\r\n\r\n\
        Final-Recipient: rfc822;b@x\r\nAction: delayed\r\nStatus: 4.0.0\r\n\r\nFinal-Recipient: rfc822;c@x\r\nAction: delivered\r\nStatus: 2.0.0";
    assert_eq!(actions(three), [Action::Failed, Action::Delayed, Action::Delivered]);
    let foreign = "Reporting-MTA: mailbus; SYS30\r\n\r\nFinal-Recipient: unknown; nair_s\r\nStatus: 5.0.0 (unknown permanent failure)\r\nAction: failed\r\n";
    assert_eq!(actions(foreign), [Action::Failed]);
    let delayed = "Reporting-MTA: dns; sun2.nsfnet-relay.ac.uk\r\n\r\nFinal-Recipient: rfc822;thomas@de-montfort.ac.uk\r\nStatus: 4.0.0 (unknown temporary failure)\r\nAction: delayed\r\n";
    assert!(read(&report(delayed)).unwrap().groups.iter().all(|group| group.response().is_none()));
}

#[test]
fn what_other_reporters_write_is_read_or_decides_nothing() {
    assert_eq!(
        actions(
            "Reporting-MTA: dns; x\r\nOriginal-Envelope-Id: a+b\r\n\r\nFINAL-RECIPIENT: rfc822; a@x\r\nAction:\r\n FAILED (bad)\r\n"
        ),
        [Action::Failed]
    );
    assert_eq!(
        actions("Final-Recipient: rfc822; a@x\r\nAction: relayed\r\nStatus: 2.0.0\r\n"),
        [Action::Relayed]
    );
    assert!(
        actions("Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@x\r\nAction: perhaps\r\n")
            .is_empty()
    );
    let expanded = read(&report("Reporting-MTA: dns; x\r\n\r\nAction: expanded\r\n")).unwrap();
    assert!(expanded.groups.first().unwrap().response().is_none());
    for other in [
        "Subject: bounce\r\n\r\nAction: failed\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--b--\r\n",
    ] {
        assert_eq!(read(&Bytes::from(other)), None, "{other}");
    }
}

#[test]
fn our_own_report_is_one_and_says_that_a_gateway_made_it() {
    let (relay, to) = (Domain::parse("gw.example").unwrap(), Mailbox::parse("bob@mail.example").unwrap());
    let response = Response::failure(Code::Refused, "no\r\nBcc: x@y");
    let mail = "Subject: hé\r\nX: .\r\n\r\nbody".as_bytes();
    let bounce = Bounce {
        relay: &relay,
        to: &to,
        id: "1",
        recipient: "im=fred~40a.example@gw.example",
        original_recipient: Some("rfc822;fred@a.example"),
        envelope_id: Some("id"),
        response: &response,
        returned: Returned { mail },
        now_s: 0,
    };
    let octets = bounce.write();
    let text = String::from_utf8(octets.clone()).unwrap();
    assert!(text.is_ascii() && !text.contains("\nBcc") && !text.contains("body"), "{text}");
    assert!(
        text.contains("DSN-Gateway: dns; gw.example\r\n")
            && text.contains("Auto-Submitted: auto-replied\r\n")
    );
    let parsed = read(&octets.into()).unwrap();
    assert_eq!(parsed.envelope_id.as_deref(), Some("id"));
    let group = parsed.groups.first().unwrap();
    assert_eq!((group.action, group.status.as_deref()), (Action::Failed, Some("5.7.1")));
    assert_eq!(group.final_recipient.as_deref(), Some("im=fred~40a.example@gw.example"));
    assert_eq!(group.original_recipient.as_deref(), Some("fred@a.example"));
    // RFC 6533 section 3.
    let beyond = Bounce {
        recipient: "f+r\u{e9}d@a.example",
        original_recipient: Some("utf-8;fr\u{e9}d@old.example"),
        ..bounce
    };
    let text = String::from_utf8(beyond.write()).unwrap();
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("\r\nFinal-Recipient: utf-8; f\\x{2B}r\\x{E9}d@a.example\r\n"), "{text}");
    assert!(text.contains("\r\nOriginal-Recipient: utf-8; fr\\x{E9}d@old.example\r\n"), "{text}");
}

proptest! {
    #[test]
    fn whatever_comes_is_read(status in any::<String>(), octets in proptest::collection::vec(any::<u8>(), 0..99)) {
        let _read = (read(&report(&status)), read(&octets.into()));
    }
}
