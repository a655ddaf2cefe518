//! A mail becomes a message, one for each recipient, and the reply says what is known.

use crate::stage::{BOB, FRED, FRED_MAILBOX, HELLO, Stage, hello, stands};
use crate::support::native::{Client, Open};

/// What the gateway makes of the mail of a stranger.
const BOB_URI: &str = "im:mailto=bob~40mail.example@gw.example";

#[test]
fn a_mail_is_a_message_with_its_entity_octet_for_octet() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let entity = "Content-Type: multipart/alternative; boundary=\"b\"\n\
                  \n--b\nContent-Type: text/plain\n\n.\n..hidden \t\n--b\nContent-Type: text/html\n\n<b>x</b>\n--b--\n";
    let mail = format!(
        "Received: from [192.0.2.7] by mail.example\nX-Originating-IP: [192.0.2.7]\nFrom: Bob <bob@mail.example>\n\
         Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n{entity}"
    );
    let reply = stage.client().mail(BOB, FRED_MAILBOX, &mail);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    assert_eq!(got.attribute("source").as_deref(), Some(BOB_URI));
    assert_eq!(got.attribute("destination").as_deref(), Some(FRED));
    let content = String::from_utf8(got.content.clone()).unwrap();
    assert!(content.contains(&entity.replace('\n', "\r\n")), "{content}");
    assert!(content.contains("Gr\u{fc}\u{df}e"), "{content}");
    // Where the writer sat stays with the server that he wrote to.
    assert!(!content.contains("192.0.2.7") && !got.xml.contains("127.0.0.1"), "{content}");
    fred.respond(&got, "success", "");
}

/// As Postfix and Exim have it: the body begins where the header cannot go on.
#[test]
fn what_is_written_without_an_empty_line_is_no_header() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut client = stage.client();
    for (mail, body) in [
        ("hello\n", "hello\r\n"),
        ("Subject: hi\nhello\nfred: how are you?\n", "hello\r\nfred: how are you?\r\n"),
        ("first\n\nsecond\n", "first\r\n\r\nsecond\r\n"),
        ("From bob Sat Nov 28\nFrom: Bob <bob@mail.example>\n folded\n\n: body\n", ": body\r\n"),
    ] {
        assert_eq!(client.mail(BOB, FRED_MAILBOX, mail).code, 250, "{mail}");
        let got = fred.expect_message();
        let content = String::from_utf8(got.content.clone()).unwrap();
        assert!(content.ends_with(&format!("charset=us-ascii\r\n\r\n{body}")), "{content}");
        fred.respond(&got, "success", "");
    }
}

/// What a list or a forwarder makes of a sender is longer than we write any; he is written back to all the same.
#[test]
fn a_long_sender_is_heard_and_told() {
    let stage = Stage::new();
    let _fred = stage.fred();
    let long = format!("bounces+SRS={}=mail.example=bob@forwarder.example", "x".repeat(70));
    let mail = HELLO.replace("From: Bob <bob@mail.example>\n", "");
    let reply = stage.client().mail(&long, "im=nobody~40a.example@gw.example", &mail);
    assert_eq!(reply.code, 250, "{reply:?}");
    let report = stage.outgoing.one();
    assert!(report.to[0].starts_with(&format!("TO:<{long}>")), "{report:?}");
    assert!(report.text.contains("Action: failed"), "{report:?}");
}

#[test]
fn every_form_of_the_address_is_read() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut client = stage.client();
    for (nth, form) in [
        FRED_MAILBOX,
        "IM=fred~40a.example@GW.example",
        "\"im=fred~40a.example\"@gw.example",
        "im=fred%40a.example@gw.example",
        "\"im=fred@a.example\"@gw.example",
        "im=f~72~65d~40a.example@gw.example",
        "fred@a.example",
        "im=~66~72~65~64~40~61~2e~65~78~61~6d~70~6c~65@gw.example",
        // Longer than anybody must take (RFC 5321 section 4.5.3.1.1).
        "\"\\i\\m\\=\\~\\6\\6\\~\\7\\2\\~\\6\\5\\~\\6\\4\\~\\4\\0\\~\\6\\1\\~\\2\\e\\e\\x\\a\\m\\p\\l\\e\"@gw.example",
    ]
    .into_iter()
    .enumerate()
    {
        let reply = client.mail(BOB, form, &hello(nth));
        assert_eq!(reply.code, 250, "{form}: {reply:?}");
        let got = fred.expect_message();
        assert_eq!(got.attribute("destination").as_deref(), Some(FRED), "{form}");
        fred.respond(&got, "success", "");
    }
}

