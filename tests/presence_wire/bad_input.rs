//! What is refused, and that others do not notice.

use super::someone::{FRED, Someone, WILMA, gateway, outcome, publish};

#[test]
fn nobody_subscribes_cancels_or_publishes_for_somebody_else() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    let mut betty = Someone::serving(&site, "pres:betty@b.example");
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    assert_eq!(outcome(&betty.subscribes("600", "")), "failure denied");
    assert_eq!(betty.unsubscribes(), "failure denied");
    assert_eq!(outcome(&betty.asks(&publish("", "closed", "forged"), b"")), "failure denied");
    // A notify that nobody subscribed to is dropped; the session goes on.
    betty.sends(
        &format!(
            "<notify watcher='{WILMA}' target='pres:betty@b.example'><presence><tuple destination='im:betty@b.example' \
             status='open'/></presence></notify>"
        ),
        b"",
    );
    assert_eq!(betty.unsubscribes(), "failure denied");
    fred.publishes("open", "the lease goes on");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open the lease goes on"]);
}

#[test]
fn what_is_no_duration_or_no_presentity_is_refused_and_the_session_goes_on() {
    let (site, _gateway) = gateway();
    let mut wilma = Someone::serving(&site, WILMA);
    for duration in ["-1", "4294967296", "x", "", "1.5"] {
        let answer = wilma.subscribes(duration, "");
        assert!(["failure bad-address", "failure unsupported"].contains(&&*outcome(&answer)), "{answer:?}");
    }
    for target in ["im:fred@a.example", "pres:fred", "", "pres:@a.example"] {
        let xml = format!("<subscribe watcher='{WILMA}' target='{target}' duration='60'/>");
        assert_eq!(outcome(&wilma.asks(&xml, b"")), "failure bad-address", "{target}");
    }
}

/// The draft's section 3.4.1, steps 1 and 2 in order: who is nobody, then who may not.
#[test]
fn a_target_that_is_no_presentity_is_refused_before_anybody_is_asked_for_leave() {
    let (site, _gateway) = gateway();
    let mut wilma = Someone::serving(&site, WILMA);
    let mut ask = |watcher: &str, target: &str| {
        let xml = format!("<subscribe watcher='{watcher}' target='{target}' duration='60'/>");
        outcome(&wilma.asks(&xml, b""))
    };
    for (target, expected) in [
        ("pres:nobody@gw.example", "failure bad-address"),
        ("pres:zephyr=x@gw.example", "failure bad-address"),
        ("pres:winfo=nonsense@gw.example", "failure bad-address"),
        ("pres:zoe@nowhere.example", "failure no-route"),
        ("pres:zoe@nowhere.invalid", "failure no-route"),
    ] {
        assert_eq!(ask(WILMA, target), expected, "{target}");
    }
    assert_eq!(ask("pres:betty@b.example", "im:fred@a.example"), "failure bad-address");
    assert_eq!(ask("pres:betty@b.example", FRED), "failure denied");
}

/// Issue: each refused with its code, others unharmed.
#[test]
fn a_document_that_is_none_or_somebody_elses_is_refused_and_nobody_is_told() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, FRED);
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    let pidf = |inside: &str| {
        format!("Content-Type: application/pidf+xml\r\n\r\n<?xml version='1.0' encoding='UTF-8'?>{inside}")
    };
    let presence = |entity: &str, tuples: &str| {
        format!("<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{entity}'>{tuples}</presence>")
    };
    let huge = format!("<note>{}</note>", "x".repeat(300_000));
    for (document, expected) in [
        (
            pidf("<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:fred@a.example'>"),
            "failure unsupported",
        ),
        (
            pidf(&format!("<!DOCTYPE presence [<!ENTITY x 'y'>]>{}", presence(FRED, ""))),
            "failure unsupported",
        ),
        (pidf(&presence(FRED, "<note>&x;</note>")), "failure unsupported"),
        (pidf(&presence(FRED, &huge)), "failure too-large"),
        (pidf(&presence(WILMA, "")), "failure denied"),
    ] {
        assert_eq!(outcome(&fred.asks(&publish("", "open", ""), document.as_bytes())), expected);
    }
    let whole = pidf(&presence(FRED, "<note>here</note>"));
    assert_eq!(outcome(&fred.asks(&publish("", "open", "here"), whole.as_bytes())), "success");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open here"]);
}
