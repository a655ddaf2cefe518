//! Who is not configured, and what he may say.

use super::authority::Authority;
use super::person::{Frame, HELLO, Person};
use super::stage::{Plan, Stage, at, within};
use crate::support::dns::Zone;

const FROM_C: &str = "im:pebbles@c.example im:barney@b.example";

/// What B answers to an `open` of whoever has a certificate for c.example; nothing where it hangs up.
async fn opens(stage: &Stage, port: u16, open: &str) -> (Person, Option<Frame>) {
    let identity = stage.authority.issue(&["c.example", "gw.c.example"]);
    let config = stage.authority.client(&identity);
    Person::with_certificate(port, config, "b.example", open).await
}

#[tokio::test]
async fn a_strangers_gateway_may_send_for_its_own_domain() {
    let stage = Stage::new().await;
    let mut b = stage.plan(&Plan::b());
    // It says of itself that it is home to a.example as well.
    let usurper = "[[hosted]]\ndomain = \"a.example\"\n";
    let certificate = ["c.example", "gw.c.example"];
    let mut c = stage.plan(&Plan { trust: vec!["a.example"], ..Plan::new("c", &certificate).with(usurper) });
    stage.dns.replace(at(at(Zone::default(), "b", b.port), "c", c.port));
    tokio::join!(b.start(), c.start());
    let mut barney = Person::at(b.door, "b.example").await;
    let mut pebbles = Person::at(c.door, "im:pebbles@c.example").await;
    let mut wilma = Person::at(c.door, "im:wilma@a.example").await;

    pebbles.says("1", FROM_C, HELLO).await;
    let message = barney.message().await;
    assert_eq!(message.attribute("source"), "im:pebbles@c.example");
    // Nobody vouches for what a stranger says of the way so far, and the name is B's own.
    assert_eq!(message.parameter("via"), "gw.b.example");
    barney.thanks(&message).await;
    assert_eq!(pebbles.answer_to("1").await, "success");

    barney.says("1", "im:barney@b.example im:pebbles@c.example", HELLO).await;
    let back = pebbles.message().await;
    pebbles.thanks(&back).await;
    assert_eq!(barney.answer_to("1").await, "success");

    wilma.says("1", "im:wilma@a.example im:barney@b.example", HELLO).await;
    assert_eq!(wilma.answer_to("1").await, "failure denied");
    pebbles.says("2", FROM_C, b"Content-Type: text/plain\r\n\r\nMe again").await;
    let message = barney.message().await;
    assert_eq!(message.attribute("source"), "im:pebbles@c.example", "nothing of the usurper's came");
}

#[tokio::test]
async fn a_stranger_who_claims_more_than_its_certificate_says_is_turned_away() {
    let (stage, _a, b) = Stage::with_both().await;
    for claims in [
        "serves='a.example'",
        "serves='c.example a.example'",
        "serves='im:fred@a.example'",
        "serves='c.example' speaks='im:fred@a.example'",
        "serves='b.example'",
        "serves='im:barney@b.example'",
        "speaks='gw.b.example'",
        "speaks='im:gateway@gw.b.example'",
        "domain='gw.b.example'",
        "domain='gw.a.example' serves='c.example'",
        "domain='gw.a.example' serves='a.example' secret='guessed'",
        "serves='mailto:'",
    ] {
        let open = format!("<open version='1' {claims}/>");
        let (mut person, answer) = opens(&stage, b.port, &open).await;
        let answer = answer.unwrap_or_else(|| panic!("{claims}: hung up without a word"));
        assert_eq!(
            (answer.name(), answer.attribute("reason").as_str()),
            ("close", "unauthorised"),
            "{claims}"
        );
        assert_eq!(within("the end", person.ears.next()).await, None, "{claims}");
    }
}

#[tokio::test]
async fn a_stranger_who_sends_for_others_is_denied_one_by_one() {
    let (stage, a, b) = Stage::with_both().await;
    let mut barney = Person::at(b.door, "b.example").await;
    let mut fred = Person::at(a.door, "im:fred@a.example").await;
    let open = "<open version='1' domain='gw.c.example' serves='c.example' speaks='im:x@gw.c.example'/>";
    let (mut stranger, answer) = opens(&stage, b.port, open).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.name(), answer.attribute("domain").as_str()), ("open", "gw.b.example"));
    for (nth, source) in [
        "im:fred@a.example",
        "im:barney@b.example",
        "im:gateway@gw.b.example",
        "im:mailto=x~40y.example@gw.b.example",
        "im:im=pebbles~40c.example@gw.b.example",
        "im:pebbles@sub.c.example",
        "im:pebbles@example",
    ]
    .iter()
    .enumerate()
    {
        let trans_id = nth.to_string();
        stranger.says_with("auth=verified", &trans_id, &format!("{source} im:barney@b.example"), HELLO).await;
        assert_eq!(stranger.answer_to(&trans_id).await, "failure denied", "{source}");
    }
    // Its own it may use, though not under a name of its choice, nor by a way that it makes up.
    stranger.says_with("id=chosen via=gw.x.example", "own", FROM_C, HELLO).await;
    let message = barney.message().await;
    assert_eq!(message.attribute("source"), "im:pebbles@c.example");
    assert_ne!(message.parameter("id"), "chosen");
    assert_eq!(message.parameter("via"), "gw.b.example");
    barney.thanks(&message).await;
    assert_eq!(stranger.answer_to("own").await, "success");

    // B passes on to A what is the stranger's own, and A does not take it from B, which may not send for it.
    stranger.says("on", "im:pebbles@c.example im:fred@a.example", HELLO).await;
    assert_eq!(stranger.answer_to("on").await, "failure denied");
    fred.says("1", "im:fred@a.example im:fred@a.example", HELLO).await;
    assert_eq!(fred.message().await.attribute("source"), "im:fred@a.example");
}

#[tokio::test]
async fn a_stranger_without_claims_may_say_nothing() {
    let (stage, _a, b) = Stage::with_both().await;
    let (mut stranger, answer) = opens(&stage, b.port, "<open version='1'/>").await;
    assert_eq!(answer.expect("an answer").name(), "open");
    stranger.says("1", FROM_C, HELLO).await;
    assert_eq!(stranger.answer_to("1").await, "failure denied");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (stage, _a, b) = Stage::with_both().await;
    let other = Authority::new(&stage.folder.path().join("other"));
    for names in [["c.example", "gw.c.example"], ["a.example", "gw.a.example"]] {
        let config = stage.authority.client(&other.issue(&names));
        let open = format!("<open version='1' serves='{}'/>", names[0]);
        let (_, answer) = Person::with_certificate(b.port, config, "b.example", &open).await;
        assert_eq!(answer, None, "{names:?}");
    }
}

#[tokio::test]
async fn the_right_to_speak_for_a_domain_is_not_had_by_coming_from_this_machine() {
    let (stage, _a, b) = Stage::with_both().await;
    // The listener for gateways trusts nobody, the door for people only those of b.example.
    let config = stage.authority.client(&stage.authority.issue(&["c.example"]));
    let open = "<open version='1' serves='im:barney@b.example'/>";
    let (_, answer) = Person::with_certificate(b.port, config, "b.example", open).await;
    assert_eq!(answer.expect("an answer").attribute("reason"), "unauthorised");
    let answer = Person::tries(b.door, "<open version='1' speaks='im:fred@a.example'/>").await;
    assert_eq!(answer.expect("an answer").attribute("reason"), "unauthorised");
}