#[test]
fn several_recipients_have_outcomes_of_their_own() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut wilma = stage.native("im:wilma@a.example");
    let reply = stage.client().mail_to(
        "<bob@mail.example>",
        &[
            "<im=fred~40a.example@gw.example> NOTIFY=SUCCESS,FAILURE",
            "<im=wilma~40a.example@gw.example> NOTIFY=FAILURE",
            "<im=nobody~40a.example@gw.example>",
        ],
        HELLO,
    );
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    fred.respond(&got, "success", "");
    let got = wilma.expect_message();
    wilma.respond(&got, "failure", "refused: not today");
    let reports = stage.outgoing.wait(3);
    for (recipient, action) in [("fred", "delivered"), ("wilma", "failed"), ("nobody", "failed")] {
        let report = reports
            .iter()
            .find(|report| report.text.contains(&format!("Final-Recipient: rfc822; im={recipient}")));
        let report = report.unwrap_or_else(|| panic!("nothing of {recipient}: {reports:#?}"));
        assert!(report.text.contains(&format!("Action: {action}")), "{recipient}: {}", report.text);
    }
}

#[test]
fn a_recipient_twice_is_one() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let to = [FRED_MAILBOX, FRED_MAILBOX].map(|to| format!("<{to}>"));
    let mut client = stage.client();
    let reply = client.mail_to("<bob@mail.example>", &[&to[0], &to[1]], HELLO);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    fred.respond(&got, "success", "");
    assert_eq!(client.mail(BOB, FRED_MAILBOX, &hello(2)).code, 250);
    assert!(fred.expect_message().body().contains("Hello"));
    assert_eq!(stage.outgoing.taken().len(), 0);
}

#[test]
fn whoever_is_an_author_counts_and_no_more_is_claimed_than_is_known() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut client = stage.client();
    for (nth, (sender, from, source, standing)) in [
        ("bob@mail.example", "From: bob@mail.example", "bob~40mail.example", "claimed"),
        // A bounce address of the same domain: the author is of that domain, too.
        ("bounces+7@mail.example", "From: bob@mail.example", "bob~40mail.example", "claimed"),
        // Of another: whoever sent it has sent it.
        ("list@lists.example", "From: bob@mail.example", "list~40lists.example", "claimed"),
        // Two authors, and two fields, are nobody in particular.
        ("eve@mail.example", "From: bob@mail.example, carol@mail.example", "eve~40mail.example", "claimed"),
        (
            "eve@mail.example",
            "From: bob@mail.example\nFrom: carol@mail.example",
            "eve~40mail.example",
            "claimed",
        ),
        ("", "From: bob@mail.example", "bob~40mail.example", "anonymous"),
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!("{from}\nMessage-ID: <{nth}@x.example>\n\nHello\n");
        let reply = client.mail(sender, FRED_MAILBOX, &text);
        assert_eq!(reply.code, 250, "{from}: {reply:?}");
        let got = fred.expect_message();
        assert_eq!(got.attribute("source"), Some(format!("im:mailto={source}@gw.example")), "{from}");
        stands(&stage.gateway, &got, standing);
        fred.respond(&got, "success", "");
    }
    // Nobody at all cannot be answered.
    let reply = client.mail("", FRED_MAILBOX, "Subject: x\n\nHello\n");
    assert_eq!(reply.code, 550, "{reply:?}");
    // Nobody writes as the gateway itself.
    let reply = client.mail("gateway@gw.example", FRED_MAILBOX, "From: gateway@gw.example\n\nHello\n");
    assert_eq!(reply.code, 550, "{reply:?}");
}

#[test]
fn the_trace_tells_who_brought_it_and_how_well_he_is_known() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    let got = fred.expect_message();
    let id = got.parameter("id").unwrap().to_owned();
    fred.respond(&got, "success", "");
    stage.gateway.wait_answer(&format!("/v1/operations/{id}"), |status, answer| {
        status == 200
            && answer.contains("mail from 127.0.0.1: its author is as it says; nothing is checked")
            && answer.contains("claimed")
    });
}

#[test]
fn what_comes_again_after_a_lost_reply_is_known_again() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    for _ in 0..2 {
        let mut client = stage.client();
        client.must("MAIL FROM:<bob@mail.example>", 250);
        client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
        client.must("DATA", 354);
        client.write(format!("{}\r\n.\r\n", HELLO.trim_end().replace('\n', "\r\n")).as_bytes());
        // Hung up without having read the reply.
        if let Ok(got) = fred.next(std::time::Duration::from_secs(1)) {
            fred.respond(&got, "success", "");
        }
    }
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, &hello(2)).code, 250);
    let got = fred.expect_message();
    assert!(String::from_utf8_lossy(&got.content).contains("<2@mail.example>"), "{got:?}");
}

