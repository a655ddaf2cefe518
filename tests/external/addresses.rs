//! One address for everybody: folded and judged as the adapter says, also while it is out of contact.

use std::collections::HashMap;

use crate::stage::{FOLDING, FRED, WILMA, adapter, fred, gateway, of, outcome};

const DENIED: &str = "[[rule]]\naction = \"deny\"\nto = \"im:pepp=example.com/betty@gw.example\"\n";

#[test]
fn every_spelling_is_one_address() {
    let (site, gateway) = gateway(DENIED);
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, true), fred(&site));
    for (trans_id, spelling) in [
        ("a", "im:pepp=Example.COM/WILMA@gw.example"),
        ("b", "im:PEPP=example.com/~57ilma@gw.example"),
        ("c", "im:pepp%3Dexample.com%2Fwilma@GW.EXAMPLE"),
    ] {
        fred.message(trans_id, FRED, spelling, "hello");
        let came = pepp.expect_message();
        assert_eq!(
            came.attribute("destination").unwrap(),
            WILMA,
            "what the adapter reads, whatever was written"
        );
        pepp.respond(&came, "success", "");
        assert_eq!(outcome(&mut fred), "success", "{spelling}");
    }
    fred.message("a", FRED, WILMA, "hello");
    assert_eq!(outcome(&mut fred), "success", "a retransmission, however it is spelled");
    let to_betty = "im:pepp=example.com/BETTY@gw.example";
    fred.message("2", FRED, to_betty, "hello");
    assert_eq!(outcome(&mut fred), "failure denied", "a rule for betty holds for BETTY");

    // What the adapter said holds while it is away, and after a restart.
    drop(pepp);
    gateway.wait_answer("/v1/sessions", |_, sessions| !sessions.contains("pepp:"));
    fred.message("3", FRED, to_betty, "hello");
    assert_eq!(outcome(&mut fred), "failure denied");
    fred.message("4", FRED, "im:pepp=example.com/wilma~20x@gw.example", "hello");
    assert_eq!(outcome(&mut fred), "failure bad-address", "no such address, and no need to ask");
    gateway.kill();
    let gateway = site.start();
    gateway.wait_ready();
    let mut fred = crate::stage::fred(&site);
    fred.message("5", FRED, to_betty, "hello");
    fred.message("6", FRED, WILMA, "hello");
    // Answers that he had may be given once more after a crash.
    // They come in any order.
    let mut answers = HashMap::new();
    while !(answers.contains_key("5") && answers.contains_key("6")) {
        let answer = fred.expect_answer();
        answers.insert(answer.trans_id.clone(), of(&answer));
    }
    assert_eq!(answers["5"], "failure denied");
    assert_eq!(answers["6"], "failure unreachable", "known, and not in contact");
}

#[test]
fn what_its_grammar_refuses_never_reaches_it() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, true), fred(&site));
    let long = format!("im:pepp=example.com/{}@gw.example", "w".repeat(40));
    for refused in
        ["im:pepp=example.com/wil~20ma@gw.example", "im:pepp=example.com/w~21@gw.example", long.as_str()]
    {
        fred.message("1", FRED, refused, "hello");
        let answer = fred.expect_answer();
        assert_eq!(of(&answer), "failure bad-address", "{refused}: {answer:?}");
    }
    fred.message("2", FRED, WILMA, "hello");
    assert_eq!(pepp.expect_message().body(), "hello", "the first that it hears of");
}

#[test]
fn a_selector_without_an_adapter_is_no_way_anywhere() {
    let (site, _gateway) = gateway("[selectors]\nzephyr = \"opaque\"\n");
    let mut fred = fred(&site);
    for (to, told) in [
        ("im:zephyr=wilma@gw.example", "failure no-route"),
        ("im:unheard=wilma@gw.example", "failure bad-address"),
        (WILMA, "failure unreachable"),
    ] {
        fred.message("1", FRED, to, "hello");
        assert_eq!(outcome(&mut fred), told, "{to}");
    }
}
