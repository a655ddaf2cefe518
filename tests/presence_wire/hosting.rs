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