#[test]
fn a_mail_that_was_round_the_world_is_refused() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut client = stage.client();
    let received = |times: usize| {
        "Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\n".repeat(times)
    };
    let reply = client.mail(BOB, FRED_MAILBOX, &format!("{}{HELLO}", received(101)));
    assert_eq!((reply.code, reply.lines[0].starts_with("5.4.6")), (554, true), "{reply:?}");
    let reply = client.mail(BOB, FRED_MAILBOX, &format!("{}{HELLO}", received(100)));
    assert_eq!(reply.code, 250, "{reply:?}");
    fred.expect_message();
    // Hops that ran out, and an envelope that nobody has sealed.
    let reply = client.mail(BOB, FRED_MAILBOX, &format!("CPIM-Max-Forwards: 0\n{}", hello(3)));
    assert_eq!(reply.code, 554, "{reply:?}");
    assert_eq!(stage.outgoing.taken().len(), 0);
}

#[test]
fn whoever_has_an_address_beyond_ascii_writes_and_is_not_guessed_at() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let mut client = stage.client();
    let text = "From: J\u{f6}rg <j\u{f6}rg@mail.example>\nSubject: Gr\u{fc}\u{df}e\nMessage-ID: <1@mail.example>\n\nHello\n";
    let reply = client.mail_to("<j\u{f6}rg@mail.example> SMTPUTF8", &[&format!("<{FRED_MAILBOX}>")], text);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    let joerg = "im:mailto=j~c3~b6rg~40mail.example@gw.example";
    assert_eq!(got.attribute("source").as_deref(), Some(joerg));
    fred.respond(&got, "success", "");
    // The server that our mail goes by takes no such addresses, and nobody knows what else he may be called.
    fred.message("1", FRED, joerg, "Yabba");
    let answer = fred.expect_answer();
    assert!(answer.is("failure", "unsupported") && answer.text.contains("5.6.7"), "{answer:?}");
    assert_eq!(stage.outgoing.taken().len(), 0);
}

#[test]
fn whoever_cannot_say_what_he_answers_stays_in_the_conversation() {
    let stage = Stage::new();
    let (mut fred, mut wilma) = (stage.fred(), stage.native("im:wilma@a.example"));
    let thread = |mail: &crate::support::smtp::Taken| {
        ["Subject", "In-Reply-To", "References"].map(|name| mail.field(name).unwrap_or_default())
    };
    // Whoever begins has nothing to go on with.
    fred.message("0", FRED, BOB_URI, "Are you there?");
    let first = stage.outgoing.one();
    assert_eq!(thread(&first), ["", "", ""]);
    let name = first.field("Message-ID").unwrap();
    fred.message("1", FRED, BOB_URI, "Hey!");
    assert_eq!(thread(&stage.outgoing.wait(2)[1]), ["", &*name, &*name]);
    assert_eq!(stage.client().mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    let got = loop {
        let frame = fred.next(crate::support::gateway::PATIENCE).unwrap();
        if frame.element() == "message" {
            break frame;
        }
    };
    fred.respond(&got, "success", "");
    fred.message("2", FRED, BOB_URI, "Yabba, dabba!");
    let mail = stage.outgoing.wait(3).remove(2);
    assert_eq!(thread(&mail), ["Re: Hi", "<1@mail.example>", "<1@mail.example>"]);
    fred.message("3", FRED, BOB_URI, "And more");
    let more = stage.outgoing.wait(4).remove(3);
    let name = mail.field("Message-ID").unwrap();
    assert_eq!(thread(&more), ["Re: Hi", &*name, &*name]);
    // It is no business of anybody else's.
    wilma.message("4", "im:wilma@a.example", BOB_URI, "Hello");
    assert_eq!(thread(&stage.outgoing.wait(5)[4]), ["", "", ""]);
}

#[test]
fn a_domain_that_stands_for_a_network_is_in_the_addresses_both_ways() {
    let mapping = "[[mapping]]\ndomain = \"xmpp.gw.example\"\nselector = \"xmpp\"\nsuffix = \"@jabber.example\"\n\
                   [[application]]\nname = \"a bridge\"\ncovers = [\"xmpp:\"]\nsecret_file = \"bridge.secret\"\n";
    let (site, outgoing, port) = Stage::site("", mapping);
    std::fs::write(site.path("bridge.secret"), "sesame-sesame-sesame\n").unwrap();
    std::fs::set_permissions(site.path("bridge.secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let gateway = site.start();
    gateway.wait_ready();
    let alice = "im:xmpp=alice~40jabber.example@gw.example";
    let open = Open { speaks: "xmpp:", serves: "xmpp:", secret: "sesame-sesame-sesame", ..Open::default() };
    let mut bridge = Client::open(site.port, open);
    bridge.message("1", alice, BOB_URI, "Yabba");
    let mail = outgoing.one();
    assert_eq!(mail.field("From").as_deref(), Some("<alice@xmpp.gw.example>"), "{mail:?}");
    let reply = crate::support::smtp::Smtp::hello(port).mail(BOB, "alice@xmpp.gw.example", HELLO);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = loop {
        let frame = bridge.next(crate::support::gateway::PATIENCE).unwrap();
        if frame.element() == "message" {
            break frame;
        }
    };
    assert_eq!(got.attribute("destination").as_deref(), Some(alice));
}
