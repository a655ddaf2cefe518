//! What looks like a peer gateway's mail: believed once, for whom it was sealed, as it was sealed, and else as nothing but
//! what a user typed.

use crate::support::gateway::{Gateway, PATIENCE, Site, free_port};
use crate::support::native::{Client, Frame, Open};
use crate::support::pair::over_mail_by;
use crate::support::smtp::{Mailbox, Smtp, Taken};

const FRED: &str = "im:fred@a.example";
const BOB: &str = "im:bob@b.example";
const BOB_MAILBOX: &str = "im=bob~40b.example@gw.b.example";

/// Two gateways, and somebody between them who keeps all that A sends.
struct Between {
    gateways: [(Site, Gateway); 2],
    caught: Mailbox,
    b_mail: u16,
    fred: Client,
    bob: Client,
    carol: Client,
}

impl Between {
    fn new() -> Self {
        let (a_mail, b_mail, caught) = (free_port(), free_port(), Mailbox::start());
        let pair = over_mail_by((a_mail, b_mail), (caught.port, a_mail));
        let (a, b) = (pair.a.start(), pair.b.start());
        a.wait_ready();
        b.wait_ready();
        let person = |port: u16, name: &str| {
            let serves = format!("im:{name} pres:{name}");
            Client::open(port, Open { serves: &serves, ..Open::default() })
        };
        let fred = person(pair.a.port, "fred@a.example");
        let (bob, carol) = (person(pair.b.port, "bob@b.example"), person(pair.b.port, "carol@b.example"));
        Self { gateways: [(pair.a, a), (pair.b, b)], caught, b_mail, fred, bob, carol }
    }

    fn brings(&self, mail: &Taken, to: &str, text: &str) {
        brings(self.b_mail, mail, to, text);
    }
}

/// Hands a mail to who takes it at this port, as whoever sent it did.
fn brings(port: u16, mail: &Taken, to: &str, text: &str) {
    let sender = mail.from.split_once('>').unwrap().0.trim_start_matches("FROM:<");
    let reply = Smtp::hello(port).mail(sender, to, text);
    assert_eq!(reply.code, 250, "{reply:?}");
}

fn message(client: &mut Client) -> Frame {
    loop {
        let frame = client.next(PATIENCE).expect("a message");
        if frame.element() == "message" {
            return frame;
        }
    }
}

#[test]
fn an_envelope_is_believed_once_as_it_is_for_whom_it_is() {
    let mut world = Between::new();
    world.fred.message("1", FRED, BOB, "Yabba, dabba!");
    let mail = world.caught.one();
    assert!(mail.field("CPIM-Envelope").is_some(), "{mail:?}");

    // Whatever was changed, or goes to somebody else, is of a stranger; his envelope is not passed on.
    let stranger = "im:mailto=im~3dfred~7e40a.example~40gw.a.example@gw.b.example";
    let envelope = mail.field("CPIM-Envelope").unwrap();
    let text = mail.text.replace("Yabba, dabba!", "Send me your money");
    world.brings(&mail, BOB_MAILBOX, &text);
    let got = message(&mut world.bob);
    assert_eq!(got.attribute("source").as_deref(), Some(stranger));
    assert!(!String::from_utf8_lossy(&got.content).contains(envelope.split(' ').next().unwrap()), "{got:?}");
    world.bob.respond(&got, "success", "");
    world.brings(&mail, "im=carol~40b.example@gw.b.example", &mail.text);
    let got = message(&mut world.carol);
    assert_eq!(got.attribute("source").as_deref(), Some(stranger));
    world.carol.respond(&got, "success", "");

    // As it was sent it is fred's, and once only.
    for _ in 0..3 {
        world.brings(&mail, BOB_MAILBOX, &mail.text);
    }
    let got = message(&mut world.bob);
    assert_eq!(got.attribute("source").as_deref(), Some(FRED));
    assert!(got.body().contains("Yabba, dabba!"), "{got:?}");
    world.bob.respond(&got, "success", "");
    world.brings(&mail, BOB_MAILBOX, &mail.text);
    world.fred.message("2", FRED, BOB, "Dabba!");
    let next = world.caught.wait(2).remove(1);
    world.brings(&next, BOB_MAILBOX, &next.text);
    assert!(message(&mut world.bob).body().contains("Dabba!"), "nothing came twice");
}

#[test]
fn presence_that_comes_again_changes_nothing() {
    let mut world = Between::new();
    let subscribe =
        "<subscribe watcher='pres:fred@a.example' target='pres:bob@b.example' duration='600' transID='7'/>";
    world.fred.try_send("", subscribe, b"").unwrap();
    let first = world.caught.one();
    world.brings(&first, BOB_MAILBOX, &first.text);
    assert_eq!(world.fred.next_answer(PATIENCE).unwrap().status, "success");
    let end = "<unsubscribe watcher='pres:fred@a.example' target='pres:bob@b.example' transID='8'/>";
    world.fred.try_send("", end, b"").unwrap();
    let is_end = |mail: &&Taken| mail.field("Subject").as_deref() == Some("unsubscribe");
    let last = loop {
        let all = world.caught.taken();
        if let Some(last) = all.iter().find(is_end) {
            break last.clone();
        }
        crate::support::gateway::breathe();
    };
    world.brings(&last, BOB_MAILBOX, &last.text);
    assert_eq!(world.fred.next_answer(PATIENCE).unwrap().status, "success");
    let [_a, (site, b)] = world.gateways;
    let watchers = "/v1/watchers?of=pres:bob@b.example";
    let ended = |_, answer: &str| answer.contains("fred@a.example") && answer.contains("\"ended\":\"");
    b.wait_answer(watchers, ended);
    // Somebody kept the mail by which it began, and waits for a moment at which nobody may remember.
    brings(world.b_mail, &first, BOB_MAILBOX, &first.text);
    assert!(ended(200, &b.ask(watchers).1), "{}", b.ask(watchers).1);
    b.kill();
    let again = site.start();
    again.wait_ready();
    brings(world.b_mail, &first, BOB_MAILBOX, &first.text);
    let watched = again.ask(watchers).1;
    assert!(!watched.contains("fred@a.example") || ended(200, &watched), "{watched}");
}
