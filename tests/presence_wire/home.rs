//! "A session that serves a whole domain is its home": a server that comes and goes, written by hand.

use super::someone::{Someone, WILMA, gateway, outcome, tuples};
use crate::support::gateway::{PATIENCE, Site, breathe};
use crate::support::native::{Client, Frame, Open, Silence};

const DINO: &str = "pres:dino@c.example";

/// The home of c.example.
struct Home(Client);

impl Home {
    fn at(site: &Site) -> Self {
        Self(Client::open(site.port, Open { serves: "c.example", ..Open::default() }))
    }

    /// The next frame, which must be one of these.
    fn asked(&mut self, element: &str) -> Frame {
        let frame = self.0.next(PATIENCE).expect("a frame");
        assert_eq!(frame.element(), element, "{frame:?}");
        frame
    }

    fn answers(&mut self, frame: &Frame, rest: &str) {
        let xml = format!("<response transID='{}' {rest}", frame.trans_id());
        self.0.try_send("", &xml, b"").unwrap();
    }

    /// Answers the next subscribe, which must be wilma's for dino, and gives it back.
    fn grants(&mut self, duration: &str, id: &str) -> Frame {
        let subscribe = self.asked("subscribe");
        assert_eq!(subscribe.attribute("watcher").as_deref(), Some(WILMA), "with the watcher's own identity");
        assert_eq!(subscribe.attribute("target").as_deref(), Some(DINO));
        self.answers(&subscribe, &format!("status='success' duration='{duration}' subscriptID='{id}'/>"));
        subscribe
    }

    fn notifies(&mut self, watcher: &str, status: &str) {
        let tuple = format!("<tuple destination='im:dino@c.example' status='{status}'/>");
        let xml = format!(
            "<notify watcher='{watcher}' target='{DINO}' transID='9'><presence>{tuple}</presence></notify>"
        );
        self.0.try_send("", &xml, b"").unwrap();
    }
}

fn subscribe(duration: u32, more: &str) -> String {
    format!("<subscribe watcher='{WILMA}' target='{DINO}' duration='{duration}'{more}/>")
}

#[test]
fn a_subscription_passes_through_its_home_which_comes_and_goes() {
    let (site, _gateway) = gateway();
    let mut wilma = Someone::serving(&site, WILMA);
    assert_eq!(outcome(&wilma.asks(&subscribe(600, ""), b"")), "failure no-route", "nobody knows of it yet");

    let mut home = Home::at(&site);
    wilma.sends(&subscribe(600, ""), b"");
    let passed = home.grants("600", "far");
    assert_eq!(passed.attribute("duration").as_deref(), Some("600"));
    let answer = wilma.hears();
    assert_eq!(outcome(&answer), "success");
    let id = answer.attribute("subscriptID").expect("a name");
    home.notifies(WILMA, "open");
    assert_eq!(wilma.is_told(), ["im:dino@c.example open"]);
    // RFC 2779 section 5.3.2: who did not ask hears nothing, and nothing is answered.
    let mut betty = Someone::serving(&site, "pres:betty@b.example");
    home.notifies("pres:betty@b.example", "open");
    home.notifies(WILMA, "closed");
    assert_eq!(wilma.is_told(), ["im:dino@c.example closed"]);
    assert_eq!(betty.unsubscribes(), "failure denied", "the next that she hears is an answer");

    // Gone, it is unreachable at once; back, it is asked for what is left of the subscription, and who watches hears.
    drop(home);
    let fetch = subscribe(0, "");
    while outcome(&wilma.asks(&fetch, b"")) != "failure unreachable" {
        breathe();
    }
    let mut home = Home::at(&site);
    let again = home.grants("300", "anew");
    assert_eq!(again.attribute("subscriptID").as_deref(), Some("far"));
    let left: u32 = again.attribute("duration").unwrap().parse().unwrap();
    assert!((500..=600).contains(&left), "{left}");
    home.notifies(WILMA, "open");
    assert_eq!(wilma.is_told(), ["im:dino@c.example open"]);

    // Step 3 is answered here; the renewal and the end go through.
    assert_eq!(outcome(&wilma.asks(&subscribe(600, ""), b"")), "failure already-subscribed");
    wilma.sends(&format!("<unsubscribe watcher='{WILMA}' target='{DINO}'/>"), b"");
    let unsubscribe = home.asked("unsubscribe");
    home.answers(&unsubscribe, "status='success'/>");
    assert_eq!(outcome(&wilma.hears()), "success");
    home.notifies(WILMA, "closed");
    let gone = subscribe(0, &format!(" subscriptID='{id}'"));
    wilma.sends(&gone, b"");
    let look = home.asked("subscribe");
    assert_eq!(look.attribute("duration").as_deref(), Some("0"), "a look is passed on as one");
    home.answers(&look, "status='failure'>denied: not to you</response>");
    assert_eq!(outcome(&wilma.hears()), "failure denied", "and the stray notify was passed to nobody");
}

/// Whatever its home says to a watcher is told to that one alone: nothing is kept that could answer anwilma.
#[test]
fn each_watcher_is_answered_by_the_home() {
    let (site, _gateway) = gateway();
    let mut home = Home::at(&site);
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.sends(&subscribe(0, ""), b"");
    let asked = home.asked("subscribe");
    home.answers(&asked, "status='success' duration='0'/>");
    home.notifies(WILMA, "open");
    assert_eq!(outcome(&wilma.hears()), "success");
    assert_eq!(tuples(&wilma.notified()), ["im:dino@c.example open"]);
    let mut betty = Someone::serving(&site, "pres:betty@b.example");
    betty.sends(&subscribe(0, "").replace(WILMA, "pres:betty@b.example"), b"");
    let asked = home.asked("subscribe");
    assert_eq!(asked.attribute("watcher").as_deref(), Some("pres:betty@b.example"));
    home.answers(&asked, "status='failure'>denied: not to you</response>");
    assert_eq!(outcome(&betty.hears()), "failure denied");
    home.notifies("pres:betty@b.example", "open");
    assert_eq!(
        home.0.next(std::time::Duration::from_millis(200)),
        Err(Silence::Time),
        "no notify is answered"
    );
}
