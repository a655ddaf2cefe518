//! Whoever is blocked politely cannot tell it from somebody who is away: every frame is the same, and takes as long.

use std::time::{Duration, Instant};

use crate::someone::{GATEWAY, OPEN_HOUSE, Someone};
use crate::support::gateway::{PATIENCE, Site};
use crate::support::native::{Client, Open};

/// Is there, and blocks; was there once.
const BLOCKS: &str = "fred@a.example";
const AWAY: &str = "bert@a.example";

/// All that wilma gets for what she asks of somebody, without what is drawn anew each time.
struct Wilma {
    client: Client,
    last: u32,
}

impl Wilma {
    fn new(site: &Site) -> Self {
        let serves = "im:wilma@b.example pres:wilma@b.example";
        Self { client: Client::open(site.port, Open { serves, ..Open::default() }), last: 0 }
    }

    fn asks(&mut self, xml: &str, content: &str) {
        self.last += 1;
        let (name, rest) = xml.split_at(xml.find(' ').unwrap());
        let xml = format!("{name} transID='{}'{rest}", self.last);
        self.client.try_send("", &xml, content.as_bytes()).unwrap();
    }

    /// The next frame, octet for octet but for names that differ by chance and the name of whom it is about.
    fn hears(&mut self, whom: &str) -> String {
        let frame = self.client.next(PATIENCE).expect("a frame");
        let mut xml = frame.xml.clone();
        for value in [frame.attribute("transID"), frame.attribute("subscriptID")].into_iter().flatten() {
            xml = xml.replace(&format!("'{value}'"), "'*'");
        }
        // Its length is told in front, and the frame's start line is the first place where it can stand.
        let start = frame.start.replacen(&frame.xml.len().to_string(), &xml.len().to_string(), 1);
        let mut text = format!("{start}\n{xml}");
        if let Some(id) = frame.parameter("id") {
            text = text.replace(id, "*");
        }
        text.replace(whom, "WHOM").replace(&whom.replace('@', "~40"), "WHOM")
            + &String::from_utf8(frame.content).unwrap()
    }

    /// Everything she can try, step by step.
    fn tries(&mut self, whom: &str) -> Vec<String> {
        let watch = |duration: u32| {
            format!("<subscribe watcher='pres:wilma@b.example' target='pres:{whom}' duration='{duration}'/>")
        };
        let write = format!("<message source='im:wilma@b.example' destination='im:{whom}'/>");
        let through_us = format!(
            "<message source='im:wilma@b.example' destination='im:im={}@gw.example'/>",
            whom.replace('@', "~40")
        );
        let end = format!("<unsubscribe watcher='pres:wilma@b.example' target='pres:{whom}'/>");
        let winfo = format!(
            "<subscribe watcher='pres:wilma@b.example' target='pres:winfo={}@gw.example' duration='0'/>",
            whom.replace('@', "~40")
        );
        let text = "Content-Type: text/plain\r\n\r\nhello";
        let mut got = Vec::new();
        for (xml, content, frames) in [
            (&write, text, 1),
            (&watch(0), "", 2),
            (&watch(600), "", 2),
            (&write, text, 1),
            (&watch(600), "", 1),
            (&end, "", 1),
            (&end, "", 1),
            (&watch(600), "", 2),
            (&winfo, "", 1),
            (&through_us, text, 1),
        ] {
            self.asks(xml, content);
            got.extend((0..frames).map(|_| self.hears(whom)));
        }
        got
    }
}

#[test]
fn frame_by_frame() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, BLOCKS);
    drop(Someone::new(&site, AWAY));
    assert_eq!(fred.writes(GATEWAY, "polite wilma@b.example"), "success");
    fred.hears_gateway();
    let mut wilma = Wilma::new(&site);
    let (blocked, away) = (wilma.tries(BLOCKS), wilma.tries(AWAY));
    assert_eq!(blocked, away);
    assert!(blocked[0].contains("unreachable: known, but not in contact"), "{blocked:#?}");
    assert!(blocked[2].contains("status='closed'"), "{blocked:#?}");
    // He publishes, and she is not told: the next thing that she hears is her own answer.
    assert!(fred.commands("status open here").starts_with("You are open"));
    wilma.asks(
        "<message source='im:wilma@b.example' destination='im:fred@a.example'/>",
        "Content-Type: text/plain\r\n\r\nx",
    );
    assert!(wilma.hears(BLOCKS).contains("response"));
    fred.nothing_else();
}

