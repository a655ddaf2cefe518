//! The inboxes of two gateways, and those who write to them from the one's side and the other's.

use std::time::Duration;

use super::gateway::Gateway;
use super::person::{Frame, HELLO, Person};
use super::stage::{Plan, Stage, at, within};
use crate::support::dns::Zone;

const OWN: &str = "im:fred@a.example im:gateway@gw.a.example";
const OTHER: &str = "im:fred@a.example im:gateway@gw.b.example";
const FRED: &str = "pres:fred@a.example im:fred@a.example";
const BARNEY: &str = "pres:barney@b.example im:barney@b.example";

/// Everybody may watch everybody.
const OPEN_HOUSE: &str = "[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n";

/// Somebody with an inbox, who also keeps what came while he waited for something else.
struct Someone {
    person: Person,
    before: Vec<Frame>,
}

impl Someone {
    async fn at(door: u16, serves: &str) -> Self {
        Self { person: Person::at(door, serves).await, before: Vec::new() }
    }

    /// The next frame that is this.
    async fn until(&mut self, is_it: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.before.iter().position(&is_it) {
            return self.before.remove(at);
        }
        loop {
            let frame = within("a frame", self.person.hears()).await.expect("a frame, not the end");
            if frame.name() == "message" {
                self.person.thanks(&frame).await;
            }
            if is_it(&frame) {
                return frame;
            }
            self.before.push(frame);
        }
    }

    /// Writes a text, and waits until it is answered: how.
    async fn writes(&mut self, trans_id: &str, from_to: &str, text: &str) -> String {
        let entity = format!("Content-Type: text/plain\r\n\r\n{text}");
        self.person.says(trans_id, from_to, entity.as_bytes()).await;
        let is_it = |frame: &Frame| frame.name() == "response" && frame.attribute("transID") == trans_id;
        self.until(is_it).await.outcome()
    }

    /// Writes a command, which is taken; what the inbox says to it.
    async fn commands(&mut self, trans_id: &str, from_to: &str, text: &str) -> String {
        assert_eq!(self.writes(trans_id, from_to, text).await, "success");
        let inbox = from_to.split_once(' ').unwrap().1;
        let said = self.until(|frame| frame.name() == "message" && frame.attribute("source") == inbox).await;
        let said = String::from_utf8(said.content).unwrap();
        said.rsplit_once("\r\n\r\n").unwrap().1.replace("\r\n", "\n")
    }

    /// The next notification: each tuple as `status text`, the newest first.
    async fn is_told(&mut self) -> String {
        let notify = self.until(|frame| frame.name() == "notify").await;
        let tuples = notify.xml.split("<tuple").skip(1).map(|tuple| {
            let status = tuple.split_once("status=").unwrap().1[1..].split(['\'', '"']).next().unwrap();
            let text = tuple.split_once('>').unwrap().1.split('<').next().unwrap();
            format!("{status} {text}").trim_end().to_owned()
        });
        tuples.collect::<Vec<_>>().join(", ")
    }
}

/// Two gateways whose own domains can be found as well as those they host.
async fn both() -> (Stage, Gateway, Gateway) {
    let (stage, a, b) = Stage::with(Plan::a().with(OPEN_HOUSE), Plan::b().with(OPEN_HOUSE)).await;
    let hosted = at(at(Zone::default(), "a", a.port), "b", b.port);
    stage.dns.replace(at(at(hosted, "gw.a", a.port), "gw.b", b.port));
    (stage, a, b)
}

/// A command to one's own gateway has its effect at the other.
#[tokio::test]
async fn a_subscription_by_command_goes_over_the_link_and_ends_there() {
    let (_stage, a, b) = both().await;
    let mut fred = Someone::at(a.door, FRED).await;
    let mut barney = Someone::at(b.door, BARNEY).await;
    let own = "im:barney@b.example im:gateway@gw.b.example";
    let said = fred.commands("1", OWN, "subscribe im:barney@b.example 1h").await;
    assert!(said.starts_with("You are told of im:barney@b.example until 20"), "{said}");
    assert_eq!(fred.is_told().await, "open");
    let watchers = barney.commands("1", own, "watchers").await;
    assert!(watchers.starts_with("im:fred@a.example since 20"), "{watchers}");
    // Whom he writes to at the other gateway knows him as well as the first does.
    let said = fred.commands("2", OTHER, "whoami").await;
    assert_eq!(said, "You are im:fred@a.example. You are proven to be that.");
    assert_eq!(
        fred.commands("3", OWN, "unsubscribe im:barney@b.example").await,
        "You are told of im:barney@b.example no longer."
    );
    let watchers = barney.commands("2", own, "watchers").await;
    assert!(watchers.starts_with("im:fred@a.example unsubscribed 20"), "{watchers}");
}

