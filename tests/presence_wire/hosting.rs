//! "Presence over a session": hosted presentities.

use super::someone::{FRED, Someone, WILMA, gateway, outcome, publish};

const PIDF: &[u8] = b"Content-Type: application/pidf+xml\r\n\r\n<?xml version='1.0'?>\n<presence \
    xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:fred@a.example'><!-- kept --><tuple id='a'>\
    <status><basic>open</basic></status></tuple></presence>\n";

#[test]
fn a_document_goes_out_whole() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, FRED);
    let mut wilma = Someone::serving(&site, WILMA);
    assert_eq!(outcome(&fred.asks(&publish("", "open", "x"), PIDF)), "success");
    wilma.subscribes("600", "");
    assert_eq!(wilma.notified().content, PIDF);
}

#[test]
fn when_the_last_session_ends_presence_is_one_closed_tuple_and_can_be_subscribed_to() {
    let (site, _gateway) = gateway();
    let fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    drop(fred);
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    assert_eq!(wilma.unsubscribes(), "success");
    // Seen once, he can be subscribed to while out of contact.
    assert_eq!(outcome(&wilma.subscribes("600", "")), "success");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    let _fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
}

#[test]
fn several_sessions_are_merged_the_newest_first() {
    let (site, _gateway) = gateway();
    let tuple = |to: &str| {
        format!(
            "<publish target='{FRED}'><presence><tuple destination='{to}' status='open'/></presence></publish>"
        )
    };
    let mut old = Someone::serving(&site, FRED);
    assert_eq!(outcome(&old.asks(&tuple("im:old@a.example"), b"")), "success");
    let mut new = Someone::serving(&site, FRED);
    assert_eq!(outcome(&new.asks(&tuple("im:new@a.example"), b"")), "success");
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:new@a.example open", "im:old@a.example open"]);
    drop(new);
    assert_eq!(wilma.is_told(), ["im:old@a.example open"]);
}

#[test]
fn a_publication_lapses() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, FRED);
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    assert_eq!(outcome(&fred.asks(&publish(" duration='1'", "open", ""), b"")), "success");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
}

/// RFC 2779 section 2.3.4: others publish for a presentity who lets them, and only they.
#[test]
fn a_delegate_publishes_for_another() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    let mut betty = Someone::serving(&site, "pres:betty@b.example");
    let mut barney = Someone::serving(&site, "pres:barney@b.example");
    let by_another = publish("", "closed", "by another");
    assert_eq!(outcome(&barney.asks(&by_another, b"")), "failure denied");
    fred.commands("delegate im:barney@b.example");
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    assert_eq!(outcome(&barney.asks(&by_another, b"")), "success");
    // What he says stands beside what fred's own session stands for.
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed by another", "im:fred@a.example open"]);
    assert_eq!(outcome(&betty.asks(&by_another, b"")), "failure denied");
    fred.commands("undelegate im:barney@b.example");
    assert_eq!(outcome(&barney.asks(&publish("", "open", "again"), b"")), "failure denied");
    // It goes with his session.
    drop(barney);
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
}

/// RFC 2779 section 5.3.2: a presentity's own session notifies nobody; that is its presence service's to do.
#[test]
fn a_notify_of_a_hosted_presentity_is_passed_to_nobody() {
    let (site, _gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    let tuple = "<tuple destination='im:fred@a.example' status='closed'/>";
    fred.sends(
        &format!("<notify watcher='{WILMA}' target='{FRED}'><presence>{tuple}</presence></notify>"),
        b"",
    );
    fred.publishes("open", "published");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open published"]);
}
