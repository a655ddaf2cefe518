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
