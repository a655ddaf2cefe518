//! Who may be an adapter, and what it claims.

use std::time::{Duration, Instant};

use crate::stage::{FOLDING, FRED, WILMA, adapter, fred, gateway, opening, outcome};
use crate::support::gateway::{PATIENCE, breathe};
use crate::support::native::{Client, Open};

/// What an `open` is refused with.
fn refusal(port: u16, open: Open<'_>) -> String {
    Client::refused(port, open)
}

#[test]
fn a_selector_is_given_by_the_configuration_alone() {
    let (site, _gateway) = gateway("");
    for open in [
        Open { secret: "", ..opening("", false) },
        Open { secret: "guessed", ..opening("", false) },
        Open { serves: "pepp: irc:", ..opening("", false) },
        Open { serves: "pepp: gw.example", ..opening("", false) },
    ] {
        let said = refusal(site.port, open);
        assert!(said.contains("reason='unauthorised'"), "{open:?}: {said}");
    }
}

#[test]
fn a_claim_that_cannot_be_meant_is_told() {
    let (site, _gateway) = gateway("");
    for (adapter, named) in [
        ("<adapter presence='sometimes'/>", "none, observe or pass-through"),
        ("<adapter><feature name='smell' support='full'/></adapter>", "any-content"),
        ("<adapter><address characters='z-a'/></adapter>", "characters"),
    ] {
        let said = refusal(site.port, opening(adapter, false));
        assert!(said.contains("reason='bad-frame'") && said.contains(named), "{adapter}: {said}");
    }
}

#[test]
fn what_is_not_known_is_named_to_the_adapter_and_in_the_log() {
    let (site, gateway) = gateway("");
    let claims = "<adapter presense='observe'><address fold='host'/><colour/></adapter>";
    let mut pepp = Client::connected(site.port);
    pepp.send_open(opening(claims, false));
    let answer = pepp.next(PATIENCE).unwrap();
    assert_eq!(answer.element(), "open");
    for named in ["the attribute `presense` of `adapter`", "the element `colour` in `adapter`"] {
        assert!(answer.xml.contains(&format!("<ignored>{named}</ignored>")), "{answer:?}");
        gateway.wait_for(named);
    }
    assert!(!answer.xml.contains("address"), "what is known is not named: {answer:?}");
}

#[test]
fn an_unknown_secret_is_told_from_a_wrong_claim_in_the_log_alone() {
    let (site, gateway) = gateway("");
    let unknown = refusal(site.port, Open { secret: "guessed", ..opening("", false) });
    gateway.wait_for("nobody has that one");
    let wrong = refusal(site.port, Open { serves: "pepp: irc:", ..opening("", false) });
    gateway.wait_for("that of application pepp");
    let none = refusal(site.port, Open { secret: "", ..opening("", false) });
    gateway.wait_for("none was given");
    assert_eq!(unknown, none);
    assert_eq!(unknown.replace("pepp:", "irc:"), wrong, "who asks learns nothing of secrets");
}

#[test]
fn what_it_cannot_take_is_refused_before_it_hears_of_it() {
    let (site, _gateway) = gateway("");
    let claims = "<adapter max-content='100'><feature name='any-content' support='rejected'/>\
                  <feature name='multi-line' support='rejected'/>\
                  <feature name='unicode' support='rejected'/>\
                  <feature name='subject' support='dropped'/></adapter>";
    let (mut pepp, mut fred) = (adapter(&site, claims, true), fred(&site));
    let mut tell = |content: &str| {
        let xml = format!("<message source='{FRED}' destination='{WILMA}' transID='1'/>");
        fred.try_send("", &xml, content.as_bytes()).unwrap();
        fred.expect_answer().text
    };
    let text = |body: &str| format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{body}");
    assert!(tell(&text(&"x".repeat(100))).starts_with("too-large:"));
    assert!(tell("Content-Type: text/html\r\n\r\n<p>").starts_with("unsupported:"));
    assert!(tell(&text("one\r\ntwo")).starts_with("unsupported:"));
    assert!(tell(&text("yabba dabba dü")).starts_with("unsupported:"));
    fred.message("2", FRED, WILMA, "Yabba");
    let came = pepp.expect_message();
    assert_eq!(came.body(), "Yabba");
    pepp.respond(&came, "success", "");
    assert_eq!(outcome(&mut fred), "success");
}

#[test]
fn what_a_newer_session_claims_counts_only_as_long_as_it_is_there() {
    let (site, gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, true), fred(&site));
    let newer = adapter(&site, "<adapter><address characters='x'/></adapter>", true);
    gateway.wait_for("two sessions claim otherwise");
    fred.message("1", FRED, WILMA, "Yabba");
    assert_eq!(outcome(&mut fred), "failure bad-address");
    drop(newer);
    let until = Instant::now() + PATIENCE;
    let mut tries = 1;
    let came = loop {
        assert!(Instant::now() < until, "what is gone still counts");
        tries += 1;
        fred.message(&tries.to_string(), FRED, WILMA, "Yabba");
        match pepp.next(Duration::from_millis(100)) {
            Ok(frame) if frame.element() == "message" => break frame,
            // It may be asked whom to observe, and fred may have been refused once more.
            _ => breathe(),
        }
    };
    assert_eq!(came.body(), "Yabba");
}
