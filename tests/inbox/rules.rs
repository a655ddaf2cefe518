//! What is said to the gateway holds at once, and after a crash.

use crate::someone::{OPEN_HOUSE, Someone};
use crate::support::gateway::Site;
use crate::support::process::run;

const FRED: &str = "im:fred@a.example";

#[test]
fn a_block_ends_a_running_subscription_and_says_so() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    wilma.commands("subscribe fred@a.example");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    assert_eq!(
        fred.commands("block wilma@b.example"),
        "im:wilma@b.example is blocked: messages and presence."
    );
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed the subscription was ended by the presentity"]);
    assert_eq!(wilma.writes(FRED, "hello"), "failure denied");
    assert_eq!(
        wilma.commands("subscribe fred@a.example"),
        "You cannot watch im:fred@a.example: not allowed."
    );
    assert_eq!(
        fred.commands("unblock wilma@b.example"),
        "What you said of im:wilma@b.example is taken back."
    );
    assert!(wilma.commands("subscribe fred@a.example").starts_with("You are told of"));
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
}

#[test]
fn a_polite_block_looks_like_somebody_who_went_away() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    wilma.commands("subscribe fred@a.example");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    fred.commands("polite wilma@b.example");
    let blocked = (wilma.is_told(), wilma.writes(FRED, "hello"));
    fred.commands("allow wilma@b.example");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    drop(fred);
    let away = (wilma.is_told(), wilma.writes(FRED, "hello"));
    assert_eq!(blocked, away);
    assert_eq!(away, (vec!["im:fred@a.example closed".to_owned()], "failure unreachable".to_owned()));
}

#[test]
fn rules_outlive_a_kill() {
    let site = Site::new(OPEN_HOUSE);
    let gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    fred.commands("block *@b.example messages\r\nforward barney@a.example for 1h\r\nappear * closed");
    let before = fred.commands("rules");
    gateway.kill();
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    assert_eq!(fred.commands("rules"), before);
    let mut wilma = Someone::new(&site, "wilma@b.example");
    assert_eq!(wilma.writes(FRED, "hello"), "failure denied");
}

/// What is listed can be typed again as it stands.
#[test]
fn rules_are_listed_as_they_are_typed() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let said = [
        "block *@b.example messages",
        "polite im:wilma@b.example presence",
        "allow * watchers if verified",
        "block irc://irc.b.example/* everything if claimed",
        "appear *@*.c.example closed in a meeting",
        "appear im:betty@c.example only im: mailto:",
        "hide *@d.example",
        "visible im:betty@c.example",
        "delegate im:barney@b.example",
        "forward im:barney@a.example until 2126-12-31",
    ];
    fred.commands(&said.join("\r\n"));
    let listed = fred.commands("rules");
    for line in said {
        assert!(listed.lines().any(|known| known.starts_with(line)), "{line} in\n{listed}");
    }
    assert_eq!(listed.lines().count(), said.len(), "{listed}");
    fred.commands(&listed.replace('\n', "\r\n"));
    assert_eq!(fred.commands("rules"), listed);
}

#[test]
fn what_is_forwarded_arrives_elsewhere() {
    let site = Site::new("");
    let gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut barney = Someone::new(&site, "barney@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    assert_eq!(fred.commands("forward barney@a.example"), "Your messages go to im:barney@a.example.");
    let sending = std::thread::spawn(move || (wilma.writes(FRED, "for fred"), wilma));
    let frame = barney.hears();
    assert_eq!(frame.attribute("destination").as_deref(), Some("im:barney@a.example"));
    let (outcome, mut wilma) = sending.join().unwrap();
    assert_eq!(outcome, "success");
    let id = frame.parameter("id").unwrap();
    gateway.wait_answer(&format!("/v1/operations/{id}"), |_, story| {
        story.contains("from im:fred@a.example to im:barney@a.example, as its owner says")
    });
    assert_eq!(fred.commands("forward off"), "Your messages come to you.");
    let sending = std::thread::spawn(move || wilma.writes(FRED, "for fred"));
    assert_eq!(fred.hears().body(), "for fred");
    assert_eq!(sending.join().unwrap(), "success");
    // To the gateway itself nothing is forwarded: it would take others' words for commands.
    assert!(fred.commands("forward gateway@gw.example").starts_with("Nothing is changed"));
}

#[test]
fn others_see_what_they_are_to_see() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    let mut betty = Someone::new(&site, "betty@c.example");
    for watcher in [&mut wilma, &mut betty] {
        watcher.commands("subscribe fred@a.example");
        assert_eq!(watcher.is_told(), ["im:fred@a.example open"]);
    }
    let said = fred.commands("appear *@b.example closed in a meeting");
    assert_eq!(said, "*@b.example sees you closed (in a meeting), if he may watch you.");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed in a meeting"]);
    betty.nothing_else();
    fred.commands("appear *@b.example all");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sets_the_same_rules() {
    let site = Site::new("");
    let _gateway = site.start();
    let folder = site.path("");
    let rules = async |arguments: &[&str]| {
        run(&folder, &[&["rules", "--socket", "admin.sock"], arguments].concat()).await
    };
    let set = rules(&[FRED, "block", "*@spam.example"]).await;
    assert_eq!((set.code, &*set.err), (0, ""));
    assert_eq!(set.out, "im:fred@a.example: *@spam.example is blocked: messages and presence.\n");
    let listed = rules(&["fred@a.example", "--json"]).await;
    assert_eq!(
        listed.out,
        "{\"owner\":\"im:fred@a.example\",\"says\":\"block\",\"about\":\"*@spam.example\",\"detail\":\"everything\"}\n"
    );
    let wrong = rules(&[FRED, "blok", "*"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("did you mean block?"), "{}", wrong.err);
    let no_rule = rules(&[FRED, "subscribe", "im:x@a.example"]).await;
    assert_eq!(no_rule.code, 2);
    assert!(no_rule.err.contains("sets no rule"), "{}", no_rule.err);
    let nobody = rules(&["nobody", "block", "*"]).await;
    assert_eq!(nobody.code, 2, "{}", nobody.err);
}

#[test]
fn a_message_that_is_blocked_is_counted_once() {
    let site = Site::new(OPEN_HOUSE);
    let gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    let mut wilma = Someone::new(&site, "wilma@b.example");
    fred.commands("block wilma@b.example messages");
    for count in 1..=2 {
        assert_eq!(wilma.writes(FRED, "hello"), "failure denied");
        let (_, metrics) = gateway.ask("/metrics");
        let counted = format!("cpim_rules_blocked_total{{says=\"block\"}} {count}\n");
        assert!(metrics.contains(&counted), "{metrics}");
    }
}
