//! Kill -9 while a command is under way, at each named point of its path but `answered`, since the inbox is no peer whose
//! answer is awaited: it is done once, and answered once.

use crate::someone::{GATEWAY, OPEN_HOUSE, text};
use crate::support::gateway::{PATIENCE, Site};
use crate::support::native::{Client, Frame, Open};

const FRED: &str = "im:fred@a.example pres:fred@a.example";

/// Fred, who recognises retransmissions.
fn fred(site: &Site) -> Client {
    Client::open(site.port, Open { serves: FRED, remembers: true, ..Open::default() })
}

/// What came to an inbox over all its sessions: each message once.
#[derive(Default)]
struct Inbox(Vec<Frame>);

impl Inbox {
    /// The next answer to this transID; messages on the way are taken, and one that comes again is the same.
    fn answered(&mut self, client: &mut Client, trans_id: &str) -> String {
        loop {
            let frame = client.next(PATIENCE).expect("a frame");
            match frame.element() {
                "message" => self.take(client, frame),
                "response" if frame.trans_id() == trans_id => return frame.attribute("status").unwrap(),
                _ => {}
            }
        }
    }

    fn take(&mut self, client: &mut Client, frame: Frame) {
        client.respond(&frame, "success", "");
        if !self.0.iter().any(|known| known.trans_id() == frame.trans_id()) {
            self.0.push(frame);
        }
    }

    /// Takes messages until one that begins so, and gives back the texts of all.
    fn texts(&mut self, client: &mut Client, last: &str) -> Vec<String> {
        while !self.0.iter().any(|frame| text(frame).starts_with(last)) {
            let frame = client.next(PATIENCE).expect("a frame");
            if frame.element() == "message" {
                self.take(client, frame);
            }
        }
        self.0.iter().map(text).collect()
    }
}

/// Sends commands, of which one is held at a point, kills the gateway there, and sends the same again to the next one.
fn held_at(point: &str) {
    let site = Site::new(OPEN_HOUSE);
    let mut inbox = Inbox::default();
    let gateway = site.start_held(point);
    let mut client = fred(&site);
    client.message("1", "im:fred@a.example", GATEWAY, "block *@b.example messages");
    gateway.wait_held(point);
    gateway.kill();
    // What was on its way to him is read to the end.
    while let Ok(frame) = client.next(PATIENCE) {
        if frame.element() == "message" {
            inbox.0.push(frame);
        }
    }

    let gateway = site.start();
    let mut client = fred(&site);
    client.message("1", "im:fred@a.example", GATEWAY, "block *@b.example messages");
    assert_eq!(inbox.answered(&mut client, "1"), "success", "{point}");
    client.message("2", "im:fred@a.example", GATEWAY, "rules");
    assert_eq!(inbox.answered(&mut client, "2"), "success", "{point}");
    // A third command's answer comes behind both: nothing was said twice.
    client.message("3", "im:fred@a.example", GATEWAY, "whoami");
    assert_eq!(inbox.answered(&mut client, "3"), "success", "{point}");
    let mut said = inbox.texts(&mut client, "You are im:fred");
    assert!(said.pop().is_some_and(|last| last.starts_with("You are im:fred")), "{point}: {:#?}", inbox.0);
    said.sort_unstable();
    // What was taken up after the start may have been answered before he was back, and then nobody has the answer.
    if !gateway.said().contains("failure (unreachable: known, but not in contact)") {
        assert_eq!(said.remove(0), "*@b.example is blocked: messages.", "{point}");
    }
    assert_eq!(said, ["block *@b.example messages"], "{point}");
}

#[test]
fn before_it_is_taken() {
    held_at("received");
}

#[test]
fn once_it_is_accepted() {
    held_at("accepted");
}

#[test]
fn before_it_is_done() {
    held_at("attempting");
}

#[test]
fn while_it_is_done() {
    held_at("committed");
}

#[test]
fn once_it_is_done() {
    held_at("delivered");
}

#[test]
fn once_its_end_is_known() {
    held_at("settled");
}
