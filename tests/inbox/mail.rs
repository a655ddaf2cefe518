//! The inbox from a mail program: Postfix brings the commands and takes the answers.

use crate::someone::{OPEN_HOUSE, Someone};
use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::postfix::Postfix;

const BOB: &str = "im:mailto=bob~40mail.example@gw.example";

struct Stage {
    site: Site,
    gateway: Gateway,
    postfix: Postfix,
    /// Mails of bob's that were read.
    read: usize,
}

impl Stage {
    fn new() -> Self {
        let port = free_port();
        let postfix = Postfix::start(port, "");
        let site = Site::new(&format!(
            "[[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\n\
             [smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n{OPEN_HOUSE}",
            postfix.port
        ));
        let gateway = site.start();
        gateway.wait_ready();
        Self { site, gateway, postfix, read: 0 }
    }

    /// The same, with its gateway killed and started again.
    fn after_a_kill(self) -> Self {
        let Self { site, gateway, postfix, read } = self;
        gateway.kill();
        let gateway = site.start();
        gateway.wait_ready();
        Self { site, gateway, postfix, read }
    }

    /// Bob, or whoever says that he is bob, writes to the gateway.
    fn bob_writes(&self, header: &str, text: &str) {
        let mail = format!("From: Bob <bob@mail.example>\nTo: gateway@gw.example\n{header}\n{text}\n");
        self.postfix.send("bob@mail.example", "gateway@gw.example", &mail);
    }

    /// The next mail of bob's.
    fn bob_reads(&mut self) -> String {
        self.read += 1;
        self.postfix.wait_mails("bob", self.read).remove(self.read - 1)
    }
}

fn word_in(mail: &str) -> String {
    let (_, rest) = mail.split_once("\nconfirm ").unwrap_or_else(|| panic!("no word in {mail}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn what_a_mail_only_claims_is_done_once_it_is_confirmed_by_a_reply() {
    let mut stage = Stage::new();
    let mut fred = Someone::new(&stage.site, "fred@a.example");
    stage.bob_writes("Subject: watching\n", "subscribe im:fred@a.example 7d\nwhoami");
    // What changes nothing is answered at once, in his thread.
    let answer = stage.bob_reads();
    assert!(answer.contains("You are im:mailto=bob~40mail.example@gw.example"), "{answer}");
    assert!(answer.contains("\nSubject: Re: watching\n"), "{answer}");
    assert!(answer.contains("\nAuto-Submitted: auto-"), "{answer}");
    let asked = stage.bob_reads();
    let word = word_in(&asked);
    assert!(asked.contains(&format!("\nSubject: confirm {word}\n")), "{asked}");
    assert!(asked.contains("\n- subscribe im:fred@a.example 7d\n"), "{asked}");
    assert_eq!(fred.commands("watchers"), "Nobody watches you here.");
    // Somebody else who has the word cannot use it.
    assert_eq!(fred.commands(&format!("confirm {word}")), "Nothing waits for that word; it may be too old.");
    // He replies, as a mail program does it.
    stage.bob_writes(
        &format!("Subject: Re: confirm {word}\n"),
        "Yes.\n\nOn Monday, gateway@gw.example wrote:\n> Somebody who says he is you",
    );
    let mails = [stage.bob_reads(), stage.bob_reads()];
    assert!(
        mails.iter().any(|mail| mail.contains("You are told of im:fred@a.example until 20")),
        "{mails:?}"
    );
    // And the presence comes by mail.
    assert!(mails.iter().any(|mail| mail.contains("fred@a.example") && mail.contains("open")), "{mails:?}");
    assert!(fred.commands("watchers").starts_with("mailto:bob@mail.example since 20"));
    // Once.
    stage.bob_writes(&format!("Subject: confirm {word}\n"), "");
    assert!(stage.bob_reads().contains("That was confirmed before."));
}

/// A word outlives the gateway that sent it, and what it was good for is done once.
#[test]
fn what_is_confirmed_after_a_kill_is_done_once() {
    let mut stage = Stage::new();
    stage.bob_writes("Subject: somebody\n", "block im:fred@a.example");
    let word = word_in(&stage.bob_reads());
    let mut stage = stage.after_a_kill();
    stage.bob_writes("", "rules");
    assert!(stage.bob_reads().contains("You have set no rules."));
    stage.bob_writes("", &format!("confirm {word}"));
    assert!(stage.bob_reads().contains("im:fred@a.example is blocked: messages and presence."));
    let mut stage = stage.after_a_kill();
    stage.bob_writes("", &format!("confirm {word}"));
    assert!(stage.bob_reads().contains("That was confirmed before."));
    stage.bob_writes("", "rules");
    assert!(stage.bob_reads().contains("block im:fred@a.example everything"));
}

#[test]
fn presence_that_is_set_by_mail_is_seen_and_outlives_a_kill() {
    let mut stage = Stage::new();
    stage.bob_writes("Subject: status open at my desk\n", "");
    let word = word_in(&stage.bob_reads());
    stage.bob_writes("", &format!("confirm {word}"));
    assert!(stage.bob_reads().contains("You are open: at my desk."));
    let mut fred = Someone::new(&stage.site, "fred@a.example");
    assert!(
        fred.commands("subscribe mailto:bob@mail.example")
            .starts_with("You are told of mailto:bob@mail.example")
    );
    let open = vec![format!("{BOB} open at my desk")];
    assert_eq!(fred.is_told(), open);
    drop(fred);
    let Stage { site, gateway, postfix: _postfix, .. } = stage;
    gateway.kill();
    let _gateway = site.start();
    let mut fred = Someone::new(&site, "fred@a.example");
    assert_eq!(fred.is_told(), open, "his subscription goes on");
}

#[test]
fn a_program_that_answers_is_not_answered() {
    let mut stage = Stage::new();
    stage.bob_writes("Subject: out of office\nAuto-Submitted: auto-replied\n", "block *");
    stage.bob_writes("Subject: x\nPrecedence: bulk\nList-Id: <l.mail.example>\n", "block *");
    stage.bob_writes("Subject: rules\n", "");
    let answer = stage.bob_reads();
    assert!(answer.contains("You have set no rules."), "{answer}");
    assert_eq!(stage.postfix.mailbox("bob").len(), 1);
}
