//! Messages, both ways, with outcomes.

use crate::stage::{FRED, WILMA, adapter, fred, gateway, outcome};
use crate::support::gateway::PATIENCE;

#[test]
fn messages_cross_both_ways_and_are_answered_by_who_has_them() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter/>", true), fred(&site));

    fred.message("1", FRED, WILMA, "Yabba");
    let came = pepp.expect_message();
    assert_eq!(came.attribute("source").unwrap(), FRED);
    assert_eq!(came.attribute("destination").unwrap(), WILMA);
    assert_eq!(came.content, b"Content-Type: text/plain\r\n\r\nYabba");
    assert_eq!(came.parameter("auth"), Some("verified"), "an adapter can show how well the source is known");
    assert_eq!(came.parameter("hops"), Some("127"));
    pepp.respond(&came, "success", "");
    assert_eq!(outcome(&mut fred), "success");

    for (status, text, told) in [
        ("failure", "refused: she is not at home", "failure refused"),
        ("indeterminant", "timeout: nobody knows", "indeterminant timeout"),
    ] {
        fred.message("2", FRED, WILMA, status);
        let came = pepp.expect_message();
        pepp.respond(&came, status, text);
        assert_eq!(outcome(&mut fred), told);
    }

    pepp.message("w1", WILMA, FRED, "dabba");
    let came = fred.expect_message();
    assert_eq!(came.attribute("source").unwrap(), WILMA, "whom fred answers");
    fred.respond(&came, "success", "");
    assert_eq!(outcome(&mut pepp), "success");
}

#[test]
fn it_speaks_for_its_own_selector_and_for_nobody_else() {
    let (site, _gateway) = gateway("");
    let (mut pepp, _fred) = (adapter(&site, "", false), fred(&site));
    for source in ["im:fred@a.example", "im:irc=irc.example.net/wilma@gw.example", "im:gateway@gw.example"] {
        pepp.message("1", source, FRED, "it was not me");
        assert_eq!(outcome(&mut pepp), "failure denied", "{source}");
    }
}

#[test]
fn rules_hold_for_it_as_for_anybody() {
    let rules = "[[rule]]\naction = \"deny\"\nfrom = \"pepp:\"\nto = \"b.example\"\n";
    let (site, _gateway) = gateway(rules);
    let mut pepp = adapter(&site, "", false);
    pepp.message("1", WILMA, "im:barney@b.example", "hello");
    assert_eq!(outcome(&mut pepp), "failure denied");
}

#[test]
fn it_knows_its_users_no_better_than_it_says() {
    let rules = "[[rule]]\naction = \"allow\"\nauth = \"verified\"\n[[rule]]\naction = \"deny\"\n";
    let (site, _gateway) = gateway(rules);
    let mut fred = fred(&site);
    let mut pepp = adapter(&site, "<adapter standing='claimed'/>", false);
    pepp.message("1", WILMA, FRED, "so she says");
    assert_eq!(outcome(&mut pepp), "failure denied");
    drop(pepp);
    let mut pepp = adapter(&site, "<adapter/>", false);
    pepp.message("2", WILMA, FRED, "it is her");
    let came = fred.expect_message();
    fred.respond(&came, "success", "");
    assert_eq!(outcome(&mut pepp), "success");
}

#[test]
fn one_that_reads_nothing_holds_up_nobody_else() {
    let (site, _gateway) = gateway("");
    let (pepp, mut fred) = (adapter(&site, "", false), fred(&site));
    let mut barney = crate::support::native::Client::serving(site.port, "im:barney@b.example", false);
    let large = "x".repeat(100_000);
    for number in 0..200 {
        let user = format!("im:pepp=example.com/u{number}@gw.example");
        fred.message(&format!("{number}"), FRED, &user, &large);
    }
    fred.message("barney", FRED, "im:barney@b.example", "you, too?");
    let came = barney.expect_message();
    barney.respond(&came, "success", "");
    let answer = fred.expect_answer();
    assert_eq!((answer.trans_id.as_str(), answer.status.as_str()), ("barney", "success"));
    drop(pepp);
}

#[test]
fn how_long_it_is_tried_and_waited_for_is_its_own_to_say() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter horizon='1' patience='1'/>", false), fred(&site));
    // It says nothing: the gateway would wait for ten minutes.
    fred.message("1", FRED, WILMA, "Yabba");
    let _unanswered = pepp.expect_message();
    assert_eq!(outcome(&mut fred), "indeterminant timeout");
    // It has no room: the gateway would try for five minutes.
    fred.message("2", FRED, WILMA, "Dabba");
    let busy = std::thread::spawn(move || {
        let mut times = 0;
        while let Ok(frame) = pepp.next(PATIENCE) {
            times += 1;
            pepp.respond(&frame, "failure", "busy: no room");
            if frame.body() == "Doo" {
                break;
            }
        }
        times
    });
    assert_eq!(outcome(&mut fred), "failure unreachable");
    fred.message("3", FRED, WILMA, "Doo");
    assert!(busy.join().unwrap() > 2, "it was tried again");
}
