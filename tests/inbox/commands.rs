//! What is answered to whom.

use crate::someone::{GATEWAY, OPEN_HOUSE, Someone, text};
use crate::support::gateway::Site;

#[test]
fn a_command_is_answered_by_an_ordinary_message() {
    let site = Site::new("");
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let help = fred.commands("help");
    for command in ["whoami", "block WHO", "subscribe URI", "forward URI", "show ID"] {
        assert!(help.contains(command), "{command}: {help}");
    }
    assert_eq!(fred.commands("WHOAMI"), "You are im:fred@a.example. You are proven to be that.");
    assert_eq!(fred.commands("blok im:x@b.example"), "\"blok\" is no command; did you mean block?");
    assert_eq!(fred.commands("help blok"), "\"blok\" is no command; did you mean block?");
    assert!(fred.commands("help block").starts_with("block WHO [WHAT] - "));
    for who in ["fred@a.example", "gateway@gw.example"] {
        assert!(fred.commands(&format!("block {who}")).starts_with("Nothing is changed: that is "), "{who}");
    }
    // Several at once, a line for each.
    let said = fred.commands("block *@spam.example\r\nrules\r\n");
    assert_eq!(said, "*@spam.example is blocked: messages and presence.\nblock *@spam.example everything");
    // At any spelling of its address.
    assert_eq!(fred.writes("im:GateWay@GW.example", "whoami"), "success");
    assert!(fred.hears_gateway().starts_with("You are im:fred"));
}

#[test]
fn whoever_writes_is_whom_it_is_about_and_nobody_else() {
    let site = Site::new("");
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    fred.commands("block *");
    assert_eq!(wilma.commands("rules"), "You have set no rules. What holds then is up to the administrator.");
    // In somebody else's name it does not even arrive.
    let forged = "<message source='im:fred@a.example' destination='im:gateway@gw.example'/>";
    assert_eq!(wilma.asks(forged), "failure denied");
    assert!(fred.commands("rules").contains("block * everything"));
    fred.nothing_else();
}

#[test]
fn what_no_person_wrote_is_never_answered() {
    let site = Site::new("");
    let gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let automatic = "Content-Type: Message/CPIM\r\n\r\nFrom: <im:fred@a.example>\r\nTo: <im:gateway@gw.example>\r\n\
                     NS: x1 <tag:cpim-gateway.example,2026:metadata>\r\nx1.Automatic: yes\r\n\r\n\
                     Content-Type: text/plain\r\n\r\nblock *";
    assert_eq!(fred.writes_entity(GATEWAY, automatic), "success");
    assert!(fred.commands("rules").starts_with("You have set no rules"));
    fred.nothing_else();
    let (_, metrics) = gateway.ask("/metrics");
    assert!(metrics.contains("cpim_inbox_silent_total{why=\"automatic\"} 1"), "{metrics}");
    // What the gateway answers says of itself that no person wrote it.
    fred.writes(GATEWAY, "help");
    let answer = fred.hears();
    assert!(String::from_utf8(answer.content.clone()).unwrap().contains(".Automatic: yes"), "{answer:?}");
}

#[test]
fn presence_by_commands_alone() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    assert!(
        wilma
            .commands("subscribe fred@a.example 1h")
            .starts_with("You are told of im:fred@a.example until 20")
    );
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    assert_eq!(fred.commands("status closed out & about"), "You are closed: out & about.");
    // His session counts as one more tuple, the newest first.
    assert!(wilma.is_told().contains(&"im:fred@a.example closed out &amp; about".to_owned()));
    assert!(fred.commands("watchers").starts_with("im:wilma@b.example since 20"));
    assert!(wilma.commands("subscriptions").starts_with("im:fred@a.example until 20"));
    // Again, it is renewed.
    assert!(wilma.commands("subscribe fred@a.example 2h").starts_with("You are told of"));
    wilma.is_told();
    assert_eq!(
        wilma.commands("unsubscribe pres:fred@a.example"),
        "You are told of im:fred@a.example no longer."
    );
    assert_eq!(wilma.commands("unsubscribe fred@a.example"), "You do not watch im:fred@a.example.");
    assert_eq!(fred.commands("status off"), "What you set is taken back.");
    wilma.nothing_else();
}

#[test]
fn the_gateway_has_a_presence_of_its_own() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let fetch = "<subscribe watcher='pres:fred@a.example' target='pres:gateway@gw.example' duration='0'/>";
    assert_eq!(fred.asks(fetch), "success");
    assert_eq!(fred.is_told(), ["im:gateway@gw.example open"]);
    // Nobody else speaks for it.
    let publish = "<publish target='pres:gateway@gw.example'><presence><tuple destination='im:x@a.example' status='open'/>\
                   </presence></publish>";
    assert_eq!(fred.asks(publish), "failure denied");
}

#[test]
fn a_flood_of_commands_waits_its_turn_and_harms_nobody() {
    let site = Site::new("");
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    let many = "help\r\n".repeat(30);
    assert!(fred.commands(&many).starts_with("Too many lines"));
    let frame = {
        fred.writes(GATEWAY, "whoami");
        fred.hears()
    };
    assert!(text(&frame).starts_with("You are"));
    assert!(wilma.commands("whoami").starts_with("You are"));
}
