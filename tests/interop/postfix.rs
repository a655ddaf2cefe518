//! Postfix as the mail server of another domain: what a native session writes is read in a mailbox, what is answered
//! there comes back, and its delivery reports decide the outcome.

use crate::support::gateway::{Gateway, Site, free_port};
use crate::support::native::{Client, Open};
use crate::support::postfix::Postfix;

const FRED: &str = "im:fred@a.example";
const BOB: &str = "im:mailto=bob~40mail.example@gw.example";

/// A gateway and a Postfix that send each other their mail.
struct Stage {
    site: Site,
    _gateway: Gateway,
    postfix: Postfix,
}

impl Stage {
    fn new() -> Self {
        Self::with("", "")
    }

    /// With these lines of `main.cf`, and of the configuration.
    fn with(main_cf: &str, more: &str) -> Self {
        let port = free_port();
        let postfix = Postfix::start(port, main_cf);
        let site = Site::new(&format!(
            "[[smtp.listener]]\naddress = \"127.0.0.1:{port}\"\n\
             [smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n{more}",
            postfix.port
        ));
        let gateway = site.start();
        gateway.wait_ready();
        Self { site, _gateway: gateway, postfix }
    }

    fn fred(&self) -> Client {
        Client::open(self.site.port, Open { serves: FRED, ..Open::default() })
    }
}

/// The value of a field in a mail on disk, folds undone.
fn field<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let (header, _) = mail.split_once("\n\n").unwrap();
    header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn a_report_of_delivery_is_success_and_the_mail_is_in_the_mailbox() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    fred.message("1", FRED, BOB, "Yabba, dabba!");
    let answer = fred.expect_answer();
    assert!(answer.is("success", ""), "{answer:?}");
    let mails = stage.postfix.mailbox("bob");
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(field(mail, "From"), Some("<im=fred~40a.example@gw.example>"), "{mail}");
    assert!(mail.ends_with("\n\nYabba, dabba!\n"), "{mail}");
    assert!(stage.postfix.log().contains("dsn=2.0.0, status=sent (delivered to maildir)"));
}

#[test]
fn a_bounce_is_failure_with_its_words() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    fred.message("1", FRED, "im:mailto=nobody~40mail.example@gw.example", "Yabba, dabba!");
    let answer = fred.expect_answer();
    assert!(answer.is("failure", "refused"), "{answer:?}");
    assert!(answer.text.contains("5.1.1") && answer.text.contains("unknown user"), "{answer:?}");
}

#[test]
fn what_is_answered_in_a_mail_program_comes_back_to_the_session() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    fred.message("1", FRED, BOB, "Yabba, dabba!");
    assert!(fred.expect_answer().is("success", ""));
    let mail = stage.postfix.wait_mails("bob", 1).remove(0);
    let back = field(&mail, "From").unwrap().trim_matches(['<', '>']);
    let asked = field(&mail, "Message-ID").unwrap();
    let answer = format!(
        "From: Bob <bob@mail.example>\nTo: {back}\nSubject: Re: hello\nMessage-ID: <2@mail.example>\n\
         In-Reply-To: {asked}\nReferences: {asked}\n\nDabba!\n"
    );
    stage.postfix.send("bob@mail.example", back, &answer);
    let message = fred.expect_message();
    assert_eq!(message.attribute("source").as_deref(), Some(BOB));
    assert_eq!(message.attribute("destination").as_deref(), Some(FRED));
    let content = String::from_utf8(message.content.clone()).unwrap();
    assert!(content.ends_with("\r\n\r\nDabba!\r\n"), "{content}");
    fred.respond(&message, "success", "");
    // Nobody asked for a report, so that none comes.
    assert_eq!(stage.postfix.mailbox("bob").len(), 1);
}

#[test]
fn what_cannot_be_delivered_here_is_bounced_to_who_wrote_it() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    stage.postfix.send(
        "carol@mail.example",
        "im=fred~40a.example@gw.example",
        "From: carol@mail.example\nSubject: hello\n\nYabba?\n",
    );
    let message = fred.expect_message();
    fred.respond(&message, "failure", "refused: not now");
    let bounce = stage.postfix.wait_mails("carol", 1).remove(0);
    assert!(bounce.contains("Action: failed") && bounce.contains("Subject: hello"), "{bounce}");
    assert!(field(&bounce, "Return-Path") == Some("<>"), "{bounce}");
}
