//! Postfix as the mail server of another domain: what a native session writes is read in a mailbox, what is answered
//! there comes back, and its delivery reports decide the outcome.

use crate::support::gateway::{Gateway, Site, breathe, free_port};
use crate::support::native::{Client, Open};
use crate::support::postfix::Postfix;

const FRED: &str = "im:fred@a.example";
const BOB: &str = "im:mailto=bob~40mail.example@gw.example";

/// A gateway and a Postfix that send each other their mail.
struct Stage {
    site: Site,
    gateway: Gateway,
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
        Self { site, gateway, postfix }
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

#[test]
fn a_conversation_stays_together_in_a_mail_program() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let wrapped = |subject: &str, more: &str| {
        format!(
            "Content-Type: Message/CPIM\r\n\r\nFrom: Fred Flintstone <{FRED}>\r\nTo: Bob <{BOB}>\r\nSubject: {subject}\r\n\
             NS: M <tag:cpim-gateway.example,2026:metadata>\r\n{more}\r\nContent-Type: text/plain\r\n\r\nYabba"
        )
    };
    let send = |fred: &mut Client, trans_id: &str, content: &str| {
        let xml = format!("<message source='{FRED}' destination='{BOB}' transID='{trans_id}'/>");
        fred.try_send("", &xml, content.as_bytes()).unwrap();
        let answer = fred.expect_answer();
        assert!(answer.is("success", ""), "{answer:?}");
    };
    send(&mut fred, "1", &wrapped("About the quarry", "M.Message-Ref: <1@a.example>\r\n"));
    let first = stage.postfix.wait_mails("bob", 1).remove(0);
    assert_eq!(field(&first, "Subject"), Some("About the quarry"), "{first}");
    assert_eq!(field(&first, "Message-ID"), Some("<1@a.example>"), "{first}");
    assert!(first.contains("From: \"Fred Flintstone\"\n <im=fred~40a.example@gw.example>"), "{first}");

    stage.postfix.send(
        "bob@mail.example",
        "im=fred~40a.example@gw.example",
        "From: Bob <bob@mail.example>\nTo: Fred <im=fred~40a.example@gw.example>\nSubject: Re: About the quarry\n\
         Message-ID: <2@mail.example>\nIn-Reply-To: <1@a.example>\nReferences: <1@a.example>\n\nDabba!\n",
    );
    let reply = fred.expect_message();
    fred.respond(&reply, "success", "");
    let content = String::from_utf8(reply.content.clone()).unwrap();
    for line in [
        "Subject: Re: About the quarry\r\n",
        "Message-Ref: <2@mail.example>\r\n",
        "Reference: <1@a.example>\r\n",
    ] {
        assert!(content.contains(line), "{line}{content}");
    }

    let more =
        "M.Message-Ref: <3@a.example>\r\nM.Reference: <1@a.example>\r\nM.Reference: <2@mail.example>\r\n";
    send(&mut fred, "2", &wrapped("Re: About the quarry", more));
    let third = stage.postfix.wait_mails("bob", 2).remove(1);
    assert_eq!(field(&third, "In-Reply-To"), Some("<2@mail.example>"), "{third}");
    assert!(third.contains("References: <1@a.example>\n <2@mail.example>\n"), "{third}");
}

#[test]
fn nobody_can_make_up_a_report() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    fred.message("1", FRED, BOB, "Yabba, dabba!");
    assert!(fred.expect_answer().is("success", ""));
    let mail = stage.postfix.wait_mails("bob", 1).remove(0);
    let path = field(&mail, "Return-Path").unwrap().trim_matches(['<', '>']).to_owned();
    let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=x\nSubject: failed\n\n--x\n\nwords\n--x\n\
                  Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; bob@mail.example\n\
                  Action: failed\nStatus: 5.1.1\n\n--x--\n";
    // With the right key it comes too late, with another it does not come in.
    stage.postfix.send("carol@mail.example", &path, report);
    let key = path.split_once('-').unwrap().1.split_once('@').unwrap().0;
    let other: String = key.chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    stage.postfix.send("carol@mail.example", &path.replace(key, &other), report);
    let bounce = stage.postfix.wait_mails("carol", 1).remove(0);
    assert!(bounce.contains("550 5.1.1") || bounce.contains("550-5.1.1"), "{bounce}");
    fred.message("2", FRED, BOB, "Dabba!");
    assert!(fred.expect_answer().is("success", ""));
}

/// The mails of a mailbox that are notifications.
fn notices(postfix: &Postfix) -> Vec<String> {
    postfix.mailbox("bob").into_iter().filter(|mail| field(mail, "List-Unsubscribe").is_some()).collect()
}

#[test]
fn presence_is_asked_for_told_and_ended_by_mail() {
    let stage = Stage::with("", "notice_interval = \"1s\"\n[principals]\nsubscribe = \"verified\"\n");
    let mut fred = Client::open(
        stage.site.port,
        Open { serves: "im:fred@a.example pres:fred@a.example", ..Open::default() },
    );
    let mut publish = |nth: u32, status: &str, words: &str| {
        let xml = format!(
            "<publish target='pres:fred@a.example' transID='p{nth}'><presence>\
             <tuple destination='{FRED}' status='{status}'>{words}</tuple></presence></publish>"
        );
        fred.try_send("", &xml, b"").unwrap();
        assert!(fred.expect_answer().is("success", ""));
    };
    publish(1, "open", "at the quarry");
    let to_gateway = |text: &str| {
        let mail =
            format!("From: Bob <bob@mail.example>\nTo: gateway@gw.example\nSubject: presence\n\n{text}\n");
        stage.postfix.send("bob@mail.example", "gateway@gw.example", &mail);
    };
    // Anybody can write in Bob's name: it is he who is asked.
    to_gateway("subscribe pres:fred@a.example 1h");
    let asked = stage.postfix.wait_mails("bob", 1).remove(0);
    assert!(asked.contains("subscribe pres:fred@a.example") && notices(&stage.postfix).is_empty(), "{asked}");
    let confirm = asked.lines().find(|line| line.starts_with("confirm ")).expect("a word to confirm with");
    to_gateway(confirm);
    while notices(&stage.postfix).is_empty() {
        breathe();
    }
    let first = notices(&stage.postfix).remove(0);
    assert_eq!(field(&first, "Auto-Submitted"), Some("auto-generated"), "{first}");
    assert_eq!(field(&first, "Subject"), Some("pres:fred@a.example is available"), "{first}");
    assert!(first.contains("at the quarry"), "{first}");
    publish(2, "closed", "gone home");
    while notices(&stage.postfix).len() < 2 {
        breathe();
    }
    let second = notices(&stage.postfix).remove(1);
    assert!(second.contains("gone home"), "{second}");
    assert_eq!(field(&second, "References"), field(&first, "References"), "one conversation");

    let way_out = field(&second, "List-Unsubscribe").unwrap();
    let way_out = way_out.strip_prefix("<mailto:").unwrap().trim_end_matches('>').to_owned();
    let watchers = "/v1/watchers?of=pres:fred@a.example";
    stage.gateway.wait_answer(watchers, |_, answer| answer.contains("bob"));
    stage.postfix.send("bob@mail.example", &way_out, "From: bob@mail.example\n\n\n");
    stage.gateway.wait_answer(watchers, |_, answer| answer.contains("\"ended\":\"unsubscribed\""));
    publish(3, "open", "back again");
    fred.message("m", FRED, BOB, "Yabba, dabba!");
    assert!(fred.expect_answer().is("success", ""));
    assert_eq!(notices(&stage.postfix).len(), 2);
}