/// Times in a row that each is measured.
const TIMES: usize = 60;

/// How long something takes with whoever blocks and with whoever is away, in the middle of many times; one after the
/// other, so that whatever else the machine does meets both.
fn takes_as_long(what: &str, mut of: impl FnMut(&str) -> Duration) {
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..TIMES {
        for (whom, took) in [BLOCKS, AWAY].into_iter().zip(&mut took) {
            took.push(of(whom));
        }
    }
    let [blocked, away] = took.map(|mut took| {
        took.sort_unstable();
        took[TIMES / 2]
    });
    let [shorter, longer] = if blocked < away { [blocked, away] } else { [away, blocked] };
    assert!(longer < shorter * 2 + Duration::from_millis(1), "{what}: blocked {blocked:?}, away {away:?}");
}

#[test]
fn neither_takes_longer() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, BLOCKS);
    drop(Someone::new(&site, AWAY));
    fred.commands("polite wilma@b.example");
    let mut wilma = Wilma::new(&site);
    let text = "Content-Type: text/plain\r\n\r\nhello";
    let through_us = |whom: &str| format!("im={}@gw.example", whom.replace('@', "~40"));
    for is_through_us in [false, true] {
        takes_as_long("a message", |whom| {
            let to = if is_through_us { through_us(whom) } else { whom.to_owned() };
            let begun = Instant::now();
            wilma.asks(&format!("<message source='im:wilma@b.example' destination='im:{to}'/>"), text);
            let answer = wilma.hears(whom);
            let took = begun.elapsed();
            assert!(answer.contains("unreachable"), "{answer}");
            took
        });
    }
    // From the question to the notification behind the answer: a look, and a subscription from begin to end.
    for duration in [0, 600] {
        takes_as_long(&format!("a subscribe for {duration} s"), |whom| {
            let addresses = format!("watcher='pres:wilma@b.example' target='pres:{whom}'");
            let begun = Instant::now();
            wilma.asks(&format!("<subscribe {addresses} duration='{duration}'/>"), "");
            assert!(wilma.hears(whom).contains("success"));
            assert!(wilma.hears(whom).contains("status='closed'"));
            if duration > 0 {
                wilma.asks(&format!("<unsubscribe {addresses}/>"), "");
                assert!(wilma.hears(whom).contains("success"));
            }
            begun.elapsed()
        });
    }
}

/// Somebody who watches the one who blocks her hears nothing of what he publishes; and what she asks next takes no
/// longer than behind a publication of somebody whom she has nothing to do with.
#[test]
fn what_is_published_takes_no_time_of_hers() {
    let site = Site::new(OPEN_HOUSE);
    let _gateway = site.start();
    let mut fred = Someone::new(&site, BLOCKS);
    let mut other = Someone::new(&site, "barney@a.example");
    drop(Someone::new(&site, AWAY));
    fred.commands("polite wilma@b.example");
    let mut wilma = Wilma::new(&site);
    for whom in [BLOCKS, AWAY] {
        let addresses = format!("watcher='pres:wilma@b.example' target='pres:{whom}'");
        wilma.asks(&format!("<subscribe {addresses} duration='600'/>"), "");
        assert!(wilma.hears(whom).contains("success"));
        assert!(wilma.hears(whom).contains("status='closed'"));
    }
    let (mut nth, text) = (0, "Content-Type: text/plain\r\n\r\nhello");
    takes_as_long("a message behind a publication", |whom| {
        nth += 1;
        let (publisher, name) =
            if whom == BLOCKS { (&mut fred, whom) } else { (&mut other, "barney@a.example") };
        let tuple = format!("<tuple destination='im:{name}' status='open'>{nth}</tuple>");
        let publish = format!("<publish target='pres:{name}'><presence>{tuple}</presence></publish>");
        assert_eq!(publisher.asks(&publish), "success");
        let begun = Instant::now();
        wilma.asks(&format!("<message source='im:wilma@b.example' destination='im:{whom}'/>"), text);
        let answer = wilma.hears(whom);
        assert!(answer.contains("unreachable"), "the next that she hears is her own answer: {answer}");
        begun.elapsed()
    });
    fred.nothing_else();
}