/// RFC 2779 section 5.1.9, and 5.1.15: who is refused from now on hears of it, and who is politely blocked does not.
#[tokio::test]
async fn a_watcher_at_the_other_gateway_learns_that_he_is_refused_and_not_that_it_is_polite() {
    let (_stage, a, b) = both().await;
    let mut fred = Someone::at(a.door, FRED).await;
    let mut barney = Someone::at(b.door, BARNEY).await;
    let own = "im:barney@b.example im:gateway@gw.b.example";
    let there = "im:fred@a.example im:barney@b.example";
    fred.commands("1", OWN, "subscribe im:barney@b.example 1h").await;
    assert_eq!(fred.is_told().await, "open");

    barney.commands("1", own, "polite im:fred@a.example").await;
    assert_eq!(fred.is_told().await, "closed");
    assert_eq!(fred.writes("2", there, "hello").await, "failure unreachable");
    barney.commands("2", own, "unblock im:fred@a.example").await;
    assert_eq!(fred.is_told().await, "open");

    barney.commands("3", own, "block im:fred@a.example").await;
    assert_eq!(fred.is_told().await, "closed the subscription was ended by the presentity");
    assert_eq!(fred.writes("3", there, "hello").await, "failure denied");
    // His own gateway holds the lease still; it asks the other one, and does not promise what that refuses.
    let said = fred.commands("4", OWN, "subscribe im:barney@b.example 1h").await;
    assert_eq!(said, "You cannot watch im:barney@b.example: not allowed.");
    assert_eq!(fred.commands("5", OWN, "subscriptions").await, "You watch nobody.");
    barney.commands("4", own, "unblock im:fred@a.example").await;
    let said = fred.commands("6", OWN, "subscribe im:barney@b.example 1h").await;
    assert!(said.starts_with("You are told of im:barney@b.example until 20"), "{said}");
    assert_eq!(fred.is_told().await, "open");
}

/// What one gateway's inbox says is never answered by another's, also where somebody has his messages sent on to one.
#[tokio::test]
async fn the_two_inboxes_never_talk_to_each_other() {
    let (_stage, a, b) = both().await;
    let mut fred = Someone::at(a.door, FRED).await;
    // Neither by a rule..
    let said = fred.commands("1", OWN, "forward im:gateway@gw.b.example").await;
    assert!(said.starts_with("Nothing is changed"), "{said}");
    // ..nor by somebody who sends on, by hand and in his own name, what the one says to the other: it says of itself
    // that no person wrote it.
    fred.person.says("2", OTHER, b"Content-Type: text/plain\r\n\r\nhelp").await;
    let is_from = |frame: &Frame| frame.attribute("source") == "im:gateway@gw.b.example";
    let said = fred.until(is_from).await;
    fred.person.says("3", OWN, &said.content).await;
    let is_it = |frame: &Frame| frame.name() == "response" && frame.attribute("transID") == "3";
    assert_eq!(fred.until(is_it).await.outcome(), "success");
    // The next that his own gateway says is the answer to this.
    assert!(fred.commands("4", OWN, "whoami").await.starts_with("You are im:fred@a.example."));
    let accepted = |gateway: &Gateway| gateway.log().matches("accepted id=").count();
    // What a gateway writes into its log is read beside what it sends.
    let mut before = (0, 0);
    while before != (accepted(&a), accepted(&b)) {
        before = (accepted(&a), accepted(&b));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // A message that needs both, so that whatever was on its way has gone.
    let mut barney = Someone::at(b.door, BARNEY).await;
    fred.person.says("5", "im:fred@a.example im:barney@b.example", HELLO).await;
    barney.until(|frame| frame.name() == "message").await;
    let is_it = |frame: &Frame| frame.name() == "response" && frame.attribute("transID") == "5";
    assert_eq!(fred.until(is_it).await.outcome(), "success");
    assert_eq!(
        (accepted(&a), accepted(&b)),
        (before.0 + 1, before.1 + 1),
        "neither inbox says anything more"
    );
    assert!(fred.before.iter().all(|frame| frame.name() == "response"), "{:#?}", fred.before);
}

/// Issue, point 3: after a restart watchers are told what changed meanwhile, and nothing that they know.
#[tokio::test]
async fn a_watcher_at_the_other_gateway_is_not_told_again_what_he_knows() {
    let (_stage, a, mut b) = both().await;
    let mut fred = Someone::at(a.door, FRED).await;
    let own = "im:barney@b.example im:gateway@gw.b.example";
    let mut barney = Someone::at(b.door, "im:barney@b.example").await;
    barney.commands("1", own, "status closed at sea").await;
    drop(barney);
    let said = fred.commands("1", OWN, "subscribe im:barney@b.example 1h").await;
    assert!(said.starts_with("You are told of"), "{said}");
    // His session is over as soon as only what he set is left.
    while fred.is_told().await != "closed at sea" {}

    b.kill().await;
    b.start().await;
    // What the restarted gateway tells by itself comes over the same link as this, and before it.
    assert_eq!(
        fred.commands("2", OTHER, "whoami").await,
        "You are im:fred@a.example. You are proven to be that."
    );
    let mut barney = Someone::at(b.door, "im:barney@b.example").await;
    barney.commands("2", own, "status open ashore").await;
    loop {
        let told = fred.is_told().await;
        assert_ne!(told, "closed at sea", "he knew that");
        if told.contains("open ashore") {
            break;
        }
    }
}
